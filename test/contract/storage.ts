/**
 * What every storage driver promises (`server/storage/storage.ts`), as one suite. A driver's own
 * test file runs it with a way to make an empty store and to open it again.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { equal } from "../../schema/bytes.ts";
import type { ErrorCode } from "../../schema/error.ts";
import { asHash, emptyRoot, HASH_BYTES, type Hash, leafHash } from "../../schema/tlog/hash.ts";
import { Edge } from "../../server/sequencer/edge.ts";
import type { Batch, NewEntry, Storage, StoredHead } from "../../server/storage/storage.ts";
import { entries, entry, ORIGIN, sha256 } from "../server/fixture.ts";
import { refusalOf } from "../server/refusal.ts";

/** A store that outlives those who open it. */
export interface StoreUnderTest {
  open(): Promise<Storage>;
}

export function storageContract(makeStore: () => Promise<StoreUnderTest>): void {
  async function withStore<T>(work: (storage: Storage, store: StoreUnderTest) => Promise<T>) {
    const store = await makeStore();
    const storage = await store.open();
    try {
      return await work(storage, store);
    } finally {
      await storage.close().catch(() => undefined);
    }
  }

  describe("a new store", () => {
    test("is empty, and says what it is", async () => {
      await withStore(async (storage) => {
        const head = await storage.readHead();
        expect(head.size).toBe(0);
        expect(equal(head.root, emptyRoot(sha256))).toBe(true);
        expect(head.checkpoint).toHaveLength(0);
        expect(storage.origin).toBe(ORIGIN);
        expect(storage.databaseId).toHaveLength(16);
        expect(storage.reader.tile(0, 0)).toBeUndefined();
        expect(storage.reader.leaves(0, 0)).toEqual([]);
        expect(await storage.findLeaves([entry(0).leafHash])).toEqual([undefined]);
        expect(await storage.findLeaves([])).toEqual([]);
      });
    });
  });

  describe("erase", () => {
    test("takes a content out of all its entries, keeps what it is given, and nothing else changes", async () => {
      await withStore(async (storage, store) => {
        const [first, second] = [entry(0), entry(1)];
        const shared = { ...second, content: first.content, contentDigest: first.contentDigest };
        const opaque = entry(3, { opaque: true });
        const all = [first, shared, entry(2), opaque];
        const { head } = await grow(storage, Edge.empty(sha256), all);
        const { reader } = storage;
        const digest = first.contentDigest;
        expect(reader.entriesWith(digest, 0, 4)).toEqual([0, 1]);
        expect(reader.entriesWith(digest, 1, 2)).toEqual([1]);
        expect(reader.together(() => reader.leaves(1, 3))).toEqual(reader.leaves(1, 3));
        const failing = (): never => {
          throw new Error("of the reader");
        };
        expect(() => reader.together(failing)).toThrow("of the reader");
        expect(reader.together(() => reader.together(() => reader.contents(2, 3)))).toHaveLength(1);
        expect(reader.entriesWith(opaque.contentDigest, 0, 4)).toEqual([]);
        expect(await storage.erased()).toEqual({ contents: [], upTo: 0 });
        const bytes = Uint8Array.of(1, 2, 3);
        const postings = [0, 1].map((index) => ({ index, bytes }));
        expect(await storage.erase([{ digest, statement: 2, postings }], 4)).toEqual({
          state: "committed",
        });
        const check = async (now: Storage): Promise<void> => {
          const states = now.reader.contents(0, 4).map(({ state }) => state);
          expect(states).toEqual(["erased", "erased", "held", "never-held"]);
          expect(now.reader.content(digest)).toEqual({ state: "erased" });
          expect(now.reader.contentSizes(0, 2)).toEqual([0, 0]);
          expect([0, 1].map((index) => now.reader.hasContent(index))).toEqual([true, true]);
          expect([0, 1, 2].map((index) => [...(now.reader.keptPostings(index) ?? [])])).toEqual([
            [...bytes],
            [...bytes],
            [],
          ]);
          const { contents, upTo } = await now.erased();
          expect(contents).toEqual([{ digest, statement: 2 }]);
          expect(upTo).toBe(4);
          expect(equal(given(now.reader.leaves(0, 1)[0]), first.leaf)).toBe(true);
          expect((await now.readHead()).size).toBe(head.size);
        };
        await check(storage);
        // The same again is no other: a start may find a statement that was carried out.
        await storage.erase([{ digest, statement: 3, postings: [] }], 4);
        await check(storage);
        await storage.close();
        const again = await store.open();
        await check(again);
        await again.close();
      });
    });

    test("an entry comes back from another copy as one whose content is gone, with what it posts", async () => {
      await withStore(async (storage) => {
        const postings = Uint8Array.of(7, 8);
        const [first, second] = [entry(0), entry(1)];
        const gone = { ...first, content: undefined, erased: { postings } };
        const shared = { ...second, content: undefined, contentDigest: first.contentDigest };
        const all = [gone, { ...shared, erased: { postings: undefined } }, entry(2)];
        await grow(storage, Edge.empty(sha256), all);
        const { reader } = storage;
        const states = reader.contents(0, 3).map(({ state }) => state);
        expect(states).toEqual(["erased", "erased", "held"]);
        expect(reader.content(first.contentDigest)).toEqual({ state: "erased" });
        expect(reader.entriesWith(first.contentDigest, 0, 3)).toEqual([0, 1]);
        expect([...(reader.keptPostings(0) ?? [])]).toEqual([7, 8]);
        expect(reader.keptPostings(1)).toBeUndefined();
      });
    });

    test("an entry that brings an erased content back is stored without it", async () => {
      await withStore(async (storage) => {
        const first = entry(0);
        const { head, edge } = await grow(storage, Edge.empty(sha256), [first]);
        await storage.erase([{ digest: first.contentDigest, statement: 0, postings: [] }], 1);
        const { content, contentDigest } = first;
        const batch = batchOf(edge, [{ ...entry(1), content, contentDigest }]);
        expect(await storage.commit(head, batch)).toEqual({ state: "committed" });
        expect(storage.reader.contents(0, 2).map(({ state }) => state)).toEqual([
          "erased",
          "erased",
        ]);
      });
    });
  });

  describe("commit", () => {
    test("is seen by every read that follows it", async () => {
      await withStore(async (storage) => {
        const batch = await grow(storage, Edge.empty(sha256), entries(0, 300));
        expect(await storage.readHead()).toMatchObject({ size: 300, epoch: batch.head.epoch });
        const { reader } = storage;
        for (const [i, leaf] of reader.leaves(0, 300).entries())
          expect(equal(leaf, entry(i).leaf)).toBe(true);
        expect(reader.leaves(299, 300)).toHaveLength(1);
        expect(reader.findLeaf(entry(299).leafHash)).toBe(299);
        expect(await storage.findLeaves([entry(7), entry(300), entry(0)].map(hashOf))).toEqual([
          7,
          undefined,
          0,
        ]);
        expect(reader.tile(0, 0)).toHaveLength(256 * HASH_BYTES);
        expect(reader.tile(0, 1)).toHaveLength(44 * HASH_BYTES);
        expect(reader.tile(1, 0)).toHaveLength(HASH_BYTES);
        expect(reader.tile(1, 1)).toBeUndefined();
      });
    });

    test("ANT-2026-88EWBS43 a hash that differs from a stored one in any one bit is another leaf", async () => {
      await withStore(async (storage) => {
        await grow(storage, Edge.empty(sha256), [entry(0)]);
        const near = Array.from({ length: HASH_BYTES }, (_, at) => {
          const hash = asHash(entry(0).leafHash.slice());
          if (hash === undefined) throw new Error("a hash has 32 bytes");
          hash[at] = (hash[at] ?? 0) ^ 1;
          return hash;
        });
        expect(await storage.findLeaves(near)).toEqual(near.map(() => undefined));
        for (const hash of near) expect(storage.reader.findLeaf(hash)).toBeUndefined();
      });
    });

    test("holds contents by entry and by digest, each once, and knows which were never held", async () => {
      await withStore(async (storage) => {
        const [first, second] = [entry(0), entry(1)];
        const shared = { ...second, content: first.content, contentDigest: first.contentDigest };
        const opaque = entry(2, { opaque: true });
        await grow(storage, Edge.empty(sha256), [first, shared, opaque]);
        const { reader } = storage;
        const held = { state: "held" };
        expect(reader.contents(0, 3)).toMatchObject([held, held, { state: "never-held" }]);
        expect([0, 1, 2].map((index) => reader.hasContent(index))).toEqual([true, true, false]);
        expect(refusalOf(() => reader.hasContent(3)).code).toBe("STORE_CORRUPT");
        for (const content of [...reader.contents(0, 2), reader.content(first.contentDigest)])
          expect(content.state === "held" && equal(content.bytes, given(first.content))).toBe(true);
        expect(reader.contentSizes(0, 3)).toEqual([
          given(first.content).length,
          given(first.content).length,
          0,
        ]);
        expect(reader.content(opaque.contentDigest)).toEqual({ state: "never-held" });
      });
    });

    test("holds an empty content, which is not one that was never held", async () => {
      await withStore(async (storage) => {
        const content = new Uint8Array(0);
        const empty = { ...entry(0), content, contentDigest: sha256(content) };
        await grow(storage, Edge.empty(sha256), [empty]);
        expect(storage.reader.contents(0, 1)).toMatchObject([{ state: "held" }]);
        expect(storage.reader.content(empty.contentDigest)).toMatchObject({ state: "held" });
      });
    });

    test("holds key objects, also one that several entries bring", async () => {
      await withStore(async (storage) => {
        const bytes = new Uint8Array(32_768).fill(5);
        const key = { digest: sha256(bytes), bytes };
        const both = [
          { ...entry(0), key },
          { ...entry(1), key },
        ];
        await grow(storage, Edge.empty(sha256), both);
        expect(equal(given(storage.reader.key(key.digest)), bytes)).toBe(true);
        expect(storage.reader.key(sha256(new Uint8Array(1)))).toBeUndefined();
      });
    });

    test("takes the largest leaf and content, and thousands of entries at once", async () => {
      await withStore(async (storage) => {
        const leaf = new Uint8Array(65_535).fill(1);
        const content = new Uint8Array(1_048_576).fill(2);
        const large: NewEntry = {
          leaf,
          leafHash: leafHash(sha256, leaf),
          content,
          contentDigest: sha256(content),
          key: undefined,
        };
        const batch = await grow(storage, Edge.empty(sha256), [large, ...entries(0, 5_000)]);
        expect(batch.head.size).toBe(5_001);
        expect(equal(given(storage.reader.leaves(0, 1)[0]), leaf)).toBe(true);
        expect(storage.reader.contentSizes(0, 1)).toEqual([content.length]);
        expect(storage.reader.tile(0, 19)).toHaveLength(137 * HASH_BYTES);
      });
    });

    test("does not depend on buffers that the caller uses again", async () => {
      await withStore(async (storage) => {
        const source = entry(0);
        const reused = { ...source, leaf: source.leaf.slice(), content: source.content?.slice() };
        await grow(storage, Edge.empty(sha256), [reused]);
        reused.leaf.fill(0);
        reused.content?.fill(0);
        expect(equal(given(storage.reader.leaves(0, 1)[0]), source.leaf)).toBe(true);
        const content = storage.reader.content(source.contentDigest);
        expect(content.state === "held" && equal(content.bytes, given(source.content))).toBe(true);
      });
    });

    test("I1 moves the head from the expected one only: size, root and epoch must be equal", async () => {
      await withStore(async (storage) => {
        const { head, edge } = await grow(storage, Edge.empty(sha256), entries(0, 3));
        const next = batchOf(edge, entries(3, 4));
        const others: StoredHead[] = [
          { ...head, size: 2 },
          { ...head, root: entry(9).leafHash },
          { ...head, epoch: head.epoch - 1 },
          { ...head, epoch: head.epoch + 1 },
        ];
        for (const expected of others) {
          const result = await storage.commit(expected, { ...next, size: expected.size + 1 });
          expect(result.state).toBe("conflict");
          if (result.state === "conflict") expect(result.head.size).toBe(3);
        }
        await isUntouched(storage, head, entry(3));
      });
    });

    test("I2 writes all of a batch or nothing: a leaf that changed on its way refuses it whole", async () => {
      await withStore(async (storage) => {
        const { head, edge } = await grow(storage, Edge.empty(sha256), entries(0, 3));
        const flipped = entry(4).leaf.slice();
        flipped[0] = (flipped[0] ?? 0) ^ 1;
        const bad = [entry(3), { ...entry(4), leaf: flipped }, entry(5)];
        await refuses(storage, head, batchOf(edge, bad), "INTERNAL");
        await isUntouched(storage, head, entry(3));
      });
    });

    test("I8 gives no second index to a leaf that is there", async () => {
      await withStore(async (storage) => {
        const { head, edge } = await grow(storage, Edge.empty(sha256), entries(0, 3));
        await refuses(storage, head, batchOf(edge, [entry(3), entry(1)]), "INTERNAL");
        await isUntouched(storage, head, entry(3));
        expect(storage.reader.findLeaf(entry(1).leafHash)).toBe(1);
      });
    });

    test("I4 refuses a tile that does not begin with what is stored of it", async () => {
      await withStore(async (storage) => {
        const { head, edge } = await grow(storage, Edge.empty(sha256), entries(0, 3));
        const batch = batchOf(edge, [entry(3)]);
        for (const at of [0, 2 * HASH_BYTES, 3 * HASH_BYTES - 1]) {
          const tiles = batch.tiles.map((tile) => ({ ...tile, hashes: tile.hashes.slice() }));
          const hashes = given(tiles[0]).hashes;
          hashes[at] = (hashes[at] ?? 0) ^ 1;
          await refuses(storage, head, { ...batch, tiles }, "STORE_CORRUPT");
        }
        const shorter = batch.tiles.map((tile) => ({ ...tile, hashes: tile.hashes.slice(0, 32) }));
        await refuses(storage, head, { ...batch, tiles: shorter }, "STORE_CORRUPT");
        await isUntouched(storage, head, entry(3));
      });
    });

    test("refuses a batch whose entries do not reach its size", async () => {
      await withStore(async (storage) => {
        const { head, edge } = await grow(storage, Edge.empty(sha256), entries(0, 3));
        await refuses(storage, head, { ...batchOf(edge, [entry(3)]), size: 5 }, "INTERNAL");
        await isUntouched(storage, head, entry(3));
      });
    });
  });

  describe("reads", () => {
    test("name the first place where a row is missing", async () => {
      await withStore(async (storage) => {
        await grow(storage, Edge.empty(sha256), entries(0, 3));
        for (const read of [
          () => storage.reader.leaves(2, 4),
          () => storage.reader.contents(0, 4),
          () => storage.reader.contentSizes(3, 4),
        ])
          expect(refusalOf(read).code).toBe("STORE_CORRUPT");
      });
    });

    test("say whether there is room", async () => {
      await withStore(async (storage) => {
        expect(await storage.checkRoom()).toBeUndefined();
        expect(await storage.freeBytes()).toBeGreaterThan(0);
      });
    });
  });

  describe("opening", () => {
    test("takes the store for one process, and gives it back on close", async () => {
      await withStore(async (storage, store) => {
        await expect(store.open()).rejects.toMatchObject({ code: "STORE_LOCKED" });
        await storage.close();
        const second = await store.open();
        await second.close();
      });
    });

    test("finds what was committed, under a new epoch that fences the one before", async () => {
      await withStore(async (storage, store) => {
        const { head, edge } = await grow(storage, Edge.empty(sha256), entries(0, 10));
        await storage.close();
        const second = await store.open();
        const found = await second.readHead();
        expect(found).toMatchObject({ size: 10, epoch: head.epoch + 1 });
        expect(equal(found.root, head.root)).toBe(true);
        expect(equal(found.checkpoint, head.checkpoint)).toBe(true);
        expect(second.reader.leaves(0, 10)).toHaveLength(10);
        expect((await second.commit(head, batchOf(edge, [entry(10)]))).state).toBe("conflict");
        expect((await second.commit(found, batchOf(edge, [entry(10)]))).state).toBe("committed");
        await second.close();
      });
    });
  });

  test("whatever the batches, leaves, dedup rows and tiles are those of one tree", async () => {
    const batches = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(batches, async (sizes) => {
        await withStore(async (storage) => {
          let edge = Edge.empty(sha256);
          for (const count of sizes) {
            const from = edge.head.size;
            edge = (await grow(storage, edge, entries(from, from + count))).edge;
          }
          const { size } = edge.head;
          const hashes = entries(0, size).map(hashOf);
          expect(await storage.findLeaves(hashes)).toEqual(hashes.map((_, i) => i));
          for (let n = 0; n * 256 < size; n++) {
            const row = Buffer.concat(hashes.slice(n * 256, n * 256 + 256));
            expect(equal(given(storage.reader.tile(0, n)), row)).toBe(true);
          }
        });
      }),
      { numRuns: 5 },
    );
  });
}

function hashOf({ leafHash: hash }: NewEntry): Hash {
  return hash;
}

export function batchOf(edge: Edge, added: readonly NewEntry[]): Batch {
  const growth = edge.grow(added.map(hashOf));
  const checkpoint = Buffer.from(`checkpoint of ${growth.edge.head.size}`);
  return { entries: added, tiles: growth.tiles, ...growth.edge.head, checkpoint };
}

async function grow(
  storage: Storage,
  edge: Edge,
  added: readonly NewEntry[],
): Promise<{ head: StoredHead; edge: Edge }> {
  const head = await storage.readHead();
  const batch = batchOf(edge, added);
  expect(await storage.commit(head, batch)).toEqual({ state: "committed" });
  const { size, root, checkpoint } = batch;
  return {
    head: { size, root, checkpoint, epoch: head.epoch },
    edge: edge.grow(added.map(hashOf)).edge,
  };
}

async function refuses(
  storage: Storage,
  head: StoredHead,
  batch: Batch,
  code: ErrorCode,
): Promise<void> {
  const result = await storage.commit(head, batch);
  expect(result.state).toBe("failed");
  if (result.state === "failed") expect(result.error.code).toBe(code);
}

async function isUntouched(storage: Storage, head: StoredHead, absent: NewEntry): Promise<void> {
  const found = await storage.readHead();
  expect(found.size).toBe(head.size);
  expect(equal(found.root, head.root)).toBe(true);
  expect(found.epoch).toBe(head.epoch);
  expect(await storage.findLeaves([absent.leafHash])).toEqual([undefined]);
  expect(storage.reader.content(absent.contentDigest)).toEqual({ state: "never-held" });
  expect(refusalOf(() => storage.reader.leaves(head.size, head.size + 1)).code).toBe(
    "STORE_CORRUPT",
  );
  expect(storage.reader.tile(0, 0)).toHaveLength(head.size * HASH_BYTES);
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("nothing is there");
  return value;
}
