/**
 * The map in pieces that never change: each is named by the hash of the subtree it shows, so that
 * any cache can keep it and nobody can put another one in its place.
 *
 *     00 ‖ pruned tree                          a tile of nodes: a subtree of more than 64 keys
 *     01 ‖ u32be length ‖ pruned tree ‖ …       a page: a whole subtree of at most 64 keys, and for
 *                                               each of them in order what its record consists of:
 *       00 ‖ u8 n ‖ n × item                      the list, of at most 32 entries
 *       01 ‖ u64be n ‖ u64be last ‖ list root ‖ values       the summary of a longer one
 *     item   = u64be index ‖ 00   or   u64be index ‖ 01 ‖ claim
 *     values = u8 d ‖ d × (u64be index ‖ claim), where d is 17 for 16 and more
 *
 * A tile of nodes hides what is six inner nodes below its root, and every subtree that is a page.
 * There are no slots in it: what a key's walk meets follows from the bits alone (X1). Whoever asks
 * for a page is one of those who could have asked for any of its keys.
 *
 * Both are made out of the subtree alone, so that one name is one piece for ever.
 *
 * Spec: docs/formats.md §Index. Vectors: test/vectors/index/map-tiles.json.
 *
 * @module
 */
import { concat, equal, join, toHex } from "../bytes.ts";
import { failure, type Result, success } from "../error.ts";
import type { Hash, Sha256 } from "../tlog/hash.ts";
import { sizeToBytes } from "../tlog/size.ts";
import { ByteReader, formatValues, u32 } from "./byte-reader.ts";
import { PrunedTree } from "./pruned-tree.ts";
import { type Listed, recordHash, type Summary, summaryOf } from "./record.ts";
import { encodeShown, type TreeRows } from "./shown-tree.ts";

/** Keys of the largest page. */
export const PAGE_KEYS = 64;
/** Entries of the longest list that stands in a page. */
export const PAGE_LIST = 32;
/** Inner nodes on a path through a tile of nodes. */
const TILE_LEVELS = 6;
/** Bytes of a tile: a page of summaries with every claim value. */
export const MAX_MAP_TILE_BYTES = 131_072;

const NODES = 0;
const PAGE = 1;
const LIST = 0;
const SUMMARY = 1;

/** What a page has of a key. */
export type PageRecord =
  | { readonly kind: "list"; readonly list: readonly Listed[] }
  | { readonly kind: "summary"; readonly summary: Summary };

export interface MapTile {
  readonly tree: PrunedTree;
  /** Of a page, in the order of its keys; none of a tile of nodes. */
  readonly records: readonly { readonly key: Hash; readonly record: PageRecord }[];
}

/** The tile of the subtree at a row. */
export function encodeMapTile<Row>(
  rows: TreeRows<Row>,
  top: Row,
  recordOf: (key: Uint8Array) => PageRecord,
): Uint8Array<ArrayBuffer> {
  const leaves = pageLeaves(rows, top);
  if (leaves === undefined) {
    const tree = encodeShown(rows, top, 0, (level, row, side) => {
      const inner = rows.innerOf(row);
      const below = inner && (side === 0 ? inner.left : inner.right);
      const isHidden =
        level + 1 === TILE_LEVELS || below === undefined || pageLeaves(rows, below) !== undefined;
      return isHidden ? undefined : level + 1;
    });
    return concat(Uint8Array.of(NODES), tree);
  }
  const tree = encodeShown(rows, top, true, () => true);
  const records = leaves.map((leaf) => formatRecord(recordOf(rows.leafOf(leaf).key)));
  return concat(Uint8Array.of(PAGE), u32(tree.length), tree, ...records);
}

/** The leaves of a subtree in the order of their keys; `undefined` where it is no page. */
export function pageLeaves<Row>(rows: TreeRows<Row>, top: Row): readonly Row[] | undefined {
  const leaves: Row[] = [];
  const fits = (row: Row): boolean => {
    const inner = rows.innerOf(row);
    if (inner !== undefined) return fits(inner.left) && fits(inner.right);
    leaves.push(row);
    return leaves.length <= PAGE_KEYS;
  };
  return fits(top) ? leaves : undefined;
}

/**
 * A tile out of a stranger's bytes. `name` is the hash that it was asked by: its tree has that
 * root, and every record of a page is the value of its key, or it is refused.
 */
export function parseMapTile(
  sha256: Sha256,
  name: Hash,
  strangersBytes: Uint8Array,
): Result<MapTile> {
  const reader = new ByteReader(strangersBytes);
  const kind = reader.u8();
  if (strangersBytes.length > MAX_MAP_TILE_BYTES || (kind !== NODES && kind !== PAGE))
    return bad("is neither a tile of nodes nor a page");
  const length = kind === PAGE ? reader.u32() : strangersBytes.length - 1;
  const tree = PrunedTree.parse(sha256, reader.bytes(length));
  if (!tree.ok) return bad("has a tree that is malformed");
  if (!equal(tree.value.root(), name)) return bad("has another root than its name");
  const leaves = tree.value.leaves();
  if (kind === NODES)
    return leaves === undefined
      ? success({ tree: tree.value, records: [] })
      : bad("hides nothing, and is no page");
  if (leaves === undefined) return bad("is a page that hides keys");
  const records: { key: Hash; record: PageRecord }[] = [];
  for (const { key, value } of leaves) {
    const record = readRecord(reader);
    if (record === undefined) return bad(`has no record at byte ${reader.at}`);
    const summary = record.kind === "list" ? summaryOf(sha256, record.list) : record.summary;
    if (!equal(recordHash(sha256, summary), value))
      return bad(`has another record of ${toHex(key)}`);
    records.push({ key, record });
  }
  return reader.isWhole
    ? success({ tree: tree.value, records })
    : bad("goes on behind its records");
}

/** A whole list as a piece of its own, for keys whose page has the summary alone. */
export function formatMapList(list: readonly Listed[]): Uint8Array<ArrayBuffer> {
  return join(list.flatMap(itemBytes));
}

/** The list of a key whose summary is known; nothing else is believed. */
export function parseMapList(
  sha256: Sha256,
  summary: Summary,
  strangersBytes: Uint8Array,
): Result<readonly Listed[]> {
  const reader = new ByteReader(strangersBytes);
  const list = readItems(reader, summary.n);
  const isIt =
    list !== undefined &&
    reader.isWhole &&
    equal(recordHash(sha256, summaryOf(sha256, list)), recordHash(sha256, summary));
  return isIt ? success(list) : bad("is not the list of its summary");
}

function itemBytes({ index, claim }: Listed): Uint8Array[] {
  return claim === undefined
    ? [sizeToBytes(index), Uint8Array.of(0)]
    : [sizeToBytes(index), Uint8Array.of(1), claim];
}

function formatRecord(record: PageRecord): Uint8Array {
  if (record.kind === "list")
    return concat(Uint8Array.of(LIST, record.list.length), ...record.list.flatMap(itemBytes));
  const { n, last, listRoot, ...claimed } = record.summary;
  const numbers = [sizeToBytes(n), sizeToBytes(last)];
  return concat(Uint8Array.of(SUMMARY), ...numbers, listRoot, formatValues(claimed));
}

function readRecord(reader: ByteReader): PageRecord | undefined {
  const kind = reader.u8();
  if (kind === LIST) {
    const list = readItems(reader, reader.u8());
    return list === undefined || list.length > PAGE_LIST ? undefined : { kind: "list", list };
  }
  if (kind !== SUMMARY) return undefined;
  const [n, last, listRoot] = [reader.size(), reader.size(), reader.hash()];
  const claimed = reader.values();
  if (n === undefined || last === undefined || listRoot === undefined || claimed === undefined)
    return undefined;
  return { kind: "summary", summary: { n, last, listRoot, ...claimed } };
}

/** Items whose indexes increase, at least one. */
function readItems(reader: ByteReader, count: number): readonly Listed[] | undefined {
  const list: Listed[] = [];
  for (let left = count; left > 0 && !reader.ended; left--) {
    const index = reader.size();
    const tag = reader.u8();
    const claim = tag === 1 ? reader.hash() : undefined;
    if (index === undefined || tag > 1 || (tag === 1 && claim === undefined)) return undefined;
    if (index <= (list.at(-1)?.index ?? -1)) return undefined;
    list.push(claim === undefined ? { index } : { index, claim });
  }
  return list.length === count && count > 0 ? list : undefined;
}

function bad<T>(what: string): Result<T> {
  return failure("RESPONSE_INVALID", `The tile of the map ${what}.`, { field: "map tile" });
}
