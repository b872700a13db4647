import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { gitHashOf } from "../../../client/git/hash.ts";
import { verifyLookup } from "../../../client/lookup/verify.ts";
import { concat, fromUtf8, utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { INDEX_V1, indexOrigin } from "../../../schema/index/generation.ts";
import { parseIndexLeaf } from "../../../schema/index/index-leaf.ts";
import { formatLookup, type LookupKey } from "../../../schema/index/lookup.ts";
import { parseMapTile } from "../../../schema/index/map-tile.ts";
import { MAPFN_V1, mapfn } from "../../../schema/index/mapfn.ts";
import { encodePostings } from "../../../schema/index/posting.ts";
import { initialState, reExecute } from "../../../schema/index/re-execute.ts";
import { parseUpdate } from "../../../schema/index/update.ts";
import { type Hash, leafHash } from "../../../schema/tlog/hash.ts";
import { IndexEngine } from "../../../server/index/engine.ts";
import { removeSnapshot, snapshotFile } from "../../../server/index/snapshot.ts";
import { IndexStore, indexDatabase } from "../../../server/index/store.ts";
import type { StoredContent } from "../../../server/storage/storage.ts";
import { TestLog } from "../../client/test-log.ts";
import * as made from "../../vectors/signers.ts";
import * as say from "../../vectors/statements.ts";

const { sha256 } = nodeCrypto;
const hashes = { sha256, git: gitHashOf(nodeCrypto) };
const IN_TOTO = "application/vnd.in-toto+json";
const ada = made.ed25519Signer("ada");
const signer: LookupKey = { type: "signer", fields: [sha256(ada.spki)] };

let folder: string;
let main: TestLog;
let erased: Map<number, Uint8Array>;
/** Entries that were read to be executed. */
const executed = new Set<number>();
let engine: IndexEngine;

function open(): IndexEngine {
  const store = IndexStore.open(sha256, folder, { origin: main.origin, mapfn: MAPFN_V1 });
  const log = { origin: main.origin, vkeys: [main.vkey] };
  try {
    return IndexEngine.open({
      hashes,
      log,
      generation: INDEX_V1,
      store,
      snapshot: snapshotFile(folder),
      erased: (index) => erased.get(index),
      reader: {
        leaves: (from, to) => {
          for (let at = from; at < to; at++) executed.add(at);
          return main.leaves.slice(from, to);
        },
        contents: (from, to) =>
          Array.from({ length: to - from }, (_, i): StoredContent => {
            if (erased.has(from + i)) return { state: "erased" };
            const { content } = main.receipt(from + i);
            return content === undefined
              ? { state: "never-held" }
              : { state: "held", bytes: content };
          }),
      },
    });
  } catch (error) {
    store.close();
    throw error;
  }
}

function grow(): Uint8Array {
  const head = { size: main.size, root: main.root() };
  return engine.grow(head, main.checkpoint()).leaf;
}

const review = (n: number): void => {
  main.submit(
    made.dsseSubmission(IN_TOTO, say.payload(say.review({ comment: `review ${n}` })), ada),
  );
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-index-"));
  main = new TestLog("log.test").fill(2);
  erased = new Map();
  engine = open();
});

afterEach(() => {
  engine.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("the index engine", () => {
  test("makes look-ups that a client verifies, and updates that re-execute", async () => {
    const index = new TestLog(indexOrigin(main.origin, INDEX_V1), main.key);
    index.append(leafAt(0));
    let state = initialState(sha256, MAPFN_V1, main.origin);
    for (let step = 0; step < 3; step++) {
      for (let n = 0; n < 9; n++) review(step * 9 + n);
      const from = engine.size;
      index.append(grow());
      engine.keep();
      const [update] = unwrap(parseUpdate(engine.update(engine.leaves - 1) ?? new Uint8Array(0)));
      if (update === undefined) expect.fail("no update");
      const entries = main.leaves.slice(from).map((leaf, i) => ({
        leafHash: leafHash(sha256, leaf),
        postings: mapfn(
          hashes,
          { origin: main.origin, vkeys: [main.vkey] },
          leaf,
          main.receipt(from + i).content,
        ),
      }));
      state = unwrap(reExecute(state, update, entries));
    }
    const found = engine.find([signer], false);
    const lookup = {
      index: {
        checkpoint: fromUtf8(index.checkpoint()) ?? "",
        leafIndex: found.leafIndex,
        leaf: index.leaves[found.leafIndex] ?? new Uint8Array(0),
        hashes: index.proof(found.leafIndex),
      },
      main: found.main,
      tree: found.tree,
      answers: found.answers,
      entries: [],
    };
    const ports = { crypto: nodeCrypto, log: main.trusted, verifiers: [], generation: INDEX_V1 };
    const verdict = await verifyLookup(ports, formatLookup(lookup), [signer]);
    expect(verdict).toMatchObject({ ok: true, found: [{ kind: "present", summary: { n: 27 } }] });
    expect(state.leaf.main.size).toBe(main.size);
  });

  test("X5 answers from the last step that was kept, while one is under way and after it failed", () => {
    for (let n = 0; n < 20; n++) review(n);
    grow();
    expect(engine.find([signer], false).answers[0]?.kind).toBe("absent");
    engine.abandon();
    expect(engine.find([signer], false).answers[0]?.kind).toBe("absent");
    const again = grow();
    engine.keep();
    expect(engine.find([signer], true).answers[0]).toMatchObject({ summary: { n: 20 } });
    expect(engine.leaves).toBe(2);
    expect(() => engine.replay(again, main.checkpoint())).toThrow("indexed already");
  });

  test("X5 keeps nothing of a step that a crash cut off, and takes the logged one up again", () => {
    for (let n = 0; n < 5; n++) review(n);
    const logged = grow();
    engine.close();
    engine = open();
    expect(engine.leaves).toBe(1);
    engine.replay(logged, main.checkpoint());
    expect(engine.size).toBe(main.size);
    engine.close();
    engine = open();
    expect(engine.size).toBe(main.size);
    expect(engine.find([signer], true).answers[0]).toMatchObject({ summary: { n: 5 } });
  });

  test("refuses a logged leaf that the log does not give, and stays where it was", () => {
    review(1);
    const logged = Uint8Array.from(grow());
    engine.abandon();
    const text = fromUtf8(logged) ?? "";
    const postings = /\n(\d+)\n[^\n]+\n$/.exec(text)?.[1] ?? "";
    const other = utf8(text.replace(`\n${postings}\n`, `\n${Number(postings) + 1}\n`));
    expect(() => engine.replay(other, main.checkpoint())).toThrow("is not the one");
    expect(engine.leaves).toBe(1);
    engine.replay(logged, main.checkpoint());
    expect(engine.leaves).toBe(2);
  });

  test("answers from older leaves for a while, and says from which", () => {
    for (let step = 0; step < 4; step++) {
      for (let n = 0; n < 18; n++) review(step * 18 + n);
      grow();
      engine.keep();
    }
    for (const at of [1, 2, 3, 4])
      expect(engine.find([signer], true, at).answers[0]).toMatchObject({ summary: { n: at * 18 } });
    expect(() => engine.find([signer], true, 9)).toThrow("leaf 9");
  });

  test("rebuilds the map out of its tables, and refuses tables that give another one", () => {
    for (let n = 0; n < 40; n++) review(n);
    grow();
    engine.keep();
    engine.close();
    removeSnapshot(folder);
    const database = new Database(indexDatabase(folder));
    database.exec("DELETE FROM posting WHERE idx = 7");
    database.close();
    expect(open).toThrow("root of the map");
    IndexStore.remove(folder);
    engine = open();
    expect(engine.leaves).toBe(1);
  });

  test("refuses the tables of another log or mapfn", () => {
    const identity = { origin: main.origin, mapfn: sha256(utf8("another")) };
    expect(() => IndexStore.open(sha256, folder, identity)).toThrow("another log, mapfn");
  });

  test("takes the postings of an erased content from where they were kept", () => {
    review(1);
    const at = main.size - 1;
    const { entry, content } = main.receipt(at);
    const log = { origin: main.origin, vkeys: [main.vkey] };
    const kept = encodePostings(mapfn(hashes, log, entry.leafBytes, content));
    const before = grow();
    engine.abandon();
    erased.set(at, kept);
    expect(grow()).toEqual(before);
    engine.abandon();
    erased.set(at, utf8("damaged"));
    expect(grow).toThrow("malformed");
    expect(engine.leaves).toBe(1);
  });

  test("makes pieces of every version of the map that is kept, and of no other", () => {
    const roots: Hash[] = [];
    for (let step = 0; step < 66; step++) {
      review(step);
      const { mapRoot } = unwrap(parseIndexLeaf(grow()));
      expect(engine.piece({ root: mapRoot, turns: "" })).toBeUndefined();
      engine.keep();
      roots.push(mapRoot);
    }
    const pieces = roots.map((root) => engine.piece({ root, turns: "" }));
    expect(pieces.slice(0, 2)).toEqual([undefined, undefined]);
    for (const [i, bytes] of pieces.slice(2).entries()) {
      const tile = parseMapTile(sha256, roots[i + 2] ?? expect.fail(), bytes ?? expect.fail());
      expect(tile).toMatchObject({ ok: true });
    }
    const top = roots.at(-1) ?? expect.fail();
    const tree = unwrap(parseMapTile(sha256, top, pieces.at(-1) ?? expect.fail())).tree;
    const place = tree.hiddenOn(sha256(utf8("any"))) ?? expect.fail("a map of hundreds of keys");
    const page = unwrap(parseMapTile(sha256, place.root, engine.piece(place) ?? expect.fail()));
    expect(tree.show(place, page.tree)).toBe(true);
    expect(engine.piece({ ...place, turns: `${place.turns}0` })).toBeUndefined();
    expect(engine.piece({ ...place, turns: place.turns.padEnd(256, "0") })).toBeUndefined();
    const long = page.records.findIndex(({ record }) => record.kind === "list");
    expect(engine.piece({ ...place, place: long })).toBeDefined();
  });

  test("X7 starts from a snapshot and what came since, at the map that the tables give", () => {
    for (let n = 0; n < 30; n++) review(n);
    grow();
    engine.keep();
    while (engine.writeSnapshot());
    const snapshot = readFileSync(snapshotFile(folder));
    for (let n = 30; n < 50; n++) review(n);
    grow();
    engine.keep();
    const before = engine.find([signer], false);
    const indexed = main.size;
    engine.close();
    for (const [bytes, size] of [
      [readFileSync(snapshotFile(folder)), indexed],
      [snapshot, indexed - 20],
      [undefined, 0],
    ] as const) {
      if (bytes === undefined) removeSnapshot(folder);
      else writeFileSync(snapshotFile(folder), bytes);
      engine = open();
      expect([engine.snapshotSize, engine.size]).toEqual([size, indexed]);
      expect(engine.find([signer], false)).toEqual(before);
      review(100 + size);
      grow();
      engine.abandon();
      if (bytes !== undefined) leave();
    }
  });

  test("X7 brings a snapshot forward from the changes that steps left, and executes where they left none", () => {
    const step = (from: number): void => {
      for (let n = from; n < from + 9; n++) review(n);
      grow();
      engine.keep();
    };
    step(0);
    while (engine.writeSnapshot());
    const snapshot = readFileSync(snapshotFile(folder));
    expect(engine.snapshotChanges).toBe(0);
    for (let n = 1; n <= 4; n++) step(9 * n);
    const behind = engine.snapshotChanges;
    const before = engine.find([signer], false);
    engine.close();
    const database = new Database(indexDatabase(folder));
    const leaves = database.prepare("SELECT DISTINCT leaf FROM change").pluck();
    const start = (sql: string): { read: Set<number>; size: number; changes: number } => {
      database.exec(sql);
      writeFileSync(snapshotFile(folder), snapshot);
      executed.clear();
      engine = open();
      expect(engine.find([signer], false)).toEqual(before);
      const { snapshotSize: size, snapshotChanges: changes } = engine;
      leave();
      return { read: new Set(executed), size, changes };
    };
    try {
      expect(leaves.all()).toEqual([2, 3, 4, 5]);
      expect(start("")).toEqual({ read: new Set(), size: 11, changes: behind });
      const third = new Set([20, 21, 22, 23, 24, 25, 26, 27, 28]);
      expect(start("DELETE FROM change WHERE leaf = 3").read).toEqual(third);
      // Another value than the tables give: the root says so, and the snapshot is not used.
      const wrong = "UPDATE change SET rows = zeroblob(length(rows)) WHERE leaf = 5";
      expect(start(wrong)).toMatchObject({ size: 0 });
      database.exec("DELETE FROM change");
    } finally {
      database.close();
    }
    engine = open();
    step(100);
    while (engine.writeSnapshot());
    step(109);
    engine.close();
    const after = new Database(indexDatabase(folder));
    // Those behind the snapshot go with the next step.
    expect(after.prepare("SELECT DISTINCT leaf FROM change").pluck().all()).toEqual([7]);
    after.close();
    engine = open();
  });

  test("X7 makes the map anew where the snapshot is not whole, or not of these tables", () => {
    for (let n = 0; n < 12; n++) review(n);
    grow();
    engine.keep();
    const before = engine.find([signer], false);
    engine.close();
    const whole = readFileSync(snapshotFile(folder));
    const changed = (change: (bytes: Uint8Array<ArrayBuffer>) => void): Uint8Array => {
      const copy = new Uint8Array(whole);
      change(copy);
      return copy;
    };
    const signed = (bytes: Uint8Array): Uint8Array => {
      const body = bytes.subarray(0, -32);
      return concat(body, sha256(body));
    };
    const header = new TextDecoder().decode(whole.subarray(0, 4_096)).trimEnd();
    const broken: readonly (readonly [string, Uint8Array])[] = [
      ["nothing", new Uint8Array(0)],
      ["cut off", whole.subarray(0, -1)],
      ["longer", concat(whole, Uint8Array.of(0))],
      ["of another version", changed((bytes) => bytes.set(utf8("2"), 17))],
      ["without its digest", changed((bytes) => bytes.fill(0, bytes.length - 32))],
      ["of leaf 0", signed(changed((bytes) => bytes.set(utf8(header.replace(":1", ":0")))))],
      // Whole and of this leaf, and yet another map: its root says so.
      ["with another root", signed(changed((bytes) => bytes.fill(7, 4_115, 5_000)))],
      ["no tree", signed(changed((bytes) => bytes.fill(255, bytes.length - 9_000, -32)))],
      ["with many rows", signed(changed((bytes) => bytes.set(utf8(manyRows(header)))))],
    ];
    for (let at = 0; at < whole.length; at += 1_009)
      for (const [what, bytes] of [
        ...(at === 0 ? broken : []),
        [`changed at ${at}`, changed((copy) => copy.set([(copy[at] ?? 0) ^ 1], at))] as const,
      ]) {
        writeFileSync(snapshotFile(folder), bytes);
        engine = open();
        expect([what, engine.snapshotSize]).toEqual([what, 0]);
        expect(engine.find([signer], false)).toEqual(before);
        engine.close();
      }
    engine = open();
    expect(engine.snapshotSize).toBe(main.size);
  });

  test("writes a snapshot of one leaf while the map goes on, and never a part of one", () => {
    for (let n = 0; n < 5; n++) review(n);
    grow();
    engine.keep();
    const begun = main.size;
    expect(engine.writeSnapshot()).toBe(true);
    // More versions than are kept: the one that is being written is held.
    for (let n = 0; n < 70; n++) {
      review(100 + n);
      grow();
      engine.keep();
    }
    while (engine.writeSnapshot()) {
      expect(existsSync(snapshotFile(folder))).toBe(false);
      review(1_000);
      grow();
      engine.abandon();
    }
    expect(engine.snapshotSize).toBe(begun);
    leave();
    engine = open();
    expect([engine.snapshotSize, engine.size]).toEqual([begun, begun + 70]);
  });

  test("goes on without a snapshot where none can be written", () => {
    review(1);
    grow();
    engine.keep();
    mkdirSync(`${snapshotFile(folder)}.new`);
    expect(() => engine.writeSnapshot()).toThrow("EISDIR");
    review(2);
    grow();
    engine.keep();
    expect(() => engine.close()).toThrow("EISDIR");
    engine = open();
    expect([engine.snapshotSize, engine.size]).toEqual([0, main.size]);
    rmSync(`${snapshotFile(folder)}.new`, { recursive: true });
  });
});

/** Ends the engine as a crash does: the snapshot stays the one that it was. */
function leave(): void {
  const path = snapshotFile(folder);
  const snapshot = readFileSync(path);
  engine.close();
  writeFileSync(path, snapshot);
}

/** A header that claims more rows than any machine has room for. */
function manyRows(header: string): string {
  return header.replace(/"leaves":\d+/, '"leaves":9007199254740991');
}

/** Leaf 0 of the index log. */
function leafAt(index: number): Uint8Array {
  const database = new Database(indexDatabase(folder), { readonly: true });
  try {
    const row = database
      .prepare<[number], { bytes: Uint8Array }>("SELECT bytes FROM leaf WHERE idx = ?")
      .get(index);
    return new Uint8Array(row?.bytes ?? expect.fail("no leaf"));
  } finally {
    database.close();
  }
}
