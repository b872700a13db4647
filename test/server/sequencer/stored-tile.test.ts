import { describe, expect, test } from "vitest";
import { join, toHex, utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { emptyRoot, HASH_BYTES, type Hash } from "../../../schema/tlog/hash.ts";
import { TileNodes } from "../../../schema/tlog/tile.ts";
import { CompactRange } from "../../../schema/tlog/tree.ts";
import { Edge } from "../../../server/sequencer/edge.ts";
import { Proofs } from "../../../server/sequencer/proofs.ts";
import { StoredTile } from "../../../server/sequencer/stored-tile.ts";
import { sha256 } from "../fixture.ts";

const HASHES: Hash[] = Array.from({ length: 1_300 }, (_, n) => sha256(utf8(String(n))));
const ROW = join(HASHES.slice(0, 256));

describe("a stored tile", () => {
  test("has the nodes that its row gives, in every row", () => {
    const nodes = unwrap(TileNodes.from(sha256, ROW, 256));
    const fresh = new StoredTile(sha256, ROW);
    const again = new StoredTile(sha256, ROW, fresh.middle());
    for (const tile of [fresh, again])
      for (let height = 0; height < 8; height++)
        for (let offset = 0; offset < 256 / 2 ** height; offset++)
          expect(toHex(tile.get(height, offset))).toBe(
            toHex(nodes.get(height, offset) ?? emptyRoot(sha256)),
          );
  });

  test("has what proves an entry 22 hashes away, once its middle row is known", () => {
    let hashed = 0;
    const counting = (data: Uint8Array): Hash => {
      hashed++;
      return sha256(data);
    };
    const siblings = (tile: StoredTile, index: number): void => {
      for (let height = 0; height < 8; height++)
        tile.get(height, Math.floor(index / 2 ** height) ^ 1);
    };
    const tile = new StoredTile(counting, ROW);
    const middle = tile.middle();
    expect(hashed).toBe(240);
    for (let index = 0; index < 256; index++) {
      hashed = 0;
      siblings(new StoredTile(counting, ROW, middle), index);
      expect(hashed).toBe(22);
    }
    for (let index = 0; index < 256; index++) siblings(tile, index);
    hashed = 0;
    for (let index = 0; index < 256; index++) siblings(tile, index);
    expect(hashed).toBe(0);
  });

  test("that is damaged proves nothing", () => {
    const growth = Edge.empty(sha256).grow(HASHES);
    const damaged = growth.tiles.map(({ level, index, hashes }) => {
      const bytes = hashes.slice();
      if (level === 0 && index === 0) bytes[7 * HASH_BYTES] = (bytes[7 * HASH_BYTES] ?? 0) ^ 1;
      return [`${level}/${index}`, bytes] as const;
    });
    const tiles = new Map(damaged);
    const reader = { tile: (level: number, index: number) => tiles.get(`${level}/${index}`) };
    const proofs = new Proofs(sha256, reader, growth.edge);
    const range = CompactRange.empty(sha256);
    for (const hash of HASHES) range.append(hash);
    const head = { size: HASHES.length, root: range.root() };
    const prove = (index: number) => proofs.inclusion(index, head, HASHES[index] ?? range.root());
    expect(() => prove(3)).toThrow(/not proved by the stored tiles/);
    expect(prove(300)).not.toHaveLength(0);
  });
});
