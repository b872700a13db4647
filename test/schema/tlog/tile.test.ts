import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  contentPath,
  entriesPath,
  parseTilePath,
  rowLength,
  TileNodes,
  tileOfNode,
  tilePath,
  tilesOf,
  tileWidth,
} from "../../../schema/tlog/tile.ts";
import { failureOf, joined, leafHashes, NaiveTree, sha256, valueOf } from "./support.ts";

describe("tile paths", () => {
  test("are written as tlog-tiles writes them", () => {
    expect(tilePath(0, 0)).toBe("tile/0/000");
    expect(tilePath(0, 0, 1)).toBe("tile/0/000.p/1");
    expect(tilePath(1, 999, 256)).toBe("tile/1/999");
    expect(tilePath(2, 1000, 255)).toBe("tile/2/x001/000.p/255");
    expect(entriesPath(1_234_067)).toBe("tile/entries/x001/x234/067");
    expect(contentPath(123_456, 17)).toBe("tile/content/x123/456.p/17");
  });

  test("are read back, whatever the level, index and width", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 63 }),
        fc.oneof(fc.nat(5000), fc.maxSafeNat()),
        fc.integer({ min: 1, max: 256 }),
        (level, index, width) => {
          const [hash, entries, content] = [
            tilePath(level, index, width),
            entriesPath(index, width),
            contentPath(index, width),
          ].map((path) => valueOf(parseTilePath(path)));
          expect(hash).toEqual({ kind: "hash", level, index, width });
          expect(entries).toEqual({ kind: "entries", level: 0, index, width });
          expect(content).toEqual({ kind: "content", level: 0, index, width });
        },
      ),
    );
  });

  test.each([
    "",
    "/tile/0/000",
    "tile/0/0",
    "tile/0/00",
    "tile/0/0000",
    "tile/00/000",
    "tile/64/000",
    "tile/-1/000",
    "tile/0/x000/001",
    "tile/0/x000/x000/001",
    "tile/0/001/002",
    "tile/0/x001",
    "tile/0/X001/002",
    "tile/0/000.p/0",
    "tile/0/000.p/01",
    "tile/0/000.p/256",
    "tile/0/000.p/999",
    "tile/0/000.p",
    "tile/0/000.p/1/",
    "tile/0/000\n",
    "tile/0/../0/000",
    "tile/data/000",
    "tile/entries/000.p/",
    "tile/0/٠٠٠",
    "tile/0/x009/x007/x199/x254/x740/992",
    `tile/0/${"x001/".repeat(100_000)}001`,
  ])("%s is refused", (path) => {
    expect(failureOf(parseTilePath(path)).detail.field).toBe("path");
  });
});

describe("the tiles of a tree", () => {
  test("hold each complete node of a level that is a multiple of eight, once", () => {
    for (const size of [0, 1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_000]) {
      const counts = [0, 0, 0, 0];
      for (const { level, index, width } of tilesOf(size)) {
        expect(width).toBe(tileWidth(size, level, index));
        expect(index * 256).toBe(counts[level]);
        counts[level] = (counts[level] ?? 0) + width;
      }
      expect(counts).toEqual([0, 1, 2, 3].map((level) => rowLength(size, level)));
    }
  });

  test("that are new since an older size are the ones whose width changed", () => {
    const sizes = fc.tuple(fc.nat(70_000), fc.nat(2_000));
    fc.assert(
      fc.property(sizes, ([from, more]) => {
        const before = new Set([...tilesOf(from)].map((t) => tilePath(t.level, t.index, t.width)));
        const after = [...tilesOf(from + more)].map((t) => tilePath(t.level, t.index, t.width));
        const fresh = [...tilesOf(from + more, from)];
        expect(fresh.map((t) => tilePath(t.level, t.index, t.width))).toEqual(
          after.filter((path) => !before.has(path)),
        );
      }),
      { numRuns: 50 },
    );
  });

  test("of the largest size are named one at a time, without making a list", () => {
    let count = 0;
    for (const tile of tilesOf(Number.MAX_SAFE_INTEGER)) {
      expect(tile.width).toBe(256);
      if (++count === 1000) break;
    }
    expect(count).toBe(1000);
  });

  test("have a place for every node", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 52 }), fc.maxSafeNat(), (level, seed) => {
        const index = Math.floor(seed / 2 ** level);
        const at = tileOfNode({ level, index });
        expect(at.level * 8 + at.height).toBe(level);
        expect(at.index * 2 ** (8 - at.height) + at.offset).toBe(index);
        expect(at.offset).toBeLessThan(2 ** (8 - at.height));
      }),
    );
  });
});

describe("the nodes of a tile", () => {
  const leaves = leafHashes(256);
  const naive = new NaiveTree(leaves);
  const full = joined(...leaves);

  test("are computed from its row, for every width", () => {
    for (let width = 1; width <= 256; width++) {
      const nodes = valueOf(TileNodes.from(sha256, full.subarray(0, width * 32), width));
      for (let height = 0; height <= 8; height++) {
        const row = Math.floor(width / 2 ** height);
        for (const offset of [0, row - 1].filter((i) => i >= 0 && i < row))
          expect(nodes.get(height, offset)).toEqual(
            naive.root(offset * 2 ** height, (offset + 1) * 2 ** height),
          );
        expect(nodes.get(height, row)).toBeUndefined();
      }
      expect(nodes.get(9, 0)).toBeUndefined();
    }
  });

  test("come out of a wider version of the tile as out of the narrow one", () => {
    const narrow = valueOf(TileNodes.from(sha256, full.subarray(0, 100 * 32), 100));
    const wide = valueOf(TileNodes.from(sha256, full, 100));
    for (let height = 0; height <= 8; height++)
      for (let offset = 0; offset < 256; offset++)
        expect(wide.get(height, offset)).toEqual(narrow.get(height, offset));
  });

  test("are copies: who changes one does not change the tile", () => {
    const nodes = valueOf(TileNodes.from(sha256, full, 256));
    nodes.get(0, 0)?.fill(0);
    nodes.get(8, 0)?.fill(0);
    expect(nodes.get(0, 0)).toEqual(leaves[0]);
    expect(nodes.get(8, 0)).toEqual(naive.root(0, 256));
  });

  test("are not taken from bytes of another length", () => {
    for (const [length, width] of [
      [0, 1],
      [31, 1],
      [33, 1],
      [32 * 9, 10],
      [32 * 257, 256],
      [32 * 256 - 1, 255],
      [1_000_000, 256],
    ] as const)
      expect(failureOf(TileNodes.from(sha256, new Uint8Array(length), width)).code).toBe(
        "RESPONSE_INVALID",
      );
  });
});
