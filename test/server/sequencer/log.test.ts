import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { equal, toHex } from "../../../schema/bytes.ts";
import { verifyConsistency, verifyInclusion } from "../../../schema/tlog/proof.ts";
import { CompactRange } from "../../../schema/tlog/tree.ts";
import type { BatchEvent, PublishedHead } from "../../../server/sequencer/ports.ts";
import type { NewEntry } from "../../../server/storage/storage.ts";
import { memoryWorld, start, Witness } from "../../faults/rig.ts";
import { entries, entry, GENESIS, sha256 } from "../fixture.ts";
import { refusalOf, rejectionOf } from "../refusal.ts";

/** RFC 6962 by the compact range alone, with no tile in sight. */
function rootOf(all: readonly NewEntry[]): string {
  const range = CompactRange.empty(sha256);
  for (const { leafHash } of all) range.append(leafHash);
  return toHex(range.root());
}

async function running(more: Parameters<typeof start>[1] = {}) {
  const world = await memoryWorld();
  return { world, ...(await started(world, more)) };
}

async function started(world: Awaited<ReturnType<typeof memoryWorld>>, more = {}) {
  const process = await start(world, more);
  return { process, log: process.log, storage: process.storage };
}

describe("appending", () => {
  test("gives the next indexes in order, and publishes the tree that RFC 6962 says", async () => {
    const { log } = await running();
    const all = [GENESIS];
    for (const count of [1, 2, 253, 1, 300, 5]) {
      const added = entries(all.length, all.length + count);
      const appended = await log.append(added);
      expect(appended).toEqual(added.map((_, i) => ({ index: all.length + i, duplicate: false })));
      all.push(...added);
      expect(log.published().size).toBe(all.length);
      expect(toHex(log.published().root)).toBe(rootOf(all));
    }
    await log.close();
  });

  test("nothing at all is answered with nothing", async () => {
    const { log } = await running();
    expect(await log.append([])).toEqual([]);
    expect(log.published().size).toBe(1);
    await log.close();
  });

  test("what arrives while a commit runs is the next batch: few commits for many callers", async () => {
    const events: BatchEvent[] = [];
    const { log } = await running({ onPublished: (event: BatchEvent) => events.push(event) });
    const first = log.append([entry(0)]);
    await new Promise(setImmediate);
    const rest = entries(1, 500).map((one) => log.append([one]));
    await Promise.all([first, ...rest]);
    expect(events.map((event) => event.entries)).toEqual([1, 1, 499]);
    await log.close();
  });

  test("a call is one unit: its entries are neighbours, also beyond the size of a batch", async () => {
    const { log } = await running({ limits: { batchEntries: 10 } });
    const calls = [entries(0, 7), entries(7, 14), entries(14, 64)];
    const indexes = await Promise.all(calls.map((call) => log.append(call)));
    expect(indexes.flat().map(({ index }) => index)).toEqual(
      Array.from({ length: 64 }, (_, i) => i + 1),
    );
    await log.close();
  });

  test("too much that waits is refused by name, and what waits is still logged", async () => {
    const { log } = await running({ limits: { poolEntries: 10 } });
    const waiting = [log.append(entries(0, 6)), log.append(entries(6, 10))];
    const refused = await rejectionOf(log.append([entry(10)]));
    expect(refused).toMatchObject({ code: "OVERLOADED", detail: { limit: 10 } });
    await Promise.all(waiting);
    expect(log.published().size).toBe(11);
    expect(log.load()).toEqual({ entries: 0, bytes: 0 });
    await log.close();
  });

  test("too many bytes that wait are refused too; one call alone is always taken", async () => {
    const { log } = await running({ limits: { poolBytes: 1_000 } });
    const large = log.append([entry(0, { bytes: 5_000 })]);
    const refused = await rejectionOf(log.append([entry(1)]));
    expect(refused).toMatchObject({ code: "OVERLOADED", detail: { limit: 1_000 } });
    await large;
    await log.append([entry(1)]);
    await log.close();
  });
});

describe("I1 one size, one root", () => {
  test("I1 a batch that was refused leaves no trace: its size gets another root, once", async () => {
    const { world, log } = await running();
    world.disk.capacity = 0;
    await rejectionOf(log.append([entry("lost")]));
    world.disk.capacity = Number.POSITIVE_INFINITY;
    await log.append([entry("kept")]);
    expect(toHex(log.published().root)).toBe(rootOf([GENESIS, entry("kept")]));
    await log.close();
  });
});

describe("I2 no head without its parts", () => {
  test("I2 whatever is published can be read whole: leaves, contents, tiles", async () => {
    const seen: PublishedHead[] = [];
    const { log, storage } = await running({
      onPublished: ({ head }: BatchEvent) => seen.push(head),
    });
    const { reader } = storage;
    for (let n = 0; n < 10; n++) await log.append(entries(n * 77, n * 77 + 77));
    for (const { size } of seen) {
      expect(reader.leaves(0, size)).toHaveLength(size);
      expect(reader.contents(0, size).every(({ state }) => state === "held")).toBe(true);
      for (let tile = 0; tile * 256 < size; tile++)
        expect((reader.tile(0, tile)?.length ?? 0) / 32).toBeGreaterThanOrEqual(
          Math.min(256, size - tile * 256),
        );
    }
    await log.close();
  });
});

describe("I3 no receipt before durable and published", () => {
  test("I3 the head is published, committed and guarded before the caller hears", async () => {
    const { world, log } = await running();
    await Promise.all(
      entries(0, 20).map(async (one) => {
        const [appended] = await log.append([one]);
        const index = appended?.index ?? -1;
        expect(log.published().size).toBeGreaterThan(index);
        expect(world.disk.head.size).toBeGreaterThan(index);
        const guarded = Buffer.from(world.file.bytes ?? [])
          .toString()
          .split("\n")[3];
        expect(Number(guarded)).toBeGreaterThan(index);
      }),
    );
    await log.close();
  });

  test("I3 a durable answer comes first, the published head covers it", async () => {
    const { log } = await running();
    const order: string[] = [];
    const { committed, published } = log.appendDurable(entries(0, 3));
    await Promise.all([
      committed.then(() => order.push("committed")),
      published.then((head) => order.push(`published ${head.size}`)),
    ]);
    expect(order).toEqual(["committed", "published 4"]);
    await log.close();
  });
});

describe("I4 no read passes the published size", () => {
  test("I4 proofs beyond the published head are not made", async () => {
    const { log } = await running();
    await log.append(entries(0, 3));
    const head = log.published();
    const { leafHash } = entry(0);
    const later = { ...head, size: 5 };
    expect(refusalOf(() => log.inclusion(4, head, leafHash)).code).toBe("NOT_FOUND");
    expect(refusalOf(() => log.inclusion(1, later, leafHash)).code).toBe("NOT_FOUND");
    expect(refusalOf(() => log.consistency(1, 5)).code).toBe("NOT_FOUND");
    expect(refusalOf(() => log.consistency(3, 2)).code).toBe("FIELD_INVALID");
    await log.close();
  });
});

describe("I7 no clock changes a byte", () => {
  test("I7 a clock that goes back an hour or forward ten years gives the same store and guard", async () => {
    const stores: string[] = [];
    for (const jump of [0, -3_600_000, 10 * 365 * 86_400_000]) {
      let now = 1_700_000_000_000;
      const { world, log } = await running({ clock: () => now });
      for (let n = 0; n < 5; n++) {
        await log.append(entries(n * 10, n * 10 + 10));
        now += jump;
      }
      await log.close();
      const { head, rows } = world.disk;
      const leaves = rows.map(({ leaf }) => toHex(leaf)).join();
      const guard = toHex(world.file.bytes ?? new Uint8Array(0));
      stores.push(`${toHex(head.checkpoint)} ${leaves} ${guard}`);
    }
    expect(new Set(stores).size).toBe(1);
  });
});

describe("I8 one leaf, one index", () => {
  test("I8 ten thousand identical posts make one leaf, and all hear its index", async () => {
    const { log } = await running();
    const answers = await Promise.all(Array.from({ length: 10_000 }, () => log.append([entry(5)])));
    expect(log.published().size).toBe(2);
    expect(new Set(answers.map(([one]) => one?.index))).toEqual(new Set([1]));
    expect(answers.filter(([one]) => one?.duplicate === false)).toHaveLength(1);
    await log.close();
  });

  test("I8 duplicates inside a call, across a batch and of stored entries get the original's index", async () => {
    const { log } = await running();
    await log.append(entries(0, 3));
    const answers = await Promise.all([
      log.append([entry(9), entry(1), entry(9)]),
      log.append([entry(9), entry(10)]),
      log.append([GENESIS]),
    ]);
    expect(answers).toEqual([
      [
        { index: 4, duplicate: false },
        { index: 2, duplicate: true },
        { index: 4, duplicate: true },
      ],
      [
        { index: 4, duplicate: true },
        { index: 5, duplicate: false },
      ],
      [{ index: 0, duplicate: true }],
    ]);
    await log.close();
  });

  test("I8 a duplicate alone needs no commit, and keeps the published head", async () => {
    const { log, process } = await running();
    await log.append([entry(0)]);
    const head = log.published();
    const commits = process.calls.get("storage.commit");
    expect(await log.append([entry(0)])).toEqual([{ index: 1, duplicate: true }]);
    expect(log.published()).toBe(head);
    expect(process.calls.get("storage.commit")).toBe(commits);
    await log.close();
  });

  test("I8 a duplicate whose original is damaged is told so; its call is logged not at all", async () => {
    const { world, log } = await running();
    await log.append(entries(0, 3));
    const row = world.disk.rows[2];
    if (row !== undefined) row.leaf[0] = (row.leaf[0] ?? 0) ^ 1;
    const [damaged, other] = await Promise.allSettled([
      log.append([entry(7), entry(1)]),
      log.append([entry(8)]),
    ]);
    expect(damaged).toMatchObject({
      status: "rejected",
      reason: { code: "STORE_CORRUPT", detail: { field: "entry 2" } },
    });
    expect(other).toMatchObject({ status: "fulfilled", value: [{ index: 4 }] });
    expect(log.published().size).toBe(5);
    await log.close();
  });

  test("I8 a dedup row that points beyond the head is damage, not an answer", async () => {
    const { world, log } = await running();
    await log.append(entries(0, 3));
    world.disk.indexes.set(toHex(entry(50).leafHash), 77);
    const refused = await rejectionOf(log.append([entry(50)]));
    expect(refused).toMatchObject({ code: "STORE_CORRUPT", detail: { field: "entry 77" } });
    await log.close();
  });

  test("I8 no proof leaves that does not verify: a damaged tile is an error", async () => {
    const { world, log } = await running();
    await log.append(entries(0, 600));
    await log.close();
    const tile = world.disk.tiles.get("0/0");
    if (tile !== undefined) tile[33] = (tile[33] ?? 0) ^ 1;
    const { log: again } = await started(world);
    const refused = refusalOf(() => again.inclusion(5, again.published(), entry(4).leafHash));
    expect(refused).toMatchObject({ code: "STORE_CORRUPT", detail: { field: "entry 5" } });
    await again.close();
  });
});

describe("a full disk", () => {
  test("refuses with STORAGE_FULL, goes on reading, and resumes by itself", async () => {
    const { world, log, process } = await running();
    await log.append(entries(0, 3));
    world.disk.capacity = world.disk.used;
    const refused = await rejectionOf(log.append([entry(3)]));
    expect(refused.code).toBe("STORAGE_FULL");
    expect(log.state()).toMatchObject({ state: "full", reason: { code: "STORAGE_FULL" } });
    expect(log.inclusion(1, log.published(), entry(0).leafHash)).toHaveLength(2);
    // A duplicate needs no room.
    expect(await log.append([entry(0)])).toEqual([{ index: 1, duplicate: true }]);
    expect((await log.recheck()).state).toBe("full");
    world.disk.capacity += 10_000;
    expect((await log.recheck()).state).toBe("ready");
    await log.append([entry(3)]);
    expect(log.state().state).toBe("ready");
    expect(process.fatal).toEqual([]);
    await log.close();
  });

  test("an append resumes it too, without anybody asking first", async () => {
    const { world, log } = await running();
    world.disk.capacity = 0;
    await rejectionOf(log.append([entry(3)]));
    world.disk.capacity = 10_000;
    await log.append([entry(3)]);
    expect(log.state().state).toBe("ready");
    await log.close();
  });
});

describe("closing", () => {
  test("takes nothing more, loses nothing that waits, and gives store and guard back", async () => {
    const { world, log } = await running();
    const waiting = entries(0, 100).map((one) => log.append([one]));
    const closed = log.close();
    await expect(log.append([entry(100)])).rejects.toMatchObject({ code: "STOPPING" });
    await Promise.all([...waiting, closed, log.close()]);
    expect(log.published().size).toBe(101);
    const { log: again } = await started(world);
    expect(again.published().size).toBe(101);
    await again.close();
  });
});

describe("proofs", () => {
  test("every entry of every published head, and every pair of heads", async () => {
    const { log } = await running();
    const all = [GENESIS];
    const heads = [log.published()];
    const sizes = [1, 2, 5, 250, 3, 300, 1, 700];
    for (const count of sizes) {
      const added = entries(all.length, all.length + count);
      await log.append(added);
      all.push(...added);
      heads.push(log.published());
    }
    for (const [i, older] of heads.entries()) {
      for (let index = 0; index < older.size; index += 7) {
        const { leafHash } = all[index] ?? GENESIS;
        const proof = log.inclusion(index, older, leafHash);
        expect(verifyInclusion(sha256, older, index, leafHash, proof)).toBe(true);
      }
      for (const newer of heads.slice(i)) {
        const proof = log.consistency(older.size, newer.size);
        expect(verifyConsistency(sha256, older, newer, proof)).toBe(true);
      }
    }
    await log.close();
  });

  test("are the same after a restart, out of the stored tiles", async () => {
    const { world, log } = await running();
    await log.append(entries(0, 1_500));
    const head = log.published();
    const before = entries(0, 1_500).map(({ leafHash }, i) => log.inclusion(i + 1, head, leafHash));
    await log.close();
    const { log: again } = await started(world);
    for (const [i, proof] of before.entries()) {
      const now = again.inclusion(i + 1, again.published(), entry(i).leafHash);
      expect(now.length === proof.length && now.every((hash, n) => equalAt(proof, n, hash))).toBe(
        true,
      );
    }
    await again.close();
  });
});

function equalAt(proof: readonly Uint8Array[], n: number, hash: Uint8Array): boolean {
  const other = proof[n];
  return other !== undefined && equal(other, hash);
}

test("any mixture of callers, duplicates, full disks and restarts is one history", async () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.array(fc.integer({ min: 0, max: 150 }), { minLength: 1, maxLength: 40 }),
    },
    { weight: 1, arbitrary: fc.constant("full" as const) },
    { weight: 1, arbitrary: fc.constant("restart" as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const world = await memoryWorld();
      const witness = new Witness();
      let process = await start(world);
      for (const next of steps) {
        if (next === "full") {
          world.disk.capacity = world.disk.used + 200;
        } else if (next === "restart") {
          await process.end();
          world.disk.capacity = Number.POSITIVE_INFINITY;
          process = await start(world);
        } else {
          await Promise.all(
            next.map(async (n) => {
              const added = [entry(n), entry(n + 1)];
              const appended = await process.log.append(added).catch(() => undefined);
              if (appended !== undefined) witness.hears(added, appended);
              witness.sees(process.log.published());
            }),
          );
        }
      }
      witness.check(process.log, process.storage);
      await process.end();
    }),
    { numRuns: 60 },
  );
});
