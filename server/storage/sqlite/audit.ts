/**
 * Every stored row as it is, for fsck: one snapshot, read-only, beside a running server or not.
 * Nothing is interpreted here, and rows that are missing are simply not there.
 *
 * @module
 */
import Database from "better-sqlite3";
import type { StoredHead } from "../storage.ts";
import { type KeptPostings, readAllKeptPostings } from "./erase.ts";
import { mustExist, storeFiles } from "./files.ts";
import { asLogError } from "./inspect.ts";
import { type Meta, prepareHead, readMeta, toHead } from "./rows.ts";

export interface LeafRow {
  readonly idx: number;
  readonly content: number | null;
  readonly bytes: Uint8Array;
}

export interface ContentRow {
  readonly id: number;
  /** `null` where it was erased. */
  readonly bytes: Uint8Array | null;
}

export interface KeyRow {
  readonly id: number;
  readonly digest: Uint8Array;
  readonly bytes: Uint8Array;
}

type Table = "leaf" | "leaf_hash" | "content" | "content_digest" | "key_object" | "tile";
/** Rows of each table. */
export type Counts = Readonly<Record<Table, number>>;

export class StoreAudit {
  readonly #database: Database.Database;
  readonly #leaves: Database.Statement<[number, number], LeafRow>;
  readonly #index: Database.Statement<[Uint8Array], { readonly idx: number }>;
  readonly #contents: Database.Statement<[number, number], ContentRow>;
  readonly #contentId: Database.Statement<[Uint8Array], { readonly id: number }>;
  readonly #keys: Database.Statement<[number, number], KeyRow>;
  readonly #hasKey: Database.Statement<[Uint8Array], { readonly id: number }>;
  readonly #tile: Database.Statement<[number, number], { readonly hashes: Uint8Array }>;

  /** Throws `STORE_MISSING`, or `STORE_CORRUPT` where SQLite cannot read it as a store at all. */
  static open(folder: string): StoreAudit {
    const { database: path } = storeFiles(folder);
    mustExist(path);
    let database: Database.Database | undefined;
    try {
      database = new Database(path, { readonly: true, fileMustExist: true });
      return new StoreAudit(database);
    } catch (error) {
      database?.close();
      throw asLogError(error, path);
    }
  }

  private constructor(database: Database.Database) {
    this.#database = database;
    database.pragma("trusted_schema = OFF");
    database.pragma("cell_size_check = ON");
    database.exec("BEGIN");
    this.#leaves = database.prepare(
      "SELECT idx, content, bytes FROM leaf WHERE idx >= ? AND idx < ? ORDER BY idx",
    );
    this.#index = database.prepare("SELECT idx FROM leaf_hash WHERE hash = ?");
    this.#contents = database.prepare(
      "SELECT id, bytes FROM content WHERE id > ? ORDER BY id LIMIT ?",
    );
    this.#contentId = database.prepare("SELECT id FROM content_digest WHERE digest = ?");
    this.#keys = database.prepare(
      "SELECT id, digest, bytes FROM key_object WHERE id > ? ORDER BY id LIMIT ?",
    );
    this.#hasKey = database.prepare("SELECT id FROM key_object WHERE digest = ?");
    this.#tile = database.prepare("SELECT hashes FROM tile WHERE level = ? AND n = ?");
  }

  meta(): Meta {
    return readMeta(this.#database);
  }

  head(): StoredHead {
    return toHead(prepareHead(this.#database).get());
  }

  /** What SQLite finds wrong in its own structure: pages, b-trees, indexes. At most 100 lines. */
  structure(): readonly string[] {
    const lines = this.#database
      .prepare<[], { readonly integrity_check: string }>("PRAGMA integrity_check(100)")
      .all()
      .map((row) => row.integrity_check);
    return lines.length === 1 && lines[0] === "ok" ? [] : lines;
  }

  counts(): Counts {
    const count = (table: Table): number =>
      this.#database.prepare<[], { readonly n: number }>(`SELECT count(*) AS n FROM ${table}`).get()
        ?.n ?? 0;
    return {
      leaf: count("leaf"),
      leaf_hash: count("leaf_hash"),
      content: count("content"),
      content_digest: count("content_digest"),
      key_object: count("key_object"),
      tile: count("tile"),
    };
  }

  leaves(from: number, to: number): readonly LeafRow[] {
    return this.#leaves.all(from, to);
  }

  /** Where the dedup table has a leaf hash. */
  indexOf(hash: Uint8Array): number | undefined {
    return this.#index.get(hash)?.idx;
  }

  /** The next `limit` contents after id `after`. */
  contents(after: number, limit: number): readonly ContentRow[] {
    return this.#contents.all(after, limit);
  }

  /** `undefined` where it was erased, or is not there. */
  contentBytes(id: number): Uint8Array | undefined {
    return this.contents(id - 1, 1).find((row) => row.id === id)?.bytes ?? undefined;
  }

  /** What was kept of the entries of erased contents. */
  keptPostings(): Iterable<KeptPostings> {
    return readAllKeptPostings(this.#database);
  }

  contentId(digest: Uint8Array): number | undefined {
    return this.#contentId.get(digest)?.id;
  }

  keys(after: number, limit: number): readonly KeyRow[] {
    return this.#keys.all(after, limit);
  }

  hasKey(digest: Uint8Array): boolean {
    return this.#hasKey.get(digest) !== undefined;
  }

  tile(level: number, index: number): Uint8Array | undefined {
    return this.#tile.get(level, index)?.hashes;
  }

  close(): void {
    this.#database.close();
  }
}
