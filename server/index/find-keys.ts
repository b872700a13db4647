/**
 * What one kept step of an index says of some keys: the pruned map over them, and for each its list,
 * a summary where that is long or enough, or that it is absent.
 *
 * The tables have the postings of every later step as well; what is read here ends at the step's
 * own size, so that lists and map are of the same moment.
 *
 * Runs in the thread of the index, beside its tables. Spec: docs/formats.md §Index.
 *
 * @module
 */
import { fromUtf8 } from "../../schema/bytes.ts";
import { type LookupAnswer, type LookupKey, MAX_LISTED } from "../../schema/index/lookup.ts";
import { mapKey } from "../../schema/index/map-key.ts";
import type { MapTree } from "../../schema/index/map-tree.ts";
import type { IndexedLog, MapHashes } from "../../schema/index/mapfn.ts";
import { encodePruned } from "../../schema/index/shown-tree.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import type { KeptStep } from "./kept-steps.ts";
import type { IndexStore } from "./store.ts";

export interface FindKeysPorts {
  readonly hashes: Pick<MapHashes, "sha256">;
  readonly log: Pick<IndexedLog, "origin">;
  readonly store: Pick<IndexStore, "record" | "list">;
  readonly tree: MapTree;
}

/** What a look-up finds, before the index log's proof and the entries' proofs stand beside it. */
export interface FoundKeys {
  readonly leafIndex: number;
  /** The signed note of the main head. */
  readonly main: string;
  readonly size: number;
  readonly tree: Uint8Array;
  readonly answers: readonly LookupAnswer[];
}

/** Without lists where `summaries` will do. */
export function findKeys(
  { hashes, log, store, tree }: FindKeysPorts,
  { leafIndex, position, main }: KeptStep,
  keys: readonly LookupKey[],
  summaries: boolean,
): FoundKeys {
  const { size } = position.leaf.main;
  const mapKeys = keys.map(({ type, fields }) => mapKey(hashes.sha256, log.origin, type, fields));
  return {
    leafIndex,
    main: fromUtf8(main) ?? "",
    size,
    tree: encodePruned(tree, position.map.top, mapKeys),
    answers: keys.map((key, i) => answer(store, key, mapKeys[i], { size, summaries })),
  };
}

function answer(
  store: FindKeysPorts["store"],
  key: LookupKey,
  wanted: Hash | undefined,
  { size, summaries }: { readonly size: number; readonly summaries: boolean },
): LookupAnswer {
  const record = wanted && store.record(wanted, size);
  if (wanted === undefined || record === undefined) return { key, kind: "absent" };
  if (summaries || record.n > MAX_LISTED)
    return { key, kind: "summary", summary: record.summary() };
  return { key, kind: "list", list: store.list(wanted, size, MAX_LISTED) };
}
