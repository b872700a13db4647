/**
 * What a builder of an index cannot be faster than, in the same run: as many rows of the same form
 * as one part of the log gave, written in their batches into an empty table; and SHA-256 of a node
 * as often as the builder asks for one, which is counted over the first step of the index.
 */

import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { nodeCryptoInPlace } from "../../client/crypto/node.ts";
import { gitHashOf } from "../../client/git/hash.ts";
import { unwrap } from "../../schema/error.ts";
import { INDEX_V1 } from "../../schema/index/generation.ts";
import { parseIndexLeaf } from "../../schema/index/index-leaf.ts";
import { MAPFN_V1 } from "../../schema/index/mapfn.ts";
import type { Sha256 } from "../../schema/tlog/hash.ts";
import { IndexEngine } from "../../server/index/engine.ts";
import { snapshotFile } from "../../server/index/snapshot.ts";
import { IndexStore } from "../../server/index/store.ts";
import { SqliteReader } from "../../server/storage/sqlite/reader.ts";
import { type IndexedPlace, openIndexStore } from "./indexed-log.ts";
import { hashes } from "./limits.ts";
import { ORIGIN } from "./ours.ts";

const ROWS = 400_000;
/** Rows of one step of the index. */
const STEP = 40_000;

export interface IndexLimits {
  /** Rows of postings a second. */
  readonly rows: number;
  /** SHA-256 of 65 bytes a second, one core. */
  readonly hashes: number;
  /** How many of them the builder asks for, for an entry. */
  readonly hashesPerEntry: number;
}

export function indexLimits(place: IndexedPlace): IndexLimits {
  const folder = mkdtempSync(join(tmpdir(), "countersign-limit-"));
  try {
    return {
      rows: rowsAlone(join(folder, "postings.db")),
      hashes: hashes(),
      hashesPerEntry: countHashes(place, join(folder, "counted")),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function rowsAlone(path: string): number {
  const db = new Database(path);
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = NORMAL");
  const schema = new URL("../../server/index/schema.sql", import.meta.url);
  db.exec(readFileSync(schema, "utf8"));
  const insert = db.prepare("INSERT INTO posting (key, idx, claim) VALUES (?, ?, NULL)");
  const keys = Array.from({ length: ROWS }, () => randomBytes(32));
  const begun = performance.now();
  for (let at = 0; at < ROWS; at += STEP)
    db.transaction(() => {
      for (let i = at; i < at + STEP; i++) insert.run(keys[i], i);
    })();
  const seconds = (performance.now() - begun) / 1000;
  db.close();
  return ROWS / seconds;
}

/** The first step of this index, made once more with a SHA-256 that counts. */
function countHashes(place: IndexedPlace, folder: string): number {
  const tables = openIndexStore(place);
  const first = tables.leaf(1);
  tables.close();
  if (first === undefined) throw new Error("the index has no step");
  let calls = 0;
  const sha256: Sha256 = (bytes) => {
    calls++;
    return nodeCryptoInPlace.sha256(bytes);
  };
  const store = IndexStore.open(sha256, folder, { origin: ORIGIN, mapfn: MAPFN_V1 });
  const reader = new SqliteReader(place.index.logDatabase);
  const engine = IndexEngine.open({
    hashes: { sha256, git: gitHashOf(nodeCryptoInPlace) },
    log: { origin: ORIGIN, vkeys: [place.vkey] },
    generation: INDEX_V1,
    reader,
    erased: () => undefined,
    store,
    snapshot: snapshotFile(folder),
  });
  engine.replay(first.bytes, first.main);
  const counted = calls;
  engine.close();
  reader.close();
  return counted / unwrap(parseIndexLeaf(first.bytes)).main.size;
}
