/**
 * A new, empty store. It appears under its name whole or not at all: a kill at any point leaves
 * either no store or one of size 0.
 *
 * @module
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { LogError } from "../../../schema/error.ts";
import { emptyRoot } from "../../../schema/tlog/hash.ts";
import { APPLICATION_ID, FORMAT, storeFiles } from "./files.ts";
import { headDigest, type Meta, metaDigest } from "./rows.ts";

/**
 * Rows that almost fill half a page waste the other half: larger pages waste less behind leaves and
 * contents of some kilobytes. The two tables that are keyed by hashes write a page for each entry,
 * at a random place: smaller pages keep that cheap.
 */
const PAGE_BYTES = 8_192;

/** Throws `STORE_EXISTS` where the folder holds anything of a store already. */
export function createSqliteStore(folder: string, meta: Meta): void {
  const files = storeFiles(folder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const draft = `${files.database}.new`;
  if ([files.database, files.wal].some((path) => existsSync(path))) {
    throw new LogError("STORE_EXISTS", `there is a store in ${folder} already`, { field: folder });
  }
  rmSync(draft, { force: true });
  const database = new Database(draft);
  try {
    database.pragma(`page_size = ${PAGE_BYTES}`);
    database.pragma("auto_vacuum = NONE");
    database.pragma("synchronous = FULL");
    database.pragma(`application_id = ${APPLICATION_ID}`);
    database.pragma("user_version = 1");
    database.exec(readFileSync(new URL("schema.sql", import.meta.url), "utf8"));
    database
      .prepare("INSERT INTO meta (one, format, database, origin, digest) VALUES (1, ?, ?, ?, ?)")
      .run(FORMAT, meta.databaseId, meta.origin, metaDigest(meta));
    const head = {
      size: 0,
      root: emptyRoot(nodeCrypto.sha256),
      epoch: 0,
      checkpoint: new Uint8Array(0),
    };
    database
      .prepare(
        "INSERT INTO head (one, size, root, epoch, checkpoint, digest) VALUES (1, ?, ?, ?, ?, ?)",
      )
      .run(head.size, head.root, head.epoch, head.checkpoint, headDigest(head));
    database.pragma("journal_mode = WAL");
  } finally {
    database.close();
  }
  syncFile(draft);
  renameSync(draft, files.database);
  syncFile(folder);
  syncFile(dirname(folder));
}

/** Whether a folder holds nothing, or is not there. */
export function isEmptyFolder(folder: string): boolean {
  return !existsSync(folder) || readdirSync(folder).length === 0;
}

/** Also for folders, so that a rename in them is durable. */
export function syncFile(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
