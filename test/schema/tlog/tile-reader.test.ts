import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { emptyRoot, type Hash, nodeHash } from "../../../schema/tlog/hash.ts";
import {
  inclusionNodes,
  type TreeHead,
  verifyConsistency,
  verifyInclusion,
} from "../../../schema/tlog/proof.ts";
import { tilePath } from "../../../schema/tlog/tile.ts";
import { type FetchTile, TileCache, TileReader } from "../../../schema/tlog/tile-reader.ts";
import { CompactRange, type GetNode, rangeNodes } from "../../../schema/tlog/tree.ts";
import {
  failureOf,
  flipped,
  leafHashes,
  NaiveTree,
  nodesOf,
  sha256,
  tilesFrom,
  valueOf,
  watched,
} from "./support.ts";

const LIMIT = 66_000;
const leaves = leafHashes(LIMIT);
const nodes = nodesOf(leaves);
const getNode: GetNode = (level, index) => nodes.get(level, index);
const stored = tilesFrom(getNode);

function headOf(size: number): TreeHead {
  const edge = rangeNodes(0, size).map((at) => getNode(at.level, at.index) ?? expect.fail());
  return { size, root: CompactRange.from(sha256, size, edge).root() };
}

const leafAt = (index: number): Hash => leaves[index] ?? expect.fail();

describe("proofs out of tiles", () => {
  test("are those of RFC 6962 for every index and older size, at sizes up to 100", async () => {
    const naive = new NaiveTree(leaves.slice(0, 100));
    for (let size = 1; size <= 100; size++) {
      const reader = new TileReader(sha256, headOf(size), stored);
      for (let index = 0; index < size; index++) {
        expect(valueOf(await reader.inclusionProof(index))).toEqual(naive.path(index, 0, size));
        expect(valueOf(await reader.consistencyProof(index + 1))).toEqual(
          naive.proof(index + 1, size),
        );
      }
    }
  });

  test("verify for any published size, out of the widest tiles alone", async () => {
    const sizes = [255, 256, 257, 511, 512, 513, 1000, 65_535, 65_536, 65_537, 65_792, LIMIT];
    for (const size of sizes) {
      const head = headOf(size);
      const reader = new TileReader(sha256, head, stored);
      const picks = [0, 1, 255, 256, 257, size >> 1, size - 2, size - 1].filter((i) => i < size);
      for (const index of picks) {
        const proof = valueOf(await reader.inclusionProof(index));
        expect(verifyInclusion(sha256, head, index, leafAt(index), proof)).toBe(true);
        const older = headOf(index + 1);
        const path = valueOf(await reader.consistencyProof(index + 1));
        expect(verifyConsistency(sha256, older, head, path)).toBe(true);
      }
    }
  });

  test("ask for each tile once, and for partial ones in the width of the head", async () => {
    const requests: string[] = [];
    const counting: FetchTile = async (tile) => {
      requests.push(tilePath(tile.level, tile.index, tile.width));
      return stored(tile);
    };
    const reader = new TileReader(sha256, headOf(65_900), counting);
    await Promise.all([reader.inclusionProof(300), reader.inclusionProof(300)]);
    await reader.inclusionProof(301);
    expect(requests.toSorted()).toEqual([
      "tile/0/001",
      "tile/0/257.p/108",
      "tile/1/000",
      "tile/1/001.p/1",
      "tile/2/000.p/1",
    ]);
  });

  test("of an empty tree: nothing is read, and nothing can be asked", async () => {
    const reader = new TileReader(sha256, { size: 0, root: emptyRoot(sha256) }, stored);
    await expect(reader.inclusionProof(0)).rejects.toThrow("no entry 0");
    await expect(reader.tile(0, 0)).rejects.toThrow("no tile/0/000");
    expect(valueOf(await reader.consistencyProof(0))).toEqual([]);
  });
});

describe("T1 (CVE-2026-56865) no tile goes without a check against the root", () => {
  const fake = [new Uint8Array(32), new Uint8Array(32).fill(1)];
  const picks = (width: number): number[] =>
    width <= 100 ? Array.from({ length: width }, (_, i) => i) : [0, 1, 127, 128, width - 1];

  /** Read everything that `index` needs; then again with each hash of each tile that was read replaced. */
  async function everyHashCounts(size: number, index: number): Promise<number> {
    const head = headOf(size);
    const seen = watched(stored);
    valueOf(await new TileReader(sha256, head, seen.fetchTile).inclusionProof(index));
    let tried = 0;
    for (const [path, tile] of seen.asked)
      for (const offset of picks(tile.width))
        for (const hash of fake) {
          const lying = watched(stored, (asked, bytes) => {
            if (tilePath(asked.level, asked.index, asked.width) === path)
              bytes.set(hash, offset * 32);
            return bytes;
          });
          const answer = await new TileReader(sha256, head, lying.fetchTile).inclusionProof(index);
          expect(failureOf(answer).code).toBe("RESPONSE_INVALID");
          tried++;
        }
    return tried;
  }

  test("sizes 1 to 100: a zero or one in place of any hash of the tile is refused", async () => {
    for (let size = 2; size <= 100; size++)
      expect(await everyHashCounts(size, size % 7 === 0 ? 0 : size - 1)).toBe(2 * size);
    const one = new TileReader(sha256, headOf(1), async () => new Uint8Array(32));
    expect(failureOf(await one.nodes([{ level: 0, index: 0 }])).code).toBe("RESPONSE_INVALID");
  });

  test.each([
    [256, 0],
    [257, 0],
    [257, 256],
    [600, 5],
    [600, 599],
    [65_536, 77],
    [65_537, 65_536],
    [65_793, 40_000],
    [LIMIT, 0],
    [LIMIT, 65_535],
    [LIMIT, LIMIT - 1],
  ])(
    "size %d, entry %d: the same in every tile that is read, of every level",
    async (size, index) => {
      expect(await everyHashCounts(size, index)).toBeGreaterThan(0);
    },
  );

  test("any one bit of any tile, at random sizes, is noticed", async () => {
    const cases = fc.tuple(fc.integer({ min: 2, max: LIMIT }), fc.nat(), fc.nat(), fc.nat());
    await fc.assert(
      fc.asyncProperty(cases, async ([size, indexSeed, tileSeed, bitSeed]) => {
        const head = headOf(size);
        const index = indexSeed % size;
        const seen = watched(stored);
        valueOf(await new TileReader(sha256, head, seen.fetchTile).inclusionProof(index));
        const [path, tile] =
          [...seen.asked][tileSeed % seen.asked.size] ?? expect.fail("nothing was read");
        const bit = bitSeed % (tile.width * 256);
        const lying = watched(stored, (asked, bytes) =>
          tilePath(asked.level, asked.index, asked.width) === path ? flipped(bytes, bit) : bytes,
        );
        const refusal = failureOf(
          await new TileReader(sha256, head, lying.fetchTile).inclusionProof(index),
        );
        expect(refusal.detail.field).toContain("tile/");
      }),
      { numRuns: 60 },
    );
  });

  test("whole tiles of another log, or of another place, are refused", async () => {
    const other = tilesFrom((level, index) => getNode(level, index + 256));
    for (const size of [1, 100, 257, 65_792]) {
      const reader = new TileReader(sha256, headOf(size), other);
      expect((await reader.nodes([{ level: 0, index: 0 }])).ok).toBe(false);
    }
  });

  test("a tile that is too short, too long or not whole hashes is refused, and named", async () => {
    for (const bytes of [0, 31, 32 * 99, 32 * 99 + 31, 32 * 257].map((n) => new Uint8Array(n))) {
      const reader = new TileReader(sha256, headOf(100), async () => bytes);
      const refusal = failureOf(await reader.inclusionProof(3));
      expect(refusal).toMatchObject({
        code: "RESPONSE_INVALID",
        detail: { field: "tile/0/000.p/100" },
      });
    }
  });
});

describe("a reader that was refused or could not ask", () => {
  test("asks again the next time, and keeps nothing of the bad answer", async () => {
    let lies = 2;
    const flaky: FetchTile = async (tile) => {
      const bytes = await stored(tile);
      return tile.level === 0 && lies-- > 0 ? flipped(bytes, 5) : bytes;
    };
    const reader = new TileReader(sha256, headOf(600), flaky);
    expect((await reader.inclusionProof(3)).ok).toBe(false);
    expect((await reader.inclusionProof(3)).ok).toBe(false);
    expect((await reader.inclusionProof(3)).ok).toBe(true);
  });

  test("throws what the transport threw, and recovers", async () => {
    let down = true;
    const reader = new TileReader(sha256, headOf(600), async (tile) => {
      if (down) throw new Error("the line is dead");
      return stored(tile);
    });
    await expect(reader.inclusionProof(3)).rejects.toThrow("the line is dead");
    down = false;
    expect((await reader.inclusionProof(3)).ok).toBe(true);
  });
});

describe("a cache that several readers of one log share", () => {
  test("serves full tiles to a later head, and forgets the least recently used", async () => {
    const cache = new TileCache(3);
    const seen = watched(stored);
    await new TileReader(sha256, headOf(1000), seen.fetchTile, cache).inclusionProof(0);
    expect(seen.asked.has("tile/0/000")).toBe(true);
    const later = watched(stored);
    const reader = new TileReader(sha256, headOf(2000), later.fetchTile, cache);
    const proof = valueOf(await reader.inclusionProof(0));
    expect(verifyInclusion(sha256, headOf(2000), 0, leafAt(0), proof)).toBe(true);
    expect(later.asked.has("tile/0/000")).toBe(false);
    for (const index of [256, 512, 768]) await reader.inclusionProof(index);
    await reader.inclusionProof(0);
    expect(later.asked.has("tile/0/000")).toBe(true);
  });

  test("never takes in a tile that did not pass", async () => {
    const cache = new TileCache();
    const lying = watched(stored, (tile, bytes) =>
      tile.width === 256 ? flipped(bytes, 9) : bytes,
    );
    const bad = new TileReader(sha256, headOf(600), lying.fetchTile, cache);
    expect((await bad.inclusionProof(0)).ok).toBe(false);
    expect(cache.get("tile/0/000")).toBeUndefined();
  });
});

describe("trees of up to 2^53 - 1 entries", () => {
  test("are read by at most seven tiles of the edge and seven of the path", async () => {
    const level: Hash[] = [leafAt(0)];
    for (let i = 0; i < 53; i++) {
      const below = level[i] ?? expect.fail();
      level.push(nodeHash(sha256, below, below));
    }
    const uniform: FetchTile = async (tile) => {
      const row = new Uint8Array(tile.width * 32);
      for (let i = 0; i < tile.width; i++) row.set(level[tile.level * 8] ?? [], i * 32);
      return row;
    };
    const cases = fc
      .integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
      .chain((size) => fc.tuple(fc.constant(size), fc.integer({ min: 0, max: size - 1 })));
    await fc.assert(
      fc.asyncProperty(cases, async ([size, index]) => {
        const edge = rangeNodes(0, size).map((at) => level[at.level] ?? expect.fail());
        const head = { size, root: CompactRange.from(sha256, size, edge).root() };
        const seen = watched(uniform);
        const reader = new TileReader(sha256, head, seen.fetchTile);
        const proof = valueOf(await reader.inclusionProof(index));
        expect(verifyInclusion(sha256, head, index, leafAt(0), proof)).toBe(true);
        expect(seen.asked.size).toBeLessThanOrEqual(14);
        expect(inclusionNodes(index, size).length).toBeLessThanOrEqual(106);
      }),
      { numRuns: 30 },
    );
  });
});
