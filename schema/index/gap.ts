/**
 * That a long list of the map leaves an entry out, without the list: its two neighbours.
 *
 * A list has its indexes in increasing order. Two entries that stand side by side in it, one below
 * and one above, leave no room between them; before the first and after the last one neighbour is
 * enough, because the record commits to how many there are.
 *
 * Spec: docs/formats.md §Evidence.
 *
 * @module
 */
import { toBase64 } from "../bytes.ts";
import { readHash } from "../entry/hashedrekord.ts";
import type { Fields } from "../fields.ts";
import type { JsonObject } from "../json.ts";
import { readHashes } from "../receipt.ts";
import { type Hash, leafHash, type Sha256 } from "../tlog/hash.ts";
import { proveInclusion, verifyInclusion } from "../tlog/proof.ts";
import { CompactRange, NodeSet } from "../tlog/tree.ts";
import { type Listed, listLeaf, type Summary } from "./record.ts";

/** An entry of a list, with its place and the proof that it is there. */
export interface ListPlace extends Listed {
  readonly position: number;
  readonly hashes: readonly Hash[];
}

/** At least one of the two. */
export interface ListGap {
  readonly before?: ListPlace;
  readonly after?: ListPlace;
}

/** The gap of a whole list in which an entry would stand. Throws where it does stand there. */
export function proveGap(sha256: Sha256, list: readonly Listed[], index: number): ListGap {
  const nodes = new NodeSet();
  const range = CompactRange.empty(sha256);
  for (const one of list)
    range.append(leafHash(sha256, listLeaf(one)), (level, at, hash) => nodes.set(level, at, hash));
  const place = (position: number): ListPlace | undefined => {
    const one = list[position];
    const read = (level: number, at: number): Hash | undefined => nodes.get(level, at);
    return one && { ...one, position, hashes: proveInclusion(sha256, position, list.length, read) };
  };
  const next = list.findIndex((one) => one.index >= index);
  if (next >= 0 && list[next]?.index === index) throw new Error("the entry is in the list");
  const at = next < 0 ? list.length : next;
  const [before, after] = [place(at - 1), place(at)];
  return { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}

/** Whether the list with this summary has no entry with this index. */
export function leavesOut(
  sha256: Sha256,
  { n, last, listRoot }: Summary,
  index: number,
  { before, after }: ListGap = {},
): boolean {
  if (n === 0 || last < index) return true;
  const isPlaced = ({ position, hashes, ...one }: ListPlace): boolean =>
    verifyInclusion(
      sha256,
      { size: n, root: listRoot },
      position,
      leafHash(sha256, listLeaf(one)),
      hashes,
    );
  // What stands after the last one is settled: here there is something above the entry.
  if (after === undefined || after.index <= index || !isPlaced(after)) return false;
  if (before === undefined) return after.position === 0;
  return before.index < index && before.position + 1 === after.position && isPlaced(before);
}

export function formatGap({ before, after }: ListGap): JsonObject {
  return {
    ...(before === undefined ? {} : { before: formatPlace(before) }),
    ...(after === undefined ? {} : { after: formatPlace(after) }),
  };
}

function formatPlace({ index, claim, position, hashes }: ListPlace): JsonObject {
  return {
    index,
    ...(claim === undefined ? {} : { claim: toBase64(claim) }),
    position,
    hashes: hashes.map(toBase64),
  };
}

/** Inside `readFields`. */
export function readGap(gap: Fields): ListGap {
  gap.only("before", "after");
  const before = gap.optional("before", (name) => readPlace(gap.object(name)));
  const after = gap.optional("after", (name) => readPlace(gap.object(name)));
  return { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}

function readPlace(place: Fields): ListPlace {
  place.only("index", "claim", "position", "hashes");
  const claim = place.optional("claim", (name) => readHash(place, name));
  return {
    index: place.integer("index"),
    ...(claim === undefined ? {} : { claim }),
    position: place.integer("position"),
    hashes: readHashes(place, "hashes"),
  };
}
