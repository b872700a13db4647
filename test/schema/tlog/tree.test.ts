import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LogError } from "../../../schema/error.ts";
import { emptyRoot, type Hash } from "../../../schema/tlog/hash.ts";
import { CompactRange, levelOfWidth, rangeNodes, splitPoint } from "../../../schema/tlog/tree.ts";
import { leafHashes, NaiveTree, sha256 } from "./support.ts";

const leaves = leafHashes(300);
const naive = new NaiveTree(leaves);

function grown(size: number): CompactRange {
  const range = CompactRange.empty(sha256);
  for (const leaf of leaves.slice(0, size)) range.append(leaf);
  return range;
}

describe("where the leaves are split", () => {
  test("is the largest power of two below the count, beyond 32 bits as well", () => {
    for (let n = 2; n <= 1025; n++) expect(splitPoint(n)).toBe(NaiveTree.split(n));
    for (let bit = 1; bit <= 52; bit++) {
      expect(splitPoint(2 ** bit)).toBe(2 ** (bit - 1));
      expect(splitPoint(2 ** bit + 1)).toBe(2 ** bit);
      expect(levelOfWidth(2 ** bit)).toBe(bit);
    }
    expect(splitPoint(Number.MAX_SAFE_INTEGER)).toBe(2 ** 52);
    expect(levelOfWidth(1)).toBe(0);
  });
});

describe("the nodes of a range", () => {
  test("lie side by side, cover it, and are at most 53 for a whole tree", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (size) => {
        let at = 0;
        let last = Number.POSITIVE_INFINITY;
        for (const { level, index } of rangeNodes(0, size)) {
          expect(index * 2 ** level).toBe(at);
          expect(level).toBeLessThan(last);
          at += 2 ** level;
          last = level;
        }
        expect(at).toBe(size);
        expect(rangeNodes(0, size).length).toBeLessThanOrEqual(53);
      }),
    );
  });
});

describe("a compact range", () => {
  test("has the root of RFC 6962 for every size up to 300", () => {
    const range = CompactRange.empty(sha256);
    expect(range.root()).toEqual(emptyRoot(sha256));
    for (const [i, leaf] of leaves.entries()) {
      range.append(leaf);
      expect(range.size).toBe(i + 1);
      expect(range.root()).toEqual(naive.root(0, i + 1));
    }
  });

  test("tells each complete node once, when it becomes complete, with its hash", () => {
    const range = CompactRange.empty(sha256);
    const told = new Map<string, Hash>();
    for (const [i, leaf] of leaves.entries()) {
      range.append(leaf, (level, index, hash) => {
        const name = `${level}/${index}`;
        expect(told.has(name)).toBe(false);
        expect((index + 1) * 2 ** level).toBe(i + 1);
        expect(hash).toEqual(naive.root(index * 2 ** level, (index + 1) * 2 ** level));
        told.set(name, hash);
      });
    }
    const expected = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((level) => Math.floor(300 / 2 ** level));
    expect(told.size).toBe(expected.reduce((sum, count) => sum + count));
  });

  test("goes on from its right edge as if it had never stopped", () => {
    for (let size = 0; size <= 70; size++) {
      const whole = grown(size);
      const resumed = CompactRange.from(sha256, size, whole.hashes);
      for (const leaf of leaves.slice(size, size + 9)) resumed.append(leaf);
      expect(resumed.root()).toEqual(naive.root(0, size + 9));
      expect([...whole.nodes()].map(({ hash }) => hash)).toEqual(whole.hashes);
    }
  });

  test("and its clone do not move one another", () => {
    const range = grown(7);
    const clone = range.clone();
    clone.append(leaves[7] ?? expect.fail());
    expect(range.root()).toEqual(naive.root(0, 7));
    expect(clone.root()).toEqual(naive.root(0, 8));
  });

  test("is not made from an edge that does not fit its size", () => {
    const edge = grown(7).hashes;
    for (const size of [0, 1, 6, 8, 15, -1, 0.5, 2 ** 53, Number.NaN])
      expect(() => CompactRange.from(sha256, size, edge)).toThrow(LogError);
    expect(CompactRange.from(sha256, 7, edge).root()).toEqual(naive.root(0, 7));
  });

  test("of 2^53 - 1 entries takes no further one", () => {
    const full = CompactRange.from(sha256, 2 ** 53 - 1, leaves.slice(0, 53));
    expect(() => full.append(leaves[0] ?? expect.fail())).toThrow("full");
    expect(full.size).toBe(2 ** 53 - 1);
  });
});
