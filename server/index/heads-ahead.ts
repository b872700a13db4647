/**
 * The published heads that an index which is behind still has to go through.
 *
 * A step is one leaf, and whoever verifies it reads its update whole (at most MAX_UPDATE_BYTES);
 * look-ups wait while it is worked out. So an index that stood still, for its verifiers say, while
 * its log went on must not come back with one step over all of that: heads are noted as they are
 * published, and taken one after the other. They are in memory only: after a start there is the
 * newest one.
 *
 * @module
 */
import type { PublishedHead } from "../sequencer/ports.ts";

/** Entries of a step, where a head was noted that is so near. */
const MOST_ENTRIES = 16_384;
/** Entries between two heads that are noted. */
const APART = 4_096;

export class HeadsAhead {
  /** Sizes increase. */
  #heads: readonly PublishedHead[] = [];

  /** The newest published head, as often as somebody looks; `size` is what is indexed. */
  note(newest: PublishedHead, size: number): void {
    const last = this.#heads.at(-1)?.size ?? size;
    if (newest.size - last >= APART) this.#heads = [...this.#heads, newest];
  }

  /** The head to take after `size`: the newest, or the farthest noted one that is a step away. */
  next(newest: PublishedHead, size: number): PublishedHead {
    this.#heads = this.#heads.filter((head) => head.size > size);
    if (newest.size - size <= MOST_ENTRIES) return newest;
    const near = this.#heads.filter((head) => head.size - size <= MOST_ENTRIES);
    return near.at(-1) ?? this.#heads[0] ?? newest;
  }
}
