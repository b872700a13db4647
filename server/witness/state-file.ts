/**
 * The file that a witness keeps its state in: how it is made, and what is read of it before
 * anything is written.
 *
 * It lies in the witness's folder beside the keys that sign by it, and names them: another state
 * beside these keys, or other keys beside this state, is refused. Each row carries a digest over its
 * columns, because a flipped bit in a size would look like a head of another size.
 *
 * A folder is that of a witness or that of an index verifier, from `init` on and for ever: one key must
 * not say both that a log only grew and that its index is right. The database says which, in the field
 * where SQLite keeps whose file it is.
 *
 * Write-ahead file and generations are those of the log's store (storage/sqlite/files.ts): an old
 * `witness.db` beside the write-ahead file of a newer one is found out.
 *
 * @module
 */
import { closeSync, existsSync, openSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import Database from "better-sqlite3";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { concat, equal, toHex, utf8 } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { asHash, type Hash } from "../../schema/tlog/hash.ts";
import { syncFile } from "../storage/sqlite/create.ts";
import {
  applicationOnDisk,
  generationOnDisk,
  type StoreFiles,
  walBelongs,
} from "../storage/sqlite/files.ts";
import { readOnly } from "../storage/sqlite/inspect.ts";

/** The only format this program reads and writes. */
const FORMAT = 1;
/** "CtSw" and "CtSi": tell the state of each from any other SQLite database, and from the other. */
const APPLICATION_IDS = { witness: 0x43745377, "index verifier": 0x43745369 } as const;

/** What the cosignatures of a folder's keys mean. */
export type Role = keyof typeof APPLICATION_IDS;

export function stateFiles(folder: string): StoreFiles {
  const database = join(folder, "witness.db");
  return {
    database,
    wal: `${database}-wal`,
    lock: join(folder, "lock.db"),
    probe: join(folder, "probe"),
  };
}

/** The newest head of a log that a witness has cosigned. */
export interface WitnessedHead {
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
  /** Seconds since 1970, as in the newest cosignature. */
  readonly time: number;
  /** The checkpoint with the signatures of its log, and no others. */
  readonly note: Uint8Array;
}

export interface HeadRow {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly time: number;
  readonly note: Uint8Array;
  readonly digest: Uint8Array;
}

/** How far the index of a log was executed. */
export interface ExecutedRow {
  readonly state: Uint8Array;
  readonly digest: Uint8Array;
}

export function headDigest(head: Omit<HeadRow, "digest">): Hash {
  const text = utf8(`witnessed\n${head.origin}\n${head.size}\n${head.time}\n`);
  return nodeCrypto.sha256(concat(text, head.root, head.note));
}

/** Throws `STORE_CORRUPT` for a row that is not as it was written. */
export function toHead(row: HeadRow): WitnessedHead {
  const root = asHash(row.root);
  if (root === undefined || !equal(row.digest, headDigest(row)))
    throw corrupt(`the head of ${row.origin} is not as it was written`);
  const { origin, size, time, note } = row;
  return { origin, size, root, time, note };
}

/** The name of a log in the state and in URLs. */
export function originId(origin: string): Hash {
  return nodeCrypto.sha256(utf8(origin));
}

/**
 * Claims the folder for a new state, under a name that nothing reads: until {@link createState} gives
 * it its own, it says that making it has begun. `orphan` is a key that is there already.
 * Throws `STORE_EXISTS`, `INIT_UNFINISHED`.
 */
export function beginState(folder: string, orphan?: string): void {
  const files = stateFiles(folder);
  if ([files.database, files.wal].some((path) => existsSync(path)))
    throw new LogError("STORE_EXISTS", `there is a witness in ${folder} already`, {
      field: folder,
      hint: "start it with `countersign witness serve`, or choose another folder",
    });
  if (existsSync(draftOf(files)))
    throw new LogError("INIT_UNFINISHED", `making a witness in ${folder} was cut off`, {
      field: folder,
      hint: `nothing was ever signed there: delete ${folder} and run init again`,
    });
  if (orphan !== undefined)
    throw new LogError("STORE_EXISTS", `there is a key in ${folder} whose state is gone`, {
      field: orphan,
      expected:
        "a folder without keys: a new state beside old keys would not know what they cosigned",
      hint: "make a new witness, with new keys, in another folder",
    });
  closeSync(openSync(draftOf(files), "wx", 0o600));
  syncFile(folder);
}

/** An empty state of these keys, where one was begun. It appears whole or not at all. */
export function createState(
  folder: string,
  vkeys: readonly string[],
  role: Role = "witness",
): void {
  const files = stateFiles(folder);
  const draft = draftOf(files);
  const database = new Database(draft, { fileMustExist: true });
  try {
    database.pragma("synchronous = FULL");
    database.pragma(`application_id = ${APPLICATION_IDS[role]}`);
    database.pragma("user_version = 1");
    database.exec(readFileSync(new URL("state.sql", import.meta.url), "utf8"));
    if (role === "index verifier")
      database.exec(readFileSync(new URL("executed.sql", import.meta.url), "utf8"));
    const text = vkeys.join("\n");
    database
      .prepare("INSERT INTO meta (one, format, vkeys, digest) VALUES (1, ?, ?, ?)")
      .run(FORMAT, text, metaDigest(role, text));
    database.pragma("journal_mode = WAL");
  } finally {
    database.close();
  }
  syncFile(draft);
  renameSync(draft, files.database);
  syncFile(folder);
  syncFile(dirname(folder));
}

function draftOf(files: StoreFiles): string {
  return `${files.database}.new`;
}

/** A state as it lies there. The caller holds its lock. */
export interface InspectedState {
  readonly role: Role;
  readonly vkeys: readonly string[];
  /** The newest time of all heads; 0 where there is none. */
  readonly newestTime: number;
}

/** The same for a state that may be in use: whose keys it says it is. Throws as {@link inspectState}. */
export function peekState(folder: string): Pick<InspectedState, "vkeys" | "role"> {
  const { database: path } = stateFiles(folder);
  mustExist(path);
  return readOnly(path, (database) => {
    const role = roleOf(Number(database.pragma("application_id", { simple: true })));
    return { role, vkeys: readMeta(database, role) };
  });
}

/** Reads every row, and changes nothing. Throws `STORE_MISSING`, `STORE_NEWER`, `STORE_CORRUPT`. */
export function inspectState(folder: string): InspectedState {
  const { database: path } = stateFiles(folder);
  mustExist(path);
  const role = roleOf(applicationOnDisk(path));
  const onDisk = generationOnDisk(path, APPLICATION_IDS[role]);
  return readOnly(path, (database) => {
    const damage = database.pragma("quick_check(1)", { simple: true });
    if (damage !== "ok") throw corrupt(`SQLite says: ${String(damage)}`);
    const vkeys = readMeta(database, role);
    const throughWal = Number(database.pragma("user_version", { simple: true }));
    if (!walBelongs(onDisk, throughWal))
      throw corrupt(
        `the write-ahead file (generation ${throughWal}) is not that of the database (${onDisk})`,
      );
    return { role, vkeys, newestTime: readHeads(database) };
  });
}

/** Throws `STORE_MISSING` where there is no state; asks without opening a file. */
export function mustExist(path: string): void {
  if (!existsSync(path))
    throw new LogError("STORE_MISSING", `there is no state of a witness at ${path}`, {
      field: path,
      expected: "the file that init made: without it nobody knows what these keys have cosigned",
      hint: "is the volume mounted? if the state is lost, these keys must never sign again: make a new witness in another folder",
    });
}

/** The digest over a row of `executed`. */
export function executedDigest(id: Uint8Array, state: Uint8Array): Hash {
  return nodeCrypto.sha256(concat(utf8("executed\n"), id, state));
}

/** Throws `STORE_CORRUPT` for a row that is not as it was written. */
export function toExecuted(id: Uint8Array, row: ExecutedRow): Uint8Array {
  if (equal(row.digest, executedDigest(id, row.state))) return row.state;
  throw corrupt("how far an index was executed is not as it was written");
}

function readHeads(database: Database.Database): number {
  let newest = 0;
  const rows = database.prepare<[], HeadRow & { readonly id: Uint8Array }>("SELECT * FROM head");
  for (const row of rows.iterate()) {
    if (!equal(row.id, originId(row.origin))) throw corrupt(`${toHex(row.id)} is another log's`);
    newest = Math.max(newest, toHead(row).time);
  }
  return newest;
}

function roleOf(id: number): Role {
  return id === APPLICATION_IDS["index verifier"] ? "index verifier" : "witness";
}

function readMeta(database: Database.Database, role: Role): readonly string[] {
  const row = database
    .prepare<[], { readonly format: number; readonly vkeys: string; readonly digest: Uint8Array }>(
      "SELECT * FROM meta",
    )
    .get();
  if (row === undefined) throw corrupt("it does not say whose it is");
  if (row.format > FORMAT)
    throw new LogError(
      "STORE_NEWER",
      `the state has format ${row.format}, this program reads ${FORMAT}`,
      { limit: FORMAT, hint: "start the newer version of the program again" },
    );
  if (!equal(row.digest, metaDigest(role, row.vkeys)))
    throw corrupt("what it says of its keys changed");
  return row.vkeys.split("\n");
}

function metaDigest(role: Role, vkeys: string): Hash {
  return nodeCrypto.sha256(utf8(`${role}\n${FORMAT}\n${vkeys}`));
}

function corrupt(message: string): LogError {
  return new LogError("STORE_CORRUPT", `the state of the witness is damaged: ${message}`, {
    field: "witness.db",
    hint: "its keys must never sign again, because nobody knows what they have cosigned: make a new witness in another folder",
  });
}
