/**
 * The shape of an RFC 6962 tree, and the one thing needed to grow it: its compact range.
 *
 * Node (level, index) stands over the entries [index · 2^level, (index + 1) · 2^level). It is
 * *complete* when all of them exist; the hash of a complete node never changes again. A tree of
 * any size is the fold of at most 53 complete nodes, one for each 1 in the binary size: the
 * right edge, or compact range. Everything else about a tree is derived from complete nodes.
 *
 * Sizes go beyond 32 bits, so the arithmetic is division and not shifting.
 *
 * Spec: RFC 6962 §2.1. Vectors: test/vectors/tlog/trees.json.
 * Out of scope: proofs (proof.ts), and where nodes are kept (tile.ts).
 *
 * @module
 */
import { LogError } from "../error.ts";
import { emptyRoot, type Hash, nodeHash, type Sha256 } from "./hash.ts";
import { isSize, MAX_SIZE } from "./size.ts";

/** A place in the tree. `level` 0 holds the leaf hashes. */
export interface TreeNode {
  readonly level: number;
  readonly index: number;
}

/** The hash of a complete node; `undefined` where the holder does not have it. */
export type GetNode = (level: number, index: number) => Hash | undefined;

/** The largest power of two smaller than `n`, for 2 ≤ n: where RFC 6962 splits n leaves. */
export function splitPoint(n: number): number {
  const last = n - 1;
  const high = Math.floor(last / 2 ** 32);
  return high > 0 ? 2 ** (63 - Math.clz32(high)) : 2 ** (31 - Math.clz32(last));
}

/** The exponent of a power of two: the level of a complete node over that many entries. */
export function levelOfWidth(width: number): number {
  return width < 2 ** 32 ? 31 - Math.clz32(width) : 63 - Math.clz32(width / 2 ** 32);
}

/**
 * The complete nodes that together cover the entries [begin, end), left to right, each as large
 * as possible. At most 2 · 53 of them. For `begin` 0 this is the right edge of a tree of `end` entries.
 *
 * `begin` must be what RFC 6962 recursion arrives at (0, or a multiple of a power of two not
 * smaller than the range), else the nodes cover the range but their fold is not its hash.
 */
export function rangeNodes(begin: number, end: number): TreeNode[] {
  const nodes: TreeNode[] = [];
  let at = begin;
  while (at < end) {
    let level = 0;
    let width = 1;
    while (at % (width * 2) === 0 && at + width * 2 <= end) {
      width *= 2;
      level++;
    }
    nodes.push({ level, index: at / width });
    at += width;
  }
  return nodes;
}

/** The root over adjacent subtrees, left to right: RFC 6962 groups them from the right. */
export function foldRight(sha256: Sha256, hashes: readonly Hash[]): Hash {
  let root: Hash | undefined;
  for (let i = hashes.length - 1; i >= 0; i--) {
    const left = hashes[i];
    if (left !== undefined) root = root === undefined ? left : nodeHash(sha256, left, root);
  }
  return root ?? emptyRoot(sha256);
}

/** How many ones the binary size has: the length of a compact range. */
function ones(size: number): number {
  let count = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}

/**
 * A tree that can grow and tell its root, in at most 53 hashes of memory.
 *
 * Owned by one writer. `append` costs one node hash on average (53 at most), `root` at most 52.
 */
export class CompactRange {
  readonly #sha256: Sha256;
  readonly #hashes: Hash[];
  #size: number;

  private constructor(sha256: Sha256, size: number, hashes: readonly Hash[]) {
    this.#sha256 = sha256;
    this.#size = size;
    this.#hashes = [...hashes];
  }

  /** The tree without entries. */
  static empty(sha256: Sha256): CompactRange {
    return new CompactRange(sha256, 0, []);
  }

  /**
   * The tree whose right edge is `hashes`: the hashes of `rangeNodes(0, size)`, in that order.
   * Whether they are the right ones only the root can tell. Throws `INTERNAL` where their number
   * does not fit the size.
   */
  static from(sha256: Sha256, size: number, hashes: readonly Hash[]): CompactRange {
    if (!isSize(size) || hashes.length !== ones(size)) {
      throw new LogError("INTERNAL", `a tree of ${size} does not have ${hashes.length} edge nodes`);
    }
    return new CompactRange(sha256, size, hashes);
  }

  get size(): number {
    return this.#size;
  }

  /** The right edge, largest subtree first. */
  get hashes(): readonly Hash[] {
    return [...this.#hashes];
  }

  /** A second tree that grows on its own. */
  clone(): CompactRange {
    return new CompactRange(this.#sha256, this.#size, this.#hashes);
  }

  /**
   * Grow by one entry. `onNode` is told of every node that became complete by it, from the leaf
   * hash itself (level 0) upwards, each node once in the life of the tree.
   * Throws `INTERNAL` where the tree holds 2^53 − 1 entries already.
   */
  append(leafHash: Hash, onNode?: (level: number, index: number, hash: Hash) => void): void {
    if (this.#size >= MAX_SIZE) throw new LogError("INTERNAL", "the tree is full");
    let hash = leafHash;
    let level = 0;
    let index = this.#size;
    onNode?.(0, index, hash);
    while (index % 2 === 1) {
      const left = this.#hashes.pop();
      if (left === undefined) throw new LogError("INTERNAL", "the right edge lost a node");
      hash = nodeHash(this.#sha256, left, hash);
      index = (index - 1) / 2;
      level++;
      onNode?.(level, index, hash);
    }
    this.#hashes.push(hash);
    this.#size++;
  }

  /** The root of the tree as it is now. */
  root(): Hash {
    return foldRight(this.#sha256, this.#hashes);
  }

  /** The right edge with its places. */
  *nodes(): Generator<TreeNode & { readonly hash: Hash }> {
    const places = rangeNodes(0, this.#size);
    for (const [i, place] of places.entries()) {
      const hash = this.#hashes[i];
      if (hash !== undefined) yield { ...place, hash };
    }
  }
}

/**
 * Complete nodes in memory, by place.
 *
 * A writer that puts in the right edge of the old tree (`CompactRange.nodes`) and what `append`
 * reports has every node that inclusion proofs of the new entries need, and reads no storage:
 * a left sibling on their paths is either newly complete or was a node of the old right edge.
 */
export class NodeSet {
  readonly #levels: Map<number, Hash>[] = [];

  set(level: number, index: number, hash: Hash): void {
    const row = this.#levels[level];
    if (row !== undefined) {
      row.set(index, hash);
      return;
    }
    for (let below = this.#levels.length; below <= level; below++) this.#levels.push(new Map());
    this.#levels[level]?.set(index, hash);
  }

  get(level: number, index: number): Hash | undefined {
    return this.#levels[level]?.get(index);
  }
}
