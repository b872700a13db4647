/**
 * Leaves of an index, executed by one process: what came out, and in which state it began and ended.
 *
 * The states are named by the SHA-256 of their one form. Two ranges join where the one ends in the state
 * in which the other began; so a history is checked by as many machines as one likes.
 *
 * @module
 */
import { equal, toHex } from "../../schema/bytes.ts";
import { formatIndexState } from "../../schema/index/index-state.ts";
import type { IndexState } from "../../schema/index/re-execute.ts";
import type { SignedHead } from "../head.ts";
import type { IndexedLogPorts } from "../lookup/ask.ts";
import { convictLeaf } from "../lookup/convict.ts";
import { committedLeaves, unannounced } from "../lookup/erased.ts";
import { followIndex } from "../lookup/follow-index.ts";
import { verifiersOf } from "../lookup/index-log.ts";
import { stateBehind } from "../lookup/index-start.ts";
import type { LogPorts } from "../update.ts";
import { saveEvidence } from "./evidence-file.ts";
import type { Io } from "./io.ts";

/** The leaves from `from` up to, not including, `to`. */
export interface LeafRange {
  readonly from: number;
  readonly to: number;
}

export interface AcceptedRange extends LeafRange {
  readonly verdict: "accepted";
  /** Entries of the log under the last of them. */
  readonly entries: number;
  readonly erased: readonly number[];
  readonly before: string;
  readonly after: string;
}

export interface RefusedRange {
  readonly verdict: "refused";
  readonly code: string;
  readonly reason: string;
  /** Path of a file. */
  readonly evidence?: string | undefined;
}

export type RangeResult = AcceptedRange | RefusedRange;

export async function executeRange(
  io: Io,
  ports: IndexedLogPorts,
  head: SignedHead,
  { from, to }: LeafRange,
): Promise<RangeResult> {
  const { tree } = head;
  let state = await stateBehind(ports, head, from);
  const before = nameOf(ports, state);
  const erased: number[] = [];
  // Where index verifiers are asked for, only they vouch for what an erased content posted.
  const asked = verifiersOf(ports.log, ports.generation).length > 0;
  const committed = asked ? { committed: async () => committedLeaves(ports) } : {};
  for await (const followed of followIndex({ ...ports, ...committed }, state, to)) {
    if (followed.state === "accepted") {
      state = followed.next;
      erased.push(...followed.taken);
      for (const index of followed.taken)
        io.stderr.write(
          `entry ${index} was erased: its postings are the log's, under leaf ${followed.leaf}\n`,
        );
      continue;
    }
    const { leaf, reason } = followed;
    const proof = await convictLeaf(ports, head, leaf);
    const evidence = proof === undefined ? undefined : await saveEvidence(io, undefined, proof);
    return refused(reason.code, `leaf ${leaf}: ${reason.message}`, evidence);
  }
  if (to === tree.size && !equal(state.index.root(), tree.root))
    return refused("LOG_MISBEHAVED", "its signed head is not the root over its leaves");
  const lost = await unannounced(ports, erased);
  if (lost.length > 0) return refused("CONTENT_ERASED", lostText(lost));
  const entries = state.leaf.main.size;
  return { verdict: "accepted", from, to, entries, erased, before, after: nameOf(ports, state) };
}

/** Ranges one behind the other, in order, as one. */
export function joinRanges(parts: readonly RangeResult[]): RangeResult {
  let joined: RangeResult | undefined;
  for (const part of parts) {
    if (part.verdict === "refused") return part;
    if (joined === undefined || joined.verdict === "refused") joined = part;
    else if (joined.to !== part.from || joined.after !== part.before)
      return refused(
        "LOG_MISBEHAVED",
        `leaf ${part.from - 1}: the leaves before it do not end in the state that it names`,
      );
    else
      joined = {
        ...part,
        from: joined.from,
        before: joined.before,
        erased: [...joined.erased, ...part.erased],
      };
  }
  return joined ?? refused("LOG_MISBEHAVED", "there is nothing to execute");
}

/** At most `jobs` ranges of about the same number of leaves. */
export function splitRange({ from, to }: LeafRange, jobs: number): readonly LeafRange[] {
  const count = Math.max(1, Math.min(jobs, to - from));
  const at = (i: number): number => from + Math.floor(((to - from) * i) / count);
  return Array.from({ length: count }, (_, i) => ({ from: at(i), to: at(i + 1) }));
}

function nameOf({ crypto }: LogPorts, state: IndexState): string {
  return toHex(crypto.sha256(formatIndexState(state)));
}

function refused(code: string, reason: string, evidence?: string): RefusedRange {
  return { verdict: "refused", code, reason, ...(evidence === undefined ? {} : { evidence }) };
}

function lostText(entries: readonly number[]): string {
  return `entry ${entries.join(", ")}: called erased, and no statement of the log says so`;
}
