/**
 * An exclusive lock for life: held by one process, released by the system when it dies, SIGKILL
 * included, so that no lock is ever stale.
 *
 * It is a file lock (fcntl, LockFileEx) taken through a tiny SQLite database of its own, because
 * Node has no call for it. The database stays without content. Nobody may open the lock file by
 * other means inside the process: closing any descriptor of a file drops its fcntl locks.
 *
 * Out of scope: network file systems without working locks. `docs/operate.md` says so.
 *
 * @module
 */
import Database from "better-sqlite3";
import { LogError } from "../schema/error.ts";

export interface Lock {
  release(): void;
}

/** Throws `STORE_LOCKED` where somebody else holds it. `what` names the locked thing. */
export function takeLock(path: string, what: string): Lock {
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { timeout: 0 });
    database.pragma("locking_mode = EXCLUSIVE");
    database.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    database?.close();
    if (cause instanceof Database.SqliteError && cause.code.startsWith("SQLITE_BUSY")) {
      throw new LogError("STORE_LOCKED", `another process holds ${what}`, {
        field: path,
        hint: "stop the other process; the lock goes with it",
      });
    }
    throw new LogError("FILE_UNREADABLE", `${what} cannot be locked`, {
      field: path,
      hint: "the folder must exist and be writable for this user",
      cause,
    });
  }
  const held = database;
  return { release: () => held.close() };
}
