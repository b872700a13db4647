/**
 * An update of the index, as an index verifier reads it: all that is needed, besides the new
 * entries themselves, to get from the map of one leaf of the index log to the map of the next.
 *
 *     "countersign-index-update/v1\n"
 *     u32be number of leaves, and for each
 *       u32be length ‖ leaf of the index log
 *       u32be length ‖ signed checkpoint of the main head that the leaf names; empty for leaf 0
 *       u32be length ‖ pruned tree of the old map, which shows every key that is touched
 *       u32be number of old records, sorted by key, and for each
 *         key ‖ u64be n ‖ u64be last ‖ u8 d ‖ (u64be index ‖ claim)… ‖ right edge of the list
 *
 * d is the number of values that follow, at most 16, or 17 for 16 values and "more". A record is
 * there for each touched key that the old map has. Everything in it is checked against the old
 * map root, so whoever made it can be anybody.
 *
 * Spec: docs/formats.md §Index. What is done with it: re-execute.ts.
 *
 * @module
 */
import { concat, join, utf8 } from "../bytes.ts";
import { type Failure, failure, type Result, success } from "../error.ts";
import type { Hash } from "../tlog/hash.ts";
import { sizeToBytes } from "../tlog/size.ts";
import { rangeNodes } from "../tlog/tree.ts";
import { ByteReader, formatValues, u32 } from "./byte-reader.ts";
import { compareBytes } from "./map-key.ts";
import type { ClaimedValue } from "./record.ts";

const HEADER = utf8("countersign-index-update/v1\n");
/** Bytes of an update that is read; a larger one is asked for in parts. */
export const MAX_UPDATE_BYTES: number = 268_435_456;

/** A record as it was before: enough to append to it. */
export interface OldRecord {
  readonly key: Hash;
  readonly n: number;
  readonly last: number;
  readonly values: readonly ClaimedValue[];
  readonly saturated: boolean;
  /** The right edge of its list. */
  readonly edge: readonly Hash[];
}

/** One leaf of the index log, and how its map follows from the one before. */
export interface LeafUpdate {
  readonly leaf: Uint8Array;
  /** The main head's signed checkpoint, with its cosignatures. */
  readonly main: Uint8Array;
  readonly tree: Uint8Array;
  readonly records: readonly OldRecord[];
}

export function formatUpdate(updates: readonly LeafUpdate[]): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [HEADER, u32(updates.length)];
  for (const { leaf, main, tree, records } of updates) {
    for (const part of [leaf, main, tree]) parts.push(u32(part.length), part);
    parts.push(u32(records.length), ...records.map(formatRecord));
  }
  return join(parts);
}

/** An update out of its bytes. Its form is checked; nothing in it is believed. */
export function parseUpdate(strangersBytes: Uint8Array): Result<readonly LeafUpdate[]> {
  if (strangersBytes.length > MAX_UPDATE_BYTES)
    return failure("TOO_LARGE", `an update has at most ${MAX_UPDATE_BYTES} bytes`, {
      field: "update",
      limit: MAX_UPDATE_BYTES,
    });
  const reader = new ByteReader(strangersBytes);
  if (compareBytes(reader.bytes(HEADER.length), HEADER) !== 0) return malformed(reader.at);
  const updates: LeafUpdate[] = [];
  for (let left = reader.u32(); left > 0; left--) {
    if (reader.ended) return malformed(reader.at);
    const [leaf, main, tree] = [reader.sized(), reader.sized(), reader.sized()];
    const records: OldRecord[] = [];
    for (let count = reader.u32(); count > 0; count--) {
      const record = readRecord(reader);
      const before = records.at(-1);
      if (record === undefined || (before && compareBytes(before.key, record.key) >= 0))
        return malformed(reader.at);
      records.push(record);
    }
    updates.push({ leaf, main, tree, records });
  }
  return reader.isWhole ? success(updates) : malformed(reader.at);
}

function formatRecord(record: OldRecord): Uint8Array {
  const { key, n, last, values, saturated, edge } = record;
  return concat(
    key,
    sizeToBytes(n),
    sizeToBytes(last),
    formatValues({ values, saturated }),
    ...edge,
  );
}

function readRecord(reader: ByteReader): OldRecord | undefined {
  const key = reader.hash();
  const n = reader.size();
  const last = reader.size();
  const claimed = reader.values();
  if (key === undefined || n === undefined || last === undefined || n === 0) return undefined;
  if (claimed === undefined) return undefined;
  const edge: Hash[] = [];
  for (let left = rangeNodes(0, n).length; left > 0; left--) {
    const hash = reader.hash();
    if (hash === undefined) return undefined;
    edge.push(hash);
  }
  return { key, n, last, ...claimed, edge };
}

function malformed(at: number): Failure {
  return failure("FIELD_INVALID", "the update of the index is malformed", {
    field: "update",
    at: `byte ${at}`,
  });
}
