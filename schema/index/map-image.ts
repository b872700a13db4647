/**
 * A version of the map as its arrays, for a snapshot: what is written, and what is taken back.
 *
 * The arrays are written as they stand, with rows of other versions among them, while the map goes
 * on: rows of a sealed version that is kept never change, and what is in the others does not
 * matter. Whoever reads the arrays back walks the version once: each row that the walk meets is
 * the version's, each other one is free.
 *
 * Spec: none; a snapshot is one program's own.
 *
 * @module
 */
import { INNER_PART_BYTES, type InnerRows, LEAF_PART_BYTES, type LeafRows } from "./map-rows.ts";

/** How much of the arrays a version may use, and where it begins. */
export interface MapImage {
  /** Inner rows. */
  readonly inner: number;
  readonly leaves: number;
  /** Row of the root: a map of less than two keys has no inner row, and no image. */
  readonly top: number;
  readonly keys: number;
}

/** Bytes of the arrays of an image. */
export function imageBytes({ inner, leaves }: MapImage): number {
  return inner * INNER_PART_BYTES + leaves * LEAF_PART_BYTES;
}

/**
 * Frees every row that the version does not use. `false` where the arrays are no tree of so many
 * keys: a row that is not there, or that two lead to, or whose bit is not behind the one above.
 */
export function freeOthers(inner: InnerRows, leaves: LeafRows, image: MapImage): boolean {
  const innerSeen = new Uint8Array(image.inner);
  const leafSeen = new Uint8Array(image.leaves);
  // First come, first walked: rows lie anywhere in the arrays, and a row that does not depend on the
  // one before it is read while that one is waited for.
  const walked = new Int32Array(image.inner);
  const above = new Int16Array(image.inner);
  let met = 0;
  let keys = 0;
  const meet = (row: number, bitAbove: number): boolean => {
    const seen = row >= 0 ? innerSeen : leafSeen;
    const at = row >= 0 ? row : ~row;
    if (seen[at] !== 0) return false;
    seen[at] = 1;
    if (row < 0) keys++;
    else {
      walked[met] = row;
      above[met++] = bitAbove;
    }
    return true;
  };
  if (!meet(image.top, -1)) return false;
  for (let i = 0; i < met; i++) {
    const { left, right, bit } = inner.read(walked[i] ?? 0);
    if (bit <= (above[i] ?? 0) || !meet(left, bit) || !meet(right, bit)) return false;
  }
  for (let row = 0; row < image.inner; row++) if (innerSeen[row] === 0) inner.free(row);
  for (let row = 0; row < image.leaves; row++) if (leafSeen[row] === 0) leaves.free(row);
  return keys === image.keys;
}
