/**
 * Which alert still has to go where: the outbox of a monitor, as data.
 *
 * - M3  A channel gets every alert that was taken at least once, and none again that it has
 *       confirmed: an alert leaves a channel's list by its confirmation and by nothing else.
 *
 * Each channel has a list of its own, in order, so that one that fails holds up no other. After a
 * failure it is left alone for a time that doubles, from two seconds to ten minutes. An alert that the
 * other side refuses for what it is goes to the end of the list: what comes after it is told.
 *
 * Pure: `outbox-file.ts` keeps it, `delivery.ts` acts on it.
 *
 * Spec: docs/formats.md §Outbox.
 *
 * @module
 */
import type { Alert, AlertKind, Severity } from "./alert.ts";

/** Newest alerts that are kept although every channel has them, for feeds. */
export const RECENT = 100;
/** Alerts that wait. Beyond it none is taken: it stays with the monitor, and nothing is lost. */
export const MAX_WAITING = 10_000;
const FIRST_PAUSE = 2;
const LONGEST_PAUSE = 600;

/** Where a channel stands. */
export interface Standing {
  /** Ids of the alerts that it has not confirmed, in the order in which they go. */
  readonly pending: readonly string[];
  /** Failures since it worked last. */
  readonly failures: number;
  /** Seconds since 1970; not to be tried before. */
  readonly notBefore: number;
  readonly failing?: { readonly since: number; readonly reason: string };
}

/** How many alerts of a sort there were, ever. */
export interface Count {
  readonly kind: AlertKind;
  readonly severity: Severity;
  readonly origin: string;
  readonly count: number;
  /** Seconds since 1970, of the newest. */
  readonly last: number;
}

export interface Outbox {
  /** The newest alert that was taken; number 0 where there was none. */
  readonly taken: { readonly number: number; readonly id: string };
  /** By id, in the order in which they were taken: what a channel lacks, and the newest. */
  readonly alerts: ReadonlyMap<string, Alert>;
  readonly channels: ReadonlyMap<string, Standing>;
  readonly counts: readonly Count[];
  /** Seconds since 1970: the last round, the last in which everything could be checked, the last beat. */
  readonly lastRound: number;
  readonly lastComplete: number;
  readonly lastBeat: number;
}

export const EMPTY_OUTBOX: Outbox = {
  taken: { number: 0, id: "" },
  alerts: new Map(),
  channels: new Map(),
  counts: [],
  lastRound: 0,
  lastComplete: 0,
  lastBeat: 0,
};

const WORKING: Standing = { pending: [], failures: 0, notBefore: 0 };

/** Who takes alerts, and which. */
export interface Taker {
  readonly name: string;
  readonly takes: (alert: Alert) => boolean;
}

export function standing(outbox: Outbox, name: string): Standing {
  return outbox.channels.get(name) ?? WORKING;
}

/**
 * What of a delivery is new. Numbers up to the newest that was taken were taken before; but a
 * delivery that has them without that very one is of a monitor whose state began anew, and then
 * all of it is new but what is still known here.
 */
export function newOf(
  { taken, alerts: known }: Outbox,
  alerts: readonly Alert[],
): readonly Alert[] {
  const before = alerts.filter(({ number }) => number <= taken.number);
  if (before.some(({ number, id }) => number === taken.number && id === taken.id))
    return alerts.slice(before.length);
  return alerts.filter(({ id }) => !known.has(id));
}

/** How many more it takes now. */
export function room(outbox: Outbox): number {
  return Math.max(0, MAX_WAITING - waiting(outbox).size);
}

/** With `alerts`, all of them new, on the lists of those who take them. */
export function add(outbox: Outbox, alerts: readonly Alert[], takers: readonly Taker[]): Outbox {
  const last = alerts.at(-1);
  if (last === undefined) return outbox;
  const channels = new Map(outbox.channels);
  for (const { name, takes } of takers) {
    const before = standing(outbox, name);
    const ids = alerts.filter(takes).map(({ id }) => id);
    channels.set(name, { ...before, pending: [...before.pending, ...ids] });
  }
  return pruned({
    ...outbox,
    taken: { number: last.number, id: last.id },
    alerts: new Map([...outbox.alerts, ...alerts.map((alert) => [alert.id, alert] as const)]),
    channels,
    counts: alerts.reduce(counted, outbox.counts),
  });
}

/** What a channel is to be sent now, at most `most`; nothing while it is left alone. */
export function due(outbox: Outbox, name: string, most: number, now: number): readonly Alert[] {
  const { pending } = standing(outbox, name);
  if (isLeftAlone(outbox, name, now)) return [];
  return pending.slice(0, most).flatMap((id) => outbox.alerts.get(id) ?? []);
}

/** A clock that went back leaves nobody alone for longer than the longest pause. */
export function isLeftAlone(outbox: Outbox, name: string, now: number): boolean {
  const { notBefore } = standing(outbox, name);
  return notBefore > now && notBefore - now <= LONGEST_PAUSE;
}

/** The channel works, and has these. */
export function confirmed(outbox: Outbox, name: string, alerts: readonly Alert[]): Outbox {
  const has = new Set(alerts.map(({ id }) => id));
  const pending = standing(outbox, name).pending.filter((id) => !has.has(id));
  return pruned(withStanding(outbox, name, { ...WORKING, pending }));
}

export interface Failed {
  readonly now: number;
  readonly reason: string;
  /** These were refused for what they are: others may pass. */
  readonly refused?: readonly Alert[];
  /** Seconds for which the other side wants to be left alone. */
  readonly pause?: number;
}

export function failed(outbox: Outbox, name: string, failure: Failed): Outbox {
  const { now, reason, refused = [], pause = 0 } = failure;
  const before = standing(outbox, name);
  const late = new Set(refused.map(({ id }) => id));
  const doubled = FIRST_PAUSE * 2 ** Math.min(before.failures, 30);
  return withStanding(outbox, name, {
    pending: [
      ...before.pending.filter((id) => !late.has(id)),
      ...before.pending.filter((id) => late.has(id)),
    ],
    failures: before.failures + 1,
    notBefore: now + Math.min(LONGEST_PAUSE, Math.max(doubled, pause)),
    failing: { since: before.failing?.since ?? now, reason },
  });
}

/**
 * With the channels that are configured now, and no other: a new one has what comes from now on.
 * What a channel that is gone has not confirmed is in `dropped`, to be said.
 */
export function withChannels(
  outbox: Outbox,
  names: readonly string[],
): { readonly outbox: Outbox; readonly dropped: ReadonlyMap<string, number> } {
  const gone = [...outbox.channels].filter(([name]) => !names.includes(name));
  const dropped = gone.map(([name, { pending }]) => [name, pending.length] as const);
  const channels = new Map(names.map((name) => [name, standing(outbox, name)]));
  return {
    outbox: pruned({ ...outbox, channels }),
    dropped: new Map(dropped.filter(([, count]) => count > 0)),
  };
}

/** Newest first, at most {@link RECENT}. */
export function recent({ alerts }: Outbox): readonly Alert[] {
  return [...alerts.values()].slice(-RECENT).toReversed();
}

function withStanding(outbox: Outbox, name: string, next: Standing): Outbox {
  return { ...outbox, channels: new Map(outbox.channels).set(name, next) };
}

function waiting({ channels }: Outbox): ReadonlySet<string> {
  return new Set([...channels.values()].flatMap(({ pending }) => pending));
}

function pruned(outbox: Outbox): Outbox {
  const wanted = waiting(outbox);
  const newest = new Set(recent(outbox).map(({ id }) => id));
  const alerts = new Map([...outbox.alerts].filter(([id]) => wanted.has(id) || newest.has(id)));
  return { ...outbox, alerts };
}

function counted(counts: readonly Count[], alert: Alert): Count[] {
  const { kind, severity, origin = "", firstSeen } = alert;
  const same = (one: Count): boolean => one.kind === kind && one.origin === origin;
  const { count, last } = counts.find(same) ?? { count: 0, last: 0 };
  const next = { kind, severity, origin, count: count + 1, last: Math.max(last, firstSeen) };
  return [...counts.filter((one) => !same(one)), next];
}
