import fc from "fast-check";
import { MerkleTree } from "merkletreejs";
import { describe, expect, test } from "vitest";
import { asHash, type Hash, leafHash, nodeHash } from "../../../schema/tlog/hash.ts";
import {
  consistencyNodes,
  foldConsistency,
  inclusionNodes,
  inclusionProver,
  proveConsistency,
  proveInclusion,
  rootFromInclusion,
  type TreeHead,
  verifyConsistency,
  verifyInclusion,
} from "../../../schema/tlog/proof.ts";
import { CompactRange, type GetNode, NodeSet, rangeNodes } from "../../../schema/tlog/tree.ts";
import { entry, flippedHash, joined, leafHashes, NaiveTree, nodesOf, sha256 } from "./support.ts";

const LIMIT = 300;
const leaves = leafHashes(LIMIT);
const naive = new NaiveTree(leaves);
const nodes = nodesOf(leaves);
const getNode: GetNode = (level, index) => nodes.get(level, index);
const headOf = (size: number): TreeHead => ({ size, root: naive.root(0, size) });
const leafAt = (index: number): Hash => leaves[index] ?? expect.fail();

describe("every size up to 100", () => {
  test("inclusion of every index is proved as RFC 6962 recursion does, and verifies", () => {
    for (let size = 1; size <= 100; size++) {
      const prove = inclusionProver(sha256, size, getNode);
      for (let index = 0; index < size; index++) {
        const proof = naive.path(index, 0, size);
        expect(prove(index)).toEqual(proof);
        expect(verifyInclusion(sha256, headOf(size), index, leafAt(index), proof)).toBe(true);
      }
    }
  });

  test("consistency of every pair is proved as RFC 6962 recursion does, and verifies", () => {
    for (let newer = 0; newer <= 100; newer++)
      for (let older = 0; older <= newer; older++) {
        const proof = older === 0 ? [] : naive.proof(older, newer);
        expect(proveConsistency(sha256, older, newer, getNode)).toEqual(proof);
        expect(verifyConsistency(sha256, headOf(older), headOf(newer), proof)).toBe(true);
      }
  });

  test("a proof needs the complete nodes that are named for it, and no others", () => {
    for (let size = 1; size <= 100; size++)
      for (let index = 0; index < size; index++) {
        const only = picked(inclusionNodes(index, size));
        expect(proveInclusion(sha256, index, size, only)).toEqual(naive.path(index, 0, size));
        const older = index + 1;
        const few = picked(consistencyNodes(older, size));
        expect(proveConsistency(sha256, older, size, few)).toEqual(naive.proof(older, size));
      }
  });
});

function picked(places: readonly { level: number; index: number }[]): GetNode {
  const set = new NodeSet();
  for (const { level, index } of places)
    set.set(level, index, getNode(level, index) ?? expect.fail());
  return (level, index) => set.get(level, index);
}

describe("merkletreejs, an implementation by others", () => {
  test("has the same roots and inclusion proofs for every size up to 300", () => {
    const hashed = Array.from({ length: LIMIT }, (_, i) => Buffer.from(leafHash(sha256, entry(i))));
    const inner = (pair: Buffer): Buffer => Buffer.from(sha256(joined(Uint8Array.of(1), pair)));
    for (let size = 1; size <= LIMIT; size++) {
      const tree = new MerkleTree(hashed.slice(0, size), inner, { hashLeaves: false });
      const head = headOf(size);
      expect(head.root).toEqual(Uint8Array.from(tree.getRoot()));
      const prove = inclusionProver(sha256, size, getNode);
      for (let index = 0; index < size; index++) {
        const leaf = hashed[index] ?? expect.fail();
        const theirs = tree
          .getProof(leaf, index)
          .map(({ data }) => asHash(Uint8Array.from(data)) ?? expect.fail());
        expect(equalLists(prove(index), theirs)).toBe(true);
        expect(verifyInclusion(sha256, head, index, leafAt(index), theirs)).toBe(true);
      }
    }
  });
});

function equalLists(a: readonly Hash[], b: readonly Hash[]): boolean {
  return a.length === b.length && a.every((hash, i) => Buffer.compare(hash, b[i] ?? hash) === 0);
}

/** Each way to spoil a list of hashes by one step. */
function* spoiled(proof: readonly Hash[], bits: readonly number[]): Generator<Hash[]> {
  for (const [i, hash] of proof.entries()) {
    for (const bit of bits) yield proof.with(i, flippedHash(hash, bit));
    yield proof.toSpliced(i, 1);
    yield proof.toSpliced(i, 0, hash);
    const next = proof[i + 1];
    if (next !== undefined) yield proof.with(i, next).with(i + 1, hash);
  }
  yield [...proof, leafAt(0)];
  yield [leafAt(0), ...proof];
  if (proof.length > 1) yield proof.toReversed();
}

const everyBit = Array.from({ length: 256 }, (_, bit) => bit);
const someBits = [0, 7, 100, 255];

describe("P1 an altered inclusion proof is refused", () => {
  test("whichever bit, length, order, index, size, leaf or root is another", () => {
    for (let size = 1; size <= 33; size++)
      for (let index = 0; index < size; index++) {
        const proof = naive.path(index, 0, size);
        const head = headOf(size);
        const leaf = leafAt(index);
        for (const bad of spoiled(proof, size === 13 ? everyBit : someBits))
          expect(verifyInclusion(sha256, head, index, leaf, bad)).toBe(false);
        for (let other = 0; other <= size + 1; other++)
          if (other !== index)
            expect(verifyInclusion(sha256, head, other, leaf, proof)).toBe(false);
        for (let other = 0; other <= 40; other++)
          if (other !== size)
            expect(verifyInclusion(sha256, headOf(other), index, leaf, proof)).toBe(false);
        for (const bit of someBits) {
          const otherRoot = { size, root: flippedHash(head.root, bit) };
          expect(verifyInclusion(sha256, otherRoot, index, leaf, proof)).toBe(false);
          expect(verifyInclusion(sha256, head, index, flippedHash(leaf, bit), proof)).toBe(false);
        }
      }
  });

  test("an inner node does not pass for a leaf, nor an entry for the tree", () => {
    const [left, right, ...rest] = [leafAt(0), ...naive.path(0, 0, 8)];
    const inner = nodeHash(sha256, left ?? expect.fail(), right ?? expect.fail());
    expect(verifyInclusion(sha256, headOf(8), 0, inner, rest)).toBe(false);
    expect(verifyInclusion(sha256, { size: 8, root: leafAt(0) }, 0, leafAt(0), [])).toBe(false);
  });
});

describe("P1 an altered consistency proof is refused", () => {
  test("whichever bit, length, order, size or root is another", () => {
    for (let newer = 2; newer <= 33; newer++)
      for (let older = 1; older < newer; older++) {
        const proof = naive.proof(older, newer);
        const [from, to] = [headOf(older), headOf(newer)];
        for (const bad of spoiled(proof, newer === 13 ? everyBit : someBits))
          expect(verifyConsistency(sha256, from, to, bad)).toBe(false);
        for (let other = 0; other <= 40; other++) {
          if (other !== older)
            expect(verifyConsistency(sha256, headOf(other), to, proof)).toBe(false);
          if (other !== newer)
            expect(verifyConsistency(sha256, from, headOf(other), proof)).toBe(false);
        }
        for (const bit of someBits) {
          const wrong = ({ size, root }: TreeHead): TreeHead => ({
            size,
            root: flippedHash(root, bit),
          });
          expect(verifyConsistency(sha256, wrong(from), to, proof)).toBe(false);
          expect(verifyConsistency(sha256, from, wrong(to), proof)).toBe(false);
        }
        expect(verifyConsistency(sha256, to, from, proof)).toBe(false);
      }
  });

  test("equal sizes need equal roots and no hashes", () => {
    for (let size = 0; size <= 10; size++) {
      const other = { size, root: leafAt(299) };
      expect(verifyConsistency(sha256, headOf(size), headOf(size), [])).toBe(true);
      expect(verifyConsistency(sha256, headOf(size), headOf(size), [leafAt(0)])).toBe(false);
      expect(verifyConsistency(sha256, headOf(size), other, [])).toBe(false);
      expect(verifyConsistency(sha256, other, headOf(size), [])).toBe(false);
    }
  });

  test("the empty tree has one root and an empty proof", () => {
    expect(verifyConsistency(sha256, headOf(0), headOf(5), [])).toBe(true);
    expect(verifyConsistency(sha256, headOf(0), headOf(5), [leafAt(0)])).toBe(false);
    expect(verifyConsistency(sha256, { size: 0, root: leafAt(0) }, headOf(5), [])).toBe(false);
    const twice = { size: 0, root: leafAt(0) };
    expect(verifyConsistency(sha256, twice, twice, [])).toBe(false);
  });
});

/**
 * A tree of any size that takes no memory: all entries are alike but one. What stands over the odd
 * one is computed on the way up; every other node of a level is the same.
 */
function oddTree(odd: number): { getNode: GetNode; root: (size: number) => Hash; leaf: Hash } {
  const plain: Hash[] = [leafAt(0)];
  const special: Hash[] = [leafAt(1)];
  for (let level = 0; level < 53; level++) {
    const same = plain[level] ?? expect.fail();
    const one = special[level] ?? expect.fail();
    const left = Math.floor(odd / 2 ** level) % 2 === 0;
    plain.push(nodeHash(sha256, same, same));
    special.push(left ? nodeHash(sha256, one, same) : nodeHash(sha256, same, one));
  }
  const getNode: GetNode = (level, index) =>
    (index === Math.floor(odd / 2 ** level) ? special : plain)[level];
  const root = (size: number): Hash => {
    const edge = rangeNodes(0, size).map(
      ({ level, index }) => getNode(level, index) ?? expect.fail(),
    );
    return CompactRange.from(sha256, size, edge).root();
  };
  return { getNode, root, leaf: leafAt(1) };
}

const largeSizes = fc.oneof(
  fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  fc.integer({ min: 0, max: 52 }).map((bit) => 2 ** bit),
  fc.integer({ min: 1, max: 53 }).map((bit) => 2 ** bit - 1),
  fc.integer({ min: 2 ** 31 - 3, max: 2 ** 31 + 3 }),
  fc.integer({ min: 2 ** 32 - 3, max: 2 ** 32 + 3 }),
);
const below = (limit: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: limit - 1 });

describe("trees of up to 2^53 - 1 entries", () => {
  test("the entry that differs is proved where it is, and nowhere else", () => {
    const places = largeSizes.chain((size) =>
      fc.tuple(fc.constant(size), below(size), below(size)),
    );
    fc.assert(
      fc.property(places, ([size, odd, other]) => {
        const tree = oddTree(odd);
        const head = { size, root: tree.root(size) };
        const proof = proveInclusion(sha256, odd, size, tree.getNode);
        expect(proof.length).toBeLessThanOrEqual(53);
        expect(verifyInclusion(sha256, head, odd, tree.leaf, proof)).toBe(true);
        if (other === odd) return;
        expect(verifyInclusion(sha256, head, other, tree.leaf, proof)).toBe(false);
        const plain = proveInclusion(sha256, other, size, tree.getNode);
        expect(verifyInclusion(sha256, head, other, leafAt(0), plain)).toBe(true);
        expect(verifyInclusion(sha256, head, other, tree.leaf, plain)).toBe(false);
      }),
    );
  });

  test("an older tree is a prefix; one in which an old entry was another is not", () => {
    const places = largeSizes.chain((newer) =>
      fc.tuple(fc.constant(newer), fc.integer({ min: 1, max: newer }), below(newer)),
    );
    fc.assert(
      fc.property(places, ([newer, older, odd]) => {
        const tree = oddTree(odd);
        const from = { size: older, root: tree.root(older) };
        const to = { size: newer, root: tree.root(newer) };
        const proof = proveConsistency(sha256, older, newer, tree.getNode);
        expect(verifyConsistency(sha256, from, to, proof)).toBe(true);
        const rewritten = { size: older, root: oddTree(0).root(older) };
        if (odd === 0 || odd >= older) return;
        expect(verifyConsistency(sha256, rewritten, to, proof)).toBe(false);
      }),
    );
  });

  test("arbitrary hashes are no proof, and no input throws", () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => asHash(bytes));
    const numbers = fc.oneof(largeSizes, fc.double(), fc.integer());
    fc.assert(
      fc.property(numbers, numbers, fc.array(hash, { maxLength: 70 }), (a, b, list) => {
        const proof = list.map((item) => item ?? expect.fail());
        expect(verifyInclusion(sha256, { size: a, root: leafAt(9) }, b, leafAt(8), proof)).toBe(
          false,
        );
        const [from, to] = [
          { size: a, root: leafAt(9) },
          { size: b, root: leafAt(8) },
        ];
        expect(verifyConsistency(sha256, from, to, proof)).toBe(false);
      }),
    );
  });
});

describe("P1 a stranger's numbers", () => {
  test("from 2^53 on, fractions, negative ones and NaN are refused", () => {
    const proof = naive.path(0, 0, 8);
    for (const n of [2 ** 53, 2 ** 60, Number.POSITIVE_INFINITY, Number.NaN, -1, 0.5, 7.5]) {
      expect(rootFromInclusion(sha256, n, 0, leafAt(0), proof)).toBeUndefined();
      expect(rootFromInclusion(sha256, 8, n, leafAt(0), proof)).toBeUndefined();
      expect(foldConsistency(sha256, n, 8, proof, leafAt(0))).toBeUndefined();
      expect(foldConsistency(sha256, 4, n, proof, leafAt(0))).toBeUndefined();
      const head = { size: n, root: leafAt(0) };
      expect(verifyConsistency(sha256, head, head, [])).toBe(false);
      expect(() => proveInclusion(sha256, 0, n, getNode)).toThrow();
      expect(() => proveConsistency(sha256, 1, n, getNode)).toThrow();
    }
  });

  test("do not bound the work: whatever size and list are given, at most 2 · 53 hashes are made", () => {
    let work = 0;
    const counting = (data: Uint8Array): Hash => {
      work++;
      return sha256(data);
    };
    const long = Array.from({ length: 100_000 }, () => leafAt(0));
    for (const size of [1, 2, 2 ** 32, Number.MAX_SAFE_INTEGER])
      for (const proof of [long, long.slice(0, 63), long.slice(0, 53)]) {
        work = 0;
        verifyInclusion(counting, { size, root: leafAt(0) }, size - 1, leafAt(0), proof);
        verifyInclusion(counting, { size, root: leafAt(0) }, 0, leafAt(0), proof);
        expect(work).toBeLessThanOrEqual(2 * 53);
        work = 0;
        foldConsistency(counting, Math.ceil(size / 3), size, proof, leafAt(0));
        expect(work).toBeLessThanOrEqual(2 * 53);
      }
  });

  test("a hash that is not 32 bytes long is refused and does not throw", () => {
    const proof = naive.path(3, 0, 8);
    for (const length of [0, 31, 33, 64]) {
      // A caller without types can pass such a thing.
      const short = flippedHash(leafAt(0), 0);
      Object.defineProperty(short, "length", { value: length });
      const bad = proof.with(1, short);
      expect(verifyInclusion(sha256, headOf(8), 3, leafAt(3), bad)).toBe(false);
      expect(verifyInclusion(sha256, headOf(8), 3, short, proof)).toBe(false);
      expect(verifyConsistency(sha256, headOf(3), headOf(8), bad)).toBe(false);
    }
  });
});

describe("folding a consistency proof", () => {
  test("leads to both true roots, from which a fork can be told", () => {
    for (let newer = 2; newer <= 40; newer++)
      for (let older = 1; older < newer; older++) {
        const folded = foldConsistency(
          sha256,
          older,
          newer,
          naive.proof(older, newer),
          naive.root(0, older),
        );
        expect(folded).toEqual({ older: naive.root(0, older), newer: naive.root(0, newer) });
      }
  });

  test("a signed root of another history is not the one that the proof leads to", () => {
    const forked = new NaiveTree([leafAt(200), ...leaves.slice(1)]);
    const folded = foldConsistency(sha256, 6, 11, naive.proof(6, 11), forked.root(0, 6));
    expect(folded?.newer).toEqual(naive.root(0, 11));
    expect(folded?.older).not.toEqual(forked.root(0, 6));
  });
});

describe("proofs of new entries", () => {
  test("need only the right edge of the old tree and what became complete since", () => {
    for (let old = 0; old <= 70; old++) {
      const range = CompactRange.empty(sha256);
      for (const leaf of leaves.slice(0, old)) range.append(leaf);
      const fresh = new NodeSet();
      for (const { level, index, hash } of range.nodes()) fresh.set(level, index, hash);
      const size = old + 1 + (old % 13);
      for (const leaf of leaves.slice(old, size))
        range.append(leaf, (level, index, hash) => fresh.set(level, index, hash));
      const prove = inclusionProver(sha256, size, (level, index) => fresh.get(level, index));
      for (let index = old; index < size; index++)
        expect(prove(index)).toEqual(naive.path(index, 0, size));
    }
  });

  test("a missing node or an index outside the tree is the caller's defect, and is said", () => {
    const none: GetNode = () => undefined;
    expect(() => proveInclusion(sha256, 0, 8, none)).toThrow("node");
    expect(() => proveInclusion(sha256, 8, 8, getNode)).toThrow("no entry 8");
    expect(() => proveConsistency(sha256, 9, 8, getNode)).toThrow("prefix");
  });
});
