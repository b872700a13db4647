/**
 * The proof of presence, or of absence, of one key, made by whoever has the tree; `verifyMap` in
 * map.ts is the other side.
 *
 * A walk by the bits of the key goes down to one leaf. The proof is what stands beside that walk,
 * from the leaf to the root, and before it the leaf, where it is another key's.
 *
 * Spec: docs/formats.md §Index. Vectors: test/vectors/index/map.json.
 *
 * @module
 */
import { concat, equal } from "../bytes.ts";
import { bitOf } from "./map.ts";
import type { TreeRows } from "./shown-tree.ts";

/** `top` is the root of a tree whose hashes are made; `undefined` for one without keys. */
export function proveKey<Row>(
  rows: TreeRows<Row>,
  top: Row | undefined,
  key: Uint8Array,
): Uint8Array {
  if (top === undefined) return new Uint8Array(0);
  const siblings: (readonly [bit: Uint8Array, hash: Uint8Array])[] = [];
  let row: Row = top;
  for (let at = rows.innerOf(row); at !== undefined; at = rows.innerOf(row)) {
    const isRight = bitOf(key, at.bit) === 1;
    siblings.push([Uint8Array.of(at.bit), rows.hashOf(isRight ? at.left : at.right)]);
    row = isRight ? at.right : at.left;
  }
  const shown = rows.leafOf(row);
  const other = equal(shown.key, key) ? [] : [shown.key, shown.value];
  return concat(...other, ...siblings.toReversed().flat());
}
