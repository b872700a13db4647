/**
 * In which way a list is not the one in the map, as far as the entries beside it tell.
 *
 * It is the reason that a person reads, and no proof: a list that the map does not have is refused
 * whatever the entries say. Whoever left one out in a hurry shows it beside the list.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import type { LookupEntry } from "../../schema/index/lookup.ts";
import type { Posting } from "../../schema/index/posting.ts";
import type { Listed } from "../../schema/index/record.ts";
import type { Hash } from "../../schema/tlog/hash.ts";

/** One sentence. `postingsOf` is mapfn. */
export function difference(
  key: Hash,
  list: readonly Listed[],
  entries: readonly LookupEntry[],
  postingsOf: (entry: LookupEntry) => readonly Posting[],
): string {
  const posted = new Map<number, Posting>();
  for (const entry of entries) {
    const posting = postingsOf(entry).find((one) => equal(one.key, key));
    if (posting !== undefined) posted.set(entry.index, posting);
  }
  const listed = new Set(list.map(({ index }) => index));
  const missing = [...posted.keys()].find((index) => !listed.has(index));
  // A list without its entries says nothing about itself.
  const added = entries.length === 0 ? undefined : list.find(({ index }) => !posted.has(index));
  if (missing !== undefined && added !== undefined)
    return `The list has entry ${added.index} in the place of entry ${missing}.`;
  if (missing !== undefined) return `The list leaves out entry ${missing}.`;
  if (added !== undefined) return `The list has entry ${added.index} besides those of the map.`;
  return "The list or summary is not the one in the map.";
}
