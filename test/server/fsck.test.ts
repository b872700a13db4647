import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { fromUtf8, utf8 } from "../../schema/bytes.ts";
import { success } from "../../schema/error.ts";
import { type FsckReport, fsck, type LeafFacts } from "../../server/fsck.ts";
import { openLog } from "../../server/open.ts";
import { FileGuard } from "../../server/sequencer/guard-file.ts";
import { StoreAudit } from "../../server/storage/sqlite/audit.ts";
import { createSqliteStore } from "../../server/storage/sqlite/create.ts";
import { repairDerived } from "../../server/storage/sqlite/repair.ts";
import { headDigest } from "../../server/storage/sqlite/rows.ts";
import { DATABASE_ID, entries, GENESIS, newGuardHead, ORIGIN, SIGNER, sha256 } from "./fixture.ts";
import { refusalOf } from "./refusal.ts";

const SIZE = 700;
const KEY = new Uint8Array(5_000).fill(9);
let sound = "";

/** The fixture's leaves: `leaf <n> `, with the content `content of <n>`. */
function factsOf(leaf: Uint8Array): ReturnType<typeof success<LeafFacts>> {
  const name = fromUtf8(leaf)?.split(" ")[1] ?? "";
  const contentDigest = sha256(utf8(`content of ${name}`));
  const facts = { contentDigest, mayBeOpaque: name === "5" };
  return success(name === "6" ? { ...facts, keyDigest: sha256(KEY) } : facts);
}

beforeAll(async () => {
  const base = mkdtempSync(join(tmpdir(), "countersign-test-"));
  sound = join(base, "data");
  createSqliteStore(sound, { origin: ORIGIN, databaseId: DATABASE_ID });
  const guard = await FileGuard.open(join(base, "head.guard"));
  await guard.create(newGuardHead());
  await guard.close();
  const { log } = await openLog(
    { folder: sound, guard: join(base, "head.guard") },
    {
      signer: SIGNER,
      crypto: nodeCrypto,
      clock: () => 0,
      onFatal: () => undefined,
      genesis: GENESIS,
    },
  );
  const all = entries(0, SIZE - 1).map((entry, i) => {
    if (i === 5) return { ...entry, content: undefined };
    return i === 6 ? { ...entry, key: { digest: sha256(KEY), bytes: KEY } } : entry;
  });
  await log.append(all);
  await log.close();
  return () => rmSync(base, { recursive: true, force: true });
});

function damaged(sql: string): string {
  const folder = copy();
  const database = new Database(join(folder, "log.db"));
  database.exec(sql);
  database.close();
  return folder;
}

function copy(): string {
  const base = mkdtempSync(join(tmpdir(), "countersign-test-"));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  const folder = join(base, "data");
  cpSync(sound, folder, { recursive: true });
  return folder;
}

async function check(folder: string): Promise<FsckReport> {
  const audit = StoreAudit.open(folder);
  try {
    return await fsck({ audit, crypto: nodeCrypto, vkeys: SIGNER.vkeys, factsOf });
  } finally {
    audit.close();
  }
}

const places = ({ findings }: FsckReport): string[] => findings.map(({ place }) => place);

/** SQL that flips one bit of a blob column's byte `at` (from 1). */
function flip(table: string, column: string, at: number, where: string): string {
  const flipped = `substr(${column}, 1, ${at - 1}) || char_xor || substr(${column}, ${at + 1})`;
  const byte = `unhex(printf('%02x', (instr('0123456789ABCDEF', substr(hex(substr(${column}, ${at}, 1)), 1, 1)) - 1) * 16 + ((instr('0123456789ABCDEF', substr(hex(substr(${column}, ${at}, 1)), 2, 1)) - 1) + 1) % 16))`;
  return `UPDATE ${table} SET ${column} = CAST(${flipped.replace("char_xor", byte)} AS BLOB) WHERE ${where}`;
}

describe("a sound store", () => {
  test("has no findings, and its counts", async () => {
    const ticks: number[] = [];
    const audit = StoreAudit.open(sound);
    const report = await fsck({
      audit,
      crypto: nodeCrypto,
      vkeys: SIGNER.vkeys,
      factsOf,
      progress: (done, total) => {
        ticks.push(done);
        expect(total).toBe(SIZE);
      },
    });
    audit.close();
    expect(report).toMatchObject({ size: SIZE, findings: [], truncated: false });
    expect(report.counts).toEqual({
      leaf: SIZE,
      leaf_hash: SIZE,
      content: SIZE - 1,
      content_digest: SIZE - 1,
      key_object: 1,
      tile: 4,
    });
    expect(ticks).toEqual([256, 512, 700]);
  });

  test("of another kind of leaf has a finding for each: nothing is taken for a leaf that is none", async () => {
    const audit = StoreAudit.open(sound);
    const report = await fsck({ audit, crypto: nodeCrypto });
    audit.close();
    expect(places(report)).toHaveLength(SIZE);
  });
});

describe("one flipped bit in each kind of stored row is found, and named", () => {
  const rows: [string, string, string, boolean][] = [
    ["a leaf", flip("leaf", "bytes", 6, "idx = 321"), "entry 321", false],
    ["the genesis", flip("leaf", "bytes", 1, "idx = 0"), "entry 0", false],
    [
      "a leaf's content id",
      "UPDATE leaf SET content = content + 1 WHERE idx = 7",
      "entry 7",
      false,
    ],
    [
      "a leaf that lost its content",
      "UPDATE leaf SET content = NULL WHERE idx = 8",
      "entry 8",
      false,
    ],
    ["a leaf's index", "UPDATE leaf SET idx = 9000 WHERE idx = 99", "entry 99", false],
    ["a content", flip("content", "bytes", 3, "id = 17"), "content 17", false],
    ["a content's id", "UPDATE content SET id = 9000 WHERE id = 17", "content 9000", false],
    ["a content digest", flip("content_digest", "digest", 9, "id = 17"), "content 17", false],
    [
      "a content digest's id",
      "UPDATE content_digest SET id = 9000 WHERE id = 17",
      "content 17",
      false,
    ],
    ["a key object", flip("key_object", "bytes", 300, "1"), "key object", false],
    ["a key object's digest", flip("key_object", "digest", 1, "1"), "entry 7", false],
    ["a bottom tile", flip("tile", "hashes", 70, "level = 0 AND n = 1"), "tile 0/1", true],
    ["the edge tile", flip("tile", "hashes", 1, "level = 0 AND n = 2"), "tile 0/2", true],
    ["an upper tile", flip("tile", "hashes", 40, "level = 1"), "tile 1/0", true],
    ["a tile's index", "UPDATE tile SET n = 5 WHERE level = 0 AND n = 1", "tile 0/1", true],
    ["a tile's level", "UPDATE tile SET level = 3 WHERE level = 1", "tile 1/0", true],
    ["a dedup row", flip("leaf_hash", "hash", 32, "idx = 444"), "leaf_hash of entry 444", true],
    [
      "a dedup row's index",
      "UPDATE leaf_hash SET idx = 443 WHERE idx = 444",
      "leaf_hash of entry 444",
      true,
    ],
    ["an extra dedup row", "INSERT INTO leaf_hash VALUES (randomblob(32), 3)", "leaf_hash", true],
    ["the head's size", "UPDATE head SET size = size + 1", "head", false],
    ["the head's epoch", "UPDATE head SET epoch = epoch + 1024", "head", false],
    ["the head's root", flip("head", "root", 1, "1"), "head", false],
    ["the checkpoint", flip("head", "checkpoint", 90, "1"), "head", false],
    ["the origin", "UPDATE meta SET origin = 'Log.example.test/fixture'", "meta", false],
    ["the database id", flip("meta", "database", 4, "1"), "meta", false],
  ];

  test.each(rows)("%s", async (_, sql, place, repairable) => {
    const folder = damaged(sql);
    const report = await check(folder);
    const found = report.findings.find((finding) => finding.place.startsWith(place));
    expect(places(report), `among ${places(report).join(", ")}`).toContainEqual(
      expect.stringMatching(new RegExp(`^${place}`)),
    );
    expect(found?.repairable).toBe(repairable);
  });

  test("a checkpoint whose signature alone is broken", async () => {
    const folder = copy();
    const database = new Database(join(folder, "log.db"));
    const row = database
      .prepare<[], { size: number; root: Buffer; epoch: number; checkpoint: Buffer }>(
        "SELECT size, root, epoch, checkpoint FROM head",
      )
      .get();
    if (row === undefined) throw new Error("no head");
    const text = row.checkpoint.toString();
    const at = text.length - 20;
    const checkpoint = Buffer.from(
      text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1),
    );
    database
      .prepare("UPDATE head SET checkpoint = ?, digest = ?")
      .run(checkpoint, headDigest({ ...row, checkpoint }));
    database.close();
    expect(places(await check(folder))).toEqual(["head.checkpoint"]);
  });

  test("a missing leaf, content, tile and key object", async () => {
    const folder = damaged(
      "DELETE FROM leaf WHERE idx = 12; DELETE FROM content WHERE id = 40;" +
        "DELETE FROM tile WHERE level = 0 AND n = 0; DELETE FROM key_object",
    );
    const found = places(await check(folder));
    for (const place of ["entry 12", "tile 0/0", "entry 7", "content_digest", "leaf"])
      expect(found).toContain(place);
  });

  test("leaf and tile wrong at once: the third witness names each", async () => {
    const folder = damaged(
      `${flip("leaf", "bytes", 6, "idx = 20")}; ${flip("tile", "hashes", 400, "level = 0 AND n = 2")}`,
    );
    const found = places(await check(folder));
    expect(found).toContain("entry 20");
    expect(found).toContain("tile 0/2");
  });
});

test("whatever bit of the file flips: either every row reads as before, or fsck finds something", async () => {
  const folder = copy();
  const path = join(folder, "log.db");
  const bytes = readFileSync(path);
  const rowsOf = (): string => {
    try {
      const audit = StoreAudit.open(folder);
      try {
        return JSON.stringify([
          audit.meta(),
          audit.head(),
          audit.counts(),
          audit.leaves(0, SIZE + 10),
          audit.contents(0, SIZE + 10),
          audit.keys(0, 10),
          [0, 1, 2].map((n) => audit.tile(0, n)),
          audit.tile(1, 0),
          entries(0, SIZE - 1).map(({ leafHash }) => audit.indexOf(leafHash)),
          entries(0, SIZE - 1).map(({ contentDigest }) => audit.contentId(contentDigest)),
        ]);
      } finally {
        audit.close();
      }
    } catch (error) {
      return String(error);
    }
  };
  const before = rowsOf();
  let seen = 0;
  // A fixed walk over the file: every run flips the same bits.
  for (let at = 101; at < bytes.length; at += 4_801) {
    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at & 7));
    writeFileSync(path, flipped);
    if (rowsOf() === before) continue;
    seen++;
    let found: number;
    try {
      found = (await check(folder)).findings.length;
    } catch {
      found = 1;
    }
    expect(found, `bit of byte ${at}`).toBeGreaterThan(0);
  }
  expect(seen).toBeGreaterThan(10);
}, 60_000);

describe("repair", () => {
  test("writes tiles and dedup rows anew, and touches nothing else", async () => {
    const folder = damaged(
      `${flip("tile", "hashes", 70, "level = 0 AND n = 1")}; DELETE FROM tile WHERE level = 1;` +
        "UPDATE leaf_hash SET idx = 443 WHERE idx = 444; INSERT INTO leaf_hash VALUES (randomblob(32), 3);" +
        "INSERT INTO tile VALUES (2, 9, randomblob(32))",
    );
    const before = await check(folder);
    expect(before.findings.length).toBeGreaterThan(3);
    expect(before.findings.every(({ repairable }) => repairable)).toBe(true);
    repairDerived(folder, sha256);
    const after = await check(folder);
    expect(after.findings).toEqual([]);
    expect(after.root).toBe(before.root);
  });

  test("never from leaves that do not give the root: then nothing is changed", async () => {
    const folder = damaged(
      `${flip("leaf", "bytes", 6, "idx = 20")}; ${flip("tile", "hashes", 70, "level = 0 AND n = 1")}`,
    );
    const before = await check(folder);
    expect(refusalOf(() => repairDerived(folder, sha256)).code).toBe("STORE_CORRUPT");
    expect(await check(folder)).toEqual(before);
  });
});
