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

/** X7: with the keys that entries since then have touched; nothing where that is not the map. */
export function mapFromSnapshot(
  ports: MapPorts,
  leaf: IndexLeaf,
): { readonly tree: MapTree; readonly size: number } | undefined {
  const { hashes, store, snapshot } = ports;
  const loaded = readSnapshot(hashes.sha256, snapshot, (index) => store.leaf(index)?.bytes);
  const stored = loaded && store.leaf(loaded.leafIndex);
  if (loaded === undefined || stored === undefined) return undefined;
  const { tree } = loaded;
  const { size } = unwrap(parseIndexLeaf(stored.bytes)).main;
  for (let at = size; at < leaf.main.size; at += CHUNK) {
    const touched = new TouchedKeys();
    const postings = postingsOf(ports, at, Math.min(at + CHUNK, leaf.main.size));
    for (const [i, list] of postings.entries()) touched.add(at + i, list);
    for (const { key } of touched.sorted()) {
      const record = store.record(key, leaf.main.size);
      if (record === undefined) return undefined;
      tree.set(key, record.hash());
    }
  }
  if (size < leaf.main.size) tree.seal();
  return equal(tree.newest.root, leaf.mapRoot) ? { tree, size } : undefined;
}

export function damaged(message: string): LogError {
  return new LogError("STORE_CORRUPT", `the index: ${message}`, {
    field: "index",
    hint: "`countersign index rebuild` makes it anew from the log",
  });
}
