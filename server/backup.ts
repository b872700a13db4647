/**
 * Backups: a consistent copy while the log runs, and its way back into a *new* folder.
 *
 * A backup is a folder with `store.backup` and `backup.json`, which is written last: without it the
 * backup is not whole. It never has the head guard, so that a log which is put back to a backup
 * finds out that it is behind (I6).
 *
 * The index log is primary data as well: its copy stands below, in a folder of its own, and is taken
 * first, so that it never names a head that the copy of the log has not. Tables are left out.
 *
 * A backup is not restored over a store: an old database beside a newer write-ahead file is a
 * corrupt one.
 *
 * @module
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import Database from "better-sqlite3";
import { toBase64, toHex, utf8 } from "../schema/bytes.ts";
import { LogError, unwrap } from "../schema/error.ts";
import { readFields } from "../schema/fields.ts";
import { GENERATIONS, indexFolder } from "../schema/index/generation.ts";
import { parseJson } from "../schema/json.ts";
import { indexLogFolder } from "./index/places.ts";
import { isEmptyFolder, syncFile } from "./storage/sqlite/create.ts";
import { mustExist, storeFiles } from "./storage/sqlite/files.ts";
import { asLogError, peekStore, readOnly } from "./storage/sqlite/inspect.ts";
import { corrupt, prepareHead, readMeta, toHead } from "./storage/sqlite/rows.ts";

const FORMAT = "countersign-backup/v1";
const DATA = "store.backup";
const MANIFEST = "backup.json";
/** Pages copied at a time: 4 MiB, so that a server in the same process stays awake. */
const PAGES = 1_024;
const CHUNK = 4_194_304;

/** Bytes or pages done, of how many. */
export type Progress = (done: number, total: number) => void;

/** What a backup holds. */
export interface BackupManifest {
  readonly origin: string;
  /** Hex. */
  readonly databaseId: string;
  readonly size: number;
  /** Base64. */
  readonly root: string;
  readonly bytes: number;
  /** Hex SHA-256 of the data file. */
  readonly sha256: string;
}

/**
 * Copies the store in `folder`, whether a server holds it or not, as it is at this moment; what is
 * appended meanwhile is not in it. Throws `STORE_MISSING`, `STORE_CORRUPT`, or `STORE_EXISTS` where
 * `target` is not empty.
 */
export async function backupStore(
  folder: string,
  target: string,
  progress?: Progress,
): Promise<BackupManifest> {
  mustExist(storeFiles(folder).database);
  mustBeNew(target);
  // Below a backup, those of the index logs, in the same form.
  for (const generation of GENERATIONS) {
    const index = indexLogFolder(folder, generation);
    if (existsSync(storeFiles(index).database))
      await copyStore(index, join(target, indexFolder(generation)));
  }
  return copyStore(folder, target, progress);
}

async function copyStore(
  folder: string,
  target: string,
  progress?: Progress,
): Promise<BackupManifest> {
  const { database: path } = storeFiles(folder);
  mkdirSync(target, { recursive: true, mode: 0o700 });
  const data = join(target, DATA);
  const source = new Database(path, { readonly: true, fileMustExist: true });
  let head: Pick<BackupManifest, "origin" | "databaseId" | "size" | "root">;
  try {
    // One read transaction holds the snapshot: without it every commit would start the copy anew.
    source.exec("BEGIN");
    head = describe(source);
    await source.backup(data, {
      progress: ({ totalPages, remainingPages }) => {
        progress?.(totalPages - remainingPages, totalPages);
        return PAGES;
      },
    });
  } catch (error) {
    throw asLogError(error, path);
  } finally {
    source.close();
  }
  syncFile(data);
  const copied = readOnly(data, describe);
  // Looking at it made these, empty.
  for (const side of ["-wal", "-shm"]) rmSync(`${data}${side}`, { force: true });
  if (copied.size !== head.size || copied.root !== head.root)
    throw corrupt(DATA, "the copy has another head than the store");
  const manifest = { ...head, ...hashFile(data) };
  writeManifest(target, manifest);
  return manifest;
}

/**
 * Puts a backup into a folder that is empty or not there. Whether the log may start from it the
 * head guard decides, at the start. Throws `STORE_EXISTS`, `FILE_UNREADABLE` or `STORE_CORRUPT`.
 */
export function restoreStore(backup: string, folder: string, progress?: Progress): BackupManifest {
  const manifest = readManifest(backup);
  mustBeNew(folder);
  for (const generation of GENERATIONS) {
    const index = join(backup, indexFolder(generation));
    if (existsSync(index)) putBack(index, indexLogFolder(folder, generation), readManifest(index));
  }
  return putBack(backup, folder, manifest, progress);
}

function putBack(
  backup: string,
  folder: string,
  manifest: BackupManifest,
  progress?: Progress,
): BackupManifest {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { database } = storeFiles(folder);
  const draft = `${database}.new`;
  const copied = copyFile(join(backup, DATA), draft, progress);
  if (copied.sha256 !== manifest.sha256 || copied.bytes !== manifest.bytes) {
    rmSync(draft);
    throw new LogError("STORE_CORRUPT", "the backup is not what was written", {
      field: join(backup, DATA),
      expected: `SHA-256 ${manifest.sha256}`,
      hint: "take another backup",
    });
  }
  renameSync(draft, database);
  syncFile(folder);
  syncFile(dirname(folder));
  peekStore(folder);
  return manifest;
}

function describe(
  database: Database.Database,
): Pick<BackupManifest, "origin" | "databaseId" | "size" | "root"> {
  const meta = readMeta(database);
  const head = toHead(prepareHead(database).get());
  return {
    origin: meta.origin,
    databaseId: toHex(meta.databaseId),
    size: head.size,
    root: toBase64(head.root),
  };
}

function mustBeNew(folder: string): void {
  if (isEmptyFolder(folder)) return;
  throw new LogError("STORE_EXISTS", `the folder ${folder} is not empty`, {
    field: folder,
    expected: "a folder that is empty or not there",
    hint: "a store is never written over: choose a new folder",
  });
}

function writeManifest(target: string, manifest: BackupManifest): void {
  const draft = join(target, `${MANIFEST}.new`);
  writeFileSync(draft, utf8(`${JSON.stringify({ format: FORMAT, ...manifest }, null, 2)}\n`));
  syncFile(draft);
  renameSync(draft, join(target, MANIFEST));
  syncFile(target);
}

function readManifest(backup: string): BackupManifest {
  const path = join(backup, MANIFEST);
  const missing = [path, join(backup, DATA)].find((file) => !existsSync(file));
  if (missing !== undefined) {
    throw new LogError("FILE_UNREADABLE", `there is no whole backup in ${backup}`, {
      field: missing,
      hint: "backup.json is written last: a backup without it was cut off",
    });
  }
  const json = unwrap(parseJson(readFileSync(path)));
  return unwrap(
    readFields(json, MANIFEST, (root) => {
      root.oneOf("format", [FORMAT]);
      return {
        origin: root.string("origin"),
        databaseId: root.string("databaseId"),
        size: root.integer("size", { min: 0 }),
        root: root.string("root"),
        bytes: root.integer("bytes", { min: 0 }),
        sha256: root.string("sha256"),
      };
    }),
  );
}

function hashFile(path: string): { readonly bytes: number; readonly sha256: string } {
  return copyFile(path, undefined);
}

/** Copies, where there is somewhere to copy to, and hashes what went by. Durable on return. */
function copyFile(
  from: string,
  to: string | undefined,
  progress?: Progress,
): { readonly bytes: number; readonly sha256: string } {
  const hash = createHash("sha256");
  const total = statSync(from).size;
  const buffer = Buffer.alloc(CHUNK);
  const source = openSync(from, "r");
  const target = to === undefined ? undefined : openSync(to, "wx", 0o600);
  let bytes = 0;
  try {
    for (;;) {
      const length = readSync(source, buffer, 0, CHUNK, null);
      if (length === 0) break;
      const chunk = buffer.subarray(0, length);
      hash.update(chunk);
      if (target !== undefined) for (let at = 0; at < length; ) at += writeSync(target, chunk, at);
      bytes += length;
      progress?.(bytes, total);
    }
    if (target !== undefined) fsyncSync(target);
  } finally {
    closeSync(source);
    if (target !== undefined) closeSync(target);
  }
  return { bytes, sha256: hash.digest("hex") };
}
