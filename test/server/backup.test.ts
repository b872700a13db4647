import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { backupStore, restoreStore } from "../../server/backup.ts";
import { fsck } from "../../server/fsck.ts";
import { openLog } from "../../server/open.ts";
import { StoreAudit } from "../../server/storage/sqlite/audit.ts";
import { entries, GENESIS, newPlace, type Place, SIGNER, temporaryFolder } from "./fixture.ts";
import { refusalOf, rejectionOf } from "./refusal.ts";

const open = (place: Place) =>
  openLog(place, {
    signer: SIGNER,
    crypto: nodeCrypto,
    clock: () => 0,
    onFatal: () => undefined,
    genesis: GENESIS,
  });

async function findingsOf(folder: string) {
  const audit = StoreAudit.open(folder);
  const report = await fsck({ audit, crypto: nodeCrypto, vkeys: SIGNER.vkeys });
  audit.close();
  return report.findings.filter(({ message }) => !message.includes("cannot be read"));
}

describe("a backup", () => {
  test("of a running log is one of its states, whole, and restores into a new folder", async () => {
    const place = await newPlace();
    const { log } = await open(place);
    await log.append(entries(0, 3_000));
    const target = join(temporaryFolder(), "backup");
    // The log goes on while the copy is made.
    let n = 3_000;
    let isDone = false;
    const load = (async () => {
      while (!isDone) {
        await log.append(entries(n, n + 50));
        n += 50;
      }
    })();
    const ticks: number[] = [];
    const manifest = await backupStore(place.folder, target, (done) => ticks.push(done));
    isDone = true;
    await load;
    expect(manifest.size).toBeGreaterThanOrEqual(3_001);
    expect(manifest.size).toBeLessThanOrEqual(log.published().size);
    expect(ticks.length).toBeGreaterThan(0);
    const size = log.published().size;
    await log.close();

    const restored = join(temporaryFolder(), "restored");
    expect(restoreStore(target, restored).root).toBe(manifest.root);
    expect(await findingsOf(restored)).toEqual([]);
    const place2 = { ...place, folder: restored };
    if (manifest.size < size) expect((await rejectionOf(open(place2))).code).toBe("GUARD_AHEAD");
  });

  test("of a log at rest restores to a log that starts under its guard", async () => {
    const place = await newPlace();
    const { log } = await open(place);
    await log.append(entries(0, 300));
    await log.close();
    const target = join(temporaryFolder(), "backup");
    await backupStore(place.folder, target);
    const restored = { ...place, folder: join(temporaryFolder(), "restored") };
    const progress: [number, number][] = [];
    restoreStore(target, restored.folder, (done, total) => progress.push([done, total]));
    expect(progress.at(-1)?.[0]).toBe(progress.at(-1)?.[1]);
    const { log: again } = await open(restored);
    await again.append(entries(300, 301));
    expect(again.published().size).toBe(302);
    await again.close();
  });

  test("never contains the guard or a lock", async () => {
    const place = await newPlace();
    const target = join(temporaryFolder(), "backup");
    await backupStore(place.folder, target);
    expect(readdirSync(target).toSorted()).toEqual(["backup.json", "store.backup"]);
  });

  test("is not made over something else, nor of nothing", async () => {
    const place = await newPlace();
    const target = temporaryFolder();
    writeFileSync(join(target, "mine"), "");
    expect((await rejectionOf(backupStore(place.folder, target))).code).toBe("STORE_EXISTS");
    const nothing = backupStore(temporaryFolder(), join(target, "new"));
    expect((await rejectionOf(nothing)).code).toBe("STORE_MISSING");
    expect(existsSync(join(target, "new"))).toBe(false);
  });
});

describe("a restore", () => {
  async function backedUp(): Promise<{ place: Place; backup: string }> {
    const place = await newPlace();
    const { log } = await open(place);
    await log.append(entries(0, 50));
    await log.close();
    const backup = join(temporaryFolder(), "backup");
    await backupStore(place.folder, backup);
    return { place, backup };
  }

  test("goes into a new folder only: never over a store, its write-ahead file or anything", async () => {
    const { place, backup } = await backedUp();
    expect(refusalOf(() => restoreStore(backup, place.folder)).code).toBe("STORE_EXISTS");
    const other = temporaryFolder();
    writeFileSync(join(other, "log.db-wal"), "");
    expect(refusalOf(() => restoreStore(backup, other)).code).toBe("STORE_EXISTS");
    const empty = join(temporaryFolder(), "empty");
    mkdirSync(empty);
    expect(restoreStore(backup, empty).size).toBe(51);
  });

  test("refuses a backup that was cut off or changed, and leaves no store behind", async () => {
    const { backup } = await backedUp();
    const cut = join(temporaryFolder(), "cut");
    cpSync(backup, cut, { recursive: true });
    rmSync(join(cut, "backup.json"));
    const target = join(temporaryFolder(), "restored");
    expect(refusalOf(() => restoreStore(cut, target)).code).toBe("FILE_UNREADABLE");
    cpSync(join(backup, "backup.json"), join(cut, "backup.json"));
    rmSync(join(cut, "store.backup"));
    expect(refusalOf(() => restoreStore(cut, target)).code).toBe("FILE_UNREADABLE");
    const changed = join(temporaryFolder(), "changed");
    cpSync(backup, changed, { recursive: true });
    const data = join(changed, "store.backup");
    const bytes = readFileSync(data);
    bytes[5_000] = (bytes[5_000] ?? 0) ^ 1;
    writeFileSync(data, bytes);
    expect(refusalOf(() => restoreStore(changed, target)).code).toBe("STORE_CORRUPT");
    expect(existsSync(join(target, "log.db"))).toBe(false);
    appendFileSync(join(backup, "store.backup"), "x");
    expect(refusalOf(() => restoreStore(backup, target)).code).toBe("STORE_CORRUPT");
  });

  test("a backup folder itself is not a store that could be served by mistake", async () => {
    const { place, backup } = await backedUp();
    expect((await rejectionOf(open({ ...place, folder: backup }))).code).toBe("STORE_MISSING");
  });
});
