/**
 * Heads of the index log that are remembered, for look-ups at an older leaf: each has that leaf as its
 * last one.
 *
 * @module
 */
import { fromUtf8 } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import type { StatedEnd } from "../../schema/index/index-end.ts";
import type { Lookup } from "../../schema/index/lookup.ts";
import { leafHash, type Sha256 } from "../../schema/tlog/hash.ts";
import type { PublishedHead } from "../sequencer/ports.ts";
import type { IndexLogPort } from "./ports.ts";

const KEPT = 64;

export class KeptHeads {
  readonly #heads = new Map<number, PublishedHead>();

  /** The published head, where the newest kept leaf is the last one under it. */
  remember(head: PublishedHead, leaves: number): void {
    if (head.size !== leaves) return;
    this.#heads.set(head.size - 1, head);
    for (const old of this.#heads.keys()) {
      if (this.#heads.size <= KEPT) break;
      this.#heads.delete(old);
    }
  }

  /** A leaf as the last one of the index log. Throws `NOT_FOUND` where no head of it is kept. */
  proved(sha256: Sha256, index: IndexLogPort, leafIndex: number): Pick<Lookup, "index"> {
    const newest = index.published();
    const head = newest.size === leafIndex + 1 ? newest : this.#heads.get(leafIndex);
    const [leaf] = index.reader.leaves(leafIndex, leafIndex + 1);
    if (head === undefined || leaf === undefined)
      throw new LogError(
        "NOT_FOUND",
        `The index has no signed head for leaf ${leafIndex} any more.`,
        { field: "at" },
      );
    return {
      index: {
        checkpoint: fromUtf8(head.checkpoint) ?? "",
        leafIndex,
        leaf,
        hashes: index.inclusion(leafIndex, head, leafHash(sha256, leaf)),
      },
    };
  }
}

/** Why there is no such leaf: of an index that has ended there never will be. */
export function noSuchLeaf(end: StatedEnd | undefined, published: number): LogError {
  if (end === undefined)
    return new LogError("INDEX_NOT_READY", "The index waits for its verifiers.", {
      field: "index",
      retryAfter: 5,
    });
  return new LogError("NOT_FOUND", "The index has ended, and has no such leaf.", {
    field: "at",
    limit: published,
    hint: `what came later is in ${end.successor}`,
  });
}

/** X8. Throws `STORE_CORRUPT` for an index log with more leaves than its log has stated. */
export function mustNotBeBeyond(end: StatedEnd | undefined, leaves: number): void {
  if (end === undefined || leaves <= end.leaves) return;
  throw new LogError(
    "STORE_CORRUPT",
    `the index log has ${leaves} leaves, and entry ${end.statement} of the log ends it with ${end.leaves}`,
    { field: "index", limit: end.leaves },
  );
}
