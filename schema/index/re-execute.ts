/**
 * Re-execution: whether a leaf of the index log is the one that mapfn gives over the entries of the
 * main log, for somebody who holds no map.
 *
 * - X3  A leaf is accepted only where old entries, new entries, postings, old map, new map and all
 *       counts were recomputed and are equal. What the old map hides and the new one needs is a
 *       refusal, never an assumption.
 *
 * The state between two leaves is the right edges of three trees, a map root and two counts: a few
 * kilobytes. By induction from the empty map, whoever follows every leaf knows that the map is
 * *the* function of the log; whoever takes the state from an accepted leaf checks any later part.
 *
 * Whether the main head was signed and witnessed, and whether contents are those that leaves name,
 * is the caller's to check before; signatures of entries are not looked at here.
 *
 * Spec: docs/formats.md §Index.
 *
 * @module
 */
import { equal, toHex } from "../bytes.ts";
import { failure, type Result, success } from "../error.ts";
import { type Hash, leafHash, type Sha256 } from "../tlog/hash.ts";
import { CompactRange } from "../tlog/tree.ts";
import { encodeIndexLeaf, firstIndexLeaf, type IndexLeaf, parseIndexLeaf } from "./index-leaf.ts";
import { compareBytes } from "./map-key.ts";
import { encodePostings, type Posting, postingsLeafHash } from "./posting.ts";
import { PrunedTree } from "./pruned-tree.ts";
import { KeyRecord, type Listed } from "./record.ts";
import { type Touched, TouchedKeys } from "./touched.ts";
import type { LeafUpdate, OldRecord } from "./update.ts";

/** What a verifier keeps between two leaves. */
export interface IndexState {
  readonly sha256: Sha256;
  /** The newest accepted leaf. */
  readonly leaf: IndexLeaf;
  /** The index log up to that leaf. */
  readonly index: CompactRange;
  /** The main log up to the head that the leaf names. */
  readonly main: CompactRange;
  /** The postings tree, one leaf for each entry. */
  readonly postings: CompactRange;
}

/** An entry of the main log with its postings: mapfn's, or for an erased content the committed ones. */
export interface IndexedEntry {
  readonly leafHash: Hash;
  readonly postings: readonly Posting[];
}

/** The state behind leaf 0 of a log's index. */
export function initialState(sha256: Sha256, mapfn: Hash, origin: string): IndexState {
  const leaf = firstIndexLeaf(sha256, mapfn, origin);
  const index = CompactRange.empty(sha256);
  index.append(leafHash(sha256, encodeIndexLeaf(leaf)));
  const empty = CompactRange.empty(sha256);
  return { sha256, leaf, index, main: empty, postings: empty };
}

/**
 * The state behind the next leaf, or `LOG_MISBEHAVED` with what is wrong. `entries` are those from
 * the old head to the new one, in order.
 */
export function reExecute(
  state: IndexState,
  update: LeafUpdate,
  entries: Iterable<IndexedEntry>,
): Result<IndexState> {
  const { sha256 } = state;
  const parsed = parseIndexLeaf(update.leaf);
  if (!parsed.ok) return parsed;
  const leaf = parsed.value;
  const rules = checkRules(state.leaf, leaf);
  if (rules !== undefined) return wrong(rules);
  const main = state.main.clone();
  const postings = state.postings.clone();
  const touched = new TouchedKeys();
  let count = state.leaf.postings;
  for (const entry of entries) {
    const index = main.size;
    main.append(entry.leafHash);
    postings.append(postingsLeafHash(sha256, encodePostings(entry.postings)));
    count += entry.postings.length;
    touched.add(index, entry.postings);
  }
  if (main.size !== leaf.main.size || !equal(main.root(), leaf.main.root))
    return wrong("its main head is not the root over the entries");
  if (count !== leaf.postings) {
    const [off, how] =
      count > leaf.postings ? [count - leaf.postings, "few"] : [leaf.postings - count, "many"];
    return wrong(`its number of postings is ${leaf.postings}, ${off} too ${how} for its entries`);
  }
  if (!equal(postings.root(), leaf.postingsRoot))
    return wrong("its postings root is not the one over the postings");
  const map = applyToMap(state, update, touched.sorted());
  if (!map.ok) return map;
  if (!equal(map.value.root, leaf.mapRoot)) return wrong("its map root is not the map's");
  if (map.value.keys !== leaf.keys) return wrong("its number of keys is not the map's");
  const index = state.index.clone();
  index.append(leafHash(sha256, update.leaf));
  return success({ sha256, leaf, index, main, postings });
}

/** What one leaf may say after another, before anything is computed. */
function checkRules(before: IndexLeaf, leaf: IndexLeaf): string | undefined {
  if (!equal(leaf.mapfn, before.mapfn)) return "it names another mapfn";
  if (leaf.origin !== before.origin) return "it is of another log";
  const [size, last] = [leaf.main.size, before.main.size];
  if (size === last) return `its size is ${size}, as that of the leaf before`;
  if (size < last) return `it goes back from the size ${last} to ${size}`;
  return undefined;
}

/** The new map, from the part of the old one that the update shows. */
function applyToMap(
  { sha256, leaf: before }: IndexState,
  update: LeafUpdate,
  touched: Iterable<Touched>,
): Result<{ readonly root: Hash; readonly keys: number }> {
  const tree = PrunedTree.parse(sha256, update.tree);
  if (!tree.ok) return tree;
  if (!equal(tree.value.root(), before.mapRoot))
    return wrong("the old map that is shown has another root");
  const old = new SortedRecords(update.records);
  const added: { readonly key: Hash; readonly value: Hash }[] = [];
  let used = 0;
  for (const { key, list } of touched) {
    const shown = tree.value.find(key);
    if (shown.state === "hidden") return wrong(`the old map hides the key ${toHex(key)}`);
    const record =
      shown.state === "absent"
        ? KeyRecord.empty(sha256)
        : oldRecord(sha256, shown.value, old.at(key));
    if (record === undefined)
      return wrong(`the old record of the key ${toHex(key)} is not the map's`);
    const lists = appendAll(record, list);
    if (!lists) return wrong(`the old record of the key ${toHex(key)} is of later entries`);
    if (shown.state === "absent") {
      added.push({ key, value: record.hash() });
      continue;
    }
    // A value changes nothing of what the tree shows of other keys; a new key could.
    tree.value.set(key, record.hash());
    used++;
  }
  if (used !== update.records.length)
    return wrong("there are records of keys that no entry touches");
  for (const { key, value } of added)
    if (!tree.value.set(key, value)) return wrong("the old map hides what a new key needs");
  return success({ root: tree.value.root(), keys: before.keys + added.length });
}

/** Records in the order of their keys, asked for in that order. What is out of order is not found. */
class SortedRecords {
  readonly #records: readonly OldRecord[];
  #next = 0;

  constructor(attackerRecords: readonly OldRecord[]) {
    this.#records = attackerRecords;
  }

  at(key: Hash): OldRecord | undefined {
    for (let one = this.#records[this.#next]; one !== undefined; one = this.#records[this.#next]) {
      const order = compareBytes(one.key, key);
      if (order === 0) return one;
      if (order > 0) return undefined;
      this.#next++;
    }
    return undefined;
  }
}

function oldRecord(
  sha256: Sha256,
  value: Hash,
  attackerRecord: OldRecord | undefined,
): KeyRecord | undefined {
  if (attackerRecord === undefined) return undefined;
  const record = KeyRecord.from(sha256, attackerRecord, attackerRecord.edge);
  return equal(record.hash(), value) ? record : undefined;
}

/** `false` where the record already lists an entry that is not before these. */
function appendAll(record: KeyRecord, list: readonly Listed[]): boolean {
  const [first] = list;
  if (first !== undefined && record.n > 0 && first.index <= record.last) return false;
  for (const one of list) record.append(one);
  return true;
}

function wrong(what: string): Result<never> {
  return failure("LOG_MISBEHAVED", `The leaf of the index is not what its log gives: ${what}.`, {
    field: "index leaf",
  });
}
