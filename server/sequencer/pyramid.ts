/**
 * A hash tile with the seven levels of the tree that grow out of its row, in one buffer, so that
 * a proof costs look-ups and no hashing.
 *
 * Unlike `TileNodes` of the schema, which computes all of a stranger's tile, this one grows with
 * the log: nodes are put in as they become complete. Reading a node that is not complete yet is
 * for the caller not to do.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import { asHash, HASH_BYTES, type Hash, nodeHash, type Sha256 } from "../../schema/tlog/hash.ts";
import { TILE_HEIGHT, TILE_WIDTH } from "../../schema/tlog/tile.ts";

/** Rows of 256, 128, … 2 nodes: the root of a full tile belongs to the tile above. */
const NODES = 2 * TILE_WIDTH - 2;

export class Pyramid {
  readonly level: number;
  readonly index: number;
  readonly #nodes: Uint8Array;
  #width: number;

  private constructor(level: number, index: number, nodes: Uint8Array, width: number) {
    this.level = level;
    this.index = index;
    this.#nodes = nodes;
    this.#width = width;
  }

  static empty(level: number, index: number): Pyramid {
    return new Pyramid(level, index, new Uint8Array(NODES * HASH_BYTES), 0);
  }

  /** Out of stored hashes: whole ones, at most 256. */
  static from(sha256: Sha256, level: number, index: number, hashes: Uint8Array): Pyramid {
    const pyramid = Pyramid.empty(level, index);
    pyramid.#nodes.set(hashes);
    pyramid.#width = hashes.length / HASH_BYTES;
    for (let height = 1; height < TILE_HEIGHT; height++) {
      const row = Math.floor(pyramid.#width / 2 ** height);
      for (let i = 0; i < row; i++) {
        const left = pyramid.get(height - 1, 2 * i);
        pyramid.set(height, i, nodeHash(sha256, left, pyramid.get(height - 1, 2 * i + 1)));
      }
    }
    return pyramid;
  }

  clone(): Pyramid {
    return new Pyramid(this.level, this.index, this.#nodes.slice(), this.#width);
  }

  /** Hashes in the row: 0 to 256. */
  get width(): number {
    return this.#width;
  }

  /** The bytes of the tile: its row. A copy. */
  row(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#nodes.subarray(0, this.#width * HASH_BYTES));
  }

  get(height: number, offset: number): Hash {
    const at = place(height, offset);
    const hash = asHash(this.#nodes.subarray(at, at + HASH_BYTES));
    if (hash === undefined) throw new LogError("INTERNAL", "a tile has no such node");
    return hash;
  }

  set(height: number, offset: number, hash: Hash): void {
    this.#nodes.set(hash, place(height, offset));
    if (height === 0 && offset === this.#width) this.#width++;
  }

  /** The root of a full tile: hash `index` of the row above. */
  root(sha256: Sha256): Hash {
    return nodeHash(sha256, this.get(TILE_HEIGHT - 1, 0), this.get(TILE_HEIGHT - 1, 1));
  }
}

/** Row `height` begins after the 512 − 512 / 2^height nodes below it. */
function place(height: number, offset: number): number {
  return (2 * TILE_WIDTH - 2 ** (TILE_HEIGHT + 1 - height) + offset) * HASH_BYTES;
}
