/**
 * The rows of an index's tables (schema.sql): the statements over them, and what stands in each.
 *
 * A record has a row only where its list is long; from a short one it is made anew as quickly. So
 * whoever reads or writes a record goes through here, and need not know which it is.
 *
 * @module
 */
import type { Database, Statement } from "better-sqlite3";
import { concat, join } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { hashAt } from "../../schema/index/map.ts";
import { type ClaimedValue, KeyRecord, type Listed } from "../../schema/index/record.ts";
import { asHash, HASH_BYTES, type Hash, type Sha256 } from "../../schema/tlog/hash.ts";
import { sizeFromBytes, sizeToBytes } from "../../schema/tlog/size.ts";
import type { ChangedRecord } from "./grow.ts";

/** Lists up to this length have no record of their own: it is made anew as quickly. */
const SHORT_LIST = 16;
const VALUE_BYTES = 8 + HASH_BYTES;

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

/** Statements of the side that writes a step. */
export interface IndexWrites {
  readonly posting: Statement<[Uint8Array, number, Uint8Array | null]>;
  readonly record: Statement<[Uint8Array, number, number, Uint8Array, Uint8Array, number]>;
  readonly leaf: Statement<[number, Uint8Array, Uint8Array, Uint8Array, Uint8Array]>;
}

/** Statements of either side: what a step has written so far, or what is kept. */
export interface IndexReads {
  readonly count: Statement<[], { readonly n: number }>;
  readonly leaf: Statement<[number], LeafRow>;
  readonly record: Statement<[Uint8Array], RecordRow>;
  readonly postings: Statement<[Uint8Array, number, number], PostingRow>;
  readonly all: Statement<[number], PostingRow & { readonly key: Uint8Array }>;
  readonly newest: Statement<[Uint8Array, number, number], PostingRow>;
  readonly contested: Statement<
    [Uint8Array, number],
    { readonly key: Uint8Array; readonly several: number | null }
  >;
}

export function prepareWrites(database: Database): IndexWrites {
  return {
    posting: database.prepare("INSERT INTO posting (key, idx, claim) VALUES (?, ?, ?)"),
    record: database.prepare(
      "INSERT OR REPLACE INTO record (key, n, last, edge, vals, saturated) VALUES (?, ?, ?, ?, ?, ?)",
    ),
    leaf: database.prepare(
      "INSERT INTO leaf (idx, bytes, edge, main, step) VALUES (?, ?, ?, ?, ?)",
    ),
  };
}

export function prepareReads(database: Database): IndexReads {
  return {
    count: database.prepare("SELECT count(*) AS n FROM leaf"),
    leaf: database.prepare("SELECT * FROM leaf WHERE idx = ?"),
    record: database.prepare("SELECT * FROM record WHERE key = ?"),
    postings: database.prepare(
      "SELECT idx, claim FROM posting WHERE key = ? AND idx < ? ORDER BY idx LIMIT ?",
    ),
    all: database.prepare("SELECT key, idx, claim FROM posting WHERE idx < ? ORDER BY key, idx"),
    newest: database.prepare(
      "SELECT idx, claim FROM posting WHERE key = ? AND idx < ? ORDER BY idx DESC LIMIT ?",
    ),
    contested: database.prepare(
      "SELECT key, min(claim) < max(claim) AS several FROM posting WHERE key > ? GROUP BY key ORDER BY key LIMIT ?",
    ),
  };
}

/** What a chunk of a step does to one key. */
export function writeRecord(to: IndexWrites, { key, record, added }: ChangedRecord): void {
  for (const { index, claim } of added) to.posting.run(key, index, claim ?? null);
  if (record.n <= SHORT_LIST) return;
  const { n, last, values, saturated } = record.summary();
  to.record.run(key, n, last, join(record.edge), valueBytes(values), saturated ? 1 : 0);
}

export function writeLeaf(to: IndexWrites, { index, bytes, edge, main, step }: StoredLeaf): void {
  to.leaf.run(index, bytes, join(edge), main, step);
}

/** From the postings where they are few, else from the record row where it is of just this age. */
export function readRecord(
  sha256: Sha256,
  reads: IndexReads,
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

export function toListed({ idx, claim }: PostingRow): Listed {
  const hash = claim === null ? undefined : asHash(claim);
  return hash === undefined ? { index: idx } : { index: idx, claim: hash };
}

export function toLeaf({ idx, bytes, edge, main, step }: LeafRow): StoredLeaf {
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

export function damaged(what: string): LogError {
  return new LogError("STORE_CORRUPT", `the index has ${what} that it never wrote`, {
    field: "index",
    hint: "`countersign index rebuild` makes it anew from the log",
  });
}
