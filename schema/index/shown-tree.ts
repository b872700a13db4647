/**
 * A part of the map as bytes, made by whoever has the map; pruned-tree.ts reads them.
 *
 *     01 bit L R        an inner node and what is below it
 *     02 key value      a leaf
 *     00 hash           a subtree that is not shown
 *
 * in preorder; nothing at all for the map without keys.
 *
 * Spec: docs/formats.md §Index. Vectors: test/vectors/index/map.json.
 *
 * @module
 */
import { join } from "../bytes.ts";
import { bitOf } from "./map.ts";

export const HIDDEN = 0;
export const INNER = 1;
export const LEAF = 2;

/** Whoever has a tree, row by row: `MapTree`, where a row is a number, or a pruned tree. */
export interface TreeRows<Row = number> {
  readonly hashOf: (row: Row) => Uint8Array;
  /** `undefined` for a leaf. */
  readonly innerOf: (
    row: Row,
  ) => { readonly bit: number; readonly left: Row; readonly right: Row } | undefined;
  readonly leafOf: (row: Row) => { readonly key: Uint8Array; readonly value: Uint8Array };
}

/** The pruned tree that shows the walks for all of `keys`. */
export function encodePruned<Row>(
  rows: TreeRows<Row>,
  top: Row | undefined,
  keys: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  if (top === undefined) return new Uint8Array(0);
  const all = keys.length === 0 ? undefined : keys;
  return encodeShown(rows, top, all, (below, row, side) => {
    const bit = rows.innerOf(row)?.bit ?? 0;
    const turning = below.filter((key) => bitOf(key, bit) === side);
    return turning.length === 0 ? undefined : turning;
  });
}

/**
 * A tree from `top` down, in preorder. `enter` says what of `state` goes on to one side of an inner
 * row; `undefined` hides what is there.
 */
export function encodeShown<Row, State>(
  rows: TreeRows<Row>,
  top: Row,
  state: State | undefined,
  enter: (state: State, row: Row, side: 0 | 1) => State | undefined,
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const write = (row: Row, here: State | undefined): void => {
    if (here === undefined) {
      parts.push(Uint8Array.of(HIDDEN), rows.hashOf(row));
      return;
    }
    const inner = rows.innerOf(row);
    if (inner === undefined) {
      const { key, value } = rows.leafOf(row);
      parts.push(Uint8Array.of(LEAF), key, value);
      return;
    }
    parts.push(Uint8Array.of(INNER, inner.bit));
    write(inner.left, enter(here, row, 0));
    write(inner.right, enter(here, row, 1));
  };
  write(top, state);
  return join(parts);
}
