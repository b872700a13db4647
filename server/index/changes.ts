/**
 * What each step changed in the map, as rows beside the step: so that a start brings an older
 * snapshot forward without executing one entry again.
 *
 * Written in the step's own transaction, and needed only behind the newest snapshot. A step may
 * have no rows (a very large one, or one of a version of this program that wrote none): its entries
 * are executed again. Nothing here is trusted: whoever sets these values compares the root (X7).
 *
 * @module
 */
import type Database from "better-sqlite3";
import { HASH_BYTES } from "../../schema/tlog/hash.ts";
import type { ChangedRecord } from "./grow.ts";

const CHANGE_BYTES = 2 * HASH_BYTES;
/** Entries of a step whose changes are still kept: behind a larger one a snapshot is due at once. */
const MOST_ENTRIES = 65_536;

/** A key and its new value in the map. */
export interface MapChange {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

const TABLE = `
CREATE TABLE IF NOT EXISTS change (
  leaf INTEGER NOT NULL,
  part INTEGER NOT NULL,
  rows BLOB NOT NULL,
  PRIMARY KEY (leaf, part)
) STRICT`;

export class MapChanges {
  readonly #insert: Database.Statement<[number, number, Uint8Array]>;
  readonly #parts: Database.Statement<[number], { readonly rows: Uint8Array }>;
  readonly #forget: Database.Statement<[number]>;

  /** `writer` has the step that is under way, `reader` the steps that are kept. */
  constructor(writer: Database.Database, reader: Database.Database) {
    writer.exec(TABLE);
    this.#insert = writer.prepare("INSERT INTO change (leaf, part, rows) VALUES (?, ?, ?)");
    this.#forget = writer.prepare("DELETE FROM change WHERE leaf <= ?");
    this.#parts = reader.prepare("SELECT rows FROM change WHERE leaf = ? ORDER BY part");
  }

  /** What a chunk of a step of so many entries changes; `part` increases from chunk to chunk. */
  write(
    leafIndex: number,
    part: number,
    entries: number,
    changed: readonly Pick<ChangedRecord, "key" | "value">[],
  ): void {
    if (entries > MOST_ENTRIES || changed.length === 0) return;
    const rows = new Uint8Array(changed.length * CHANGE_BYTES);
    changed.forEach(({ key, value }, i) => {
      rows.set(key, i * CHANGE_BYTES);
      rows.set(value, i * CHANGE_BYTES + HASH_BYTES);
    });
    this.#insert.run(leafIndex, part, rows);
  }

  /** In the order in which they are to be set; none where the step has no rows. */
  *of(leafIndex: number): Generator<MapChange> {
    for (const { rows } of this.#parts.iterate(leafIndex))
      for (let at = 0; at + CHANGE_BYTES <= rows.length; at += CHANGE_BYTES)
        yield {
          key: rows.subarray(at, at + HASH_BYTES),
          value: rows.subarray(at + HASH_BYTES, at + CHANGE_BYTES),
        };
  }

  /** Those up to a leaf that has a snapshot; kept or taken back with the step that is under way. */
  forgetUpTo(leafIndex: number): void {
    this.#forget.run(leafIndex);
  }
}
