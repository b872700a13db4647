/**
 * What a store is, read without changing a byte of it. Everything that must be refused is refused
 * here, before a writing connection exists: SQLite would copy a foreign write-ahead file into the
 * database when such a connection closes.
 *
 * @module
 */
import Database from "better-sqlite3";
import { LogError } from "../../../schema/error.ts";
import { takeLock } from "../../lock.ts";
import type { StoredHead } from "../storage.ts";
import { generationOnDisk, mustExist, type StoreFiles, storeFiles, walBelongs } from "./files.ts";
import { corrupt, type Meta, prepareHead, readMeta, toHead } from "./rows.ts";

/** The caller holds the store's lock. Throws `STORE_NEWER` or `STORE_CORRUPT`. */
export function inspectStore(files: StoreFiles): {
  readonly meta: Meta;
  readonly head: StoredHead;
} {
  const onDisk = generationOnDisk(files.database);
  return readOnly(files.database, (database) => {
    const meta = readMeta(database);
    const throughWal = Number(database.pragma("user_version", { simple: true }));
    if (!walBelongs(onDisk, throughWal)) {
      throw corrupt(
        "log.db-wal",
        `the write-ahead file (generation ${throughWal}) is not that of the database (${onDisk})`,
      );
    }
    return { meta, head: toHead(prepareHead(database).get()) };
  });
}

/** The same for a store at rest. Throws `STORE_MISSING` and `STORE_LOCKED` too. */
export function peekStore(folder: string): ReturnType<typeof inspectStore> {
  const files = storeFiles(folder);
  mustExist(files.database);
  const lock = takeLock(files.lock, `the store in ${folder}`);
  try {
    return inspectStore(files);
  } finally {
    lock.release();
  }
}

/** Damage that SQLite itself finds becomes `STORE_CORRUPT`. */
export function readOnly<T>(path: string, read: (database: Database.Database) => T): T {
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { readonly: true, fileMustExist: true });
    database.pragma("trusted_schema = OFF");
    return read(database);
  } catch (error) {
    throw asLogError(error, path);
  } finally {
    database?.close();
  }
}

/** An error of SQLite as one of ours; anything else as it is. */
export function asLogError(error: unknown, path: string): unknown {
  if (isDamage(error)) return corrupt("log.db", `SQLite says: ${error.message}`);
  if (!(error instanceof Database.SqliteError)) return error;
  const isFull = error.code === "SQLITE_FULL";
  return new LogError(isFull ? "STORAGE_FULL" : "STORAGE_FAILED", `SQLite says: ${error.message}`, {
    field: path,
    hint: "look at the disk, the rights of this user and what the system has logged",
    cause: error,
  });
}

export function isDamage(error: unknown): error is Error {
  // SQLITE_ERROR is what a missing table or column gives: the schema is not the one we wrote.
  return (
    error instanceof Database.SqliteError &&
    /^SQLITE_(?:CORRUPT|NOTADB|FORMAT|ERROR$)/.test(error.code)
  );
}
