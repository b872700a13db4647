/**
 * What an index verifier keeps between two leaves, as bytes:
 *
 *     "countersign-index-state/v1\n"
 *     u32be length ‖ the newest accepted leaf of the index log
 *     u64be leaves of the index log ‖ its right edge
 *     right edge of the main log ‖ right edge of the postings tree, of the size that the leaf names
 *
 * A few kilobytes, whatever the size of the log. There is one form only; whether a state is the right
 * one is known to whoever made it, and to nobody else.
 *
 * Spec: docs/formats.md §Index. What is done with it: re-execute.ts.
 *
 * @module
 */
import { concat, equal, utf8 } from "../bytes.ts";
import { type Failure, failure, type Result, success } from "../error.ts";
import { HASH_BYTES, type Hash, type Sha256 } from "../tlog/hash.ts";
import { sizeFromBytes, sizeToBytes } from "../tlog/size.ts";
import { CompactRange, rangeNodes } from "../tlog/tree.ts";
import { encodeIndexLeaf, parseIndexLeaf } from "./index-leaf.ts";
import { hashAt } from "./map.ts";
import type { IndexState } from "./re-execute.ts";

const HEADER = utf8("countersign-index-state/v1\n");
/** A leaf, and three right edges of the largest trees. */
const MAX_INDEX_STATE_BYTES = 8_192;

export function formatIndexState(state: IndexState): Uint8Array<ArrayBuffer> {
  const leaf = encodeIndexLeaf(state.leaf);
  return concat(
    HEADER,
    sizeToBytes(leaf.length).slice(4),
    leaf,
    sizeToBytes(state.index.size),
    ...state.index.hashes,
    ...state.main.hashes,
    ...state.postings.hashes,
  );
}

export function parseIndexState(sha256: Sha256, bytes: Uint8Array): Result<IndexState> {
  const at = HEADER.length;
  if (bytes.length > MAX_INDEX_STATE_BYTES || !equal(bytes.subarray(0, at), HEADER))
    return malformed();
  const length = sizeFromBytes(concat(new Uint8Array(4), bytes.subarray(at, at + 4)));
  const end = at + 4 + (length ?? 0);
  const size = sizeFromBytes(bytes.subarray(end, end + 8));
  const leaf = parseIndexLeaf(bytes.subarray(at + 4, end));
  if (!leaf.ok || size === undefined || size === 0) return malformed();
  const hashes = hashesOf(bytes.subarray(end + 8));
  const { size: entries } = leaf.value.main;
  const [forIndex, forMain] = [rangeNodes(0, size).length, rangeNodes(0, entries).length];
  if (hashes?.length !== forIndex + 2 * forMain) return malformed();
  const [main, postings] = [forIndex, forIndex + forMain].map((from) =>
    CompactRange.from(sha256, entries, hashes.slice(from, from + forMain)),
  );
  if (main === undefined || postings === undefined) return malformed();
  const index = CompactRange.from(sha256, size, hashes.slice(0, forIndex));
  return success({ sha256, leaf: leaf.value, index, main, postings });
}

function hashesOf(bytes: Uint8Array): readonly Hash[] | undefined {
  if (bytes.length % HASH_BYTES !== 0) return undefined;
  const hashes = Array.from({ length: bytes.length / HASH_BYTES }, (_, i) =>
    hashAt(bytes, i * HASH_BYTES),
  );
  return hashes.filter((hash) => hash !== undefined);
}

function malformed(): Failure {
  return failure("FIELD_INVALID", "the state of an index verifier is malformed", {
    field: "index state",
    limit: MAX_INDEX_STATE_BYTES,
  });
}
