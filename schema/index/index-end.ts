/**
 * The end of an index: what follows from the statement of its log for the index log and for whoever
 * reads it.
 *
 * - X8  An index that was ended has no leaf beyond the size that its log has stated, and no leaf over
 *       the statement. What one says of later entries is believed by nobody.
 *
 * The first statement about an index counts. A second one that says something else is a log that
 * contradicts itself.
 *
 * Spec: docs/formats.md §The end of an index.
 *
 * @module
 */
import type { IndexEnd } from "../entry/log-statement.ts";

/** Where an index ends. */
export type EndOfIndex = Pick<IndexEnd, "indexOrigin" | "leaves" | "entries" | "successor">;

/** A statement that is in the log. */
export interface StatedEnd extends EndOfIndex {
  /** Index of the statement. */
  readonly statement: number;
}

/** What is wrong with a leaf for an index with this end, and nothing where it may be. */
export function beyondEnd(
  { leaves, entries }: Pick<EndOfIndex, "leaves" | "entries">,
  shown: { readonly leafIndex: number; readonly entries: number },
): string | undefined {
  if (shown.leafIndex >= leaves)
    return `its leaf ${shown.leafIndex} comes after the end: it has ${leaves} leaves for good`;
  return shown.entries > entries
    ? `its leaf ${shown.leafIndex} is over ${shown.entries} entries, and it ends with ${entries}`
    : undefined;
}

/** Whether two statements say the same of an index. */
export function sameEnd(a: EndOfIndex, b: EndOfIndex): boolean {
  return (
    a.indexOrigin === b.indexOrigin &&
    a.leaves === b.leaves &&
    a.entries === b.entries &&
    a.successor === b.successor
  );
}
