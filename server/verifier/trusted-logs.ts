/**
 * The logs whose indexes are verified here, out of a trust file: their keys, the witnesses that a
 * head must carry before its index is signed for, and where they are read.
 *
 * An index log has the keys of its log under its own name. Of the file's people, rules and index
 * verifiers nothing is needed; but the file is read whole, or refused whole.
 *
 * - A key that is a witness in the file is no index verifier here: whoever says that a log only grew must
 *   not be counted as having executed it.
 *
 * Spec: docs/formats.md §Trust file, §Index.
 *
 * @module
 */
import { indexLogOf } from "../../client/lookup/index-log.ts";
import { parseTrust, type TrustedLog } from "../../client/trust.ts";
import { equal } from "../../schema/bytes.ts";
import { failure, type Result, success } from "../../schema/error.ts";
import { GENERATIONS, type Generation, indexPrefix } from "../../schema/index/generation.ts";
import type { Sha256 } from "../../schema/tlog/hash.ts";
import type { Vkey } from "../../schema/tlog/note.ts";
import type { LogList } from "../witness/logs.ts";
import type { LogsFilePorts } from "../witness/logs-file.ts";

/** A log that is read, to execute one of its indexes. */
export type ReadableLog = TrustedLog & { readonly url: string; readonly generation: Generation };

export interface TrustedIndexes extends LogList {
  /** The log whose index log has this origin. */
  readonly indexedBy: (untrustedIndexOrigin: string) => ReadableLog | undefined;
}

/** A trust file as a list of logs. `own` are the keys of the verifier. */
export function trustFile(
  sha256: Sha256,
  own: readonly Vkey[],
  known: readonly Generation[] = GENERATIONS,
): Pick<LogsFilePorts<TrustedIndexes>, "what" | "field" | "expected" | "parse"> {
  return {
    what: "the trust file",
    field: "trust",
    expected: "a trust file with a [[log]] for each log whose index is verified",
    parse: (bytes) => parseTrustedIndexes(sha256, bytes, own, known),
  };
}

/** Fails with `TRUST_INVALID`. */
export function parseTrustedIndexes(
  sha256: Sha256,
  bytes: Uint8Array,
  own: readonly Vkey[],
  known: readonly Generation[] = GENERATIONS,
): Result<TrustedIndexes> {
  const trust = parseTrust(sha256, bytes);
  if (!trust.ok) return trust;
  const logs = new Map<string, { readonly log: ReadableLog; readonly keys: readonly Vkey[] }>();
  for (const log of trust.value.logs) {
    const { url, origin, vkeys, witnesses = [] } = log;
    const others = [...vkeys, ...witnesses.flatMap(({ policy }) => policy.witnesses.map(keyOf))];
    if (others.some(({ publicKey }) => own.some((key) => equal(key.publicKey, publicKey))))
      return failure("TRUST_INVALID", "A key of this index verifier is a log or witness there.", {
        field: origin,
        expected: "other keys: a key is never both a witness and an index verifier",
      });
    if (url === undefined)
      return failure("TRUST_INVALID", `The log ${origin} has no url, so that it cannot be read.`, {
        field: origin,
        expected: 'url = "https://…" in its [[log]]',
      });
    for (const generation of known) {
      const index = indexLogOf(sha256, log, generation, []);
      logs.set(index.origin, { log: { ...log, url, generation }, keys: index.vkeys });
    }
  }
  return success({
    size: logs.size,
    keysOf: (origin) => logs.get(origin)?.keys,
    places: Array.from(
      logs.values(),
      ({ log }) => log.url.replace(/\/+$/, "") + indexPrefix(log.generation),
    ),
    indexedBy: (origin) => logs.get(origin)?.log,
  });
}

function keyOf({ vkey }: { readonly vkey: Vkey }): Vkey {
  return vkey;
}
