/**
 * Where the index keeps its postings: a database of its own, beside the log's.
 *
 * Everything in it follows from the log and the index log, so it is written without waiting for the
 * disk; after a crash it is at some earlier leaf, and the same steps lead on from there. A step is
 * one transaction that is kept when its leaf is published. The reading connection sees the last
 * step that was kept, so that a look-up never meets a leaf that nobody has seen.
 *
 * @module
 */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { equal } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { KeyRecord, type Listed } from "../../schema/index/record.ts";
import { asHash, type Hash, type Sha256 } from "../../schema/tlog/hash.ts";
import { MapChanges } from "./changes.ts";
import type { ChangedRecord, KeyedRecord } from "./grow.ts";
import {
  damaged,
  type IndexReads,
  type IndexWrites,
  prepareReads,
  prepareWrites,
  readRecord,
  type StoredLeaf,
  toLeaf,
  toListed,
  writeLeaf,
  writeRecord,
} from "./rows.ts";
import { removeSnapshot } from "./snapshot.ts";

const FORMAT = 1;
const CACHE_KIB = 65_536;

/** Whose index it is. Another mapfn is another index. */
export interface IndexIdentity {
  readonly origin: string;
  readonly mapfn: Hash;
}

/** Where the database of an index is. */
export function indexDatabase(folder: string): string {
  return join(folder, "postings.db");
}

export class IndexStore {
  readonly #sha256: Sha256;
  readonly #writer: Database.Database;
  readonly #reader: Database.Database;
  readonly #write: IndexWrites;
  /** Sees the step that is being written. */
  readonly #own: IndexReads;
  /** Sees the last step that was kept. */
  readonly #kept: IndexReads;
  /** What the steps behind the snapshot of the map changed in it. */
  readonly changes: MapChanges;

  /** Opens, or makes, the tables. Throws `CONFIG_INVALID` for those of another log or mapfn. */
  static open(sha256: Sha256, folder: string, identity: IndexIdentity): IndexStore {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = indexDatabase(folder);
    const writer = new Database(path);
    try {
      for (const pragma of PRAGMAS) writer.pragma(pragma);
      if (Number(writer.pragma("user_version", { simple: true })) === 0) create(writer, identity);
      check(writer, path, identity);
      return new IndexStore(sha256, path, writer);
    } catch (error) {
      writer.close();
      throw error;
    }
  }

  /** Takes everything away that can be rebuilt. */
  static remove(folder: string): void {
    for (const ending of ["", "-wal", "-shm"])
      rmSync(`${indexDatabase(folder)}${ending}`, { force: true });
    removeSnapshot(folder);
  }

  private constructor(sha256: Sha256, path: string, writer: Database.Database) {
    this.#sha256 = sha256;
    this.#writer = writer;
    this.#reader = new Database(path, { readonly: true, fileMustExist: true });
    this.#reader.pragma(`cache_size = -${CACHE_KIB}`);
    this.#write = prepareWrites(writer);
    this.#own = prepareReads(writer);
    this.#kept = prepareReads(this.#reader);
    this.changes = new MapChanges(writer, this.#reader);
  }

  /** Leaves that are kept. */
  get leaves(): number {
    return this.#kept.count.get()?.n ?? 0;
  }

  leaf(index: number): StoredLeaf | undefined {
    const row = this.#kept.leaf.get(index);
    return row === undefined ? undefined : toLeaf(row);
  }

  begin(): void {
    this.#writer.exec("BEGIN IMMEDIATE");
  }

  /** What a chunk of a step changes, in the order of the keys. */
  write(records: readonly ChangedRecord[]): void {
    for (const changed of records) writeRecord(this.#write, changed);
  }

  /** The step's leaf: kept by `commit`, or by nobody. */
  writeLeaf(leaf: StoredLeaf): void {
    writeLeaf(this.#write, leaf);
  }

  commit(): void {
    this.#writer.exec("COMMIT");
  }

  rollback(): void {
    if (this.#writer.inTransaction) this.#writer.exec("ROLLBACK");
  }

  /** The record of a key with what the step so far has written. */
  find(key: Hash): KeyRecord | undefined {
    return readRecord(this.#sha256, this.#own, key, Number.MAX_SAFE_INTEGER);
  }

  /** The record of a key as the entries below `size` have made it. */
  record(key: Uint8Array, size: number): KeyRecord | undefined {
    return readRecord(this.#sha256, this.#kept, key, size);
  }

  /** The list of a key, of entries below `size`: at most `limit` of them from the start. */
  list(key: Uint8Array, size: number, limit: number): readonly Listed[] {
    return this.#kept.postings.all(key, size, limit).map(toListed);
  }

  /** The newest entries of a key's list below `size`, newest first. */
  newest(key: Hash, size: number, limit: number): readonly Listed[] {
    return this.#kept.newest.all(key, size, limit).map(toListed);
  }

  /** Of the next `limit` keys behind one, in order: which of them have several claim values. */
  contested(after: Uint8Array, limit: number): { keys: readonly Hash[]; next?: Hash } {
    const rows = this.#kept.contested.all(after, limit);
    const hashes = (list: typeof rows): Hash[] => list.flatMap(({ key }) => asHash(key) ?? []);
    const last = rows.length < limit ? undefined : hashes(rows).at(-1);
    const keys = hashes(rows.filter(({ several }) => several === 1));
    return last === undefined ? { keys } : { keys, next: last };
  }

  /** Every key, with its record as the entries below `size` have made it. For rebuilding a map. */
  *records(size: number): Generator<KeyedRecord> {
    let current: KeyedRecord | undefined;
    for (const { key, ...row } of this.#kept.all.iterate(size)) {
      if (current === undefined || !equal(current.key, key)) {
        if (current !== undefined) yield current;
        const hash = asHash(key);
        if (hash === undefined) throw damaged("a key");
        current = { key: hash, record: KeyRecord.empty(this.#sha256) };
      }
      current.record.append(toListed(row));
    }
    if (current !== undefined) yield current;
  }

  close(): void {
    this.rollback();
    this.#reader.close();
    this.#writer.close();
  }
}

/** Pages of the write-ahead file before they go to their places: 64 MiB. */
const CHECKPOINT_PAGES = 16_384;

/**
 * Losing the last steps to a crash is no loss: NORMAL waits for the disk at checkpoints only. There is
 * one in some ten steps: keys come at random, so that each step writes as many pages as it has keys,
 * and those of a small table again and again.
 */
const PRAGMAS = [
  "journal_mode = WAL",
  "synchronous = NORMAL",
  "trusted_schema = OFF",
  `wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
  `cache_size = -${CACHE_KIB}`,
];

function create(writer: Database.Database, { origin, mapfn }: IndexIdentity): void {
  writer.transaction(() => {
    writer.exec(readFileSync(new URL("schema.sql", import.meta.url), "utf8"));
    writer
      .prepare("INSERT INTO meta (one, format, origin, mapfn) VALUES (1, ?, ?, ?)")
      .run(FORMAT, origin, mapfn);
    writer.pragma(`user_version = ${FORMAT}`);
  })();
}

function check(writer: Database.Database, path: string, identity: IndexIdentity): void {
  const row = writer
    .prepare<[], { format: number; origin: string; mapfn: Uint8Array }>("SELECT * FROM meta")
    .get();
  const same = row?.origin === identity.origin && equal(row.mapfn, identity.mapfn);
  if (same && row.format === FORMAT) return;
  throw new LogError("CONFIG_INVALID", `the index in ${path} is of another log, mapfn or format`, {
    field: path,
    hint: "`countersign index rebuild` makes it anew from the log",
  });
}
