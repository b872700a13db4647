/**
 * Tiles: how a tree and its entries are cut into files that never change.
 *
 * Hash tile (L, N) is the row of 256 hashes at tree level 8·L, from N·256; eight levels of the
 * tree grow out of it, so its own root is hash N of the row above, one of tile (L + 1, N div 256).
 * A row that is not full yet is a *partial* tile of width W; it is a prefix of every later width
 * of the same tile, so whoever holds the widest can serve them all.
 *
 * Nothing here knows whether hashes are true: what a tile says is only believed through
 * `TileReader`, which authenticates every tile against a signed root.
 *
 * Spec: C2SP tlog-tiles. Vectors: test/vectors/tlog/tiles.json.
 *
 * @module
 */
import { type Failure, failure, LogError, type Result, success } from "../error.ts";
import { asHash, HASH_BYTES, type Hash, nodeHash, type Sha256 } from "./hash.ts";
import { formatSize, isSize } from "./size.ts";
import type { TreeNode } from "./tree.ts";

/** Hashes in a full hash tile, entries in a full bundle. */
export const TILE_WIDTH = 256;
/** Levels of the tree that one tile holds. */
export const TILE_HEIGHT = 8;
const MAX_TILE_LEVEL = 63;
/** Longer than any path of an index below 2^53. */
const MAX_PATH_CHARS = 64;

/** A hash tile. `width` counts its hashes: 1 to 256. */
export interface Tile {
  readonly level: number;
  readonly index: number;
  readonly width: number;
}

/** What a path under `tile/` stands for. `level` is 0 for entries and contents. */
export interface TileAddress extends Tile {
  readonly kind: "hash" | "entries" | "content";
}

/** Path of a hash tile, relative to the log's prefix: `tile/1/x001/234.p/5`. */
export function tilePath(level: number, index: number, width: number = TILE_WIDTH): string {
  return `tile/${level}/${indexPath(index, width)}`;
}

/** Path of an entry bundle: entries index·256 and on, `width` of them. */
export function entriesPath(index: number, width: number = TILE_WIDTH): string {
  return `tile/entries/${indexPath(index, width)}`;
}

/** Path of the contents of the entries of one bundle. */
export function contentPath(index: number, width: number = TILE_WIDTH): string {
  return `tile/content/${indexPath(index, width)}`;
}

/** `001`, `x001/234`, and `.p/<width>` behind it where the tile is partial. */
function indexPath(index: number, width: number): string {
  const digits = formatSize(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, "0");
  const groups = padded.match(/.{3}/g) ?? [];
  const path = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join("/");
  return width === TILE_WIDTH ? path : `${path}.p/${width}`;
}

/**
 * The tile that a path names. There is one path for each tile: leading zeros, a level above 63, a
 * width of 0 or of 256 and more, and indexes above 2^53 − 1 are refused. No slash in front.
 */
export function parseTilePath(strangersPath: string): Result<TileAddress> {
  const shape = { field: "path", expected: "tile/<level|entries|content>/<index>[.p/<width>]" };
  const refuse = (message: string): Failure => failure("FIELD_INVALID", message, shape);
  const parts =
    strangersPath.length > MAX_PATH_CHARS
      ? null
      : /^tile\/(entries|content|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/.exec(
          strangersPath,
        );
  if (parts === null) return refuse("the path is not a tile path");
  const [, what = "", digits = "", widthDigits] = parts;
  if (digits.startsWith("x000/")) return refuse("the tile index has leading zeros");
  const index = Number(digits.replaceAll(/[x/]/g, ""));
  if (!isSize(index)) return refuse("the tile index is larger than 2^53 - 1");
  const width = widthDigits === undefined ? TILE_WIDTH : Number(widthDigits);
  if (widthDigits !== undefined && width >= TILE_WIDTH)
    return refuse(`a partial tile has fewer than ${TILE_WIDTH} hashes`);
  if (what === "entries" || what === "content")
    return success({ kind: what, level: 0, index, width });
  const level = Number(what);
  if (level > MAX_TILE_LEVEL) return refuse(`the tile level is above ${MAX_TILE_LEVEL}`);
  return success({ kind: "hash", level, index, width });
}

/** How many hashes the row of tile level `level` has in a tree of `size`. */
export function rowLength(size: number, level: number): number {
  return Math.floor(size / 2 ** (TILE_HEIGHT * level));
}

/** The width that tile (level, index) has in a tree of `size`; 0 where the tree does not reach it. */
export function tileWidth(size: number, level: number, index: number): number {
  const rest = rowLength(size, level) - index * TILE_WIDTH;
  return Math.max(0, Math.min(TILE_WIDTH, rest));
}

/**
 * The hash tiles that a tree of `size` has and one of `from` does not, each in its width at `size`;
 * with `from` 0, all of them. Level by level, left to right. Lazily: a size is a stranger's number.
 */
export function* tilesOf(size: number, from = 0): Generator<Tile> {
  for (let level = 0; rowLength(size, level) > 0; level++) {
    const length = rowLength(size, level);
    const before = rowLength(from, level);
    if (length <= before) continue;
    for (let at = Math.floor(before / TILE_WIDTH); at * TILE_WIDTH < length; at++)
      yield { level, index: at, width: tileWidth(size, level, at) };
  }
}

/** Where a complete node is: the tile, and its height and offset above that tile's row. */
export function tileOfNode(node: TreeNode): {
  readonly level: number;
  readonly index: number;
  readonly height: number;
  readonly offset: number;
} {
  const height = node.level % TILE_HEIGHT;
  const perTile = 2 ** (TILE_HEIGHT - height);
  return {
    level: Math.floor(node.level / TILE_HEIGHT),
    index: Math.floor(node.index / perTile),
    height,
    offset: node.index % perTile,
  };
}

/**
 * All complete nodes of a tile, computed from its row: from height 0, the row, to 8, the root of a
 * full tile. They are computed and never read, so whoever trusts the topmost trusts every hash below.
 */
export class TileNodes {
  readonly width: number;
  readonly #bytes: Uint8Array;
  /** Where each height begins in `#bytes`, in hashes. */
  readonly #starts: readonly number[];

  private constructor(width: number, bytes: Uint8Array, starts: readonly number[]) {
    this.width = width;
    this.#bytes = bytes;
    this.#starts = starts;
  }

  /**
   * Out of the bytes of a hash tile. They may be those of a wider tile: the first `width` hashes
   * are taken and nothing else is looked at. A failure says what is wrong with their length.
   */
  static from(sha256: Sha256, strangersBytes: Uint8Array, width: number): Result<TileNodes> {
    const length = strangersBytes.length;
    if (length < width * HASH_BYTES || length > TILE_WIDTH * HASH_BYTES || length % HASH_BYTES > 0)
      return failure("RESPONSE_INVALID", `a hash tile is ${length} bytes long`, {
        field: "tile",
        expected: `${width} hashes of ${HASH_BYTES} bytes, or a wider tile`,
      });
    const starts: number[] = [];
    let total = 0;
    for (let row = width; row > 0; row = Math.floor(row / 2)) {
      starts.push(total);
      total += row;
    }
    const nodes = new TileNodes(width, new Uint8Array(total * HASH_BYTES), starts);
    nodes.#bytes.set(strangersBytes.subarray(0, width * HASH_BYTES));
    nodes.#grow(sha256);
    return success(nodes);
  }

  #grow(sha256: Sha256): void {
    for (let height = 1; height < this.#starts.length; height++) {
      const start = this.#starts[height] ?? 0;
      const row = Math.floor(this.width / 2 ** height);
      for (let i = 0; i < row; i++) {
        const left = this.#view(height - 1, 2 * i);
        const right = this.#view(height - 1, 2 * i + 1);
        this.#bytes.set(nodeHash(sha256, left, right), (start + i) * HASH_BYTES);
      }
    }
  }

  #view(height: number, offset: number): Hash {
    const at = ((this.#starts[height] ?? 0) + offset) * HASH_BYTES;
    const hash = asHash(this.#bytes.subarray(at, at + HASH_BYTES));
    if (hash === undefined) throw new LogError("INTERNAL", "a tile has no such node");
    return hash;
  }

  /** The node at `offset` of `height`; `undefined` where it is not complete in this width. */
  get(height: number, offset: number): Hash | undefined {
    if (height >= this.#starts.length || offset >= Math.floor(this.width / 2 ** height))
      return undefined;
    return asHash(this.#view(height, offset).slice());
  }
}
