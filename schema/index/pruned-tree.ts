/**
 * A part of the map that proves what it shows: for several keys at once, and for keys that are
 * about to change.
 *
 *     01 bit L R        an inner node and what is below it
 *     02 key value      a leaf
 *     00 hash           a subtree that is not shown
 *
 * in preorder; nothing at all for the map without keys. Whoever reads one computes the root and
 * compares it; then each key that is asked for is present, absent, or hidden (not shown, so not
 * proved). A verifier who sets the new values of the keys that a batch touches gets the new root,
 * without the rest of the map.
 *
 * Spec: docs/formats.md §Index. Vectors: test/vectors/index/map.json.
 *
 * @module
 */
import { join } from "../bytes.ts";
import { failure, type Result, success } from "../error.ts";
import { HASH_BYTES, type Hash, type Sha256 } from "../tlog/hash.ts";
import {
  bitOf,
  emptyMapRoot,
  firstDifference,
  hashAt,
  KEY_BITS,
  mapLeafHash,
  mapNodeHash,
} from "./map.ts";

const HIDDEN = 0;
const INNER = 1;
const LEAF = 2;

interface InnerNode {
  readonly kind: "inner";
  readonly bit: number;
  left: PrunedNode;
  right: PrunedNode;
}
interface LeafNode {
  readonly kind: "leaf";
  readonly key: Hash;
  value: Hash;
}
interface HiddenNode {
  readonly kind: "hidden";
  readonly hash: Hash;
}
type PrunedNode = InnerNode | LeafNode | HiddenNode;

/** What is known of a key. `hidden` is no answer. */
export type Shown =
  | { readonly state: "present"; readonly value: Hash }
  | { readonly state: "absent" }
  | { readonly state: "hidden" };

/** Whoever has a whole tree, row by row (`MapTree`). */
export interface TreeRows {
  readonly hashOf: (row: number) => Uint8Array;
  /** `undefined` for a leaf. */
  readonly innerOf: (
    row: number,
  ) => { readonly bit: number; readonly left: number; readonly right: number } | undefined;
  readonly leafOf: (row: number) => { readonly key: Uint8Array; readonly value: Uint8Array };
}

/** The pruned tree that shows the walks for all of `keys`. */
export function encodePruned(
  rows: TreeRows,
  top: number | undefined,
  keys: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const write = (row: number, below: readonly Uint8Array[]): void => {
    if (below.length === 0) {
      parts.push(Uint8Array.of(HIDDEN), rows.hashOf(row));
      return;
    }
    const inner = rows.innerOf(row);
    if (inner === undefined) {
      const { key, value } = rows.leafOf(row);
      parts.push(Uint8Array.of(LEAF), key, value);
      return;
    }
    parts.push(Uint8Array.of(INNER, inner.bit));
    write(
      inner.left,
      below.filter((key) => bitOf(key, inner.bit) === 0),
    );
    write(
      inner.right,
      below.filter((key) => bitOf(key, inner.bit) === 1),
    );
  };
  if (top !== undefined) write(top, keys);
  return join(parts);
}

export class PrunedTree {
  readonly #sha256: Sha256;
  #top: PrunedNode | undefined;

  private constructor(sha256: Sha256, top: PrunedNode | undefined) {
    this.#sha256 = sha256;
    this.#top = top;
  }

  /**
   * Read a stranger's tree. Its form is checked here (bits increase on every path, nothing is left
   * over); what it proves follows from {@link root} alone.
   */
  static parse(sha256: Sha256, strangersBytes: Uint8Array): Result<PrunedTree> {
    if (strangersBytes.length === 0) return success(new PrunedTree(sha256, undefined));
    const reader = new NodeReader(strangersBytes);
    const top = reader.node(-1);
    if (top === undefined || reader.at !== strangersBytes.length)
      return failure("FIELD_INVALID", "the pruned tree is malformed", {
        field: "tree",
        at: `byte ${reader.at}`,
        expected: "01 bit L R, 02 key value or 00 hash, and nothing behind the root",
      });
    return success(new PrunedTree(sha256, top));
  }

  root(): Hash {
    return this.#top === undefined ? emptyMapRoot(this.#sha256) : this.#hash(this.#top);
  }

  /** What the tree shows of a key: nothing but what its root commits to. */
  find(key: Hash): Shown {
    if (this.#top === undefined) return { state: "absent" };
    const leaf = this.#walk(key);
    if (leaf === undefined) return { state: "hidden" };
    return firstDifference(leaf.key, key) === KEY_BITS
      ? { state: "present", value: leaf.value }
      : { state: "absent" };
  }

  /** Give a key a value. `false`, and nothing changed, where the tree hides what is needed for it. */
  set(key: Hash, value: Hash): boolean {
    if (this.#top === undefined) {
      this.#top = { kind: "leaf", key, value };
      return true;
    }
    const leaf = this.#walk(key);
    if (leaf === undefined) return false;
    const bit = firstDifference(leaf.key, key);
    if (bit === KEY_BITS) leaf.value = value;
    else this.#top = insert(this.#top, { kind: "leaf", key, value }, bit);
    return true;
  }

  /**
   * The full leaf at which the walk for a key ends. `undefined` where the walk meets a hidden
   * subtree, or a leaf that no honest tree has there.
   */
  #walk(key: Hash): LeafNode | undefined {
    const turns: number[] = [];
    let node = this.#top;
    while (node?.kind === "inner") {
      turns.push(node.bit);
      node = bitOf(key, node.bit) === 1 ? node.right : node.left;
    }
    if (node?.kind !== "leaf") return undefined;
    const { key: shown } = node;
    return turns.every((bit) => bitOf(shown, bit) === bitOf(key, bit)) ? node : undefined;
  }

  #hash(node: PrunedNode): Hash {
    switch (node.kind) {
      case "hidden":
        return node.hash;
      case "leaf":
        return mapLeafHash(this.#sha256, node.key, node.value);
      case "inner": {
        const left = this.#hash(node.left);
        const right = this.#hash(node.right);
        return mapNodeHash(this.#sha256, left, right, node.bit);
      }
    }
  }
}

/** The walk for the new leaf ends in a leaf that first differs from it in `bit`. */
function insert(node: PrunedNode, leaf: LeafNode, bit: number): PrunedNode {
  if (node.kind === "inner" && node.bit < bit) {
    if (bitOf(leaf.key, node.bit) === 1) node.right = insert(node.right, leaf, bit);
    else node.left = insert(node.left, leaf, bit);
    return node;
  }
  return bitOf(leaf.key, bit) === 1
    ? { kind: "inner", bit, left: node, right: leaf }
    : { kind: "inner", bit, left: leaf, right: node };
}

/** Reads nodes in preorder; bits that increase bound the depth, and the bytes bound the work. */
class NodeReader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** `undefined` where the bytes are no node whose bits are above `above`. */
  node(above: number): PrunedNode | undefined {
    switch (this.#bytes[this.at++]) {
      case HIDDEN: {
        const hash = this.#hash();
        return hash && { kind: "hidden", hash };
      }
      case LEAF: {
        const key = this.#hash();
        const value = this.#hash();
        return key && value && { kind: "leaf", key, value };
      }
      case INNER: {
        const bit = this.#bytes[this.at++];
        if (bit === undefined || bit <= above) return undefined;
        const left = this.node(bit);
        const right = left && this.node(bit);
        return left && right && { kind: "inner", bit, left, right };
      }
      case undefined:
      default:
        return undefined;
    }
  }

  #hash(): Hash | undefined {
    const hash = hashAt(this.#bytes, this.at);
    this.at += HASH_BYTES;
    return hash;
  }
}
