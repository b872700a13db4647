/**
 * A full tile out of the store, for a proof or two: nodes are computed when they are asked for, from
 * its row and one row in the middle, and kept.
 *
 * All nodes of a tile are 254 hashes, which is most of what a proof of an old entry would cost. With
 * the middle row it needs 22 of them; that row is 512 bytes, so that those of a whole log of millions
 * of entries fit where a few hundred tiles do (proofs.ts).
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import { asHash, HASH_BYTES, type Hash, nodeHash, type Sha256 } from "../../schema/tlog/hash.ts";
import { TILE_WIDTH } from "../../schema/tlog/tile.ts";

/** Nodes of the middle row, over as many hashes each. */
const MIDDLE_WIDTH = 16;

/** Nodes of the rows from 256 to 2, as a heap has them: the children of node n are 2n and 2n + 1. */
const NODES = 2 * TILE_WIDTH;

export class StoredTile {
  readonly #sha256: Sha256;
  readonly #nodes = new Uint8Array(NODES * HASH_BYTES);
  readonly #known = new Uint8Array(NODES);

  /**
   * @param row 256 hashes
   * @param middle what {@link middle} answered for the same row; left out, it is computed
   */
  constructor(sha256: Sha256, row: Uint8Array, middle?: Uint8Array) {
    this.#sha256 = sha256;
    this.#put(TILE_WIDTH, row);
    if (middle !== undefined) this.#put(MIDDLE_WIDTH, middle);
  }

  get(height: number, offset: number): Hash {
    return this.#node(TILE_WIDTH / 2 ** height + offset);
  }

  /** The row from which the others are near. A copy. */
  middle(): Uint8Array {
    for (let n = MIDDLE_WIDTH; n < 2 * MIDDLE_WIDTH; n++) this.#node(n);
    const [from, to] = [MIDDLE_WIDTH * HASH_BYTES, 2 * MIDDLE_WIDTH * HASH_BYTES];
    return this.#nodes.slice(from, to);
  }

  #node(n: number): Hash {
    if (this.#known[n] === 0)
      this.#put(n, nodeHash(this.#sha256, this.#node(2 * n), this.#node(2 * n + 1)));
    const hash = asHash(this.#nodes.subarray(n * HASH_BYTES, (n + 1) * HASH_BYTES));
    if (hash === undefined) throw new LogError("INTERNAL", "a tile has no such node");
    return hash;
  }

  /** Adjacent nodes from `n` on. */
  #put(n: number, hashes: Uint8Array): void {
    this.#nodes.set(hashes, n * HASH_BYTES);
    this.#known.fill(1, n, n + hashes.length / HASH_BYTES);
  }
}
