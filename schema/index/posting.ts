/**
 * Postings: what one entry puts into the index, as bytes that two programs write alike.
 *
 *     posting = key ‖ 00   |   key ‖ 01 ‖ claim value
 *
 * sorted by key, each key once, joined. SHA-256 of that is what the postings tree has for the entry;
 * the root of that tree stands in every index leaf, so that a list stays committed when the content
 * it came from was erased.
 *
 * Spec: docs/formats.md §Index. Vectors: test/vectors/index/encodings.json.
 *
 * @module
 */
import { join } from "../bytes.ts";
import { failure, LogError, type Result, success } from "../error.ts";
import { MAX_POSTINGS } from "../limits.ts";
import { HASH_BYTES, type Hash, leafHash, type Sha256 } from "../tlog/hash.ts";
import { hashAt } from "./map.ts";
import { compareBytes } from "./map-key.ts";

export interface Posting {
  readonly key: Hash;
  readonly claim?: Hash;
}

const WITHOUT = Uint8Array.of(0);
const WITH = Uint8Array.of(1);

/** Bytes of the longest list. */
export const MAX_POSTINGS_BYTES: number = MAX_POSTINGS * (2 * HASH_BYTES + 1);

/** Postings in their order. Throws `INTERNAL` where a key comes twice: a set is one claim. */
export function sortPostings(postings: readonly Posting[]): readonly Posting[] {
  const sorted = postings.toSorted((a, b) => compareBytes(a.key, b.key));
  for (const [i, { key }] of sorted.entries()) {
    const before = sorted[i - 1];
    if (before !== undefined && compareBytes(before.key, key) === 0)
      throw new LogError("INTERNAL", "an entry posts each key once");
  }
  return sorted;
}

/** The canonical bytes of sorted postings. */
export function encodePostings(sorted: readonly Posting[]): Uint8Array<ArrayBuffer> {
  return join(
    sorted.flatMap(({ key, claim }) => (claim === undefined ? [key, WITHOUT] : [key, WITH, claim])),
  );
}

/** Postings out of their bytes: sorted, each key once, nothing left over. */
export function parsePostings(strangersBytes: Uint8Array): Result<readonly Posting[]> {
  const malformed = failure("FIELD_INVALID", "the list of postings is malformed", {
    field: "postings",
    expected: "key ‖ 00 or key ‖ 01 ‖ claim value, sorted by key, each key once",
  });
  if (strangersBytes.length > MAX_POSTINGS_BYTES)
    return failure("TOO_LARGE", `an entry has at most ${MAX_POSTINGS} postings`, {
      field: "postings",
      limit: MAX_POSTINGS,
    });
  const postings: Posting[] = [];
  let at = 0;
  while (at < strangersBytes.length) {
    const key = hashAt(strangersBytes, at);
    const tag = strangersBytes[at + HASH_BYTES];
    const before = postings.at(-1);
    if (key === undefined || (before !== undefined && compareBytes(before.key, key) >= 0))
      return malformed;
    at += HASH_BYTES + 1;
    if (tag === 0) {
      postings.push({ key });
      continue;
    }
    const claim = tag === 1 ? hashAt(strangersBytes, at) : undefined;
    if (claim === undefined) return malformed;
    at += HASH_BYTES;
    postings.push({ key, claim });
  }
  return success(postings);
}

/** The leaf of the postings tree for an entry whose sorted postings have these bytes. */
export function postingsLeafHash(sha256: Sha256, encoded: Uint8Array): Hash {
  return leafHash(sha256, sha256(encoded));
}
