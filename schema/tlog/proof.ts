/**
 * Inclusion and consistency proofs over an RFC 6962 tree: made and checked.
 *
 * A tree of `size` entries is one root hash. An *inclusion* proof shows that one entry is in it;
 * a *consistency* proof shows that a smaller tree is its prefix, which is what "append-only"
 * means. This is arithmetic without clock, network or disk, so the log, its witnesses, its
 * monitors and a browser all run these same lines.
 *
 * Every proof that is checked comes from a stranger.
 *
 * - P1  A wrong length, order, size or hash is an ordinary `false`: never an exception, and never a
 *       loop bounded by the stranger's number. The work is at most 53 steps up the tree.
 *
 * A proof binds a root, not a size: between some sizes (7 and 8, say) the shapes are alike. What binds
 * the size to the root is the signature over both, so a head is only ever taken from a checkpoint.
 *
 * Making and checking share no code: makers descend as RFC 6962 does, checkers climb as RFC 9162.
 *
 * Spec: RFC 6962 §2.1.1, §2.1.2; RFC 9162 §2.1.3.2, §2.1.4.2.
 * Vectors: test/vectors/tlog/inclusion.json, consistency.json.
 *
 * @module
 */
import { equal } from "../bytes.ts";
import { LogError } from "../error.ts";
import { MAX_PROOF_HASHES } from "../limits.ts";
import { emptyRoot, HASH_BYTES, type Hash, nodeHash, type Sha256 } from "./hash.ts";
import { isSize } from "./size.ts";
import {
  foldRight,
  type GetNode,
  levelOfWidth,
  rangeNodes,
  splitPoint,
  type TreeNode,
} from "./tree.ts";

/** A tree as its signer states it: how many entries, and the root over them. */
export interface TreeHead {
  readonly size: number;
  readonly root: Hash;
}

/** Whether `leafHash` is entry `index` of `tree`. Takes exactly the hashes RFC 6962 names, no more. */
export function verifyInclusion(
  sha256: Sha256,
  tree: TreeHead,
  index: number,
  leafHash: Hash,
  proof: readonly Hash[],
): boolean {
  const root = rootFromInclusion(sha256, tree.size, index, leafHash, proof);
  return root !== undefined && equal(root, tree.root);
}

/**
 * The root that an inclusion proof leads to; `undefined` where it is no proof for this index and
 * size. Says nothing about inclusion until it is compared with a root that somebody signed.
 */
export function rootFromInclusion(
  sha256: Sha256,
  size: number,
  index: number,
  leafHash: Hash,
  proof: readonly Hash[],
): Hash | undefined {
  if (!isSize(size) || !isSize(index) || index >= size) return undefined;
  if (leafHash.length !== HASH_BYTES || !isProof(proof)) return undefined;
  let node = index;
  let last = size - 1;
  let hash = leafHash;
  for (const sibling of proof) {
    if (last === 0) return undefined;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sha256, sibling, hash);
      // A node at the right edge that is a left child has no sibling: it goes up unhashed.
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = half(last);
      }
    } else {
      hash = nodeHash(sha256, hash, sibling);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 ? hash : undefined;
}

/**
 * Whether `older` is a prefix of `newer`. Equal sizes need equal roots and an empty proof. The
 * tree without entries is a prefix of all, by an empty proof, and has only one root.
 */
export function verifyConsistency(
  sha256: Sha256,
  older: TreeHead,
  newer: TreeHead,
  proof: readonly Hash[],
): boolean {
  if (!isSize(older.size) || !isSize(newer.size) || older.size > newer.size) return false;
  const isEmpty = (head: TreeHead): boolean => equal(head.root, emptyRoot(sha256));
  if (newer.size === 0) return proof.length === 0 && isEmpty(older) && isEmpty(newer);
  if (older.size === 0) return proof.length === 0 && isEmpty(older);
  const folded = foldConsistency(sha256, older.size, newer.size, proof, older.root);
  return folded !== undefined && equal(folded.older, older.root) && equal(folded.newer, newer.root);
}

/**
 * The two roots that a consistency proof leads to; `undefined` where it is no proof between these
 * sizes (0 < olderSize ≤ newerSize). A root that leads to a signed newer root and to another older
 * root than the signed one convicts the signer of both.
 *
 * Where `olderSize` is a power of two the proof leaves the older root out, and `olderRoot` is what
 * it starts from; otherwise `olderRoot` is not looked at, except for equal sizes, which have no proof.
 */
export function foldConsistency(
  sha256: Sha256,
  olderSize: number,
  newerSize: number,
  proof: readonly Hash[],
  olderRoot: Hash,
): { readonly older: Hash; readonly newer: Hash } | undefined {
  if (!isSize(olderSize) || !isSize(newerSize) || olderSize < 1 || olderSize > newerSize)
    return undefined;
  if (olderRoot.length !== HASH_BYTES || !isProof(proof)) return undefined;
  if (olderSize === newerSize)
    return proof.length === 0 ? { older: olderRoot, newer: olderRoot } : undefined;

  let node = olderSize - 1;
  let last = newerSize - 1;
  while (node % 2 === 1) {
    node = half(node);
    last = half(last);
  }
  // Now `node` is 0 exactly where olderSize is a power of two.
  const start = node === 0 ? olderRoot : proof[0];
  if (start === undefined) return undefined;
  let older = start;
  let newer = start;
  for (const sibling of node === 0 ? proof : proof.slice(1)) {
    if (last === 0) return undefined;
    if (node % 2 === 1 || node === last) {
      older = nodeHash(sha256, sibling, older);
      newer = nodeHash(sha256, sibling, newer);
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = half(last);
      }
    } else {
      newer = nodeHash(sha256, newer, sibling);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 ? { older, newer } : undefined;
}

/** The complete nodes that an inclusion proof is made of: fetch these, then make it. */
export function inclusionNodes(index: number, size: number): TreeNode[] {
  return inclusionRanges(index, size).flatMap(([begin, end]) => rangeNodes(begin, end));
}

/** The complete nodes that a consistency proof is made of: fetch these, then make it. */
export function consistencyNodes(olderSize: number, newerSize: number): TreeNode[] {
  return consistencyRanges(olderSize, newerSize).flatMap(([begin, end]) => rangeNodes(begin, end));
}

/**
 * The proof that entry `index` is in the tree of `size` entries, leaf to root.
 * Throws `INTERNAL` for an index outside the tree, or a node that `getNode` does not have.
 */
export function proveInclusion(
  sha256: Sha256,
  index: number,
  size: number,
  getNode: GetNode,
): Hash[] {
  return inclusionProver(sha256, size, getNode)(index);
}

/** As {@link proveInclusion}, for many entries of one tree: the right edge is hashed once for all. */
export function inclusionProver(
  sha256: Sha256,
  size: number,
  getNode: GetNode,
): (index: number) => Hash[] {
  const edge = new Map<number, Hash>();
  return (index) =>
    inclusionRanges(index, size).map(([begin, end]) => {
      if (end !== size) return rangeHash(sha256, begin, end, getNode);
      let hash = edge.get(begin);
      if (hash === undefined) {
        hash = rangeHash(sha256, begin, end, getNode);
        edge.set(begin, hash);
      }
      return hash;
    });
}

/**
 * The proof that the tree of `olderSize` entries is a prefix of that of `newerSize`. Empty for
 * equal sizes and for `olderSize` 0. Throws `INTERNAL` for sizes out of order, or a missing node.
 */
export function proveConsistency(
  sha256: Sha256,
  olderSize: number,
  newerSize: number,
  getNode: GetNode,
): Hash[] {
  return consistencyRanges(olderSize, newerSize).map(([begin, end]) =>
    rangeHash(sha256, begin, end, getNode),
  );
}

type Range = readonly [begin: number, end: number];

/** PATH(index, D[size]) of RFC 6962 §2.1.1, as ranges of entries, leaf to root. */
function inclusionRanges(index: number, size: number): Range[] {
  if (!isSize(index) || !isSize(size) || index >= size)
    throw new LogError("INTERNAL", `no entry ${index} in a tree of ${size}`);
  const ranges: Range[] = [];
  let begin = 0;
  let end = size;
  while (end - begin > 1) {
    const middle = begin + splitPoint(end - begin);
    if (index < middle) {
      ranges.push([middle, end]);
      end = middle;
    } else {
      ranges.push([begin, middle]);
      begin = middle;
    }
  }
  return ranges.reverse();
}

/** PROOF(m, D[n]) of RFC 6962 §2.1.2, as ranges of entries, in its order. */
function consistencyRanges(m: number, n: number): Range[] {
  if (!isSize(m) || !isSize(n) || m > n)
    throw new LogError("INTERNAL", `a tree of ${m} is not a prefix of a tree of ${n}`);
  if (m === 0) return [];
  const ranges: Range[] = [];
  let begin = 0;
  let end = n;
  while (end !== m) {
    const middle = begin + splitPoint(end - begin);
    if (m <= middle) {
      ranges.push([middle, end]);
      end = middle;
    } else {
      ranges.push([begin, middle]);
      begin = middle;
    }
  }
  // The verifier knows the root of the first m entries; any other last subtree it must be told.
  if (begin !== 0) ranges.push([begin, end]);
  return ranges.reverse();
}

function rangeHash(sha256: Sha256, begin: number, end: number, getNode: GetNode): Hash {
  const width = end - begin;
  // All but one of a proof's ranges are single nodes.
  if (splitPoint(width + 1) === width) return nodeOf(getNode, levelOfWidth(width), begin / width);
  const nodes = rangeNodes(begin, end);
  return foldRight(
    sha256,
    nodes.map(({ level, index }) => nodeOf(getNode, level, index)),
  );
}

function nodeOf(getNode: GetNode, level: number, index: number): Hash {
  const hash = getNode(level, index);
  if (hash === undefined)
    throw new LogError("INTERNAL", `node ${index} of level ${level} is not there`);
  return hash;
}

function isProof(strangersProof: readonly Uint8Array[]): boolean {
  return (
    strangersProof.length <= MAX_PROOF_HASHES &&
    strangersProof.every((hash) => hash.length === HASH_BYTES)
  );
}

function half(n: number): number {
  return Math.floor(n / 2);
}
