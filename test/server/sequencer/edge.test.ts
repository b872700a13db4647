import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { equal, toHex } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { HASH_BYTES, type Hash } from "../../../schema/tlog/hash.ts";
import { TileNodes, tileWidth } from "../../../schema/tlog/tile.ts";
import { CompactRange } from "../../../schema/tlog/tree.ts";
import { Edge } from "../../../server/sequencer/edge.ts";
import { Pyramid } from "../../../server/sequencer/pyramid.ts";
import { entry, sha256 } from "../fixture.ts";

const HASHES: Hash[] = Array.from({ length: 70_000 }, (_, n) => sha256(Buffer.from(String(n))));

function grownBy(counts: readonly number[]): { edge: Edge; tiles: Map<string, Uint8Array> } {
  let edge = Edge.empty(sha256);
  const tiles = new Map<string, Uint8Array>();
  for (const count of counts) {
    const { size } = edge.head;
    const growth = edge.grow(HASHES.slice(size, size + count));
    for (const tile of growth.tiles) {
      const name = `${tile.level}/${tile.index}`;
      const before = tiles.get(name) ?? new Uint8Array(0);
      // I4: what was written of a tile is the beginning of what is written next.
      expect(equal(tile.hashes.subarray(0, before.length), before)).toBe(true);
      tiles.set(name, tile.hashes);
    }
    edge = growth.edge;
  }
  return { edge, tiles };
}

describe("an edge", () => {
  test("I4 grows tiles by their ends only, to the root of RFC 6962, however it is cut into batches", () => {
    const counts = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(counts, (sizes) => {
        const { edge, tiles } = grownBy(sizes);
        const { size, root } = edge.head;
        const range = CompactRange.empty(sha256);
        for (const hash of HASHES.slice(0, size)) range.append(hash);
        expect(toHex(root)).toBe(toHex(range.root()));
        for (const [name, hashes] of tiles) {
          const [level = 0, index = 0] = name.split("/").map(Number);
          expect(hashes.length / HASH_BYTES).toBe(tileWidth(size, level, index));
        }
      }),
      { numRuns: 30 },
    );
  });

  test("of a batch that is not kept is as it was", () => {
    const { edge } = grownBy([300]);
    const before = toHex(edge.head.root);
    edge.grow(HASHES.slice(1_000, 1_400));
    expect(toHex(edge.head.root)).toBe(before);
    const kept = edge.grow(HASHES.slice(300, 310)).edge;
    expect(toHex(kept.head.root)).toBe(toHex(grownBy([310]).edge.head.root));
  });

  test("is the same out of stored tiles, at every kind of size", () => {
    for (const size of [1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 66_000]) {
      const { edge, tiles } = grownBy([size]);
      const partial = [...tiles].flatMap(([name, hashes]) => {
        const [level = 0, index = 0] = name.split("/").map(Number);
        return hashes.length < 256 * HASH_BYTES ? [Pyramid.from(sha256, level, index, hashes)] : [];
      });
      const read = Edge.from(sha256, size, partial);
      expect(toHex(read.head.root)).toBe(toHex(edge.head.root));
      const added = HASHES.slice(size, size + 300);
      const [a, b] = [read.grow(added), edge.grow(added)];
      expect(toHex(a.edge.head.root)).toBe(toHex(b.edge.head.root));
      expect(a.tiles).toEqual(b.tiles);
    }
  });
});

describe("a pyramid", () => {
  test("has the nodes that the schema computes from the same tile, grown or read", () => {
    const { edge, tiles } = grownBy([200, 13]);
    const grown = edge.tile(0, 0);
    const bytes = tiles.get("0/0") ?? new Uint8Array(0);
    const read = Pyramid.from(sha256, 0, 0, bytes);
    const nodes = unwrap(TileNodes.from(sha256, bytes, 213));
    for (let height = 0; height < 8; height++)
      for (let offset = 0; offset < 213 >> height; offset++) {
        const expected = toHex(nodes.get(height, offset) ?? new Uint8Array(0));
        expect(toHex(read.get(height, offset))).toBe(expected);
        expect(grown === undefined ? "" : toHex(grown.get(height, offset))).toBe(expected);
      }
    expect(equal(read.row(), bytes)).toBe(true);
  });

  test("its root is the hash above, and a copy does not grow with it", () => {
    const { tiles } = grownBy([256]);
    const full = Pyramid.from(sha256, 0, 0, tiles.get("0/0") ?? new Uint8Array(0));
    expect(equal(full.root(sha256), tiles.get("1/0") ?? new Uint8Array(0))).toBe(true);
    const empty = Pyramid.empty(0, 0);
    const copy = empty.clone();
    copy.set(0, 0, entry(1).leafHash);
    expect([empty.width, copy.width]).toEqual([0, 1]);
  });
});
