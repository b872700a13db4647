/**
 * The log's own statements, read out of its store.
 *
 * @module
 */
import type { Leaf } from "../schema/entry/leaf.ts";
import type { OwnStatements } from "../schema/entry/own-statements.ts";
import type { StorageReader } from "./storage/storage.ts";

/** Rows of one read: other work goes on between two of them. */
const ROWS = 2_048;

/** An entry that may be a statement of the log, and its content. */
export interface OwnEntry {
  readonly index: number;
  readonly leaf: Leaf;
  readonly content: Uint8Array;
}

/** Those of the entries [from, size) whose content is held, in order. */
export async function* ownEntries(
  own: OwnStatements,
  reader: Pick<StorageReader, "leaves" | "contents">,
  from: number,
  size: number,
): AsyncGenerator<OwnEntry> {
  for (let at = from; at < size; at += ROWS) {
    for (const [i, bytes] of reader.leaves(at, Math.min(at + ROWS, size)).entries()) {
      const leaf = own.find(bytes);
      const index = at + i;
      const [content] = leaf === undefined ? [] : reader.contents(index, index + 1);
      if (leaf !== undefined && content?.state === "held")
        yield { index, leaf, content: content.bytes };
    }
    await new Promise(setImmediate);
  }
}
