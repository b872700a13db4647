/**
 * The map of the index: its hashes, and the proof that a key has this value or none.
 *
 * A binary Patricia tree. Its leaves are pairs of a key and a value, 32 bytes each; an inner node
 * stands at the first bit in which the keys below it differ, zeros to the left. Bit 0 is the most
 * significant bit of the first byte.
 *
 *     leaf  = SHA-256(key ‖ value)
 *     inner = SHA-256(left ‖ right ‖ u8 bit)
 *     empty = SHA-256("")
 *
 * A proof is the siblings from the leaf to the root, each `u8 bit ‖ 32 bytes`. Absence is shown by
 * the one leaf at which the walk for the key ends: its `key ‖ value` stands first. An empty map
 * has an empty proof.
 *
 * - X1  A key has at most one value under a root: the walk follows the key's own bits and ends in a
 *       full leaf, never in a place that is said to be empty.
 *
 * Spec: docs/formats.md §Index. Vectors: those of the WAICT specification, read where they are
 * at hand; test/vectors/index/map.json.
 *
 * @module
 */
import { equal } from "../bytes.ts";
import { asHash, emptyRoot, HASH_BYTES, type Hash, type Sha256 } from "../tlog/hash.ts";

/** Bits of a key, and so the most inner nodes on any path. */
export const KEY_BITS = 256;
/** Bytes of one sibling in a proof. */
const STEP_BYTES = 1 + HASH_BYTES;
/** Bytes of a proof: the other leaf, and a sibling for each bit. */
export const MAX_MAP_PROOF_BYTES: number = 2 * HASH_BYTES + KEY_BITS * STEP_BYTES;

/** One buffer for all: to allocate it costs as much as the hash, and nothing awaits here. */
const input = new Uint8Array(2 * HASH_BYTES + 1);
const leafInput = input.subarray(0, 2 * HASH_BYTES);

export function mapLeafHash(sha256: Sha256, key: Uint8Array, value: Uint8Array): Hash {
  input.set(key);
  input.set(value, HASH_BYTES);
  return sha256(leafInput);
}

export function mapNodeHash(
  sha256: Sha256,
  left: Uint8Array,
  right: Uint8Array,
  bit: number,
): Hash {
  return mapNodeHashAt(sha256, { bytes: left, at: 0 }, { bytes: right, at: 0 }, bit);
}

/** Where a hash stands. */
export interface HashPlace {
  readonly bytes: Uint8Array;
  readonly at: number;
}

/** As {@link mapNodeHash}, of hashes that stand in longer bytes. */
export function mapNodeHashAt(
  sha256: Sha256,
  left: HashPlace,
  right: HashPlace,
  bit: number,
): Hash {
  put(left, 0);
  put(right, HASH_BYTES);
  input[2 * HASH_BYTES] = bit;
  return sha256(input);
}

/** By bytes: a view of each hash costs more than its copy. */
function put({ bytes, at }: HashPlace, to: number): void {
  for (let i = 0; i < HASH_BYTES; i++) input[to + i] = bytes[at + i] ?? 0;
}

/** The root of the map without keys. */
export function emptyMapRoot(sha256: Sha256): Hash {
  return emptyRoot(sha256);
}

/** Bit `bit` of a key: 0 or 1. */
export function bitOf(key: Uint8Array, bit: number): 0 | 1 {
  return (((key[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1 ? 1 : 0;
}

/** The first bit in which two keys differ; `KEY_BITS` where they are the same. */
export function firstDifference(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < HASH_BYTES; i++) {
    const difference = (a[i] ?? 0) ^ (b[i] ?? 0);
    if (difference !== 0) return i * 8 + Math.clz32(difference) - 24;
  }
  return KEY_BITS;
}

/**
 * Whether the map with this root has `value` for `key`; with `undefined`, whether it has no value
 * for it. The proof is a stranger's: a wrong one is an ordinary `false`, after at most 256 hashes.
 */
export function verifyMap(
  sha256: Sha256,
  root: Uint8Array,
  key: Uint8Array,
  value: Uint8Array | undefined,
  strangersProof: Uint8Array,
): boolean {
  if (key.length !== HASH_BYTES || strangersProof.length > MAX_MAP_PROOF_BYTES) return false;
  if (value !== undefined) return walk(sha256, root, key, key, value, strangersProof);
  if (strangersProof.length === 0) return equal(root, emptyMapRoot(sha256));
  if (strangersProof.length < 2 * HASH_BYTES) return false;
  const otherKey = strangersProof.subarray(0, HASH_BYTES);
  const otherValue = strangersProof.subarray(HASH_BYTES, 2 * HASH_BYTES);
  if (equal(otherKey, key)) return false;
  const rest = strangersProof.subarray(2 * HASH_BYTES);
  return walk(sha256, root, key, otherKey, otherValue, rest);
}

/** From the leaf that is shown up to the root; at each bit both keys must turn the same way. */
function walk(
  sha256: Sha256,
  root: Uint8Array,
  key: Uint8Array,
  shownKey: Uint8Array,
  shownValue: Uint8Array,
  siblings: Uint8Array,
): boolean {
  if (shownValue.length !== HASH_BYTES || siblings.length % STEP_BYTES !== 0) return false;
  let hash = mapLeafHash(sha256, shownKey, shownValue);
  let below = KEY_BITS;
  for (let at = 0; at < siblings.length; at += STEP_BYTES) {
    const bit = siblings[at] ?? 0;
    if (bit >= below || bitOf(key, bit) !== bitOf(shownKey, bit)) return false;
    below = bit;
    const sibling = siblings.subarray(at + 1, at + STEP_BYTES);
    hash =
      bitOf(key, bit) === 0
        ? mapNodeHash(sha256, hash, sibling, bit)
        : mapNodeHash(sha256, sibling, hash, bit);
  }
  return equal(hash, root);
}

/** Thirty-two bytes of a buffer, copied, as a hash. */
export function hashAt(bytes: Uint8Array, at: number): Hash | undefined {
  return asHash(bytes.slice(at, at + HASH_BYTES));
}
