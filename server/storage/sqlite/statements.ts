/**
 * Every SQL statement of the writing side, prepared once.
 *
 * @module
 */
import type { Database, Statement } from "better-sqlite3";
import { type HeadRow, prepareHead } from "./rows.ts";

type Id = number | bigint;

export interface Statements {
  readonly head: Statement<[], HeadRow>;
  readonly moveHead: Statement<
    [number, Uint8Array, Uint8Array, Uint8Array, number, Uint8Array, number]
  >;
  readonly moveEpoch: Statement<[number, Uint8Array, number]>;
  readonly findLeaf: Statement<[Uint8Array], { readonly idx: number }>;
  readonly insertLeaf: Statement<[number, Id | null, Uint8Array]>;
  readonly insertLeafHash: Statement<[Uint8Array, number]>;
  readonly findContent: Statement<[Uint8Array], { readonly id: number }>;
  readonly insertContent: Statement<[Uint8Array | null]>;
  readonly insertContentDigest: Statement<[Uint8Array, Id]>;
  readonly insertKey: Statement<[Uint8Array, Uint8Array]>;
  readonly tile: Statement<[number, number], { readonly hashes: Uint8Array }>;
  readonly putTile: Statement<[number, number, Uint8Array]>;
}

export function prepareStatements(database: Database): Statements {
  return {
    head: prepareHead(database),
    moveHead: database.prepare(
      `UPDATE head SET size = ?, root = ?, checkpoint = ?, digest = ?
       WHERE size = ? AND root = ? AND epoch = ?`,
    ),
    moveEpoch: database.prepare("UPDATE head SET epoch = ?, digest = ? WHERE epoch = ?"),
    findLeaf: database.prepare("SELECT idx FROM leaf_hash WHERE hash = ?"),
    insertLeaf: database.prepare("INSERT INTO leaf (idx, content, bytes) VALUES (?, ?, ?)"),
    insertLeafHash: database.prepare("INSERT INTO leaf_hash (hash, idx) VALUES (?, ?)"),
    findContent: database.prepare("SELECT id FROM content_digest WHERE digest = ?"),
    insertContent: database.prepare("INSERT INTO content (bytes) VALUES (?)"),
    insertContentDigest: database.prepare("INSERT INTO content_digest (digest, id) VALUES (?, ?)"),
    insertKey: database.prepare("INSERT OR IGNORE INTO key_object (digest, bytes) VALUES (?, ?)"),
    tile: database.prepare("SELECT hashes FROM tile WHERE level = ? AND n = ?"),
    putTile: database.prepare(
      `INSERT INTO tile (level, n, hashes) VALUES (?, ?, ?)
       ON CONFLICT (level, n) DO UPDATE SET hashes = excluded.hashes`,
    ),
  };
}
