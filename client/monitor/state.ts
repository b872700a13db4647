/**
 * What a monitor remembers from round to round, in one file.
 *
 * - M2  No finding is lost or told twice: what a round has seen, and what it has to tell of it, are
 *       written in one rename; an alert leaves the file only after its sink has it, and it keeps its
 *       number and its id for ever.
 *
 * Killed before the rename, a monitor has seen nothing, and finds it again. Killed after it, the
 * alerts stand in the file and are delivered again, under the numbers that they have. What is found
 * in every round (a fork stays one) is told once, because its id stands in the file.
 *
 * Spec: docs/formats.md §Monitor.
 *
 * @module
 */
import { type Fields, required } from "../../schema/fields.ts";
import type { Sha256 } from "../../schema/tlog/hash.ts";
import { printable } from "../printable.ts";
import { type Alert, type Finding, makeFinding, readAlert } from "./alert.ts";
import { type Condition, type Found, LOOKUPS } from "./findings.ts";
import { type Form, OwnedFile } from "./owned-file.ts";

/** What was known of a key of the map: its record, and its list. */
export interface Known {
  readonly n: number;
  /** Root over the list, hex. */
  readonly root: string;
  /** Absent where the list is too long to be asked for. */
  readonly indexes?: readonly number[];
  /** Of such a list: entries that this is known for. */
  readonly upTo?: number;
}

/** How far somebody has come who reads a whole log. */
export interface FullState {
  /** Entries that were checked. */
  readonly entries: number;
  /** The index up to where it was executed (`schema/index/index-state.ts`), base64. */
  readonly index?: string;
}

/** What is remembered of one log. */
export interface LogState {
  /** The index as it was when its look-ups were last complete. */
  readonly index?: { readonly size: number; readonly root: string; readonly entries: number };
  /** The oldest head that was seen and is not indexed yet, and since when. */
  readonly waiting?: { readonly size: number; readonly since: number };
  /** By witness: seconds since 1970 when it was last there, or when it was first missed. */
  readonly witnesses: ReadonlyMap<string, number>;
  /** By map key, hex. */
  readonly known: ReadonlyMap<string, Known>;
  /** The feed of conflicts was read up to here. */
  readonly conflicts: number;
  readonly full?: FullState;
  /** Look-ups that came to their end: whose turn it is among the names that take turns. */
  readonly turn: number;
  /** Ids of entries that were told by look-ups which did not come to their end. */
  readonly partly: ReadonlySet<string>;
}

const EMPTY_LOG: LogState = {
  witnesses: new Map(),
  known: new Map(),
  conflicts: 0,
  turn: 0,
  partly: new Set(),
};

/** A condition that was told and has not ended. */
interface Open {
  readonly id: string;
  readonly area: string;
  readonly origin: string;
  readonly kind: string;
  readonly subject: string;
  readonly since: number;
}

interface State {
  /** Number of the next alert. */
  readonly next: number;
  /** Alerts that the sink may not have yet. */
  readonly pending: readonly Alert[];
  /** Ids of what would be found again in every round. */
  readonly told: ReadonlySet<string>;
  readonly open: ReadonlyMap<string, Open>;
  readonly logs: ReadonlyMap<string, LogState>;
}

const STATE: Form<State> = {
  what: "monitor's state",
  mediaType: "application/vnd.countersign.monitor+json;version=1",
  lost: "all that is watched is then new",
  fields: ["next", "pending", "told", "open", "logs"],
  empty: { next: 1, pending: [], told: new Set(), open: new Map(), logs: new Map() },
  read: readState,
  write: writeState,
};

/** Findings that are found once, by the step of the state that brings them. */
const ONCE: ReadonlySet<string> = new Set(["statement", "opaque"]);

export class StateFile {
  readonly #file: OwnedFile<State>;
  readonly #sha256: Sha256;

  private constructor(file: OwnedFile<State>, sha256: Sha256) {
    this.#file = file;
    this.#sha256 = sha256;
  }

  /** Throws `FILE_UNREADABLE` where it cannot be read, understood or written. */
  static async open(path: string, sha256: Sha256): Promise<StateFile> {
    return new StateFile(await OwnedFile.open(STATE, path), sha256);
  }

  get #state(): State {
    return this.#file.value;
  }

  log(origin: string): LogState {
    return this.#state.logs.get(origin) ?? EMPTY_LOG;
  }

  get pending(): readonly Alert[] {
    return this.#state.pending;
  }

  /** Conditions that hold, of all logs. */
  get open(): readonly Open[] {
    return [...this.#state.open.values()];
  }

  /**
   * Write what a round has seen of a log together with its alerts. Of the monitor itself, whose
   * origin is "", there is nothing to remember but its conditions.
   *
   * @returns the new alerts
   */
  async advance(
    origin: string,
    next: LogState | undefined,
    found: Omit<Found, "misbehaved">,
    now: number,
  ): Promise<readonly Alert[]> {
    const state = this.#state;
    const told = new Set(state.told);
    const partly = new Set(this.log(origin).partly);
    const news: Finding[] = [];
    for (const finding of found.findings) {
      if (told.has(finding.id) || partly.has(finding.id)) continue;
      (ONCE.has(finding.kind) ? partly : told).add(finding.id);
      news.push(finding);
    }
    const { open, changes } = this.#holdConditions(origin, found, now);
    const alerts = [...news, ...changes].map((finding, i) => ({
      ...finding,
      number: state.next + i,
      firstSeen: now,
    }));
    await this.#file.write({
      ...state,
      next: state.next + alerts.length,
      pending: [...state.pending, ...alerts],
      told,
      open,
      logs:
        next === undefined
          ? state.logs
          : new Map(state.logs).set(origin, {
              ...next,
              // Look-ups that came to their end are behind their entries for good.
              partly: found.checked.has(LOOKUPS) ? new Set() : partly,
            }),
    });
    return alerts;
  }

  /** The sink has all that was pending. */
  async delivered(): Promise<void> {
    if (this.#state.pending.length > 0) await this.#file.write({ ...this.#state, pending: [] });
  }

  #holdConditions(
    origin: string,
    found: Omit<Found, "misbehaved">,
    now: number,
  ): { readonly open: ReadonlyMap<string, Open>; readonly changes: readonly Finding[] } {
    const open = new Map(this.#state.open);
    const changes: Finding[] = [];
    const holds = new Set<string>();
    for (const condition of found.conditions) {
      holds.add(condition.id);
      if (open.has(condition.id)) continue;
      open.set(condition.id, openOf(origin, condition, now));
      const { told } = condition;
      changes.push(makeFinding(this.#sha256, { ...told, about: [...told.about, now] }));
    }
    for (const one of this.#state.open.values()) {
      const isOver =
        found.checked.has(one.area) || found.settled.some((start) => one.area.startsWith(start));
      if (one.origin !== origin || holds.has(one.id) || !isOver) continue;
      open.delete(one.id);
      changes.push(makeFinding(this.#sha256, endOf(one)));
    }
    return { open, changes };
  }
}

function openOf(origin: string, { area, id, told }: Condition, since: number): Open {
  return { id, area, origin, kind: told.kind, subject: printable(told.subject), since };
}

function endOf({ id, origin, kind, subject, since }: Open): Parameters<typeof makeFinding>[1] {
  return {
    kind: "ended",
    ...(origin === "" ? {} : { origin }),
    subject,
    message: `is over: ${kind}`,
    about: [id, since],
    seen: { kind, since },
  };
}

function readState(root: Fields): State {
  const open = root.objects("open").map(readOpen);
  const logs = root.objects("logs").map((log) => [log.string("origin"), readLog(log)] as const);
  return {
    next: root.integer("next", { min: 1 }),
    pending: root.array("pending").map((one, i) => required(readAlert(one, `pending[${i}]`))),
    told: new Set(root.strings("told")),
    open: new Map(open.map((one) => [one.id, one])),
    logs: new Map(logs),
  };
}

function readOpen(fields: Fields): Open {
  fields.only("id", "area", "origin", "kind", "subject", "since");
  const text = (name: string): string => fields.string(name);
  return {
    id: text("id"),
    area: text("area"),
    origin: text("origin"),
    kind: text("kind"),
    subject: text("subject"),
    since: fields.integer("since"),
  };
}

function readLog(log: Fields): LogState {
  log.only(
    "origin",
    "index",
    "waiting",
    "witnesses",
    "known",
    "conflicts",
    "turn",
    "partly",
    "full",
  );
  const index = log.optional("index", (name) => {
    const at = log.object(name);
    return {
      size: at.integer("size"),
      root: at.string("root"),
      entries: at.integer("entries"),
    };
  });
  const waiting = log.optional("waiting", (name) => {
    const head = log.object(name);
    return { size: head.integer("size"), since: head.integer("since") };
  });
  const full = log.optional("full", (name) => readFull(log.object(name)));
  const witnesses = log.object("witnesses");
  const known = log.object("known");
  return {
    ...(index === undefined ? {} : { index }),
    ...(waiting === undefined ? {} : { waiting }),
    witnesses: new Map(Object.keys(witnesses.raw).map((key) => [key, witnesses.integer(key)])),
    known: new Map(Object.keys(known.raw).map((key) => [key, readKnown(known.object(key))])),
    conflicts: log.integer("conflicts"),
    turn: log.integer("turn"),
    partly: new Set(log.strings("partly")),
    ...(full === undefined ? {} : { full }),
  };
}

function readFull(full: Fields): FullState {
  full.only("entries", "index");
  const index = full.optional("index", (name) => full.string(name));
  return { entries: full.integer("entries"), ...(index === undefined ? {} : { index }) };
}

function readKnown(known: Fields): Known {
  known.only("n", "root", "indexes", "upTo");
  const upTo = known.optional("upTo", (name) => known.integer(name));
  const indexes = known.optional("indexes", (name) =>
    known.array(name).map((at) => (typeof at === "number" ? at : known.refuse(name, "numbers"))),
  );
  return {
    n: known.integer("n"),
    root: known.string("root"),
    ...(indexes === undefined ? {} : { indexes }),
    ...(upTo === undefined ? {} : { upTo }),
  };
}

function writeState({ next, pending, told, open, logs }: State): Readonly<Record<string, unknown>> {
  return {
    next,
    pending,
    told: [...told],
    open: [...open.values()],
    logs: Array.from(logs, ([origin, { witnesses, known, partly, ...log }]) => ({
      origin,
      ...log,
      partly: [...partly],
      witnesses: Object.fromEntries(witnesses),
      known: Object.fromEntries(known),
    })),
  };
}
