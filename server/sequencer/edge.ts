/**
 * The right edge of the tree: all that growing it needs, in memory that does not grow with it.
 *
 * An edge is a value. `grow` makes the next one and leaves this one as it is, so that a batch which
 * the storage refuses has changed nothing.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import type { Hash, Sha256 } from "../../schema/tlog/hash.ts";
import type { TreeHead } from "../../schema/tlog/proof.ts";
import { TILE_WIDTH, tileOfNode } from "../../schema/tlog/tile.ts";
import { CompactRange, rangeNodes } from "../../schema/tlog/tree.ts";
import type { TileWrite } from "../storage/storage.ts";
import { Pyramid } from "./pyramid.ts";

/** What a batch adds to the tree. */
export interface Growth {
  readonly edge: Edge;
  /** Every tile that changed, lower levels first. */
  readonly tiles: readonly TileWrite[];
  /** Tiles that became full. */
  readonly full: readonly Pyramid[];
}

export class Edge {
  readonly #sha256: Sha256;
  readonly #range: CompactRange;
  /** The last, partial tile of each level. */
  readonly #tiles: ReadonlyMap<number, Pyramid>;

  private constructor(sha256: Sha256, range: CompactRange, tiles: ReadonlyMap<number, Pyramid>) {
    this.#sha256 = sha256;
    this.#range = range;
    this.#tiles = tiles;
  }

  static empty(sha256: Sha256): Edge {
    return new Edge(sha256, CompactRange.empty(sha256), new Map());
  }

  /** The edge of a tree of `size` out of its partial tiles, one of each level that has one. */
  static from(sha256: Sha256, size: number, tiles: readonly Pyramid[]): Edge {
    const byLevel = new Map(tiles.map((tile) => [tile.level, tile]));
    const hashes = rangeNodes(0, size).map((node) => {
      const { level, height, offset } = tileOfNode(node);
      const tile = byLevel.get(level);
      if (tile === undefined)
        throw new LogError("INTERNAL", `the edge of ${size} has no tile of level ${level}`);
      return tile.get(height, offset);
    });
    return new Edge(sha256, CompactRange.from(sha256, size, hashes), byLevel);
  }

  get head(): TreeHead {
    return { size: this.#range.size, root: this.#range.root() };
  }

  /** The partial tile at this place. */
  tile(level: number, index: number): Pyramid | undefined {
    const tile = this.#tiles.get(level);
    return tile?.index === index ? tile : undefined;
  }

  /** The partial tiles, as they are stored. */
  partialTiles(): TileWrite[] {
    return Array.from(this.#tiles.values(), (tile) => ({
      level: tile.level,
      index: tile.index,
      hashes: tile.row(),
    }));
  }

  grow(leafHashes: readonly Hash[]): Growth {
    const range = this.#range.clone();
    const touched = new Map<number, Pyramid[]>();
    const put = (level: number, index: number, hash: Hash): void => {
      const at = tileOfNode({ level, index });
      const tiles = touched.get(at.level) ?? [];
      touched.set(at.level, tiles);
      let tile = tiles.at(-1);
      if (tile?.index !== at.index) {
        tile = this.tile(at.level, at.index)?.clone() ?? Pyramid.empty(at.level, at.index);
        tiles.push(tile);
      }
      tile.set(at.height, at.offset, hash);
    };
    for (const leafHash of leafHashes) range.append(leafHash, put);
    return this.#grown(range, touched);
  }

  #grown(range: CompactRange, touched: ReadonlyMap<number, readonly Pyramid[]>): Growth {
    const tiles = new Map(this.#tiles);
    const writes: TileWrite[] = [];
    const full: Pyramid[] = [];
    for (const [level, pyramids] of touched) {
      tiles.delete(level);
      for (const pyramid of pyramids) {
        writes.push({ level, index: pyramid.index, hashes: pyramid.row() });
        if (pyramid.width === TILE_WIDTH) full.push(pyramid);
        else tiles.set(level, pyramid);
      }
    }
    return { edge: new Edge(this.#sha256, range, tiles), tiles: writes, full };
  }
}
