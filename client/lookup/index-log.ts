/**
 * The index log of a trusted log: the same keys under the index's name, and the verifiers that
 * must have executed it.
 *
 * Nothing of it is taken from a server: who trusts a log's keys trusts them under both names, and
 * index verifiers come from the trust file, apart from witnesses.
 *
 * Spec: docs/formats.md §Index.
 *
 * @module
 */
import { type Generation, INDEX_V1, indexOrigin } from "../../schema/index/generation.ts";
import type { EndOfIndex } from "../../schema/index/index-end.ts";
import type { Sha256 } from "../../schema/tlog/hash.ts";
import { formatVkey, makeVkey } from "../../schema/tlog/note.ts";
import type { Source } from "../fetch.ts";
import type { ReadPorts } from "../log.ts";
import type { WitnessPolicy } from "../quorum.ts";
import type { TrustedLog } from "../trust.ts";

/** A log that is read, and which of its indexes. */
export interface IndexReadPorts extends ReadPorts {
  readonly generation: Generation;
}

/** The index log, as a log that heads can be opened under. */
export function indexLogOf(
  sha256: Sha256,
  log: TrustedLog,
  generation: Generation,
  verifiers: readonly WitnessPolicy[],
): TrustedLog {
  const origin = indexOrigin(log.origin, generation);
  const vkeys = log.vkeys.map(({ type, publicKey }) => makeVkey(sha256, origin, type, publicKey));
  return {
    origin,
    vkeys,
    vkeyTexts: log.vkeys.map(({ type, publicKey }) => formatVkey(sha256, origin, type, publicKey)),
    ...(verifiers.length === 0 ? {} : { witnesses: verifiers }),
  };
}

/** Who must have executed one of the indexes of a log. */
export function verifiersOf(
  { index = [] }: Pick<TrustedLog, "index">,
  { number }: Generation,
): readonly WitnessPolicy[] {
  return index.filter((policy) => (policy.index ?? INDEX_V1.number) === number);
}

/** Where an index ends, by the trust file; `undefined` for one that goes on. */
export function endOf(log: TrustedLog, generation: Generation): EndOfIndex | undefined {
  const origin = indexOrigin(log.origin, generation);
  return log.indexEnds?.find(({ indexOrigin: of }) => of === origin);
}

/** What stands below a path of a log, as a source of its own. */
export function below(source: Source, prefix: string): Source {
  return {
    url: source.url,
    get: async (path, maxBytes) => source.get(`${prefix}/${path.replace(/^\//, "")}`, maxBytes),
  };
}
