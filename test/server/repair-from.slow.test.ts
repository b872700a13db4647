/** F4: what rotted in a store comes back from a mirror, each byte proved, or nothing is kept. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { httpTransport } from "../../client/fetch.ts";
import { LogReader } from "../../client/log.ts";
import type { TrustedLog } from "../../client/trust.ts";
import { fetchHead } from "../../client/update.ts";
import { checkInclusion } from "../../client/verify/inclusion.ts";
import { toHex, utf8 } from "../../schema/bytes.ts";
import type { Receipt } from "../../schema/receipt.ts";
import { MirrorView } from "../../server/mirror/folder.ts";
import { fidoSigner, sshsigSubmission } from "../vectors/signers.ts";
import { filesOf, flipBit, run } from "./mirror/rig.ts";
import { append, Operated, trustedOf } from "./operated.ts";

const SIZE = 272;
/** Has a key object, and is the last one. */
const LARGE_KEY = SIZE - 1;
const OLD = [20, 262, LARGE_KEY];

let template: Operated;
let trusted: TrustedLog;
let receipts: Receipt[];
beforeAll(async () => {
  const log = await Operated.init(mkdtempSync(join(tmpdir(), "countersign-repair-")));
  await log.serving(async (running) => {
    trusted = trustedOf(running);
    await append(running, 258);
    await run(log.path("mirror-early"), httpTransport(running.url), trusted);
    const large = sshsigSubmission(utf8("x"), fidoSigner("large", "a".repeat(4_100)));
    expect(await append(running, SIZE - 260, [large])).toBe(SIZE);
    await run(log.path("mirror"), httpTransport(running.url), trusted);
    receipts = await receiptsOf(running.url);
  });
  template = log;
  return () => rmSync(log.folder, { recursive: true, force: true });
});

async function receiptsOf(url: string): Promise<Receipt[]> {
  const ports = { crypto: nodeCrypto, transport: httpTransport(url), log: trusted };
  const reader = new LogReader(ports, await fetchHead(ports));
  return Promise.all(OLD.map(async (index) => reader.receipt(index)));
}

function damaged(sql: string): Operated {
  const log = template.copy();
  const database = new Database(log.path("data/log.db"));
  database.function("flip", (value) => {
    const bytes = Buffer.isBuffer(value) ? Buffer.from(value) : Buffer.alloc(1);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 4;
    return bytes;
  });
  database.exec(sql);
  database.close();
  return log;
}

/** All rows that are the truth, without the numbers that contents have. */
function truth(log: Operated): unknown[] {
  const database = new Database(log.path("data/log.db"), { readonly: true });
  const rows = database
    .prepare(
      "SELECT l.idx, hex(l.bytes) AS leaf, hex(c.bytes) AS content, hex(d.digest) AS digest FROM leaf l LEFT JOIN content c ON c.id = l.content LEFT JOIN content_digest d ON d.id = c.id ORDER BY l.idx",
    )
    .all();
  const keys = database.prepare("SELECT hex(digest), hex(bytes) FROM key_object").all();
  database.close();
  return [...rows, ...keys];
}

const BAD_LEAF = "UPDATE leaf SET bytes = flip(bytes) WHERE idx = 20";
const BAD_CONTENT =
  "UPDATE content SET bytes = flip(bytes) WHERE id = (SELECT content FROM leaf WHERE idx = 262)";

describe("one damaged row of each kind", () => {
  const rows: readonly [string, string][] = [
    ["a leaf", BAD_LEAF],
    ["the genesis", "UPDATE leaf SET bytes = flip(bytes) WHERE idx = 0"],
    ["a leaf that is gone", "DELETE FROM leaf WHERE idx = 20"],
    ["a whole bundle of leaves", "DELETE FROM leaf WHERE idx < 256"],
    ["a leaf under another index", "UPDATE leaf SET idx = 9000 WHERE idx = 20"],
    ["a leaf's content id", "UPDATE leaf SET content = content + 1 WHERE idx = 20"],
    ["a leaf's content id of nothing", "UPDATE leaf SET content = 9000 WHERE idx = 20"],
    ["a leaf that lost its content", "UPDATE leaf SET content = NULL WHERE idx = 20"],
    ["a content", BAD_CONTENT],
    ["a content that is gone", "DELETE FROM content WHERE id = 17"],
    ["a content's id", "UPDATE content SET id = 9000 WHERE id = 17"],
    ["a content digest", "UPDATE content_digest SET digest = flip(digest) WHERE id = 17"],
    ["a content digest's id", "UPDATE content_digest SET id = 9000 WHERE id = 17"],
    ["all content digests", "DELETE FROM content_digest"],
    ["a key object", "UPDATE key_object SET bytes = flip(bytes)"],
    ["a key object's digest", "UPDATE key_object SET digest = flip(digest)"],
    ["a key object that is gone", "DELETE FROM key_object"],
    ["tiles and look-up rows", "DELETE FROM tile WHERE level = 0; DELETE FROM leaf_hash"],
    ["a tile and its leaf", `${BAD_LEAF}; UPDATE tile SET hashes = flip(hashes)`],
  ];
  test.each(rows)("%s", async (_, sql) => {
    const log = damaged(sql);
    expect((await log.run("fsck")).status).toBe(1);
    const { status, text } = await log.run("fsck", "--repair-from", "mirror");
    expect(text).toContain("all is well");
    expect(status).toBe(0);
    expect(truth(log)).toEqual(truth(template));
  });
});

test("F4 a damaged log is repaired from a live mirror that any web server serves; old receipts are given again, and it goes on", async () => {
  const log = damaged(`${BAD_LEAF}; ${BAD_CONTENT}; DELETE FROM key_object`);
  const mirror = await staticServer(log.path("mirror"));
  const { text } = await log.run("fsck", "--repair-from", mirror);
  expect(text).toContain("from the mirror: 1 leaves, 1 contents, 1 keys");
  expect(text).toContain("repaired  entry 20");
  await log.serving(async (running) => {
    const again = await receiptsOf(running.url);
    for (const [i, old] of receipts.entries()) {
      expect((await checkInclusion(nodeCrypto, { logs: [trusted] }, old.entry)).ok).toBe(true);
      expect(again[i]?.entry.leafBytes).toEqual(old.entry.leafBytes);
      expect(again[i]?.content).toEqual(old.content);
      expect(again[i]?.key).toEqual(old.key);
    }
    expect(await append(running, 1)).toBe(SIZE + 1);
    const synced = await run(log.path("mirror"), httpTransport(running.url), trusted);
    expect(synced.state).toBe("advanced");
  });
});

describe("nothing is kept that does not prove itself", () => {
  async function refuses(log: Operated, code: string, from = "mirror"): Promise<void> {
    const before = truth(log);
    const { status, text } = await log.run("fsck", "--repair-from", from);
    expect({ status, text }).toMatchObject({ status: 2, text: expect.stringContaining(code) });
    expect(truth(log)).toEqual(before);
  }

  test("a tampered entry, tile or checkpoint of the mirror", async () => {
    for (const name of ["tile/entries/000", "tile/0/000", "checkpoint"]) {
      const log = damaged(BAD_LEAF);
      flipBit(log.path(`mirror/${name}`), 50);
      await refuses(log, name === "checkpoint" ? "INVALID" : "RESPONSE_INVALID");
    }
  });

  test("a tampered content is missing, and the rest comes back", async () => {
    const log = damaged(`${BAD_LEAF}; ${BAD_CONTENT}`);
    const [old] = receipts.slice(1);
    const digest = toHex(nodeCrypto.sha256(old?.content ?? new Uint8Array(0)));
    flipBit(log.path(`mirror/content/sha256/${digest}`), 2);
    const { status, text } = await log.run("fsck", "--repair-from", "mirror");
    expect(status).toBe(1);
    expect(text).toContain("MISSING   the content of entry 262");
    expect(text).toContain("repaired  entry 20");
    expect(text).not.toContain("DAMAGED     entry 20");
  });

  test("a mirror that lags gives what it has, and never stands for what it has not", async () => {
    const log = damaged(BAD_LEAF);
    expect((await log.run("fsck", "--repair-from", "mirror-early")).text).toContain("all is well");
    const beyond = damaged("UPDATE leaf SET bytes = flip(bytes) WHERE idx = 265");
    await refuses(beyond, "STORE_CORRUPT", "mirror-early");
  });

  test("a store whose own head or guard is in doubt", async () => {
    await refuses(damaged(`${BAD_LEAF}; UPDATE head SET root = flip(root)`), "STORE_CORRUPT");
    const log = damaged(BAD_LEAF);
    const guard = log.read("guard/head.guard").toString();
    const [, root = ""] = /\n(\S{43}=)\n/.exec(guard) ?? [];
    const other = `${root.startsWith("A") ? "B" : "A"}${root.slice(1)}`;
    writeFileSync(log.path("guard/head.guard"), guard.replace(root, other));
    await refuses(log, "GUARD_DIFFERS");
  });

  test("while a server has the store", async () => {
    const log = template.copy();
    await log.serving(async () => {
      const { text } = await log.run("fsck", "--repair-from", "mirror");
      expect(text).toContain("STORE_LOCKED");
    });
  });

  test("without the key, or from what is no mirror", async () => {
    const log = damaged(BAD_LEAF);
    await refuses(log, "USAGE", "guard");
    log.lose("key.pem");
    await refuses(log, "USAGE");
  });
});

/** Files under their names, and nothing else. */
async function staticServer(folder: string): Promise<string> {
  const files = new MirrorView(folder);
  const known = new Set(filesOf(folder));
  const server = createServer((req, res) => {
    const name = (req.url ?? "").slice(1);
    if (known.has(name)) res.end(files.read(name));
    else res.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return typeof address === "object" ? `http://127.0.0.1:${address?.port ?? 0}/` : "";
}
