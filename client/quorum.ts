/**
 * Are enough witnesses there? The arithmetic of quorums and of their times, over cosignatures
 * that are already checked.
 *
 * - N2  A head counts only with a whole quorum of distinct operators, by a policy that holds for
 *   its size; and its age is that of a whole quorum, never of single stamps.
 *
 * A policy counts operators: whatever number of lines or keys one of them has, `parsePolicy` has
 * seen to it that they are one voice. Each policy is asked by itself, for the witnesses of two
 * policies together are nobody's quorum.
 *
 * - **Existed before** is the latest stamp of a quorum, for the quorum that makes it earliest:
 *   everything under the head existed then, unless a whole quorum lied.
 * - **Age** is that of the oldest stamp of a quorum, for the quorum that makes it youngest. A stamp
 *   from the future is none, and neither is time 0, which a witness gives that states no time.
 *
 * Members of a group share no witness. So the k-th of its members' best times is the best time of
 * the group, and nothing has to be searched.
 *
 * Pure: no clock, no network, no cryptography. Spec: C2SP tlog-policy, tlog-cosignature.
 *
 * @module
 */
import type { Vkey } from "../schema/tlog/note.ts";
import {
  hasQuorum,
  operatorOf,
  type Policy,
  type PolicyMember,
  type PolicyWitness,
  quorumWitnesses,
  splitsInTwo,
} from "../schema/tlog/quorum.ts";

/** A witness policy of the trust file. */
export interface WitnessPolicy {
  readonly policy: Policy;
  /** Retired: it counts for heads of at most this size. */
  readonly until?: number;
}

/** Who must have executed an index. */
export interface IndexPolicy extends WitnessPolicy {
  /** Which index of the log, by its number; the first where it is absent. */
  readonly index?: number;
}

/** What the trust file asks of the heads of one log. */
export interface WitnessTrust {
  readonly witnesses?: readonly WitnessPolicy[];
  readonly freshSeconds?: number;
}

/** A key whose cosignature of a head was checked. */
export interface Cosigned {
  readonly key: Vkey;
  /** Seconds since 1970 of each of its lines, as it states them. */
  readonly times: readonly number[];
}

/** Who stands beside a head that meets the trust. */
export type Witnessed =
  /** The trust file asks for nobody. */
  | { readonly state: "not asked" }
  | {
      readonly state: "quorum";
      /** The operators of the quorum that was used, by the names of their keys. */
      readonly by: readonly string[];
      /**
       * Seconds since 1970: all of the quorum had seen this tree by then. Absent where too few of
       * them state a time.
       */
      readonly existedBefore?: number;
    };

/** Why a head does not meet it. */
export interface TooFew {
  readonly state: "too few";
  /** Operators of trusted keys that cosigned it. */
  readonly have: readonly string[];
  /** The quorum, in words. */
  readonly need: string;
}

/** How old a head is by its witnesses. */
export type Freshness =
  /** The trust file asks for no witness; nobody else tells the time. */
  | { readonly state: "not asked" }
  | { readonly state: "fresh"; readonly seenAt: number; readonly boundSeconds: number }
  | {
      readonly state: "too old";
      /** When a whole quorum had last seen it; absent where no quorum states a time that is past. */
      readonly seenAt?: number;
      readonly boundSeconds: number;
    };

/** How old the newest head of a log may be, in seconds, where the trust file names no other bound. */
export const FRESH_SECONDS = 86_400;
/** How far a witness's clock may be before ours, in seconds. A stamp beyond it is none. */
export const CLOCK_TOLERANCE_SECONDS = 300;

/** When everything under a head existed, by its witnesses. */
export function existedBeforeOf(witnessed: Witnessed): number | undefined {
  return witnessed.state === "quorum" ? witnessed.existedBefore : undefined;
}

/** Whether a head of this size has the witnesses that the trust file asks for. */
export function countWitnesses(
  { witnesses = [] }: WitnessTrust,
  size: number,
  cosigned: readonly Cosigned[],
): Witnessed | TooFew {
  if (witnesses.length === 0) return { state: "not asked" };
  const current = policiesFor(witnesses, size);
  const met = current.filter((policy) =>
    hasQuorum(policy, (witness) => timesOf(cosigned, witness) !== undefined),
  );
  const [best] = met
    .map((policy) => bestQuorum(policy, (witness) => earliest(timesOf(cosigned, witness))))
    .toSorted((a, b) => compare(a.time, b.time));
  if (best === undefined) {
    const asked = current.flatMap(quorumWitnesses);
    const there = asked.filter((witness) => timesOf(cosigned, witness) !== undefined);
    return { state: "too few", have: operators(there), need: needed(current, size) };
  }
  const by = operators(best.used);
  return Number.isFinite(best.time)
    ? { state: "quorum", by, existedBefore: best.time }
    : { state: "quorum", by };
}

/**
 * Whether a head was seen by a whole quorum within the bound.
 *
 * @param now seconds since 1970, by a clock of the caller.
 */
export function freshness(
  { witnesses = [], freshSeconds: boundSeconds = FRESH_SECONDS }: WitnessTrust,
  size: number,
  cosigned: readonly Cosigned[],
  now: number,
): Freshness {
  if (witnesses.length === 0) return { state: "not asked" };
  const latestFirst = (witness: PolicyWitness): number | undefined => {
    const times = timesOf(cosigned, witness);
    const past = times?.filter((time) => time > 0 && time <= now + CLOCK_TOLERANCE_SECONDS);
    return times === undefined ? undefined : -Math.max(0, ...(past ?? []));
  };
  const [best] = policiesFor(witnesses, size)
    .map((policy) => -bestQuorum(policy, latestFirst).time)
    .filter((time) => Number.isFinite(time) && time > 0)
    .toSorted((a, b) => b - a);
  if (best === undefined) return { state: "too old", boundSeconds };
  const state = now - best <= boundSeconds ? "fresh" : "too old";
  return { state, seenAt: best, boundSeconds };
}

/**
 * Whether a whole quorum of each policy that counts for `size` entries states a time of at least
 * `since`. Never where no policy counts, or where two quorums of one may have nobody in common:
 * then what one quorum has seen says nothing about the others.
 */
export function seenSince(
  { witnesses = [] }: WitnessTrust,
  size: number,
  cosigned: readonly Cosigned[],
  since: number,
): boolean {
  const policies = policiesFor(witnesses, size);
  const has = (witness: PolicyWitness): boolean =>
    timesOf(cosigned, witness)?.some((time) => time >= since) === true;
  return (
    policies.length > 0 &&
    policies.every((policy) => !splitsInTwo(policy) && hasQuorum(policy, has))
  );
}

/** A quorum in words: `2 of (a.example, b.example, c.example)`. Keys of one operator are one name. */
export function quorumText(member: PolicyMember): string {
  if (member.kind === "witness") return member.vkey.name;
  const operator = operatorOf(member);
  if (operator !== undefined && member.threshold === 1) return operator;
  return `${member.threshold} of (${member.members.map(quorumText).join(", ")})`;
}

/** The keys of every policy, each once: those that a head's lines are checked with. */
export function witnessKeys({ witnesses = [] }: WitnessTrust): readonly Vkey[] {
  const keys = new Map<string, Vkey>();
  for (const { policy } of witnesses)
    for (const { vkey, vkeyText } of policy.witnesses) keys.set(vkeyText, vkey);
  return [...keys.values()];
}

interface Quorum {
  /** The greatest of the times of the witnesses used; `Infinity` where one has none. */
  readonly time: number;
  readonly used: readonly PolicyWitness[];
}

/**
 * The quorum whose greatest time is least, among the witnesses for which `timeOf` answers. A
 * member that is not satisfied has the time `Infinity` and nobody.
 */
function bestQuorum(
  { quorum }: Policy,
  timeOf: (witness: PolicyWitness) => number | undefined,
): Quorum {
  const nobody = { time: Number.POSITIVE_INFINITY, used: [] };
  const best = (member: PolicyMember): Quorum => {
    if (member.kind === "witness") {
      const time = timeOf(member);
      return time === undefined ? nobody : { time, used: [member] };
    }
    // Those that are satisfied without a time stand behind those with one, and before the others.
    const members = member.members
      .map(best)
      .filter(({ used }) => used.length > 0)
      .toSorted((a, b) => compare(a.time, b.time))
      .slice(0, member.threshold);
    if (members.length < member.threshold) return nobody;
    const time = Math.max(...members.map((one) => one.time));
    return { time, used: members.flatMap(({ used }) => used) };
  };
  return quorum === undefined ? nobody : best(quorum);
}

/** Not by subtraction: `Infinity - Infinity` is no number. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function policiesFor(witnesses: readonly WitnessPolicy[], size: number): Policy[] {
  return witnesses
    .filter(({ until }) => until === undefined || size <= until)
    .map(({ policy }) => policy);
}

function needed(current: readonly Policy[], size: number): string {
  const all = current.flatMap(({ quorum }) => (quorum === undefined ? [] : [quorumText(quorum)]));
  return all.length === 0 ? `a policy that holds for ${size} entries` : all.join(", or ");
}

/** The times of one witness; `undefined` where it has not cosigned. */
function timesOf(cosigned: readonly Cosigned[], { vkey }: PolicyWitness): number[] | undefined {
  const lines = cosigned.filter(({ key }) => sameKey(key, vkey));
  return lines.length === 0 ? undefined : lines.flatMap(({ times }) => times);
}

/** The first time that a witness states; `Infinity` where it states none. */
function earliest(times: readonly number[] | undefined): number | undefined {
  if (times === undefined) return undefined;
  return Math.min(Number.POSITIVE_INFINITY, ...times.filter((time) => time > 0));
}

function sameKey(a: Vkey, b: Vkey): boolean {
  return (
    a.type === b.type &&
    a.name === b.name &&
    a.publicKey.length === b.publicKey.length &&
    a.publicKey.every((byte, i) => byte === b.publicKey[i])
  );
}

function operators(witnesses: readonly PolicyWitness[]): readonly string[] {
  return [...new Set(witnesses.map(({ vkey }) => vkey.name))];
}
