/**
 * Proofs over the tree, for any size up to its edge: complete nodes never change, so that a head
 * which is published is proved by the same lines as one that is committed and still pending.
 *
 * Nodes come from the right edge in memory, from a bounded cache of full tiles, or from the store.
 * Full tiles of the newest batches are put into the cache as they are made, so that the proof of a
 * new entry reads no storage and hashes little.
 *
 * @module
 */
import { LRUCache } from "lru-cache";
import { LogError } from "../../schema/error.ts";
import { HASH_BYTES, type Hash, type Sha256 } from "../../schema/tlog/hash.ts";
import {
  inclusionProver,
  proveConsistency,
  type TreeHead,
  verifyInclusion,
} from "../../schema/tlog/proof.ts";
import { TILE_WIDTH, tileOfNode } from "../../schema/tlog/tile.ts";
import { foldRight, rangeNodes } from "../../schema/tlog/tree.ts";
import type { StorageReader } from "../storage/storage.ts";
import type { Edge } from "./edge.ts";
import type { Pyramid } from "./pyramid.ts";
import { StoredTile } from "./stored-tile.ts";

/** Full tiles held, 16 KiB each. */
const CACHED_TILES = 512;
/** Middle rows held, half a KiB each: those over four million entries. */
const CACHED_MIDDLES = 16_384;
/** Heads whose right-edge hashes are held: answers of one batch share theirs. */
const CACHED_HEADS = 16;

type Prover = (index: number) => Hash[];

export class Proofs {
  readonly #sha256: Sha256;
  readonly #reader: Pick<StorageReader, "tile">;
  readonly #tiles = new LRUCache<string, Pyramid | StoredTile>({ max: CACHED_TILES });
  readonly #middles = new LRUCache<string, Uint8Array>({ max: CACHED_MIDDLES });
  readonly #provers = new LRUCache<number, Prover>({ max: CACHED_HEADS });
  #edge: Edge;

  constructor(sha256: Sha256, reader: Pick<StorageReader, "tile">, edge: Edge) {
    this.#sha256 = sha256;
    this.#reader = reader;
    this.#edge = edge;
  }

  /** From now on the tree is this one. */
  grow(edge: Edge, full: readonly Pyramid[]): void {
    this.#edge = edge;
    for (const tile of full) this.#tiles.set(`${tile.level}/${tile.index}`, tile);
  }

  /** Checked before it is returned: `STORE_CORRUPT` where the stored tiles do not prove the entry. */
  inclusion(index: number, head: TreeHead, leafHash: Hash): readonly Hash[] {
    let prover = this.#provers.get(head.size);
    if (prover === undefined) {
      prover = inclusionProver(this.#sha256, head.size, this.#node);
      this.#provers.set(head.size, prover);
    }
    const proof = prover(index);
    if (verifyInclusion(this.#sha256, head, index, leafHash, proof)) return proof;
    throw new LogError("STORE_CORRUPT", `entry ${index} is not proved by the stored tiles`, {
      field: `entry ${index}`,
      hint: "run `countersign fsck`: it names the entry or tile that is wrong",
    });
  }

  consistency(older: number, newer: number): readonly Hash[] {
    return proveConsistency(this.#sha256, older, newer, this.#node);
  }

  /** The root that the tree had at `size`, up to the size of the edge. */
  root(size: number): Hash {
    const hashes = rangeNodes(0, size).map(({ level, index }) => this.#node(level, index));
    return foldRight(this.#sha256, hashes);
  }

  readonly #node = (level: number, index: number): Hash => {
    const at = tileOfNode({ level, index });
    const tile = this.#edge.tile(at.level, at.index) ?? this.#fullTile(at.level, at.index);
    return tile.get(at.height, at.offset);
  };

  #fullTile(level: number, index: number): Pyramid | StoredTile {
    const name = `${level}/${index}`;
    const cached = this.#tiles.get(name);
    if (cached !== undefined) return cached;
    const hashes = this.#reader.tile(level, index);
    if (hashes?.length !== TILE_WIDTH * HASH_BYTES) {
      throw new LogError("STORE_CORRUPT", `tile ${name} is not stored in full`, {
        field: `tile ${name}`,
        hint: "run `countersign fsck --repair`",
      });
    }
    const middle = this.#middles.get(name);
    const tile = new StoredTile(this.#sha256, hashes, middle);
    if (middle === undefined) this.#middles.set(name, tile.middle());
    this.#tiles.set(name, tile);
    return tile;
  }
}
