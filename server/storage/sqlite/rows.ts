/**
 * The two rows that nothing derives: what the store is, and where the log stands. Each carries a
 * digest over its own columns, because a flipped bit in an epoch or an identifier would otherwise
 * look like another epoch or another store.
 *
 * @module
 */
import type { Database, Statement } from "better-sqlite3";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { concat, equal, utf8 } from "../../../schema/bytes.ts";
import { LogError } from "../../../schema/error.ts";
import { asHash, type Hash } from "../../../schema/tlog/hash.ts";
import type { StoredHead } from "../storage.ts";
import { FORMAT } from "./files.ts";

export const DATABASE_ID_BYTES = 16;

export interface Meta {
  readonly databaseId: Uint8Array;
  readonly origin: string;
}

interface MetaRow {
  readonly format: number;
  readonly database: Uint8Array;
  readonly origin: string;
  readonly digest: Uint8Array;
}

export interface HeadRow {
  readonly size: number;
  readonly root: Uint8Array;
  readonly epoch: number;
  readonly checkpoint: Uint8Array;
  readonly digest: Uint8Array;
}

const SELECT_HEAD = "SELECT size, root, epoch, checkpoint, digest FROM head";

export function metaDigest(meta: Meta): Hash {
  const text = utf8(`meta\n${FORMAT}\n${meta.origin}\n`);
  return nodeCrypto.sha256(concat(text, meta.databaseId));
}

export function headDigest(head: Omit<HeadRow, "digest">): Hash {
  const text = utf8(`head\n${head.size}\n${head.epoch}\n`);
  return nodeCrypto.sha256(concat(text, head.root, head.checkpoint));
}

/** Throws `STORE_NEWER` for a format of the future, `STORE_CORRUPT` for a row that was not written. */
export function readMeta(database: Database): Meta {
  // The format is asked alone: a newer one may have other columns.
  const format = database
    .prepare<[], { readonly format: number }>("SELECT format FROM meta")
    .get()?.format;
  if (format !== undefined && format > FORMAT) {
    throw new LogError(
      "STORE_NEWER",
      `the store has format ${format}, this program reads ${FORMAT}`,
      {
        field: "meta.format",
        limit: FORMAT,
        hint: "start the newer version of the program again",
      },
    );
  }
  const row = database
    .prepare<[], MetaRow>("SELECT format, database, origin, digest FROM meta")
    .get();
  if (row === undefined) throw corrupt("meta", "the row is missing");
  const meta = { databaseId: row.database, origin: row.origin };
  if (row.format !== FORMAT || row.database.length !== DATABASE_ID_BYTES)
    throw corrupt("meta", "a column is not of its form");
  if (!equal(row.digest, metaDigest(meta))) throw corrupt("meta", "the row is not as written");
  return meta;
}

export function toHead(row: HeadRow | undefined): StoredHead {
  const root = row === undefined ? undefined : asHash(row.root);
  if (row === undefined || root === undefined) throw corrupt("head", "the row is missing");
  if (!equal(row.digest, headDigest(row))) throw corrupt("head", "the row is not as written");
  return { size: row.size, root, epoch: row.epoch, checkpoint: row.checkpoint };
}

export function prepareHead(database: Database): Statement<[], HeadRow> {
  return database.prepare<[], HeadRow>(SELECT_HEAD);
}

/** `place` is what is wrong, as fsck would name it. */
export function corrupt(place: string, message: string): LogError {
  return new LogError("STORE_CORRUPT", `${place}: ${message}`, {
    field: place,
    hint: "run `countersign fsck`; --repair-from a mirror, or a backup in a new folder, where it cannot repair",
  });
}
