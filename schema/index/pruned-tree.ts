/**
 * A part of the map that proves what it shows: for several keys at once, and for keys that are
 * about to change.
 *
 * Its bytes are those of shown-tree.ts. Whoever reads them computes the root and compares it; then
 * each key that is asked for is present, absent, or hidden (not shown, so not proved). A verifier who
 * sets the new values of the keys that a batch touches gets the new root, without the rest of the map.
 *
 * Spec: docs/formats.md §Index. Vectors: test/vectors/index/map.json.
 *
 * @module
 */
import { equal } from "../bytes.ts";
import { failure, LogError, type Result, success } from "../error.ts";
import { HASH_BYTES, type Hash, type Sha256 } from "../tlog/hash.ts";
import {
  bitOf,
  emptyMapRoot,
  firstDifference,
  type HashPlace,
  hashAt,
  KEY_BITS,
  mapLeafHash,
  mapNodeHashAt,
} from "./map.ts";
import { encodePruned, HIDDEN, INNER, LEAF, type TreeRows } from "./shown-tree.ts";

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
/** Most of a tree: its hash stays where it was read. */
interface HiddenNode extends HashPlace {
  readonly kind: "hidden";
}
type PrunedNode = InnerNode | LeafNode | HiddenNode;

/** What is known of a key. `hidden` is no answer. */
export type Shown =
  | { readonly state: "present"; readonly value: Hash }
  | { readonly state: "absent" }
  | { readonly state: "hidden" };

/** A subtree that is not shown: its hash, the turns that lead to it, and the last bit above it. */
export interface HiddenPlace {
  readonly root: Hash;
  /** `0` for left, `1` for right. */
  readonly turns: string;
  /** −1 at the root. */
  readonly above: number;
}

export class PrunedTree {
  readonly #sha256: Sha256;
  #top: PrunedNode | undefined;
  /** What was found last: most keys that are found are given a value next. */
  #found: LeafNode | undefined;

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
    if (!equal(leaf.key, key)) return { state: "absent" };
    this.#found = leaf;
    return { state: "present", value: leaf.value };
  }

  /** The tree that hides everything below this root. */
  static hidden(sha256: Sha256, root: Hash): PrunedTree {
    const isEmpty = firstDifference(root, emptyMapRoot(sha256)) === KEY_BITS;
    return new PrunedTree(sha256, isEmpty ? undefined : { kind: "hidden", bytes: root, at: 0 });
  }

  /** Where the walk for a key meets a subtree that is not shown. */
  hiddenOn(key: Hash): HiddenPlace | undefined {
    let [turns, above] = ["", -1];
    let node = this.#top;
    for (; node?.kind === "inner"; node = childOf(node, key)) {
      above = node.bit;
      turns += String(bitOf(key, above));
    }
    const root = node?.kind === "hidden" ? hashAt(node.bytes, node.at) : undefined;
    return root && { root, turns, above };
  }

  /**
   * Shows what a place hides, out of a tree with that root. `false`, and nothing changed, where it
   * has another one, shows nothing either, or goes on with a bit that is not behind those above.
   */
  show({ root, turns, above }: HiddenPlace, shown: PrunedTree): boolean {
    const top = shown.#top;
    if (top === undefined || top.kind === "hidden") return false;
    if (top.kind === "inner" && top.bit <= above) return false;
    if (firstDifference(shown.root(), root) !== KEY_BITS) return false;
    const put = (node: PrunedNode | undefined, depth: number): PrunedNode | undefined => {
      if (node?.kind === "hidden" && depth === turns.length) return top;
      if (node?.kind !== "inner" || depth === turns.length) return undefined;
      const side = turns[depth] === "1" ? "right" : "left";
      const below = put(node[side], depth + 1);
      if (below !== undefined) node[side] = below;
      return below && node;
    };
    const changed = put(this.#top, 0);
    this.#top = changed ?? this.#top;
    return changed !== undefined;
  }

  /** The leaves that are shown, in the order of their keys; `undefined` where some are not. */
  leaves(): readonly { readonly key: Hash; readonly value: Hash }[] | undefined {
    const leaves: LeafNode[] = [];
    const isWhole = (node: PrunedNode): boolean => {
      if (node.kind === "leaf") leaves.push(node);
      return node.kind === "inner"
        ? isWhole(node.left) && isWhole(node.right)
        : node.kind === "leaf";
    };
    return this.#top === undefined || isWhole(this.#top) ? leaves : undefined;
  }

  /** The same tree, showing no more than the walks for `keys`. */
  encode(keys: readonly Hash[]): Uint8Array<ArrayBuffer> {
    const rows: TreeRows<PrunedNode> = {
      hashOf: (node) => this.#hash(node),
      innerOf: (node) => (node.kind === "inner" ? node : undefined),
      leafOf: (node) => {
        if (node.kind === "leaf") return node;
        throw new LogError("INTERNAL", "a walk ends at what is not shown");
      },
    };
    return encodePruned(rows, this.#top, keys);
  }

  /** Give a key a value. `false`, and nothing changed, where the tree hides what is needed for it. */
  set(key: Hash, value: Hash): boolean {
    if (this.#top === undefined) {
      this.#top = { kind: "leaf", key, value };
      return true;
    }
    const leaf = this.#found && equal(this.#found.key, key) ? this.#found : this.#walk(key);
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
    const leaf = descend(this.#top, key);
    if (leaf === undefined) return undefined;
    const { key: shown } = leaf;
    for (let node = this.#top; node?.kind === "inner"; node = childOf(node, key))
      if (bitOf(shown, node.bit) !== bitOf(key, node.bit)) return undefined;
    return leaf;
  }

  #hash(node: PrunedNode): Hash {
    const { bytes, at } = this.#place(node);
    const hash = hashAt(bytes, at);
    if (hash === undefined) throw new LogError("INTERNAL", "a node of a tree has a hash");
    return hash;
  }

  /** Where the hash of a node stands: where it was read, or in bytes of its own. */
  #place(node: PrunedNode): HashPlace {
    if (node.kind === "hidden") return node;
    const bytes =
      node.kind === "leaf"
        ? mapLeafHash(this.#sha256, node.key, node.value)
        : mapNodeHashAt(this.#sha256, this.#place(node.left), this.#place(node.right), node.bit);
    return { bytes, at: 0 };
  }
}

function descend(top: PrunedNode | undefined, key: Hash): LeafNode | undefined {
  let node = top;
  while (node?.kind === "inner") node = childOf(node, key);
  return node?.kind === "leaf" ? node : undefined;
}

function childOf(node: InnerNode, key: Hash): PrunedNode {
  return bitOf(key, node.bit) === 1 ? node.right : node.left;
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
    const bytes = this.#bytes;
    switch (bytes[this.at++]) {
      case HIDDEN: {
        const at = this.at;
        this.at += HASH_BYTES;
        return this.at <= bytes.length ? { kind: "hidden", bytes, at } : undefined;
      }
      case LEAF: {
        const key = this.#hash();
        const value = this.#hash();
        return key && value && { kind: "leaf", key, value };
      }
      case INNER: {
        const bit = bytes[this.at++];
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
