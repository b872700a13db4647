/**
 * Evidence that a log broke what it promised: one place for two entries, a place that somebody else
 * got, or an entry that is not there in time.
 *
 * Spec: docs/formats.md §Evidence, docs/evidence.md.
 *
 * @module
 */
import type { Fields } from "../fields.ts";
import { MAX_NOTE_BYTES } from "../limits.ts";
import { formatLogEntry, type LogEntry, readLogEntry } from "../receipt.ts";
import { MAX_PROMISE_BYTES } from "../tlog/promise.ts";

export type PromiseEvidence =
  | {
      readonly kind: "two-promises";
      /** Two signed notes, verbatim: one index, two leaf hashes. */
      readonly promises: readonly [string, string];
    }
  | {
      readonly kind: "lost-promise";
      /** A signed note, verbatim. */
      readonly promise: string;
      /** Who is at the index that was promised. */
      readonly entry: LogEntry;
    }
  | {
      readonly kind: "late-promise";
      /** A signed note, verbatim. */
      readonly promise: string;
      /** A checkpoint too small for the entry, with the cosignatures that tell the time. */
      readonly checkpoint: string;
    };

export const PROMISE_KINDS: readonly PromiseEvidence["kind"][] = [
  "two-promises",
  "lost-promise",
  "late-promise",
];

/** The members of a file besides its kind. */
export function promiseMembers(evidence: PromiseEvidence): object {
  switch (evidence.kind) {
    case "two-promises":
      return { promises: evidence.promises };
    case "lost-promise":
      return { promise: evidence.promise, entry: formatLogEntry(evidence.entry) };
    case "late-promise":
      return { promise: evidence.promise, checkpoint: evidence.checkpoint };
  }
}

/** Inside `readFields`. */
export function readPromiseEvidence(root: Fields, kind: PromiseEvidence["kind"]): PromiseEvidence {
  const max = MAX_PROMISE_BYTES;
  switch (kind) {
    case "two-promises": {
      root.only("mediaType", "kind", "promises");
      const [first, second, ...more] = root.strings("promises", { max: 2 });
      if (first === undefined || second === undefined || more.length > 0)
        return root.refuse("promises", "an array of two promises");
      return { kind, promises: [first, second] };
    }
    case "lost-promise":
      root.only("mediaType", "kind", "promise", "entry");
      return {
        kind,
        promise: root.string("promise", { max }),
        entry: readLogEntry(root.object("entry")),
      };
    case "late-promise":
      root.only("mediaType", "kind", "promise", "checkpoint");
      return {
        kind,
        promise: root.string("promise", { max }),
        checkpoint: root.string("checkpoint", { max: MAX_NOTE_BYTES }),
      };
  }
}
