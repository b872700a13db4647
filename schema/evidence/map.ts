/**
 * Evidence against an index: leaves that contradict each other, an entry that a list leaves out,
 * and one that is listed for what it does not say.
 *
 * - `index-contradiction`  two leaves of the index log of which only one can be: two at one place,
 *                          or a later one that is not of a larger main log;
 * - `omission`             a look-up bundle about a key, with an entry that posts this key and is
 *                          not in its list, nor among the opaque entries;
 * - `false-posting`        a look-up bundle about a key, with an entry that is in its list and does
 *                          not post this key, or claims something else under it.
 *
 * The entry stands in the bundle itself, so that it is in the very tree that was indexed: who
 * executed the index has seen it. Lists that are too long for a file are shown around the entry by
 * `gaps` (`schema/index/gap.ts`).
 *
 * Spec: docs/formats.md §Evidence, docs/evidence.md.
 *
 * @module
 */
import type { Fields } from "../fields.ts";
import { formatGap, type ListGap, readGap } from "../index/gap.ts";
import {
  formatLookupKey,
  type Lookup,
  type LookupKey,
  lookupJson,
  type PlacedLeaf,
  placedLeafJson,
  readLookup,
  readLookupKey,
  readPlacedLeaf,
} from "../index/lookup.ts";
import { readPair } from "./log.ts";

export type MapEvidence =
  | {
      readonly kind: "index-contradiction";
      readonly leaves: readonly [PlacedLeaf, PlacedLeaf];
    }
  | {
      readonly kind: "omission";
      readonly key: LookupKey;
      /** About the key and, where the entry needs its content to post it, about `opaque`. */
      readonly lookup: Lookup;
      /** For each answer that is a summary, in their order. */
      readonly gaps: readonly ListGap[];
    }
  | {
      readonly kind: "false-posting";
      readonly key: LookupKey;
      readonly lookup: Lookup;
    };

export const MAP_KINDS: readonly MapEvidence["kind"][] = [
  "index-contradiction",
  "omission",
  "false-posting",
];

/** The members of a file besides its kind. */
export function mapMembers(evidence: MapEvidence): object {
  if (evidence.kind === "index-contradiction")
    return { leaves: evidence.leaves.map(placedLeafJson) };
  const { key, lookup } = evidence;
  return {
    key: formatLookupKey(key),
    lookup: lookupJson(lookup),
    ...(evidence.kind === "omission" ? { gaps: evidence.gaps.map(formatGap) } : {}),
  };
}

/** Inside `readFields`. */
export function readMapEvidence(root: Fields, kind: MapEvidence["kind"]): MapEvidence {
  if (kind === "index-contradiction") {
    root.only("mediaType", "kind", "leaves");
    return { kind, leaves: readPair(root, "leaves", readPlacedLeaf) };
  }
  const about = (): Pick<Extract<MapEvidence, { kind: "omission" }>, "key" | "lookup"> => ({
    key: readLookupKey(root.object("key")),
    lookup: readLookup(root.object("lookup")),
  });
  if (kind === "false-posting") {
    root.only("mediaType", "kind", "key", "lookup");
    return { kind, ...about() };
  }
  root.only("mediaType", "kind", "key", "lookup", "gaps");
  return { kind, ...about(), gaps: root.objects("gaps", { max: 2 }).map(readGap) };
}
