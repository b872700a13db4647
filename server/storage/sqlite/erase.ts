/**
 * Erased contents in the store: the bytes leave `content`, their row stays with NULL, and what an
 * index needs of their entries is kept. One transaction, so that a kill leaves a content that is
 * there or one that is gone.
 *
 * The tables are made by whoever opens a store to write: a store from before them has erased nothing.
 *
 * @module
 */
import type { Database } from "better-sqlite3";
import { asHash } from "../../../schema/tlog/hash.ts";
import type { ErasedContents, Erasure } from "../storage.ts";
import { corrupt } from "./rows.ts";

const TABLES = `
-- Contents that a statement of the log has erased; \`statement\` is its index.
CREATE TABLE IF NOT EXISTS erased (
  digest    BLOB PRIMARY KEY,
  statement INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- Canonical postings of the entries of such contents.
CREATE TABLE IF NOT EXISTS erased_postings (
  idx   INTEGER PRIMARY KEY,
  bytes BLOB NOT NULL
) STRICT;
-- Below this size every erase statement has been carried out.
CREATE TABLE IF NOT EXISTS erased_up_to (
  one  INTEGER PRIMARY KEY CHECK (one = 1),
  size INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO erased_up_to (one, size) VALUES (1, 0);
`;

/** Inside a transaction. */
export function keepPostings(database: Database, index: number, bytes: Uint8Array): void {
  database
    .prepare<[number, Uint8Array]>(
      "INSERT OR IGNORE INTO erased_postings (idx, bytes) VALUES (?, ?)",
    )
    .run(index, bytes);
}

export function makeErasedTables(database: Database): void {
  database.exec(TABLES);
}

/** Inside a transaction. */
export function writeErasures(
  database: Database,
  erasures: readonly Erasure[],
  upTo: number,
): void {
  const remove = database.prepare<[Uint8Array]>(
    "UPDATE content SET bytes = NULL WHERE id = (SELECT id FROM content_digest WHERE digest = ?)",
  );
  const note = database.prepare<[Uint8Array, number]>(
    "INSERT OR IGNORE INTO erased (digest, statement) VALUES (?, ?)",
  );
  for (const { digest, statement, postings } of erasures) {
    for (const { index, bytes } of postings) keepPostings(database, index, bytes);
    note.run(digest, statement);
    remove.run(digest);
  }
  database.prepare<[number]>("UPDATE erased_up_to SET size = ?").run(upTo);
}

export function readErased(database: Database): ErasedContents {
  const rows = database
    .prepare<[], { readonly digest: Uint8Array; readonly statement: number }>(
      "SELECT digest, statement FROM erased ORDER BY statement",
    )
    .all();
  const upTo = database
    .prepare<[], { readonly size: number }>("SELECT size FROM erased_up_to")
    .get()?.size;
  const contents = rows.map(({ digest, statement }) => {
    const hash = asHash(digest);
    if (hash === undefined) throw corrupt("erased", "a digest is not one");
    return { digest: hash, statement };
  });
  return { contents, upTo: upTo ?? 0 };
}

/** Also of a store that nobody has opened to write since there are such tables. */
export function readKeptPostings(database: Database, index: number): Uint8Array | undefined {
  if (!hasTable(database, "erased_postings")) return undefined;
  return database
    .prepare<[number], { readonly bytes: Uint8Array }>(
      "SELECT bytes FROM erased_postings WHERE idx = ?",
    )
    .get(index)?.bytes;
}

export interface KeptPostings {
  readonly idx: number;
  readonly bytes: Uint8Array;
}

export function readAllKeptPostings(database: Database): Iterable<KeptPostings> {
  return hasTable(database, "erased_postings")
    ? database.prepare<[], KeptPostings>("SELECT idx, bytes FROM erased_postings").iterate()
    : [];
}

function hasTable(database: Database, name: string): boolean {
  return (
    database
      .prepare<[string], { readonly n: number }>(
        "SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table' AND name = ?",
      )
      .get(name)?.n === 1
  );
}
