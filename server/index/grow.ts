/**
 * From new entries to the next leaf of the index: postings, records, map, and the update by which
 * a stranger can check the step.
 *
 * One step is worked out completely before anything of it is kept. The map holds it as a version
 * that is sealed or abandoned; the records and postings are returned for the store to write.
 *
 * Spec: docs/formats.md §Index.
 *
 * @module
 */
import { fromHex, toHex } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { encodeIndexLeaf, type IndexLeaf } from "../../schema/index/index-leaf.ts";
import { compareBytes } from "../../schema/index/map-key.ts";
import type { MapTree, MapVersion } from "../../schema/index/map-tree.ts";
import { encodePostings, type Posting, postingsLeafHash } from "../../schema/index/posting.ts";
import { encodePruned } from "../../schema/index/pruned-tree.ts";
import { KeyRecord, type Listed } from "../../schema/index/record.ts";
import type { LeafUpdate, OldRecord } from "../../schema/index/update.ts";
import { asHash, type Hash, type Sha256 } from "../../schema/tlog/hash.ts";
import type { TreeHead } from "../../schema/tlog/proof.ts";
import type { CompactRange } from "../../schema/tlog/tree.ts";

/** Where records of keys are kept. */
export interface Records {
  readonly find: (key: Hash) => KeyRecord | undefined;
}

/** What the index is between two steps. */
export interface IndexPosition {
  readonly leaf: IndexLeaf;
  readonly map: MapVersion;
  /** One leaf for each entry that is indexed. */
  readonly postings: CompactRange;
}

/** One step: what has to be written, and what it makes of the index. */
export interface IndexStep {
  readonly position: IndexPosition;
  readonly leafBytes: Uint8Array;
  /** New entries with their postings, in log order. */
  readonly entries: readonly { readonly index: number; readonly postings: readonly Posting[] }[];
  /** New state of every key that was touched. */
  readonly records: readonly { readonly key: Hash; readonly record: KeyRecord }[];
  /** Keys under which a second value was claimed for the first time. */
  readonly contradicted: readonly Hash[];
  readonly update: LeafUpdate;
}

export interface GrowPorts {
  readonly sha256: Sha256;
  readonly tree: MapTree;
  readonly records: Records;
}

/**
 * The step from a position to a main head. `postings` are those of the entries between, in order;
 * `main` is the head's signed checkpoint. Throws `INTERNAL` where their number does not fit; the
 * map is then as it was.
 */
export function growIndex(
  ports: GrowPorts,
  from: IndexPosition,
  head: TreeHead,
  main: Uint8Array,
  postings: readonly (readonly Posting[])[],
): IndexStep {
  const { sha256, tree } = ports;
  const first = from.leaf.main.size;
  if (first + postings.length !== head.size)
    throw new LogError("INTERNAL", `${postings.length} entries do not lead to size ${head.size}`);
  const range = from.postings.clone();
  const touched = new Map<string, Listed[]>();
  let count = from.leaf.postings;
  const entries = postings.map((list, i) => {
    const index = first + i;
    range.append(postingsLeafHash(sha256, encodePostings(list)));
    count += list.length;
    for (const { key, claim } of list) {
      const listed = claim === undefined ? { index } : { index, claim };
      const name = toHex(key);
      const lists = touched.get(name);
      if (lists === undefined) touched.set(name, [listed]);
      else lists.push(listed);
    }
    return { index, postings: list };
  });
  const changed = changeRecords(ports, touched);
  const keys = changed.records.map(({ key }) => key);
  const pruned = encodePruned(tree, from.map.top, keys);
  for (const { key, record } of changed.records) tree.set(key, record.hash());
  const map = tree.seal();
  const leaf: IndexLeaf = {
    mapfn: from.leaf.mapfn,
    origin: from.leaf.origin,
    main: { size: head.size, root: head.root },
    mapRoot: map.root,
    keys: map.keys,
    postings: count,
    postingsRoot: range.root(),
  };
  const leafBytes = encodeIndexLeaf(leaf);
  return {
    position: { leaf, map, postings: range },
    leafBytes,
    entries,
    records: changed.records,
    contradicted: changed.contradicted,
    update: { leaf: leafBytes, main, tree: pruned, records: changed.old },
  };
}

interface Changed {
  readonly records: readonly { readonly key: Hash; readonly record: KeyRecord }[];
  readonly old: readonly OldRecord[];
  readonly contradicted: readonly Hash[];
}

/** In the order of keys, which is the order that updates have. */
function changeRecords(
  { sha256, records }: GrowPorts,
  touched: ReadonlyMap<string, readonly Listed[]>,
): Changed {
  const changed: { key: Hash; record: KeyRecord }[] = [];
  const old: OldRecord[] = [];
  const contradicted: Hash[] = [];
  const lists = Array.from(touched, ([name, list]) => ({ key: keyOf(name), list }));
  lists.sort((a, b) => compareBytes(a.key, b.key));
  for (const { key, list } of lists) {
    const record = records.find(key) ?? KeyRecord.empty(sha256);
    const before = record.summary();
    const { n, last, values, saturated } = before;
    if (n > 0) old.push({ key, n, last, values, saturated, edge: record.edge });
    for (const one of list) record.append(one);
    if (values.length < 2 && record.summary().values.length >= 2) contradicted.push(key);
    changed.push({ key, record });
  }
  return { records: changed, old, contradicted };
}

function keyOf(name: string): Hash {
  const key = asHash(fromHex(name) ?? new Uint8Array(0));
  if (key === undefined) throw new LogError("INTERNAL", "a key of the map is 32 bytes");
  return key;
}
