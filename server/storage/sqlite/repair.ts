/**
 * Writes the derived tables anew: hash tiles and dedup rows, out of the leaves. The leaves
 * themselves, contents, keys and the head are never touched, and nothing is kept unless the leaves
 * give the root of the head.
 *
 * The server must be stopped: the store's lock is taken.
 *
 * @module
 */
import Database from "better-sqlite3";
import { equal } from "../../../schema/bytes.ts";
import { LogError } from "../../../schema/error.ts";
import { leafHash, type Sha256 } from "../../../schema/tlog/hash.ts";
import type { TreeHead } from "../../../schema/tlog/proof.ts";
import { TILE_WIDTH } from "../../../schema/tlog/tile.ts";
import { takeLock } from "../../lock.ts";
import { Edge } from "../../sequencer/edge.ts";
import { mustExist, type StoreFiles, storeFiles } from "./files.ts";
import { inspectStore } from "./inspect.ts";
import { corrupt } from "./rows.ts";
import { prepareStatements, type Statements } from "./statements.ts";

/** Throws `STORE_LOCKED`, or `STORE_CORRUPT` where the leaves are not those of the head. */
export function repairDerived(
  folder: string,
  sha256: Sha256,
  progress?: (done: number, total: number) => void,
): void {
  const files = storeFiles(folder);
  mustExist(files.database);
  const lock = takeLock(files.lock, `the store in ${folder}`);
  try {
    repairLocked(files, sha256, progress);
  } finally {
    lock.release();
  }
}

function repairLocked(
  files: StoreFiles,
  sha256: Sha256,
  progress?: (done: number, total: number) => void,
): void {
  const { head } = inspectStore(files);
  const database = new Database(files.database, { fileMustExist: true });
  try {
    database.pragma("synchronous = FULL");
    database.exec("BEGIN IMMEDIATE");
    deriveAnew(database, head, sha256, progress);
    database.exec("COMMIT");
  } finally {
    if (database.inTransaction) database.exec("ROLLBACK");
    database.close();
  }
}

/**
 * Inside a transaction: tiles and dedup rows out of the leaves. Throws `STORE_CORRUPT` where these
 * do not give the root of `head`; then the caller must not commit.
 */
export function deriveAnew(
  database: Database.Database,
  head: TreeHead,
  sha256: Sha256,
  progress?: (done: number, total: number) => void,
): void {
  for (const table of ["tile", "leaf_hash"]) recreate(database, table);
  const sql = prepareStatements(database);
  const leaves = database.prepare<[number, number], { idx: number; bytes: Uint8Array }>(
    "SELECT idx, bytes FROM leaf WHERE idx >= ? AND idx < ? ORDER BY idx",
  );
  let edge = Edge.empty(sha256);
  for (let from = 0; from < head.size; from += TILE_WIDTH) {
    const to = Math.min(from + TILE_WIDTH, head.size);
    const hashes = leaves.all(from, to).map((row) => leafHash(sha256, row.bytes));
    if (hashes.length !== to - from)
      throw corrupt(`entries ${from} to ${to - 1}`, "not all leaves are there");
    for (const [i, hash] of hashes.entries()) insertHash(sql, hash, from + i);
    const growth = edge.grow(hashes);
    for (const tile of growth.tiles) sql.putTile.run(tile.level, tile.index, tile.hashes);
    edge = growth.edge;
    progress?.(to, head.size);
  }
  if (equal(edge.head.root, head.root)) return;
  throw new LogError("STORE_CORRUPT", "the leaves do not give the root of the head", {
    field: "leaf",
    hint: "nothing was changed; fsck names the entries that are wrong",
  });
}

function insertHash(sql: Statements, hash: Uint8Array, index: number): void {
  try {
    sql.insertLeafHash.run(hash, index);
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code.startsWith("SQLITE_CONSTRAINT"))
      throw corrupt("leaf", "two entries have the same leaf; nothing was changed");
    throw error;
  }
}

/** As in schema.sql. Dropped and not emptied: its pages themselves may be damaged. */
export function recreate(database: Database.Database, table: string): void {
  const sql = database
    .prepare<[string], { readonly sql: string }>("SELECT sql FROM sqlite_schema WHERE name = ?")
    .get(table)?.sql;
  if (sql === undefined) throw corrupt(table, "the table is not in the schema");
  database.exec(`DROP TABLE ${table}`);
  database.exec(sql);
}
