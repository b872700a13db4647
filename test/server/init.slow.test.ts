import { existsSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { initLog } from "../../server/init.ts";
import { openLog } from "../../server/open.ts";
import { FileGuard } from "../../server/sequencer/guard-file.ts";
import { createSqliteStore } from "../../server/storage/sqlite/create.ts";
import {
  DATABASE_ID,
  entry,
  GENESIS,
  newGuardHead,
  newPlace,
  ORIGIN,
  type Place,
  SIGNER,
  temporaryFolder,
} from "./fixture.ts";
import { rejectionOf } from "./refusal.ts";

const init = (place: Place) =>
  initLog({
    place,
    signer: SIGNER,
    crypto: nodeCrypto,
    clock: () => 0,
    databaseId: DATABASE_ID,
    genesis: GENESIS,
  });

const serve = (place: Place) =>
  openLog(place, { signer: SIGNER, crypto: nodeCrypto, clock: () => 0, onFatal: () => undefined });

function nowhere(): Place {
  const base = temporaryFolder();
  return { folder: join(base, "data"), guard: join(base, "state", "head.guard") };
}

async function serves(place: Place): Promise<void> {
  const { log, storage } = await serve(place);
  expect(log.published().size).toBe(1);
  expect(Buffer.from(storage.reader.leaves(0, 1)[0] ?? []).equals(Buffer.from(GENESIS.leaf))).toBe(
    true,
  );
  await log.append([entry(1)]);
  await log.close();
}

describe("init", () => {
  test("makes store, guard and entry 0; then the log serves", async () => {
    const place = nowhere();
    expect((await init(place)).size).toBe(1);
    await serves(place);
  });

  test("I6 refuses where a log is, in whole or in part", async () => {
    const place = nowhere();
    await init(place);
    expect((await rejectionOf(init(place))).code).toBe("STORE_EXISTS");
    const otherGuard = { ...place, guard: `${place.guard}-other` };
    expect((await rejectionOf(init(otherGuard))).code).toBe("STORE_EXISTS");
    expect(existsSync(otherGuard.guard)).toBe(false);
    const otherFolder = { ...place, folder: `${place.folder}-other` };
    const refused = await rejectionOf(init(otherFolder));
    expect(refused.code).toBe("STORE_EXISTS");
    expect(refused.detail.hint).toContain("bring its store back");
    expect(existsSync(otherFolder.folder)).toBe(false);
    await serves(place);
  });

  test("of two at once one wins, and the log is whole", async () => {
    const place = nowhere();
    const outcomes = await Promise.allSettled([init(place), init(place)]);
    const won = outcomes.filter(({ status }) => status === "fulfilled");
    expect(won).toHaveLength(1);
    await serves(place);
  });
});

describe("a kill between the steps of init", () => {
  test("before the store has its name: init starts over", async () => {
    const place = nowhere();
    createSqliteStore(place.folder, { origin: ORIGIN, databaseId: DATABASE_ID });
    renameSync(join(place.folder, "log.db"), join(place.folder, "log.db.new"));
    expect((await rejectionOf(serve(place))).code).toBe("STORE_MISSING");
    await init(place);
    await serves(place);
  });

  test("between store and guard: start and init are refused, and say what to delete", async () => {
    const place = nowhere();
    createSqliteStore(place.folder, { origin: ORIGIN, databaseId: DATABASE_ID });
    const start = await rejectionOf(serve(place));
    expect(start.code).toBe("GUARD_MISSING");
    expect(start.detail.hint).toContain(`delete the folder ${place.folder}`);
    const again = await rejectionOf(init(place));
    expect(again.code).toBe("STORE_EXISTS");
    expect(again.detail.hint).toContain(`delete ${place.folder}`);
    rmSync(place.folder, { recursive: true });
    await init(place);
    await serves(place);
  });

  test("between guard and entry 0: a start is refused, and init finishes", async () => {
    const place = await newPlace();
    const refused = await rejectionOf(serve(place));
    expect(refused.code).toBe("INIT_UNFINISHED");
    expect(refused.detail.hint).toContain("init");
    await init(place);
    await serves(place);
  });

  test("a guard whose store was deleted: init says that nothing was signed under it", async () => {
    const place = await newPlace();
    rmSync(place.folder, { recursive: true });
    const refused = await rejectionOf(init(place));
    expect(refused.code).toBe("STORE_EXISTS");
    expect(refused.detail.hint).toContain("nothing was signed");
  });

  test("an empty store beside the empty guard of another one is not finished", async () => {
    const place = await newPlace();
    rmSync(place.guard);
    const guard = await FileGuard.open(place.guard);
    await guard.create(newGuardHead(new Uint8Array(16).fill(1)));
    await guard.close();
    expect((await rejectionOf(init(place))).code).toBe("STORE_EXISTS");
    expect((await rejectionOf(serve(place))).code).toBe("GUARD_FOREIGN");
    expect(existsSync(dirname(place.guard))).toBe(true);
  });
});
