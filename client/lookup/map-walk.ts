/**
 * From a map root to some keys, through pieces that anybody may have served.
 *
 * Each piece is named by the hash that the piece above it, or the root, has for it, and is put in
 * its place only if it has that hash and goes on with later bits (`PrunedTree.show`). So what comes
 * together is one pruned tree under the root, and a key is present or absent where its walk ends in
 * a full leaf of it (X1): that a piece has nothing for a key says nothing.
 *
 * @module
 */
import { toHex } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { type MapPiece, mapPath } from "../../schema/http/map-paths.ts";
import type { Generation } from "../../schema/index/generation.ts";
import { MAX_MAP_TILE_BYTES, type PageRecord, parseMapTile } from "../../schema/index/map-tile.ts";
import { PrunedTree } from "../../schema/index/pruned-tree.ts";
import type { Hash, Sha256 } from "../../schema/tlog/hash.ts";

/** Pieces that are asked for at one time. */
const AT_ONCE = 8;

/** Brings a piece's bytes, of at most so many. */
export type FetchPiece = (path: string, maxBytes: number) => Promise<Uint8Array>;

/** What stands behind a key, and where its list is. */
interface Behind {
  readonly record: PageRecord;
  readonly piece: MapPiece;
}

export interface WalkedMap {
  /** Shows the walk of every key that was asked for. */
  readonly tree: PrunedTree;
  /** Of a key that the tree has; `undefined` where it is absent. */
  readonly behind: (key: Hash) => Behind | undefined;
}

/**
 * Walk to every key.
 *
 * @throws {LogError} `RESPONSE_INVALID` for a piece that is not the one it is named by, or a tree
 *   that no honest log signs; what `fetch` throws
 */
export async function walkMap(
  sha256: Sha256,
  generation: Generation,
  root: Hash,
  keys: readonly Hash[],
  fetch: FetchPiece,
): Promise<WalkedMap> {
  const tree = PrunedTree.hidden(sha256, root);
  const behind = new Map<string, Behind>();
  for (;;) {
    const places = new Map(
      keys.flatMap((key) => {
        const place = tree.hiddenOn(key);
        return place === undefined ? [] : [[place.turns, place] as const];
      }),
    );
    if (places.size === 0) break;
    // A round shows something behind every place, so that there are no more rounds than bits.
    const wanted = [...places.values()];
    for (let at = 0; at < wanted.length; at += AT_ONCE)
      await Promise.all(
        wanted.slice(at, at + AT_ONCE).map(async (place) => {
          const path = mapPath(generation, place);
          const tile = parseMapTile(sha256, place.root, await fetch(path, MAX_MAP_TILE_BYTES));
          if (!tile.ok) throw refused(path, tile.message);
          if (!tree.show(place, tile.value.tree))
            throw refused(
              path,
              "The tile shows nothing, or bits that are not behind those above it.",
            );
          for (const [i, { key, record }] of tile.value.records.entries())
            behind.set(toHex(key), { record, piece: { ...place, place: i } });
        }),
      );
  }
  for (const key of keys) mustBeShown(tree, key, behind);
  return { tree, behind: (key) => behind.get(toHex(key)) };
}

function mustBeShown(tree: PrunedTree, key: Hash, behind: ReadonlyMap<string, Behind>): void {
  const shown = tree.find(key);
  const path = toHex(key);
  // The tree is the one under the root, and yet no walk of an honest map ends so.
  if (shown.state === "hidden") throw refused(path, "The walk ends at a leaf of another place.");
  if (shown.state === "present" && !behind.has(path))
    throw refused(path, "The key is in the map, in a tile that has no records.");
}

function refused(field: string, message: string): LogError {
  return new LogError("RESPONSE_INVALID", message, {
    field,
    expected: "the piece of the map that its name says",
  });
}
