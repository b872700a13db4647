/**
 * The map of an index that starts: from its snapshot, or made anew out of the tables.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import type { Generation } from "../../schema/index/generation.ts";
import { type IndexLeaf, parseIndexLeaf } from "../../schema/index/index-leaf.ts";
import { MapTree } from "../../schema/index/map-tree.ts";
import type { IndexedLog, MapHashes } from "../../schema/index/mapfn.ts";
import { type Posting, parsePostings } from "../../schema/index/posting.ts";
import { TouchedKeys } from "../../schema/index/touched.ts";
import type { StorageReader } from "../storage/storage.ts";
import type { MapChange } from "./changes.ts";
import { readSnapshot } from "./snapshot.ts";
import type { IndexStore } from "./store.ts";

/** Entries whose postings are in memory at one time. */
export const CHUNK = 4_096;

export interface MapPorts {
  readonly generation: Generation;
  readonly hashes: MapHashes;
  readonly log: IndexedLog;
  readonly reader: Pick<StorageReader, "leaves" | "contents">;
  /** Canonical postings of an entry whose content was erased: they were kept when it was. */
  readonly erased: (index: number) => Uint8Array | undefined;
  readonly store: IndexStore;
  /** The file of the map's snapshot. */
  readonly snapshot: string;
}

/** Postings of entries of the log, in log order. */
export function postingsOf(
  { generation, hashes, log, reader, erased }: MapPorts,
  from: number,
  to: number,
): readonly (readonly Posting[])[] {
  const contents = reader.contents(from, to);
  return reader.leaves(from, to).map((leaf, i) => {
    const content = contents[i];
    if (content?.state !== "erased")
      return generation.mapfn(
        hashes,
        log,
        leaf,
        content?.state === "held" ? content.bytes : undefined,
      );
    const kept = erased(from + i);
    if (kept === undefined) throw damaged(`the postings of entry ${from + i} are gone`);
    return unwrap(parsePostings(kept));
  });
}

export function mapFromTables({ hashes, store }: MapPorts, leaf: IndexLeaf): MapTree {
  const tree = new MapTree(hashes.sha256);
  for (const { key, record } of store.records(leaf.main.size)) tree.set(key, record.hash());
  if (leaf.keys > 0) tree.seal();
  if (equal(tree.newest.root, leaf.mapRoot)) return tree;
  throw damaged("the tables do not give the root of the map");
}

/** A map that was brought forward from its snapshot. */
export interface RestoredMap {
  readonly tree: MapTree;
  readonly snapshot: SnapshotStanding;
}

/** A snapshot on the disk, and how far behind it is. */
export interface SnapshotStanding {
  readonly leafIndex: number;
  /** Entries that it has. */
  readonly size: number;
  /** Values that were set in the map since then, one for each key and step. */
  readonly changes: number;
}

/** X7: with what the steps since then have changed; nothing where that is not the map. */
export function mapFromSnapshot(
  ports: MapPorts,
  newest: { readonly leafIndex: number; readonly leaf: IndexLeaf },
): RestoredMap | undefined {
  const { hashes, store, snapshot } = ports;
  const loaded = readSnapshot(hashes.sha256, snapshot, (index) => store.leaf(index)?.bytes);
  if (loaded === undefined) return undefined;
  const { tree, leafIndex } = loaded;
  const sizeAt = (index: number): number => {
    const stored = store.leaf(index);
    if (stored === undefined) throw damaged(`leaf ${index} is missing`);
    return unwrap(parseIndexLeaf(stored.bytes)).main.size;
  };
  const size = sizeAt(leafIndex);
  let changes = 0;
  tree.giveUpSealed();
  for (let at = leafIndex + 1; at <= newest.leafIndex; at++) {
    const executed = (): Iterable<MapChange> =>
      changedBetween(ports, sizeAt(at - 1), sizeAt(at), newest.leaf);
    for (const { key, value } of orElse(store.changes.of(at), executed)) {
      tree.set(key, value);
      changes++;
    }
  }
  tree.seal();
  if (!equal(tree.newest.root, newest.leaf.mapRoot)) return undefined;
  return { tree, snapshot: { leafIndex, size, changes } };
}

function* orElse<T>(first: Iterable<T>, other: () => Iterable<T>): Generator<T> {
  let none = true;
  for (const one of first) {
    none = false;
    yield one;
  }
  if (none) yield* other();
}

/**
 * What entries changed, by executing them again. The values are those of the newest leaf: right once
 * every step up to it was gone through.
 */
function* changedBetween(
  ports: MapPorts,
  from: number,
  to: number,
  newest: IndexLeaf,
): Generator<MapChange> {
  for (let at = from; at < to; at += CHUNK) {
    const touched = new TouchedKeys();
    const postings = postingsOf(ports, at, Math.min(at + CHUNK, to));
    for (const [i, list] of postings.entries()) touched.add(at + i, list);
    for (const { key } of touched.sorted()) {
      const record = ports.store.record(key, newest.main.size);
      // Where a posting is gone, the root says so.
      if (record !== undefined) yield { key, value: record.hash() };
    }
  }
}

export function damaged(message: string): LogError {
  return new LogError("STORE_CORRUPT", `the index: ${message}`, {
    field: "index",
    hint: "`countersign index rebuild` makes it anew from the log",
  });
}
