/**
 * Where the indexes of a log end, by the log's own statements, out of a look-up of everything that
 * its key has signed. The index that goes on proves that none is left out.
 *
 * A log contradicts itself by two statements about one index that differ, and by one that ends an
 * index below a head that it has signed. Then nothing is to be believed of that index.
 *
 * Spec: docs/formats.md §The end of an index.
 *
 * @module
 */
import { parseLeaf } from "../../schema/entry/leaf.ts";
import { OwnStatements } from "../../schema/entry/own-statements.ts";
import { failure, type Result, success } from "../../schema/error.ts";
import { type Generation, indexOrigin } from "../../schema/index/generation.ts";
import { type EndOfIndex, type StatedEnd, sameEnd } from "../../schema/index/index-end.ts";
import type { LookupEntry, LookupKey } from "../../schema/index/lookup.ts";
import type { Sha256 } from "../../schema/tlog/hash.ts";
import type { Crypto } from "../crypto/crypto.ts";
import type { Memory } from "../memory.ts";
import { verifyEntrySignature } from "../signature/registry.ts";
import type { TrustedLog } from "../trust.ts";
import { indexLogOf } from "./index-log.ts";
import type { LookupYes } from "./verdict.ts";

/** The keys under which the log's own statements are. Ask for their entries too. */
export function ownKeys(sha256: Sha256, { vkeyTexts }: TrustedLog): LookupKey[] {
  const { signers } = new OwnStatements(sha256, vkeyTexts);
  return signers.map((signer) => ({ type: "signer", fields: [signer] }));
}

export interface EndsPorts {
  readonly crypto: Crypto;
  readonly log: TrustedLog;
  /** Heads of index logs that were seen. */
  readonly memory: Memory;
}

/**
 * What the log says in a proved answer about the ends of these indexes, the first statement of each.
 *
 * @returns `LOG_MISBEHAVED` where it contradicts itself, `NOT_FOUND` where the answer has not all
 *   statements of the log
 */
export async function readIndexEnds(
  ports: EndsPorts,
  known: readonly Generation[],
  answer: LookupYes,
): Promise<Result<readonly StatedEnd[]>> {
  const { crypto, log } = ports;
  const listed = answer.found.flatMap((one) => (one.kind === "absent" ? [] : (one.list ?? [])));
  const entries = answer.entries.filter(({ index }) => listed.some((one) => one.index === index));
  if (answer.found.some((one) => one.kind === "present" && one.list?.length !== one.summary.n))
    return failure("NOT_FOUND", "The answer does not show all statements of the log.");
  const ends: StatedEnd[] = [];
  for (const entry of entries) {
    const end = await endIn(ports, entry);
    if (end === undefined) continue;
    const before = ends.find(({ indexOrigin: origin }) => origin === end.indexOrigin);
    if (before === undefined) ends.push(end);
    else if (!sameEnd(before, end))
      return misbehaved(
        `entries ${before.statement} and ${end.statement} end ${end.indexOrigin} in two ways`,
      );
  }
  for (const generation of known) {
    const end = ends.find((one) => one.indexOrigin === indexOrigin(log.origin, generation));
    const { vkeyTexts } = indexLogOf(crypto.sha256, log, generation, []);
    const seen = end && (await ports.memory.load(vkeyTexts));
    if (end !== undefined && seen !== undefined && seen.size > end.leaves)
      return misbehaved(
        `entry ${end.statement} ends ${end.indexOrigin} with ${end.leaves} leaves, and the log has signed a head of ${seen.size}`,
      );
  }
  return success(ends);
}

/** The log, with what is known of the ends of its indexes. */
export function withEnds(log: TrustedLog, indexEnds: readonly EndOfIndex[]): TrustedLog {
  return { ...log, indexEnds };
}

/** L1, with the signature: an index only says who signed. */
async function endIn(
  { crypto, log }: EndsPorts,
  { index, leaf, content }: LookupEntry,
): Promise<StatedEnd | undefined> {
  const parsed = parseLeaf(leaf);
  if (!parsed.ok || content === undefined) return undefined;
  const end = new OwnStatements(crypto.sha256, log.vkeyTexts).indexEnd(parsed.value, content);
  if (end === undefined) return undefined;
  const signature = await verifyEntrySignature(crypto, parsed.value, content);
  return signature.ok ? { ...end, statement: index } : undefined;
}

function misbehaved(what: string): Result<never> {
  return failure("LOG_MISBEHAVED", `The log contradicts itself: ${what}.`, { field: "index-end" });
}
