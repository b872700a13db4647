/**
 * Pieces of the map, made out of the versions that are kept when somebody asks for them.
 *
 * A piece is found by the turns to it and taken only if its subtree has the hash that was asked
 * for, in whatever version: so the answer is the same for ever, and may be cached so.
 *
 * Spec: docs/formats.md §Index.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import type { MapPiece } from "../../schema/http/map-paths.ts";
import { MAX_LISTED } from "../../schema/index/lookup.ts";
import {
  encodeMapTile,
  formatMapList,
  PAGE_LIST,
  type PageRecord,
  pageLeaves,
} from "../../schema/index/map-tile.ts";
import type { Listed, Summary } from "../../schema/index/record.ts";
import type { TreeRows } from "../../schema/index/shown-tree.ts";

export interface PieceSource {
  readonly rows: TreeRows;
  /** Versions of the map that may be asked for: the row of the root, and the entries behind it. */
  readonly versions: readonly { readonly top: number | undefined; readonly size: number }[];
  /** The list of a key, of entries below `size`, from its start. */
  readonly list: (key: Uint8Array, size: number, limit: number) => readonly Listed[];
  readonly summary: (key: Uint8Array, size: number) => Summary | undefined;
}

/** The bytes of a piece; `undefined` where no version has it, or where a list is above the limit. */
export function mapPiece(source: PieceSource, wanted: MapPiece): Uint8Array | undefined {
  const { rows, versions } = source;
  for (const { top, size } of versions) {
    const row = top === undefined ? undefined : rowAt(rows, top, wanted.turns);
    if (row === undefined || !equal(rows.hashOf(row), wanted.root)) continue;
    return wanted.place === undefined
      ? encodeMapTile(rows, row, (key) => recordOf(source, key, size))
      : listAt(source, row, wanted.place, size);
  }
  return undefined;
}

function rowAt(rows: TreeRows, top: number, turns: string): number | undefined {
  let row = top;
  for (const turn of turns) {
    const inner = rows.innerOf(row);
    if (inner === undefined) return undefined;
    row = turn === "1" ? inner.right : inner.left;
  }
  return row;
}

function recordOf({ list, summary }: PieceSource, key: Uint8Array, size: number): PageRecord {
  const short = list(key, size, PAGE_LIST + 1);
  const long = short.length > PAGE_LIST ? summary(key, size) : undefined;
  return long === undefined ? { kind: "list", list: short } : { kind: "summary", summary: long };
}

function listAt(
  { rows, list }: PieceSource,
  row: number,
  place: number,
  size: number,
): Uint8Array | undefined {
  const leaf = pageLeaves(rows, row)?.[place];
  const whole = leaf === undefined ? [] : list(rows.leafOf(leaf).key, size, MAX_LISTED + 1);
  return whole.length === 0 || whole.length > MAX_LISTED ? undefined : formatMapList(whole);
}
