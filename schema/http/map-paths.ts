/**
 * Where the pieces of the map are.
 *
 *     GET /index/v1/map/<subtree hash>?at=<turns>               a tile of nodes, or a page
 *     GET /index/v1/map/<page's hash>.<key's place>?at=<turns>   the whole list of a key of a page
 *
 * The name is the hash. `at` says how the subtree is found, left (0) and right (1) from the root: a
 * server that makes tiles out of its map needs it, one that has them as files does not look.
 *
 * Spec: docs/formats.md §HTTP.
 *
 * @module
 */
import { toHex } from "../bytes.ts";
import { failure, type Result, success } from "../error.ts";
import { type Generation, indexPrefix } from "../index/generation.ts";
import { KEY_BITS } from "../index/map.ts";
import { PAGE_KEYS } from "../index/map-tile.ts";
import type { Hash } from "../tlog/hash.ts";
import { parseDigest } from "./paths.ts";

export function mapPrefix(generation: Generation): string {
  return `${indexPrefix(generation)}/map`;
}

export interface MapPiece {
  /** Hash of the subtree. */
  readonly root: Hash;
  /** `0` for left, `1` for right, from the root of the map. */
  readonly turns: string;
  /** Of a list: the place of its key in the page. */
  readonly place?: number;
}

export function mapPath(generation: Generation, { root, turns, place }: MapPiece): string {
  const name = place === undefined ? toHex(root) : `${toHex(root)}.${place}`;
  return `${mapPrefix(generation)}/${name}${turns === "" ? "" : `?at=${turns}`}`;
}

/** The last segment of {@link mapPath}, and its query. */
export function parseMapPiece(untrustedName: string, untrustedQuery: string): Result<MapPiece> {
  const [hex = "", place, ...more] = untrustedName.split(".");
  const root = parseDigest(hex);
  const turns = untrustedQuery === "" ? "" : /^at=([01]*)$/.exec(untrustedQuery)?.[1];
  const isPlace = place === undefined || (/^\d{1,2}$/.test(place) && Number(place) < PAGE_KEYS);
  if (
    root !== undefined &&
    turns !== undefined &&
    turns.length <= KEY_BITS &&
    isPlace &&
    more.length === 0
  )
    return success({ root, turns, ...(place === undefined ? {} : { place: Number(place) }) });
  return failure("FIELD_INVALID", "This is no piece of the map.", {
    field: "map",
    expected: "<64 hex digits> or <64 hex digits>.<place>, and ?at=<turns, 0 or 1 each>",
  });
}
