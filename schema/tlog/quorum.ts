/**
 * Quorums: which cosignatures are enough for a policy, and how far that protects.
 *
 * Beyond the specification two things can be asked of a policy, because a quorum protects from a
 * split view only so far:
 *
 * - every two quorums share a witness (`splitsInTwo`), else a log can show two histories, each
 *   with a quorum of its own;
 * - the keys of one operator (one name before the `+` of their verifier keys) count once: they
 *   form one group of threshold 1 (`countedTwice`).
 *
 * Spec: C2SP tlog-policy, whose text is read in tlog-policy.ts.
 *
 * @module
 */
import type { Vkey } from "./note.ts";

export interface PolicyLog {
  readonly vkey: Vkey;
  readonly vkeyText: string;
  /** Where it is reached; never a reason for trust. */
  readonly url?: string;
}

export interface PolicyWitness {
  readonly kind: "witness";
  /** Its name in the file, with no meaning outside of it. */
  readonly name: string;
  readonly vkey: Vkey;
  readonly vkeyText: string;
  /** Submission prefix (C2SP tlog-witness). */
  readonly url?: string;
}

export interface PolicyGroup {
  readonly kind: "group";
  readonly name: string;
  /** Members that must have witnessed: 1 to their number. */
  readonly threshold: number;
  readonly members: readonly PolicyMember[];
}

export type PolicyMember = PolicyWitness | PolicyGroup;

export interface Policy {
  readonly logs: readonly PolicyLog[];
  /** Every witness of the file, also those that the quorum does not use. */
  readonly witnesses: readonly PolicyWitness[];
  readonly groups: readonly PolicyGroup[];
  /** What must have witnessed a checkpoint; `undefined` for `quorum none`. */
  readonly quorum: PolicyMember | undefined;
}

/** Whether witnesses that `has` cosigned are a quorum of the policy. */
export function hasQuorum(policy: Policy, has: (witness: PolicyWitness) => boolean): boolean {
  return policy.quorum === undefined || satisfied(policy.quorum, has);
}

/** Whether a member of the policy is satisfied by the witnesses for which `has` is true. */
export function satisfied(member: PolicyMember, has: (witness: PolicyWitness) => boolean): boolean {
  if (member.kind === "witness") return has(member);
  let count = 0;
  for (const one of member.members) if (satisfied(one, has)) count++;
  return count >= member.threshold;
}

/**
 * Whether two quorums can exist that share no operator: then a log can have a head of each of two
 * histories cosigned. So it is for `quorum none`.
 *
 * Members of a group share no witness. So each member can serve both sides, or either one of them;
 * with c of n members serving both, two sides of k members each can be had while 2k ≤ n + c.
 */
export function splitsInTwo({ quorum }: Pick<Policy, "quorum">): boolean {
  return quorum === undefined || servesBoth(quorum);
}

function servesBoth(member: PolicyMember): boolean {
  if (member.kind === "witness") return false;
  // Keys of one operator are one witness to us: it will not split against itself unseen.
  if (operatorOf(member) !== undefined) return false;
  const both = member.members.filter(servesBoth).length;
  return 2 * member.threshold <= member.members.length + both;
}

/** The witnesses that the quorum consists of: those whose cosignatures can count. */
export function quorumWitnesses({ quorum }: Pick<Policy, "quorum">): readonly PolicyWitness[] {
  return quorum === undefined ? [] : witnessesOf(quorum);
}

/** The witnesses of a member, in the order of the file's groups. */
export function witnessesOf(member: PolicyMember): readonly PolicyWitness[] {
  return member.kind === "witness" ? [member] : member.members.flatMap(witnessesOf);
}

/** The one operator all of whose keys a member has, by the names of their verifier keys. */
export function operatorOf(member: PolicyMember): string | undefined {
  const [first, ...more] = witnessesOf(member).map(({ vkey }) => vkey.name);
  return more.every((name) => name === first) ? first : undefined;
}

/** An operator whose keys stand in more than one place, or in a group that counts them. */
export function countedTwice(quorum: PolicyMember): string | undefined {
  const names = witnessesOf(quorum).map(({ vkey }) => vkey.name);
  const repeated = new Set(names.filter((name, i) => names.indexOf(name) !== i));
  for (const name of repeated) if (!isOneVoice(quorum, name)) return name;
  return undefined;
}

/** Whether all keys of an operator stand in one group of threshold 1 that has no others. */
function isOneVoice(member: PolicyMember, operator: string): boolean {
  if (member.kind === "witness") return true;
  if (operatorOf(member) === operator) return member.threshold === 1;
  const holders = member.members.filter((one) =>
    witnessesOf(one).some(({ vkey }) => vkey.name === operator),
  );
  const [holder, ...more] = holders;
  return holder === undefined || (more.length === 0 && isOneVoice(holder, operator));
}
