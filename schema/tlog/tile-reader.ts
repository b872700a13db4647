/**
 * A tree read through tiles that come from a stranger, believing nothing but its signed root.
 *
 * Two rules authenticate every tile, so that there is none without a check:
 *
 * - a *full* tile's root must be the hash that the tile above it, itself authenticated, has for it;
 * - the *partial* tiles are the right edge: all of them together must fold to the root. There is
 *   exactly one for each non-zero base-256 digit of the size, and the fold takes in each of their
 *   hashes.
 *
 * Every chain of full tiles ends at a partial one, so the root is over all.
 *
 * - T1  No hash leaves this file but out of a tile that was authenticated against the root.
 *       (CVE-2026-56865 was a reader whose loop skipped some of its tiles.)
 *
 * The work is bounded by the height of the tree: at most seven tiles for the edge, and at most
 * seven for a node.
 *
 * Spec: C2SP tlog-tiles. Vectors: test/vectors/tlog/tiles.json.
 *
 * @module
 */
import { equal } from "../bytes.ts";
import { failure, LogError, type Result, success } from "../error.ts";
import type { Hash, Sha256 } from "./hash.ts";
import {
  consistencyNodes,
  inclusionNodes,
  proveConsistency,
  proveInclusion,
  type TreeHead,
} from "./proof.ts";
import {
  rowLength,
  TILE_HEIGHT,
  TILE_WIDTH,
  type Tile,
  TileNodes,
  tileOfNode,
  tilePath,
  tileWidth,
} from "./tile.ts";
import { foldRight, type GetNode, rangeNodes, type TreeNode } from "./tree.ts";

/**
 * Bring the bytes of a hash tile: `tile.width` hashes, or a wider version of the same tile, of
 * which the first `width` are taken. Throws where it could not ask.
 */
export type FetchTile = (tile: Tile) => Promise<Uint8Array>;

const DEFAULT_CACHE_TILES = 64;

/**
 * Full tiles that were authenticated, 16 KiB each. Readers of different heads may share one only
 * where these heads are of one log and were shown to be consistent: then a full tile under the
 * one is a full tile under the other.
 */
export class TileCache {
  readonly #limit: number;
  readonly #tiles = new Map<string, TileNodes>();

  constructor(limit: number = DEFAULT_CACHE_TILES) {
    this.#limit = limit;
  }

  get(path: string): TileNodes | undefined {
    const tile = this.#tiles.get(path);
    if (tile !== undefined) {
      this.#tiles.delete(path);
      this.#tiles.set(path, tile);
    }
    return tile;
  }

  set(path: string, tile: TileNodes): void {
    this.#tiles.delete(path);
    this.#tiles.set(path, tile);
    const [oldest] = this.#tiles.keys();
    if (this.#tiles.size > this.#limit && oldest !== undefined) this.#tiles.delete(oldest);
  }
}

/** Reads nodes and makes proofs for one tree head. */
export class TileReader {
  readonly #sha256: Sha256;
  readonly #tree: TreeHead;
  readonly #fetchTile: FetchTile;
  readonly #cache: TileCache;
  /** The right edge by tile level, once it is authenticated; a failure is not kept. */
  #edge: Promise<Result<ReadonlyMap<number, TileNodes>>> | undefined;
  readonly #pending = new Map<string, Promise<Result<TileNodes>>>();

  constructor(
    sha256: Sha256,
    tree: TreeHead,
    fetchTile: FetchTile,
    cache: TileCache = new TileCache(),
  ) {
    this.#sha256 = sha256;
    this.#tree = tree;
    this.#fetchTile = fetchTile;
    this.#cache = cache;
  }

  /** The head that everything is checked against. */
  get tree(): TreeHead {
    return this.#tree;
  }

  /**
   * The inclusion proof of entry `index`. A failure (`RESPONSE_INVALID`) names the tile that does
   * not belong to the root. Throws `INTERNAL` for an index outside the tree.
   */
  async inclusionProof(index: number): Promise<Result<Hash[]>> {
    const { size } = this.#tree;
    const nodes = await this.nodes(inclusionNodes(index, size));
    return nodes.ok ? success(proveInclusion(this.#sha256, index, size, nodes.value)) : nodes;
  }

  /** The proof that the tree of `olderSize` entries is a prefix of this one. Fails as above. */
  async consistencyProof(olderSize: number): Promise<Result<Hash[]>> {
    const { size } = this.#tree;
    const nodes = await this.nodes(consistencyNodes(olderSize, size));
    return nodes.ok ? success(proveConsistency(this.#sha256, olderSize, size, nodes.value)) : nodes;
  }

  /**
   * The hashes of complete nodes of this tree, authenticated. What is asked for later must be among
   * `places`. Throws `INTERNAL` for a node outside the tree.
   */
  async nodes(places: readonly TreeNode[]): Promise<Result<GetNode>> {
    const tiles = new Map<string, TileNodes>();
    const wanted = new Map(
      places.map((place) => {
        const { level, index } = tileOfNode(place);
        return [tilePath(level, index), { level, index }];
      }),
    );
    const answers = await Promise.all(
      [...wanted].map(async ([path, { level, index }]) => {
        const tile = await this.tile(level, index);
        if (tile.ok) tiles.set(path, tile.value);
        return tile;
      }),
    );
    const refused = answers.find((answer) => !answer.ok);
    if (refused !== undefined && !refused.ok) return refused;
    return success((level, index) => {
      const at = tileOfNode({ level, index });
      return tiles.get(tilePath(at.level, at.index))?.get(at.height, at.offset);
    });
  }

  /** A tile in the width it has in this tree, authenticated. Throws `INTERNAL` outside the tree. */
  async tile(level: number, index: number): Promise<Result<TileNodes>> {
    const width = tileWidth(this.#tree.size, level, index);
    if (width === 0)
      throw new LogError("INTERNAL", `no ${tilePath(level, index)} in a tree of this size`);
    if (width < TILE_WIDTH) {
      const edge = await this.#authenticEdge();
      if (!edge.ok) return edge;
      const tile = edge.value.get(level);
      if (tile === undefined) throw new LogError("INTERNAL", "the right edge lost a tile");
      return success(tile);
    }
    const path = tilePath(level, index);
    const cached = this.#cache.get(path);
    if (cached !== undefined) return success(cached);
    const pending = this.#pending.get(path) ?? this.#fullTile({ level, index, width }, path);
    this.#pending.set(path, pending);
    try {
      return await pending;
    } finally {
      this.#pending.delete(path);
    }
  }

  /** Rule one: a full tile is what the tile above says it is. */
  async #fullTile(tile: Tile, path: string): Promise<Result<TileNodes>> {
    const above = await this.tile(tile.level + 1, Math.floor(tile.index / TILE_WIDTH));
    if (!above.ok) return above;
    const expected = above.value.get(0, tile.index % TILE_WIDTH);
    const nodes = TileNodes.from(this.#sha256, await this.#fetchTile(tile), tile.width);
    if (!nodes.ok) return { ...nodes, detail: { ...nodes.detail, field: path } };
    const root = nodes.value.get(TILE_HEIGHT, 0);
    if (expected === undefined || root === undefined || !equal(root, expected))
      return failure("RESPONSE_INVALID", `${path} is not what the tile above says`, {
        field: path,
      });
    this.#cache.set(path, nodes.value);
    return nodes;
  }

  async #authenticEdge(): Promise<Result<ReadonlyMap<number, TileNodes>>> {
    this.#edge ??= this.#fetchEdge();
    const attempt = this.#edge;
    let done = false;
    try {
      const edge = await attempt;
      done = edge.ok;
      return edge;
    } finally {
      if (!done && this.#edge === attempt) this.#edge = undefined;
    }
  }

  /** Rule two: the partial tiles fold to the root. */
  async #fetchEdge(): Promise<Result<ReadonlyMap<number, TileNodes>>> {
    const { size, root } = this.#tree;
    const partial: Tile[] = [];
    for (let level = 0; rowLength(size, level) > 0; level++) {
      const index = Math.floor(rowLength(size, level) / TILE_WIDTH);
      const width = tileWidth(size, level, index);
      if (width > 0) partial.push({ level, index, width });
    }
    const fetched = await Promise.all(partial.map((tile) => this.#fetchTile(tile)));
    const edge = new Map<number, TileNodes>();
    const hashes: Hash[] = [];
    // Highest level first: it stands over the leftmost entries.
    for (const [i, tile] of [...partial.entries()].reverse()) {
      const nodes = TileNodes.from(this.#sha256, fetched[i] ?? new Uint8Array(), tile.width);
      if (!nodes.ok) {
        const field = tilePath(tile.level, tile.index, tile.width);
        return { ...nodes, detail: { ...nodes.detail, field } };
      }
      for (const { level: height, index: offset } of rangeNodes(0, tile.width)) {
        const hash = nodes.value.get(height, offset);
        if (hash === undefined) throw new LogError("INTERNAL", "a tile lost an edge node");
        hashes.push(hash);
      }
      edge.set(tile.level, nodes.value);
    }
    if (!equal(foldRight(this.#sha256, hashes), root)) {
      const field = partial.map((tile) => tilePath(tile.level, tile.index, tile.width)).join(", ");
      return failure("RESPONSE_INVALID", "the tiles of the right edge do not fold to the root", {
        field,
      });
    }
    return success(edge);
  }
}
