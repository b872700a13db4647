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
import { concat, equal, join as joinBytes } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { hashAt } from "../../schema/index/map.ts";
import { type ClaimedValue, KeyRecord, type Listed } from "../../schema/index/record.ts";
import { asHash, HASH_BYTES, type Hash, type Sha256 } from "../../schema/tlog/hash.ts";
import { sizeFromBytes, sizeToBytes } from "../../schema/tlog/size.ts";
import { MapChanges } from "./changes.ts";
import type { ChangedRecord, KeyedRecord } from "./grow.ts";
import { removeSnapshot } from "./snapshot.ts";

const FORMAT = 1;
/** Lists up to this length have no record of their own: it is made anew as quickly. */
const SHORT_LIST = 16;
const CACHE_KIB = 65_536;
const VALUE_BYTES = 8 + HASH_BYTES;

/** Whose index it is. Another mapfn is another index. */
export interface IndexIdentity {
  readonly origin: string;
  readonly mapfn: Hash;
}

/** A leaf of the index log, as far as these tables hold it. */
export interface StoredLeaf {
  readonly index: number;
  readonly bytes: Uint8Array;
  /** Right edge of the postings tree behind it. */
  readonly edge: readonly Hash[];
  readonly main: Uint8Array;
  /** The update that leads to it, as `formatUpdate` writes one leaf; empty for leaf 0. */
  readonly step: Uint8Array;
}

interface RecordRow {
  readonly n: number;
  readonly last: number;
  readonly edge: Uint8Array;
  readonly vals: Uint8Array;
  readonly saturated: number;
}
interface PostingRow {
  readonly idx: number;
  readonly claim: Uint8Array | null;
}
interface LeafRow {
  readonly idx: number;
  readonly bytes: Uint8Array;
  readonly edge: Uint8Array;
  readonly main: Uint8Array;
  readonly step: Uint8Array;
}

/** Where the database of an index is. */
export function indexDatabase(folder: string): string {
  return join(folder, "postings.db");
}

export class IndexStore {
  readonly #sha256: Sha256;
  readonly #writer: Database.Database;
  readonly #reader: Database.Database;
  readonly #write: ReturnType<typeof prepareWrites>;
  /** Sees the step that is being written. */
  readonly #own: ReturnType<typeof prepareReads>;
  /** Sees the last step that was kept. */
  readonly #kept: ReturnType<typeof prepareReads>;
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
    for (const { key, record, added } of records) {
      for (const { index, claim } of added) this.#write.posting.run(key, index, claim ?? null);
      if (record.n <= SHORT_LIST) continue;
      const { n, last, values, saturated } = record.summary();
      const edge = joinBytes(record.edge);
      this.#write.record.run(key, n, last, edge, valueBytes(values), saturated ? 1 : 0);
    }
  }

  /** The step's leaf: kept by `commit`, or by nobody. */
  writeLeaf({ index, bytes, edge, main, step }: StoredLeaf): void {
    this.#write.leaf.run(index, bytes, joinBytes(edge), main, step);
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

function prepareWrites(database: Database.Database) {
  return {
    posting: database.prepare<[Uint8Array, number, Uint8Array | null]>(
      "INSERT INTO posting (key, idx, claim) VALUES (?, ?, ?)",
    ),
    record: database.prepare<[Uint8Array, number, number, Uint8Array, Uint8Array, number]>(
      "INSERT OR REPLACE INTO record (key, n, last, edge, vals, saturated) VALUES (?, ?, ?, ?, ?, ?)",
    ),
    leaf: database.prepare<[number, Uint8Array, Uint8Array, Uint8Array, Uint8Array]>(
      "INSERT INTO leaf (idx, bytes, edge, main, step) VALUES (?, ?, ?, ?, ?)",
    ),
  };
}

function prepareReads(database: Database.Database) {
  return {
    count: database.prepare<[], { readonly n: number }>("SELECT count(*) AS n FROM leaf"),
    leaf: database.prepare<[number], LeafRow>("SELECT * FROM leaf WHERE idx = ?"),
    record: database.prepare<[Uint8Array], RecordRow>("SELECT * FROM record WHERE key = ?"),
    postings: database.prepare<[Uint8Array, number, number], PostingRow>(
      "SELECT idx, claim FROM posting WHERE key = ? AND idx < ? ORDER BY idx LIMIT ?",
    ),
    all: database.prepare<[number], PostingRow & { readonly key: Uint8Array }>(
      "SELECT key, idx, claim FROM posting WHERE idx < ? ORDER BY key, idx",
    ),
    newest: database.prepare<[Uint8Array, number, number], PostingRow>(
      "SELECT idx, claim FROM posting WHERE key = ? AND idx < ? ORDER BY idx DESC LIMIT ?",
    ),
    contested: database.prepare<[Uint8Array, number], { key: Uint8Array; several: number | null }>(
      "SELECT key, min(claim) < max(claim) AS several FROM posting WHERE key > ? GROUP BY key ORDER BY key LIMIT ?",
    ),
  };
}

/** From the postings where they are few, else from the record row where it is of just this age. */
function readRecord(
  sha256: Sha256,
  reads: ReturnType<typeof prepareReads>,
  key: Uint8Array,
  size: number,
): KeyRecord | undefined {
  const few = reads.postings.all(key, size, SHORT_LIST + 1);
  const row = few.length <= SHORT_LIST ? undefined : reads.record.get(key);
  if (row !== undefined && row.last < size) {
    const { n, last, saturated } = row;
    const state = { n, last, values: toValues(row.vals), saturated: saturated === 1 };
    return KeyRecord.from(sha256, state, toHashes(row.edge));
  }
  const record = KeyRecord.empty(sha256);
  const isWhole = few.length <= SHORT_LIST;
  for (const one of isWhole ? few : reads.postings.iterate(key, size, Number.MAX_SAFE_INTEGER))
    record.append(toListed(one));
  return record.n === 0 ? undefined : record;
}

function toListed({ idx, claim }: PostingRow): Listed {
  const hash = claim === null ? undefined : asHash(claim);
  return hash === undefined ? { index: idx } : { index: idx, claim: hash };
}

function toLeaf({ idx, bytes, edge, main, step }: LeafRow): StoredLeaf {
  return { index: idx, bytes, edge: toHashes(edge), main, step };
}

function valueBytes(values: readonly ClaimedValue[]): Uint8Array {
  return concat(...values.flatMap(({ index, claim }) => [sizeToBytes(index), claim]));
}

function toValues(bytes: Uint8Array): readonly ClaimedValue[] {
  const values: ClaimedValue[] = [];
  for (let at = 0; at < bytes.length; at += VALUE_BYTES) {
    const index = sizeFromBytes(bytes.subarray(at, at + 8));
    const claim = hashAt(bytes, at + 8);
    if (index === undefined || claim === undefined) throw damaged("values");
    values.push({ index, claim });
  }
  return values;
}

function toHashes(bytes: Uint8Array): readonly Hash[] {
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, i) => {
    const hash = hashAt(bytes, i * HASH_BYTES);
    if (hash === undefined) throw damaged("hashes");
    return hash;
  });
}

function damaged(what: string): LogError {
  return new LogError("STORE_CORRUPT", `the index has ${what} that it never wrote`, {
    field: "index",
    hint: "`countersign index rebuild` makes it anew from the log",
  });
}
