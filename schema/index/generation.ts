/**
 * The indexes that one log can have: one row for each mapfn, and all that has its number in it.
 *
 * A mapfn never changes, because an index is the function of its log. Another one is another index
 * log, from entry 0 on, beside the one before it: with an origin, a folder, a guard and a URL prefix
 * of its own, which all follow from the row's number. Whatever belongs to an index takes its row as an
 * argument, and nothing else in the program knows which rows there are.
 *
 * To add one: write its document and its function, add its row to {@link GENERATIONS}. What the step
 * to it looks like is in docs/operate.md, Moving to a new mapfn.
 *
 * Spec: docs/formats.md §Index.
 *
 * @module
 */
import { equal } from "../bytes.ts";
import type { Hash } from "../tlog/hash.ts";
import {
  type IndexedLog,
  type KnownLeaf,
  MAPFN_V1,
  type MapHashes,
  mapfn as mapfnV1,
  namedPostings as namedPostingsV1,
} from "./mapfn.ts";
import type { Posting } from "./posting.ts";
import type { NamedPosting } from "./posting-set.ts";

/** What an entry posts: pure, total, the same for ever. `undefined` is a content that was never held. */
type PostingsOf<P extends Posting> = (
  hashes: MapHashes,
  log: IndexedLog,
  leaf: Uint8Array | KnownLeaf,
  content: Uint8Array | undefined,
) => readonly P[];

export interface Generation {
  /** From 1 on; never given to another mapfn. */
  readonly number: number;
  /** The id of the mapfn, in every leaf of the index. */
  readonly id: Hash;
  /** Sorted by key, each key once. */
  readonly mapfn: PostingsOf<Posting>;
  /** The same in the order of its document, each with the name of its key. */
  readonly namedPostings: PostingsOf<NamedPosting>;
}

export const INDEX_V1: Generation = {
  number: 1,
  id: MAPFN_V1,
  mapfn: mapfnV1,
  namedPostings: namedPostingsV1,
};

/** Those that this program can keep and verify, the oldest first. */
export const GENERATIONS: readonly Generation[] = [INDEX_V1];

/** What is asked where nothing else is said: the newest. */
export const CURRENT_INDEX: Generation = GENERATIONS.at(-1) ?? INDEX_V1;

/** The row of a mapfn. */
export function generationOf(
  known: readonly Generation[],
  strangersId: Uint8Array,
): Generation | undefined {
  return known.find(({ id }) => equal(id, strangersId));
}

/** The origin of the index log of a log. */
export function indexOrigin(origin: string, { number }: Pick<Generation, "number">): string {
  return `${origin}/index/v${number}`;
}

/** The index log, as a log: checkpoint and tiles below this, and updates for index verifiers. */
export function indexPrefix({ number }: Generation): string {
  return `/index/v${number}`;
}

/** Its folder inside the data folder of its log, and of a backup. */
export function indexFolder({ number }: Generation): string {
  return `index-v${number}`;
}

/** Its guard, beside the one of its log. */
export function indexGuard(logGuard: string, generation: Generation): string {
  return `${logGuard}.${indexFolder(generation)}`;
}
