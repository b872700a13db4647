/**
 * From new entries to the next leaf of the index: postings, records, map, and the update by which
 * a stranger can check the step.
 *
 * A step is worked out completely before anything of it is published. The map holds it as a
 * version that is sealed or abandoned; records and postings are handed out for the store to write
 * into a transaction that is kept or not.
 *
 * A step may be larger than memory (an index that is switched on over an old log), so entries come
 * in chunks, and what a chunk changes is written before the next one is read.
 *
 * Spec: docs/formats.md §Index.
 *
 * @module
 */
import { toHex } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { encodeIndexLeaf, type IndexLeaf } from "../../schema/index/index-leaf.ts";
import { compareBytes } from "../../schema/index/map-key.ts";
import type { MapTree, MapVersion } from "../../schema/index/map-tree.ts";
import { encodePostings, type Posting, postingsLeafHash } from "../../schema/index/posting.ts";
import { KeyRecord, type Listed } from "../../schema/index/record.ts";
import { encodePruned } from "../../schema/index/shown-tree.ts";
import { TouchedKeys } from "../../schema/index/touched.ts";
import type { LeafUpdate, OldRecord } from "../../schema/index/update.ts";
import type { Hash, Sha256 } from "../../schema/tlog/hash.ts";
import type { TreeHead } from "../../schema/tlog/proof.ts";
import type { CompactRange } from "../../schema/tlog/tree.ts";

/** What the index is between two steps. */
export interface IndexPosition {
  readonly leaf: IndexLeaf;
  readonly map: MapVersion;
  /** One leaf for each entry that is indexed. */
  readonly postings: CompactRange;
}

/** A key with its record. */
export interface KeyedRecord {
  readonly key: Hash;
  readonly record: KeyRecord;
}

/** The new state of a key, its value in the map, and what came to its list. */
export interface ChangedRecord extends KeyedRecord {
  readonly value: Hash;
  readonly added: readonly Listed[];
}

export interface GrowPorts {
  readonly sha256: Sha256;
  readonly tree: MapTree;
  /** The record of a key, with what was changed by chunks before. */
  readonly find: (key: Hash) => KeyRecord | undefined;
}

/** One step, worked out. */
export interface IndexStep {
  readonly position: IndexPosition;
  readonly update: LeafUpdate;
  /** Keys under which something was claimed in this step, and which have different values now. */
  readonly contradicted: readonly Hash[];
}

export class IndexGrowth {
  readonly #ports: GrowPorts;
  readonly #from: IndexPosition;
  readonly #range: CompactRange;
  readonly #contradicted = new Map<string, Hash>();
  /** Every key that was touched, once, with its record before the step where it had one. */
  readonly #before: { readonly key: Hash; readonly old: OldRecord | undefined }[] = [];
  #postings: number;

  constructor(ports: GrowPorts, from: IndexPosition) {
    this.#ports = ports;
    this.#from = from;
    this.#range = from.postings.clone();
    this.#postings = from.leaf.postings;
  }

  /**
   * The next entries' postings, in log order. What it answers, sorted by key, is to be written
   * before the next call.
   */
  add(postings: readonly (readonly Posting[])[]): readonly ChangedRecord[] {
    const { sha256, tree } = this.#ports;
    const touched = new TouchedKeys();
    for (const list of postings) {
      const index = this.#range.size;
      this.#range.append(postingsLeafHash(sha256, encodePostings(list)));
      this.#postings += list.length;
      touched.add(index, list);
    }
    return Array.from(touched.sorted(), ({ key, list }) => {
      const record = this.#change(key, list);
      const value = record.hash();
      tree.set(key, value);
      return { key, record, value, added: list };
    });
  }

  /** The leaf for `head`, whose signed checkpoint is `main`. Throws `INTERNAL` for another size. */
  finish(head: TreeHead, main: Uint8Array): IndexStep {
    const { tree } = this.#ports;
    if (this.#range.size !== head.size)
      throw new LogError("INTERNAL", `entries up to ${this.#range.size} are not ${head.size}`);
    const map = tree.seal();
    const { mapfn, origin } = this.#from.leaf;
    const leaf: IndexLeaf = {
      mapfn,
      origin,
      main: { size: head.size, root: head.root },
      mapRoot: map.root,
      keys: map.keys,
      postings: this.#postings,
      postingsRoot: this.#range.root(),
    };
    return {
      position: { leaf, map, postings: this.#range },
      contradicted: [...this.#contradicted.values()],
      update: { leaf: encodeIndexLeaf(leaf), main, ...this.#shown() },
    };
  }

  #change(key: Hash, list: readonly Listed[]): KeyRecord {
    const { sha256, tree, find } = this.#ports;
    const standing = tree.standing(key);
    const record = (standing === "absent" ? undefined : find(key)) ?? KeyRecord.empty(sha256);
    // From the empty map there is no old record, however many chunks the step has.
    if (this.#from.leaf.keys > 0 && standing !== "new")
      this.#before.push({ key, old: record.n === 0 ? undefined : oldRecord(key, record) });
    for (const one of list) record.append(one);
    const claims = list.some(({ claim }) => claim !== undefined);
    if (claims && record.values >= 2) this.#contradicted.set(toHex(key), key);
    return record;
  }

  /** The old map and the old records, as far as the step needs them. */
  #shown(): Pick<LeafUpdate, "tree" | "records"> {
    const keys = this.#before.map(({ key }) => key);
    const records = this.#before.flatMap(({ old }) => old ?? []);
    return {
      tree: encodePruned(this.#ports.tree, this.#from.map.top, keys),
      records: records.toSorted((a, b) => compareBytes(a.key, b.key)),
    };
  }
}

function oldRecord(key: Hash, record: KeyRecord): OldRecord {
  const { n, last, values, saturated } = record.summary();
  return { key, n, last, values, saturated, edge: record.edge };
}
