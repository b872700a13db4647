/**
 * The keys that some entries touch, each once, with what comes to its list: what a builder and a
 * verifier both make of postings.
 *
 * Keys are hashes, so sorting them costs less than naming them for a table; and whoever writes in
 * the order of the keys passes each part of a tree or a database once.
 *
 * @module
 */
import { equal } from "../bytes.ts";
import type { Hash } from "../tlog/hash.ts";
import { compareBytes } from "./map-key.ts";
import type { Posting } from "./posting.ts";
import type { Listed } from "./record.ts";

/** A key, and its list's new entries in log order. */
export interface Touched {
  readonly key: Hash;
  readonly list: readonly Listed[];
}

export class TouchedKeys {
  readonly #postings: {
    readonly key: Hash;
    /** How the key begins, as a number. */
    readonly begin: number;
    readonly listed: Listed;
  }[] = [];

  /** The postings of an entry. Entries come in log order. */
  add(index: number, postings: readonly Posting[]): void {
    for (const { key, claim } of postings)
      this.#postings.push({
        key,
        begin: beginOf(key),
        listed: claim === undefined ? { index } : { index, claim },
      });
  }

  /** Sorted by key. */
  *sorted(): Generator<Touched> {
    this.#postings.sort((a, b) => a.begin - b.begin || compareBytes(a.key, b.key));
    let [key, list]: [Hash | undefined, Listed[]] = [undefined, []];
    for (const posting of this.#postings) {
      if (key !== undefined && !equal(key, posting.key)) {
        yield { key, list };
        list = [];
      }
      ({ key } = posting);
      list.push(posting.listed);
    }
    if (key !== undefined) yield { key, list };
  }
}

/** The first six bytes: as many as a number holds exactly, and enough to tell most keys apart. */
function beginOf(key: Hash): number {
  let begin = 0;
  for (let i = 0; i < 6; i++) begin = begin * 256 + (key[i] ?? 0);
  return begin;
}
