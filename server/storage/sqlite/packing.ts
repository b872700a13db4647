/**
 * A batch as a few buffers, so that it crosses to the writing thread without thousands of objects
 * being copied one by one. Both ends are this file.
 *
 * @module
 */
import { concat } from "../../../schema/bytes.ts";
import { HASH_BYTES } from "../../../schema/tlog/hash.ts";
import type { Batch, NewEntry, StoredHead } from "../storage.ts";

const NONE = 0xffffffff;
/** The content is that of the entry before: the envelope had several signatures. */
const SAME = 0xfffffffe;
/** There was a content, and the log has erased it. */
const ERASED = 0xfffffffd;

export interface PackedBatch {
  readonly expected: StoredHead;
  readonly size: number;
  readonly root: Uint8Array;
  readonly checkpoint: Uint8Array;
  /** For each entry the bytes of leaf, content and key, or NONE, SAME or ERASED. */
  readonly lengths: Uint32Array<ArrayBuffer>;
  /** For each entry leaf hash, content digest and key digest. */
  readonly hashes: Uint8Array<ArrayBuffer>;
  /** Leaf, content and key of each entry, end to end. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** For each tile level, index and bytes. */
  readonly places: Float64Array<ArrayBuffer>;
  readonly tiles: Uint8Array<ArrayBuffer>;
  /** Postings of entries whose content was erased, by their place in the batch. */
  readonly postings: ReadonlyMap<number, Uint8Array>;
}

/** An entry as it comes out again: views into the packed buffers. */
export interface UnpackedEntry {
  readonly leaf: Uint8Array;
  readonly leafHash: Uint8Array;
  readonly contentDigest: Uint8Array;
  readonly content: Uint8Array | "same" | "erased" | undefined;
  /** Of an erased content. */
  readonly postings: Uint8Array | undefined;
  readonly keyDigest: Uint8Array;
  readonly key: Uint8Array | undefined;
}

export function packBatch(expected: StoredHead, batch: Batch): PackedBatch {
  const count = batch.entries.length;
  const lengths = new Uint32Array(3 * count);
  const hashes = new Uint8Array(3 * HASH_BYTES * count);
  const postings = new Map<number, Uint8Array>();
  let total = 0;
  let before: NewEntry | undefined;
  for (const [i, entry] of batch.entries.entries()) {
    const same = entry.content !== undefined && entry.content === before?.content;
    lengths[3 * i] = entry.leaf.length;
    const none = entry.erased === undefined ? NONE : ERASED;
    lengths[3 * i + 1] = same ? SAME : (entry.content?.length ?? none);
    if (entry.erased?.postings !== undefined) postings.set(i, entry.erased.postings);
    lengths[3 * i + 2] = entry.key?.bytes.length ?? NONE;
    total += entry.leaf.length + (entry.key?.bytes.length ?? 0);
    if (!same) total += entry.content?.length ?? 0;
    before = entry;
  }
  const data = new Uint8Array(total);
  let at = 0;
  const put = (bytes: Uint8Array): void => {
    data.set(bytes, at);
    at += bytes.length;
  };
  for (const [i, entry] of batch.entries.entries()) {
    put(entry.leaf);
    if (entry.content !== undefined && lengths[3 * i + 1] !== SAME) put(entry.content);
    if (entry.key !== undefined) put(entry.key.bytes);
    hashes.set(entry.leafHash, 3 * HASH_BYTES * i);
    hashes.set(entry.contentDigest, 3 * HASH_BYTES * i + HASH_BYTES);
    if (entry.key !== undefined) hashes.set(entry.key.digest, 3 * HASH_BYTES * i + 2 * HASH_BYTES);
  }
  return {
    expected,
    size: batch.size,
    root: batch.root,
    checkpoint: batch.checkpoint,
    lengths,
    hashes,
    data,
    places: Float64Array.from(
      batch.tiles.flatMap((tile) => [tile.level, tile.index, tile.hashes.length]),
    ),
    tiles: concat(...batch.tiles.map((tile) => tile.hashes)),
    postings,
  };
}

/** The buffers that may move instead of being copied. */
export function transferable(packed: PackedBatch): ArrayBuffer[] {
  const { lengths, hashes, data, places, tiles } = packed;
  return [lengths.buffer, hashes.buffer, data.buffer, places.buffer, tiles.buffer];
}

export function* unpackEntries(packed: PackedBatch): Generator<UnpackedEntry> {
  const { lengths, hashes, data, postings } = packed;
  let at = 0;
  const take = (length: number): Uint8Array => data.subarray(at, (at += length));
  const contentOf = (length: number): UnpackedEntry["content"] => {
    if (length === SAME) return "same";
    if (length === ERASED) return "erased";
    return length === NONE ? undefined : take(length);
  };
  for (let i = 0; 3 * i < lengths.length; i++) {
    const [leaf = 0, content = NONE, key = NONE] = lengths.subarray(3 * i, 3 * i + 3);
    const hash = (n: number): Uint8Array =>
      hashes.subarray((3 * i + n) * HASH_BYTES, (3 * i + n + 1) * HASH_BYTES);
    yield {
      leaf: take(leaf),
      leafHash: hash(0),
      contentDigest: hash(1),
      content: contentOf(content),
      postings: postings.get(i),
      keyDigest: hash(2),
      key: key === NONE ? undefined : take(key),
    };
  }
}

export function* unpackTiles(
  packed: PackedBatch,
): Generator<{ readonly level: number; readonly index: number; readonly hashes: Uint8Array }> {
  let at = 0;
  for (let i = 0; i < packed.places.length; i += 3) {
    const [level = 0, index = 0, length = 0] = packed.places.subarray(i, i + 3);
    yield { level, index, hashes: packed.tiles.subarray(at, (at += length)) };
  }
}

/** Hashes end to end, for one question about many. */
export function packHashes(hashes: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const packed = new Uint8Array(hashes.length * HASH_BYTES);
  for (const [i, hash] of hashes.entries()) packed.set(hash, i * HASH_BYTES);
  return packed;
}
