/**
 * A full tile out of the store, for a proof or two: its row as it is stored, and one row in the
 * middle, from which any other node is a few hashes away.
 *
 * All nodes of a tile are 254 hashes, which is most of what a proof of an old entry would cost. With
 * the middle row a proof needs 22 of them; that row is 512 bytes, so that those of a whole log of
 * millions of entries fit where a few hundred tiles do (proofs.ts).
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import { asHash, HASH_BYTES, type Hash, nodeHash, type Sha256 } from "../../schema/tlog/hash.ts";
import { TILE_WIDTH } from "../../schema/tlog/tile.ts";

/** Where the middle row is: sixteen nodes over sixteen hashes each. */
const MIDDLE = 4;

/** Bytes of the middle row. */
export const MIDDLE_BYTES: number = (TILE_WIDTH / 2 ** MIDDLE) * HASH_BYTES;

export class StoredTile {
  readonly #sha256: Sha256;
  readonly #row: Uint8Array;
  readonly #middle: Uint8Array;

  /** @param row 256 hashes; @param middle what {@link middleOf} made of them. */
  constructor(sha256: Sha256, row: Uint8Array, middle: Uint8Array) {
    this.#sha256 = sha256;
    this.#row = row;
    this.#middle = middle;
  }

  get(height: number, offset: number): Hash {
    return height < MIDDLE
      ? fold(this.#sha256, this.#row, height, offset)
      : fold(this.#sha256, this.#middle, height - MIDDLE, offset);
  }
}

/** The middle row over a full one. A copy. */
export function middleOf(sha256: Sha256, row: Uint8Array): Uint8Array {
  const middle = new Uint8Array(MIDDLE_BYTES);
  for (let i = 0; i < MIDDLE_BYTES / HASH_BYTES; i++)
    middle.set(fold(sha256, row, MIDDLE, i), i * HASH_BYTES);
  return middle;
}

/** The node at `offset` of the row `height` above this one. */
function fold(sha256: Sha256, row: Uint8Array, height: number, offset: number): Hash {
  if (height > 0) {
    const left = fold(sha256, row, height - 1, 2 * offset);
    return nodeHash(sha256, left, fold(sha256, row, height - 1, 2 * offset + 1));
  }
  const hash = asHash(row.subarray(offset * HASH_BYTES, (offset + 1) * HASH_BYTES));
  if (hash === undefined) throw new LogError("INTERNAL", "a tile has no such node");
  return hash;
}
