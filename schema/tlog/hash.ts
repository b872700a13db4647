/**
 * The two hashes of an RFC 6962 tree, and the brand that keeps them apart from other bytes.
 *
 * SHA-256 itself is a port: Node, a browser and a bare JavaScript engine bring their own,
 * and every function of this room that hashes takes it as its first argument.
 *
 * Spec: RFC 6962 §2.1. Vectors: test/vectors/tlog/.
 *
 * @module
 */

declare const hashBrand: unique symbol;

/** Thirty-two bytes that a SHA-256 made, or that were checked to be thirty-two bytes long. */
export type Hash = Uint8Array & { readonly [hashBrand]: true };

/** SHA-256 of a byte string. Synchronous, pure, never throws, and keeps no reference to its input. */
export type Sha256 = (data: Uint8Array) => Hash;

export const HASH_BYTES = 32;

/** Take thirty-two bytes as a hash; `undefined` for any other length. */
export function asHash(bytes: Uint8Array): Hash | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one place where the brand is made
  return bytes.length === HASH_BYTES ? (bytes as Hash) : undefined;
}

/** SHA-256(0x00 ‖ leaf): RFC 6962 §2.1, the hash of an entry. */
export function leafHash(sha256: Sha256, leaf: Uint8Array): Hash {
  const input = new Uint8Array(leaf.length + 1);
  input.set(leaf, 1);
  return sha256(input);
}

/** One buffer for all node hashes: to allocate it costs as much as the hash, and nothing awaits here. */
const nodeInput = new Uint8Array(1 + 2 * HASH_BYTES);
nodeInput[0] = 1;

/** SHA-256(0x01 ‖ left ‖ right): RFC 6962 §2.1, the hash of an inner node. */
export function nodeHash(sha256: Sha256, left: Hash, right: Hash): Hash {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_BYTES);
  return sha256(nodeInput);
}

/** The root of the tree without entries: SHA-256 of nothing. */
export function emptyRoot(sha256: Sha256): Hash {
  return sha256(new Uint8Array(0));
}
