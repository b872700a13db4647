/**
 * The reading side: a read-only connection on the caller's thread. Each call, or all calls inside
 * `together`, see the newest commit and hold no snapshot afterwards.
 *
 * @module
 */
import Database from "better-sqlite3";
import type { Hash } from "../../../schema/tlog/hash.ts";
import type { StorageReader, StoredContent } from "../storage.ts";
import { readKeptPostings } from "./erase.ts";
import { corrupt } from "./rows.ts";

interface ContentRow {
  readonly content: number | null;
  readonly id: number | null;
  readonly bytes: Uint8Array | null;
}

interface SizeRow {
  readonly size: number | null;
}

type Range = [number, number];

const CONTENT_OF_LEAF = "FROM leaf l LEFT JOIN content c ON c.id = l.content";
const IN_RANGE = "WHERE l.idx >= ? AND l.idx < ? ORDER BY l.idx";

export class SqliteReader implements StorageReader {
  readonly #database: Database.Database;
  readonly #tile: Database.Statement<Range, { readonly hashes: Uint8Array }>;
  readonly #leaves: Database.Statement<Range, { readonly bytes: Uint8Array }>;
  readonly #leaf: Database.Statement<[Uint8Array], { readonly idx: number }>;
  readonly #contents: Database.Statement<Range, ContentRow>;
  readonly #sizes: Database.Statement<Range, SizeRow>;
  readonly #hasContent: Database.Statement<Range, { readonly held: number }>;
  readonly #content: Database.Statement<[Uint8Array], { readonly bytes: Uint8Array | null }>;
  readonly #key: Database.Statement<[Uint8Array], { readonly bytes: Uint8Array }>;
  readonly #entriesWith: Database.Statement<[Uint8Array, number, number], { readonly idx: number }>;

  constructor(path: string) {
    const database = new Database(path, { readonly: true, fileMustExist: true });
    this.#database = database;
    database.pragma("trusted_schema = OFF");
    this.#tile = database.prepare("SELECT hashes FROM tile WHERE level = ? AND n = ?");
    this.#leaves = database.prepare(`SELECT l.bytes FROM leaf l ${IN_RANGE}`);
    this.#leaf = database.prepare("SELECT idx FROM leaf_hash WHERE hash = ?");
    this.#contents = database.prepare(
      `SELECT l.content, c.id, c.bytes ${CONTENT_OF_LEAF} ${IN_RANGE}`,
    );
    this.#sizes = database.prepare(`SELECT length(c.bytes) AS size ${CONTENT_OF_LEAF} ${IN_RANGE}`);
    this.#hasContent = database.prepare(
      `SELECT l.content IS NOT NULL AS held FROM leaf l ${IN_RANGE}`,
    );
    this.#content = database.prepare(
      "SELECT c.bytes FROM content_digest d JOIN content c ON c.id = d.id WHERE d.digest = ?",
    );
    this.#key = database.prepare("SELECT bytes FROM key_object WHERE digest = ?");
    this.#entriesWith = database.prepare(
      `SELECT idx FROM leaf WHERE content = (SELECT id FROM content_digest WHERE digest = ?)
       AND idx >= ? AND idx < ? ORDER BY idx`,
    );
  }

  tile(level: number, index: number): Uint8Array | undefined {
    return this.#tile.get(level, index)?.hashes;
  }

  leaves(from: number, to: number): readonly Uint8Array[] {
    const rows = whole(this.#leaves.all(from, to), from, to);
    return rows.map((row) => row.bytes);
  }

  findLeaf(hash: Hash): number | undefined {
    return this.#leaf.get(hash)?.idx;
  }

  contents(from: number, to: number): readonly StoredContent[] {
    return whole(this.#contents.all(from, to), from, to).map((row, i) => {
      if (row.content === null) return { state: "never-held" };
      if (row.id === null) throw corrupt(`entry ${from + i}`, "its content is missing");
      return row.bytes === null ? { state: "erased" } : { state: "held", bytes: row.bytes };
    });
  }

  contentSizes(from: number, to: number): readonly number[] {
    return whole(this.#sizes.all(from, to), from, to).map((row) => row.size ?? 0);
  }

  hasContent(index: number): boolean {
    const [row] = whole(this.#hasContent.all(index, index + 1), index, index + 1);
    return row?.held === 1;
  }

  content(digest: Hash): StoredContent {
    const row = this.#content.get(digest);
    if (row === undefined) return { state: "never-held" };
    return row.bytes === null ? { state: "erased" } : { state: "held", bytes: row.bytes };
  }

  entriesWith(digest: Hash, from: number, to: number): readonly number[] {
    return this.#entriesWith.all(digest, from, to).map(({ idx }) => idx);
  }

  keptPostings(index: number): Uint8Array | undefined {
    return readKeptPostings(this.#database, index);
  }

  key(digest: Hash): Uint8Array | undefined {
    return this.#key.get(digest)?.bytes;
  }

  together<T>(read: () => T): T {
    return this.#database.transaction(read)();
  }

  close(): void {
    this.#database.close();
  }
}

/** All rows of a range, or the first place where one may be missing. */
function whole<T>(rows: readonly T[], from: number, to: number): readonly T[] {
  if (rows.length !== Math.max(0, to - from))
    throw corrupt(`entries ${from} to ${to - 1}`, `only ${rows.length} of them are stored`);
  return rows;
}
