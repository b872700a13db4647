import { describe, expect, test } from "vitest";
import { join, toHex, utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { emptyRoot, HASH_BYTES, type Hash } from "../../../schema/tlog/hash.ts";
import { TileNodes } from "../../../schema/tlog/tile.ts";
import { CompactRange } from "../../../schema/tlog/tree.ts";
import { Edge } from "../../../server/sequencer/edge.ts";
import { Proofs } from "../../../server/sequencer/proofs.ts";
import { MIDDLE_BYTES, middleOf, StoredTile } from "../../../server/sequencer/stored-tile.ts";
import { sha256 } from "../fixture.ts";

const HASHES: Hash[] = Array.from({ length: 1_300 }, (_, n) => sha256(utf8(String(n))));
const ROW = join(HASHES.slice(0, 256));

describe("a stored tile", () => {
  test("has the nodes that its row gives, in every row", () => {
    const nodes = unwrap(TileNodes.from(sha256, ROW, 256));
    const middle = middleOf(sha256, ROW);
    expect(middle).toHaveLength(MIDDLE_BYTES);
    const tile = new StoredTile(sha256, ROW, middle);
    for (let height = 0; height < 8; height++)
      for (let offset = 0; offset < 256 / 2 ** height; offset++)
        expect(toHex(tile.get(height, offset))).toBe(
          toHex(nodes.get(height, offset) ?? emptyRoot(sha256)),
        );
  });

  test("proves an old entry with at most 22 hashes beside the check, once its middle row is known", () => {
    let hashed = 0;
    const counting = (data: Uint8Array): Hash => {
      hashed++;
      return sha256(data);
    };
    const growth = Edge.empty(sha256).grow(HASHES);
    const tiles = new Map(
      growth.tiles.map(({ level, index, hashes }) => [`${level}/${index}`, hashes]),
    );
    const reader = { tile: (level: number, index: number) => tiles.get(`${level}/${index}`) };
    const proofs = new Proofs(counting, reader, growth.edge);
    const { head } = growth.edge;
    const prove = (index: number): number => {
      const before = hashed;
      const proof = proofs.inclusion(index, head, HASHES[index] ?? emptyRoot(sha256));
      return hashed - before - proof.length;
    };
    expect(prove(0)).toBeGreaterThan(200);
    for (let index = 0; index < 256; index++) expect(prove(index)).toBeLessThanOrEqual(22);
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
