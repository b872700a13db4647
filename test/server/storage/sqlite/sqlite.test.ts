import { randomBytes } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { Edge } from "../../../../server/sequencer/edge.ts";
import { createSqliteStore } from "../../../../server/storage/sqlite/create.ts";
import { walBelongs } from "../../../../server/storage/sqlite/files.ts";
import { SqliteStorage } from "../../../../server/storage/sqlite/sqlite.ts";
import type { NewEntry } from "../../../../server/storage/storage.ts";
import { batchOf, storageContract } from "../../../contract/storage.ts";
import { DATABASE_ID, entries, ORIGIN, sha256, temporaryFolder } from "../../fixture.ts";
import { refusalOf } from "../../refusal.ts";

function newStore(): string {
  const folder = join(temporaryFolder(), "data");
  createSqliteStore(folder, { origin: ORIGIN, databaseId: DATABASE_ID });
  return folder;
}

storageContract(async () => {
  const folder = newStore();
  return { open: () => SqliteStorage.open(folder) };
});

async function append(
  storage: SqliteStorage,
  edge: Edge,
  count: number,
  bytes?: number,
): Promise<Edge> {
  const from = edge.head.size;
  const added = entries(from, from + count, bytes === undefined ? {} : { bytes });
  const result = await storage.commit(await storage.readHead(), batchOf(edge, added));
  expect(result).toEqual({ state: "committed" });
  return edge.grow(added.map((entry) => entry.leafHash)).edge;
}

/** Something done to a store at rest, as an operator with a shell would. */
function tamper(folder: string, sql: string): void {
  const database = new Database(join(folder, "log.db"));
  database.exec(sql);
  database.close();
}

describe("erasing", () => {
  /** Whether any file of the store has these bytes. */
  const anywhere = (folder: string, bytes: Uint8Array): boolean =>
    readdirSync(folder).some((name) =>
      readFileSync(join(folder, name)).includes(Buffer.from(bytes)),
    );

  test.each([
    ["small", 300],
    ["large", 300_000],
  ])("R1 leaves no byte of a %s content in any file, running or closed", async (_, size) => {
    const folder = newStore();
    const storage = await SqliteStorage.open(folder);
    const secret = randomBytes(size);
    const withContent = (other: NewEntry, content: Uint8Array): NewEntry => ({
      ...other,
      content,
      contentDigest: sha256(content),
    });
    const [one, ...others] = entries(0, 120).map((other, n) =>
      withContent(other, n === 0 ? secret : randomBytes(150)),
    );
    if (one === undefined) expect.fail("no entry");
    // More than a page, so that rows move when the table gets its second level.
    const added = [...others.slice(0, 3), one, ...others.slice(3)];
    await storage.commit(await storage.readHead(), batchOf(Edge.empty(sha256), added));
    const part = secret.subarray(100, 140);
    expect(anywhere(folder, part)).toBe(true);
    const erasure = { digest: one.contentDigest, statement: 0, postings: [] };
    expect(await storage.erase([erasure], 1)).toEqual({ state: "committed" });
    await storage.freeBytes();
    expect(anywhere(folder, part)).toBe(false);
    const copy = join(temporaryFolder(), "killed");
    cpSync(folder, copy, { recursive: true });
    await storage.close();
    expect(anywhere(folder, part)).toBe(false);
    const killed = await SqliteStorage.open(copy);
    expect(killed.reader.content(one.contentDigest)).toEqual({ state: "erased" });
    await killed.close();
  });

  test("a reader that holds an old state delays the emptying, and the next commit goes on with it", async () => {
    const folder = newStore();
    const storage = await SqliteStorage.open(folder);
    const [one] = entries(0, 1);
    if (one?.content === undefined) expect.fail("no entry");
    const edge = await append(storage, Edge.empty(sha256), 1);
    const reader = new Database(join(folder, "log.db"), { readonly: true });
    reader.exec("BEGIN; SELECT * FROM head");
    await storage.erase([{ digest: one.contentDigest, statement: 0, postings: [] }], 1);
    await storage.freeBytes();
    expect(anywhere(folder, one.content)).toBe(true);
    reader.close();
    await append(storage, edge, 1);
    await storage.freeBytes();
    expect(anywhere(folder, one.content)).toBe(false);
    await storage.close();
    await (await SqliteStorage.open(folder)).close();
  });

  test("a store from before there were erasures gets their tables when it is opened", async () => {
    const folder = newStore();
    await (await SqliteStorage.open(folder)).close();
    tamper(folder, "DROP TABLE erased; DROP TABLE erased_postings; DROP TABLE erased_up_to");
    const storage = await SqliteStorage.open(folder);
    expect(await storage.erased()).toEqual({ contents: [], upTo: 0 });
    await storage.close();
  });
});

describe("opening refuses, and leaves the store as it is", () => {
  test("a folder without a store, and makes nothing in it", async () => {
    const folder = temporaryFolder();
    await expect(SqliteStorage.open(folder)).rejects.toMatchObject({ code: "STORE_MISSING" });
    expect(existsSync(join(folder, "log.db"))).toBe(false);
    expect(existsSync(join(folder, "lock.db"))).toBe(false);
  });

  test("a file that is no store", async () => {
    const folder = newStore();
    writeFileSync(join(folder, "log.db"), "not a database");
    await expect(SqliteStorage.open(folder)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    rmSync(join(folder, "log.db"));
    tamper(folder, "CREATE TABLE other (a)");
    await expect(SqliteStorage.open(folder)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });

  test("a newer format", async () => {
    const folder = newStore();
    tamper(folder, "UPDATE meta SET format = 2");
    const before = readFileSync(join(folder, "log.db"));
    await expect(SqliteStorage.open(folder)).rejects.toMatchObject({
      code: "STORE_NEWER",
      detail: { limit: 1 },
    });
    expect(readFileSync(join(folder, "log.db")).equals(before)).toBe(true);
  });

  test.each([
    ["the epoch", "UPDATE head SET epoch = epoch + 64", "head"],
    ["the size", "UPDATE head SET size = size + 1", "head"],
    ["the origin", "UPDATE meta SET origin = 'log.example.test/fixturf'", "meta"],
    ["the database id", "UPDATE meta SET database = randomblob(16)", "meta"],
    ["the head row", "DELETE FROM head", "head"],
  ])("a flipped bit in %s", async (_, sql, field) => {
    const folder = newStore();
    tamper(folder, sql);
    await expect(SqliteStorage.open(folder)).rejects.toMatchObject({
      code: "STORE_CORRUPT",
      detail: { field },
    });
  });

  test("a store that exists is not created again", () => {
    const folder = newStore();
    const again = (): void =>
      createSqliteStore(folder, { origin: ORIGIN, databaseId: DATABASE_ID });
    expect(refusalOf(again).code).toBe("STORE_EXISTS");
  });

  test("a draft that a kill left behind does not stop the next creation", () => {
    const folder = join(temporaryFolder(), "data");
    createSqliteStore(folder, { origin: ORIGIN, databaseId: DATABASE_ID });
    copyFileSync(join(folder, "log.db"), join(folder, "log.db.new"));
    rmSync(join(folder, "log.db"));
    createSqliteStore(folder, { origin: ORIGIN, databaseId: DATABASE_ID });
    expect(existsSync(join(folder, "log.db.new"))).toBe(false);
  });
});

describe("an old database beside a newer write-ahead file", () => {
  test("is refused, whenever between the checkpoints the old one was copied", async () => {
    const folder = newStore();
    const old = join(folder, "old");
    let storage = await SqliteStorage.open(folder);
    let edge = await append(storage, Edge.empty(sha256), 300);
    // The first: before everything. Each opening and each close is a checkpoint.
    const copies: string[] = [];
    for (const name of ["a", "b", "c"]) {
      await storage.close();
      const copy = `${old}-${name}`;
      copyFileSync(join(folder, "log.db"), copy);
      copies.push(copy);
      storage = await SqliteStorage.open(folder);
      edge = await append(storage, edge, 300);
    }
    // Copied as a kill would leave it: the last batch is in the write-ahead file alone.
    const killed = `${folder}-killed`;
    cpSync(folder, killed, { recursive: true });
    await storage.close();
    for (const copy of copies) {
      const mixed = `${copy}-mixed`;
      cpSync(killed, mixed, { recursive: true });
      copyFileSync(copy, join(mixed, "log.db"));
      const before = readFileSync(join(mixed, "log.db"));
      await expect(SqliteStorage.open(mixed)).rejects.toMatchObject({
        code: "STORE_CORRUPT",
        detail: { field: "log.db-wal" },
      });
      expect(readFileSync(join(mixed, "log.db")).equals(before)).toBe(true);
    }
    const whole = await SqliteStorage.open(killed);
    expect((await whole.readHead()).size).toBe(1_200);
    await whole.close();
  });

  test("generations: only pairs that can have been written together pass", () => {
    const pairs = Array.from({ length: 9 }, (_, disk) =>
      Array.from({ length: 9 }, (__, wal) => (walBelongs(disk, wal) ? 1 : 0)).join(""),
    );
    expect(pairs).toEqual([
      "110000000",
      "011100000",
      "001100000",
      "000111000",
      "000011000",
      "000001110",
      "000000110",
      "000000011",
      "000000001",
    ]);
  });
});

test("a long write-ahead file is copied into the database, and stays bounded", async () => {
  const folder = newStore();
  const storage = await SqliteStorage.open(folder);
  let edge = Edge.empty(sha256);
  for (let i = 0; i < 6; i++) edge = await append(storage, edge, 4_000, 600);
  const wal = readFileSync(join(folder, "log.db-wal")).length;
  expect(wal).toBeLessThan(64 * 1_048_576);
  expect(readFileSync(join(folder, "log.db")).length).toBeGreaterThan(1_048_576);
  await storage.close();
  const again = await SqliteStorage.open(folder);
  expect((await again.readHead()).size).toBe(24_000);
  await again.close();
});

test("after the thread is gone every question is rejected, and none is answered wrongly", async () => {
  const storage = await SqliteStorage.open(newStore());
  await storage.close();
  await expect(storage.readHead()).rejects.toThrow();
  await expect(storage.findLeaves([])).rejects.toThrow();
});
