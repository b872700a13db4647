import fc from "fast-check";
import { expect, test } from "vitest";
import { equal } from "../../../../schema/bytes.ts";
import { leafHash } from "../../../../schema/tlog/hash.ts";
import {
  packBatch,
  unpackEntries,
  unpackTiles,
} from "../../../../server/storage/sqlite/packing.ts";
import type { NewEntry } from "../../../../server/storage/storage.ts";
import { entry, sha256 } from "../../fixture.ts";

const bytes = fc.uint8Array({ maxLength: 300 });
const entryOf = fc
  .record({ leaf: bytes, content: fc.option(bytes, { nil: undefined }), key: fc.option(bytes) })
  .map(
    ({ leaf, content, key }): NewEntry => ({
      leaf,
      leafHash: leafHash(sha256, leaf),
      content,
      contentDigest: sha256(content ?? leaf),
      key: key === null ? undefined : { digest: sha256(key), bytes: key },
    }),
  );

const head = { size: 0, root: entry(0).leafHash, epoch: 1, checkpoint: new Uint8Array(3) };

test("a batch comes out of its buffers as it went in", () => {
  fc.assert(
    fc.property(
      fc.array(entryOf, { maxLength: 8 }),
      fc.array(bytes, { maxLength: 4 }),
      (entries, rows) => {
        const tiles = rows.map((hashes, index) => ({
          level: index % 3,
          index: 2 ** 40 + index,
          hashes,
        }));
        const packed = packBatch(head, { entries, tiles, ...head });
        const out = [...unpackEntries(packed)];
        expect(out).toHaveLength(entries.length);
        for (const [i, one] of entries.entries()) {
          const unpacked = out[i];
          if (unpacked === undefined) throw new Error("an entry is missing");
          expect(equal(unpacked.leaf, one.leaf)).toBe(true);
          expect(equal(unpacked.leafHash, one.leafHash)).toBe(true);
          expect(equal(unpacked.contentDigest, one.contentDigest)).toBe(true);
          expect(unpacked.content instanceof Uint8Array).toBe(one.content !== undefined);
          if (unpacked.content instanceof Uint8Array && one.content !== undefined)
            expect(equal(unpacked.content, one.content)).toBe(true);
          expect(unpacked.key === undefined).toBe(one.key === undefined);
          if (unpacked.key !== undefined && one.key !== undefined)
            expect(equal(unpacked.key, one.key.bytes)).toBe(true);
        }
        expect([...unpackTiles(packed)]).toEqual(tiles);
      },
    ),
    { numRuns: 200 },
  );
});

test("one content of many signatures crosses once", () => {
  const content = new Uint8Array(1_000).fill(4);
  const entries = [0, 1, 2].map((n) => ({ ...entry(n), content, contentDigest: sha256(content) }));
  const packed = packBatch(head, { entries, tiles: [], ...head });
  expect([...unpackEntries(packed)].map((one) => one.content === "same")).toEqual([
    false,
    true,
    true,
  ]);
  expect(packed.data.length).toBeLessThan(1_100);
});
