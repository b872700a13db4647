/**
 * The files of a store, and what is read of them before SQLite touches anything.
 *
 * A store is a folder: `log.db` with its `-wal` and `-shm`, `lock.db`, and `probe`, which is
 * always empty (see room.ts).
 *
 * **Generations.** SQLite does not tie a write-ahead file to its database: an old `log.db` (out of
 * a backup, say) beside the `-wal` of a newer one is opened without complaint, and pages of two
 * ages are mixed. `user_version` therefore counts generations:
 *
 * - the last commit before a checkpoint makes it odd, so that the database file, once
 *   checkpointed, is odd;
 * - the first commit after a completed checkpoint, which starts the write-ahead file anew, makes
 *   it even.
 *
 * So the generation seen through the write-ahead file is equal to that in the database file's own
 * header, or one more (commits since the checkpoint), or, odd on odd, two more (the checkpoint was
 * cut off; the write-ahead file still has everything). Any other pair never belonged together.
 *
 * @module
 */
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { LogError } from "../../../schema/error.ts";

/** The only format this program reads and writes. */
export const FORMAT = 1;

/** "CtSn": tells a store from any other SQLite database. */
export const APPLICATION_ID: number = 0x4374536e;

export interface StoreFiles {
  readonly database: string;
  readonly wal: string;
  readonly lock: string;
  readonly probe: string;
}

export function storeFiles(folder: string): StoreFiles {
  const database = join(folder, "log.db");
  return {
    database,
    wal: `${database}-wal`,
    lock: join(folder, "lock.db"),
    probe: join(folder, "probe"),
  };
}

/** Offsets in the header of an SQLite database file (https://sqlite.org/fileformat.html §1.3). */
const USER_VERSION_AT = 60;
const APPLICATION_ID_AT = 68;
const HEADER_BYTES = 100;

/** Asks without opening the file. Throws `STORE_MISSING`. */
export function mustExist(path: string): void {
  if (existsSync(path)) return;
  throw new LogError("STORE_MISSING", `there is no store at ${path}`, {
    field: path,
    hint: "check the data folder of the configuration; `countersign init` makes a new log",
  });
}

/**
 * The generation in the database file itself, past the write-ahead file. Only for the holder of
 * the store's lock that has no connection to it yet: closing a descriptor of the file drops the
 * fcntl locks of every connection in the process.
 * Throws `STORE_CORRUPT` for a file that is no store.
 */
export function generationOnDisk(path: string, applicationId: number = APPLICATION_ID): number {
  const header = headerOnDisk(path);
  const isStore =
    header.toString("latin1", 0, 16) === "SQLite format 3\0" &&
    header.readUInt32BE(APPLICATION_ID_AT) === applicationId;
  if (!isStore) {
    throw new LogError("STORE_CORRUPT", `${path} is not the database that belongs here`, {
      field: path,
      hint: "restore a backup into a new folder",
    });
  }
  return header.readUInt32BE(USER_VERSION_AT);
}

/** Whose database a file says that it is; 0 for one that is none. Only before a connection exists. */
export function applicationOnDisk(path: string): number {
  return headerOnDisk(path).readUInt32BE(APPLICATION_ID_AT);
}

function headerOnDisk(path: string): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  const file = openSync(path, "r");
  try {
    readSync(file, header, 0, HEADER_BYTES, 0);
  } finally {
    closeSync(file);
  }
  return header;
}

/** Whether a database file and a write-ahead file, by their generations, belong together. */
export function walBelongs(onDisk: number, throughWal: number): boolean {
  const ahead = throughWal - onDisk;
  return ahead === 0 || ahead === 1 || (ahead === 2 && onDisk % 2 === 1);
}

/** The generation of the last commit before a checkpoint: the next odd one. */
export function sealedGeneration(current: number): number {
  return current % 2 === 1 ? current + 2 : current + 1;
}
