/** I6: what a process proves before its first signature, on memory and on the real disk. */
import { cpSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import type { ErrorCode } from "../../../schema/error.ts";
import { formatGuard, parseGuard } from "../../../server/sequencer/guard.ts";
import type { GuardedHead } from "../../../server/sequencer/ports.ts";
import type { MemoryDisk } from "../../../server/storage/memory/memory.ts";
import { memoryWorld, start } from "../../faults/rig.ts";
import {
  appendAndClose,
  entries,
  entry,
  newPlace,
  openPlace,
  SIGNER,
  sha256,
  signerOf,
} from "../fixture.ts";
import { rejectionOf } from "../refusal.ts";

async function grown(count: number) {
  const world = await memoryWorld();
  const process = await start(world);
  await process.log.append(entries(0, count - 1));
  await process.end();
  return world;
}

function guardOf(world: Awaited<ReturnType<typeof memoryWorld>>): GuardedHead {
  const parsed = parseGuard(world.file.bytes ?? new Uint8Array(0));
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.value;
}

const SIZES = [1, 2, 255, 256, 257, 511, 512, 513, 700, 65_536 + 300];

describe("the right edge", () => {
  test.each(SIZES)("I6 of a sound store of size %i starts, and goes on", async (size) => {
    const world = await grown(size);
    const process = await start(world);
    expect(process.log.published().size).toBe(size);
    await process.log.append([entry("more")]);
    await process.end();
  });

  const flip = (bytes: Uint8Array | undefined, at: number): void => {
    if (bytes === undefined) throw new Error("nothing to flip");
    bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  };
  const damages: [string, number, (disk: MemoryDisk) => void, string][] = [
    ["the last leaf", 700, (disk) => flip(disk.rows[699]?.leaf, 3), "entry 699"],
    ["a leaf of the last full tile", 700, (disk) => flip(disk.rows[300]?.leaf, 3), "entry 300"],
    ["the last tile", 700, (disk) => flip(disk.tiles.get("0/2"), 5), "entry 512"],
    ["the last full tile", 700, (disk) => flip(disk.tiles.get("0/1"), 5), "entry 256"],
    ["the tile above", 700, (disk) => flip(disk.tiles.get("1/0"), 32), "tile 0/1"],
    ["an older hash of the tile above", 700, (disk) => flip(disk.tiles.get("1/0"), 0), "head"],
    ["the tile above, at a full row", 512, (disk) => flip(disk.tiles.get("1/0"), 32), "tile 0/1"],
    ["a leaf of the last tile, full", 512, (disk) => flip(disk.rows[511]?.leaf, 0), "entry 511"],
    ["the root", 700, (disk) => flip(disk.head.root, 0), "head"],
    ["the checkpoint's text", 700, (disk) => flip(disk.head.checkpoint, 30), "head.checkpoint"],
    [
      "the checkpoint's signature",
      700,
      (disk) => flip(disk.head.checkpoint, disk.head.checkpoint.length - 20),
      "head.checkpoint",
    ],
  ];

  test.each(damages)(
    "I6 a flipped bit in %s is found before the next signature",
    async (_, size, damage, field) => {
      const world = await grown(size);
      damage(world.disk);
      const refused = await rejectionOf(start(world));
      expect(refused).toMatchObject({ code: "STORE_CORRUPT", detail: { field } });
    },
  );

  test("I6 a missing tile or leaf is named", async () => {
    const one = await grown(300);
    one.disk.tiles.delete("0/1");
    expect(await rejectionOf(start(one))).toMatchObject({ detail: { field: "tile 0/1" } });
    const other = await grown(300);
    other.disk.rows.pop();
    expect((await rejectionOf(start(other))).code).toBe("STORE_CORRUPT");
  });
});

describe("the guard", () => {
  async function refusedWith(
    change: (world: Awaited<ReturnType<typeof memoryWorld>>) => void | Promise<void>,
    code: ErrorCode,
  ) {
    const world = await grown(300);
    await change(world);
    const before = { head: world.disk.head, guard: world.file.bytes };
    const refused = await rejectionOf(start(world, {}));
    expect(refused.code).toBe(code);
    expect(refused.detail.hint).toBeTruthy();
    // Nothing was signed and nothing moved; only the epoch counts openings.
    expect({ ...world.disk.head, epoch: 0 }).toEqual({ ...before.head, epoch: 0 });
    expect(world.file.bytes).toBe(before.guard);
    return refused;
  }

  const setGuard = (
    world: Awaited<ReturnType<typeof memoryWorld>>,
    change: Partial<GuardedHead>,
  ): void => {
    world.file.bytes = formatGuard({ ...guardOf(world), ...change });
  };

  test("I6 that is gone although entries exist refuses the start", async () => {
    const refused = await refusedWith((world) => {
      world.file.bytes = undefined;
    }, "GUARD_MISSING");
    expect(refused.message).toContain("300");
  });

  test("I6 of another store, or another log, refuses the start", async () => {
    await refusedWith(
      (world) => setGuard(world, { databaseId: new Uint8Array(16) }),
      "GUARD_FOREIGN",
    );
    await refusedWith(
      (world) => setGuard(world, { origin: "other.example.test" }),
      "GUARD_FOREIGN",
    );
  });

  test("I6 that is ahead names the entries that are missing", async () => {
    const root = entry("any").leafHash;
    const checkpoint = await SIGNER.sign({ size: 310, root });
    const refused = await refusedWith(
      (world) => setGuard(world, { size: 310, root, checkpoint }),
      "GUARD_AHEAD",
    );
    expect(refused.message).toContain("entries 300 to 309");
    expect(refused.detail.expected).toContain("310");
  });

  test("I6 with another root of the same size, or of a smaller one, refuses the start", async () => {
    for (const size of [300, 299, 256, 1]) {
      const root = entry("forged").leafHash;
      const checkpoint = await SIGNER.sign({ size, root });
      await refusedWith((world) => setGuard(world, { size, root, checkpoint }), "GUARD_DIFFERS");
    }
  });

  test("I6 that says what no key of this log signed is damage", async () => {
    const root = entry("forged").leafHash;
    await refusedWith((world) => setGuard(world, { size: 310, root }), "STORE_CORRUPT");
    await refusedWith((world) => {
      const bytes = world.file.bytes?.slice();
      if (bytes !== undefined) bytes[bytes.length - 20] = 0x41;
      world.file.bytes = bytes;
    }, "STORE_CORRUPT");
  });

  test("I6 that is one batch behind is moved forward: the last process died between the two", async () => {
    const world = await memoryWorld();
    const process = await start(world);
    for (const n of [0, 100, 200, 300]) {
      await process.log.append(entries(n, n + 100));
    }
    const old = world.file.bytes;
    await process.log.append(entries(400, 700));
    await process.end();
    world.file.bytes = old;
    expect(guardOf(world).size).toBe(401);
    const again = await start(world);
    expect(again.log.published().size).toBe(701);
    expect(guardOf(world).size).toBe(701);
    await again.end();
  });

  test("I6 of size 0 beside entries is behind like any other", async () => {
    const world = await grown(10);
    setGuard(world, { size: 0, root: sha256(new Uint8Array(0)), checkpoint: new Uint8Array(0) });
    const process = await start(world);
    expect(guardOf(world).size).toBe(10);
    await process.end();
  });
});

describe("the key and the origin", () => {
  test("another key than that of the checkpoints is refused before it signs", async () => {
    const world = await grown(5);
    const refused = await rejectionOf(start(world, { signer: signerOf(8) }));
    expect(refused.code).toBe("KEY_MISMATCH");
  });

  test("another origin than the store's is a mistake of the configuration", async () => {
    const world = await grown(5);
    const signer = signerOf(7, "other.example.test");
    expect((await rejectionOf(start(world, { signer }))).code).toBe("CONFIG_INVALID");
  });

  test("a log without entry 0 does not serve: its init was cut off", async () => {
    const world = await memoryWorld();
    const { storage, guard } = await world.open();
    const { Sequencer } = await import("../../../server/sequencer/log.ts");
    const opening = Sequencer.open({
      storage,
      guard,
      signer: SIGNER,
      crypto: nodeCrypto,
      clock: () => 0,
      onFatal: () => undefined,
    });
    expect((await rejectionOf(opening)).code).toBe("INIT_UNFINISHED");
  });
});

describe("on the disk", () => {
  test("two servers on one store: the second is refused, the first goes on", async () => {
    const place = await newPlace();
    const { log } = await openPlace(place);
    expect((await rejectionOf(openPlace(place))).code).toBe("STORE_LOCKED");
    const otherGuard = { ...place, guard: join(dirname(place.guard), "other.guard") };
    expect((await rejectionOf(openPlace(otherGuard))).code).toBe("STORE_LOCKED");
    await log.append([entry(1)]);
    await log.close();
    await appendAndClose(place, 1, 3);
  });

  test("copies of one store that share a guard: one at a time, and the copy left behind never", async () => {
    const place = await newPlace();
    await appendAndClose(place, 0, 10);
    const copy = { ...place, folder: `${place.folder}-copy` };
    cpSync(place.folder, copy.folder, { recursive: true });
    const { log } = await openPlace(place);
    expect((await rejectionOf(openPlace(copy))).code).toBe("STORE_LOCKED");
    await log.append(entries(10, 12));
    await log.close();
    expect((await rejectionOf(openPlace(copy))).code).toBe("GUARD_AHEAD");
    await appendAndClose(place, 12, 13);
  });

  test("copies that grew apart are refused by the guard", async () => {
    const place = await newPlace();
    await appendAndClose(place, 0, 10);
    const copy = { folder: `${place.folder}-copy`, guard: `${place.guard}-copy` };
    cpSync(place.folder, copy.folder, { recursive: true });
    cpSync(place.guard, copy.guard);
    await appendAndClose(place, 10, 12);
    await appendAndClose(copy, 100, 105);
    const crossed = { folder: copy.folder, guard: place.guard };
    expect((await rejectionOf(openPlace(crossed))).code).toBe("GUARD_DIFFERS");
  });

  test("a data folder put back to an older copy says which entries are missing", async () => {
    const place = await newPlace();
    await appendAndClose(place, 0, 10);
    cpSync(place.folder, `${place.folder}-old`, { recursive: true });
    await appendAndClose(place, 10, 20);
    rmSync(place.folder, { recursive: true });
    renameSync(`${place.folder}-old`, place.folder);
    const refused = await rejectionOf(openPlace(place));
    expect(refused.code).toBe("GUARD_AHEAD");
    expect(refused.message).toContain("entries 11 to 20");
  });

  test("a deleted guard, alone or with its folder", async () => {
    const place = await newPlace();
    await appendAndClose(place, 0, 10);
    rmSync(place.guard);
    expect((await rejectionOf(openPlace(place))).code).toBe("GUARD_MISSING");
    const gone = { ...place, guard: join(dirname(place.guard), "gone", "head.guard") };
    expect((await rejectionOf(openPlace(gone))).code).toBe("GUARD_MISSING");
  });
});
