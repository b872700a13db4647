/**
 * The log's own statements: made as entries, and read out of its store.
 *
 * @module
 */
import type { Crypto } from "../client/crypto/crypto.ts";
import { utf8 } from "../schema/bytes.ts";
import type { Leaf } from "../schema/entry/leaf.ts";
import {
  formatLogStatement,
  type LogStatement,
  parseLogStatement,
} from "../schema/entry/log-statement.ts";
import type { OwnStatements } from "../schema/entry/own-statements.ts";
import { unwrap } from "../schema/error.ts";
import type { Admit } from "./admission/admit.ts";
import { timeText } from "./log-clock.ts";
import type { LogKey } from "./log-key.ts";
import type { NewEntry, StorageReader } from "./storage/storage.ts";

/** Rows of one read: other work goes on between two of them. */
const ROWS = 2_048;

/** How a log says something about itself. */
export interface SayPorts {
  readonly crypto: Crypto;
  readonly key: Pick<LogKey, "vkey" | "statement">;
  /** The door of this log, without limits and authority. */
  readonly admit: Admit;
  /** Seconds since 1970, by the clock of what the log signs (I7). */
  readonly clock: () => number;
}

/** A statement that is well-formed, signed and admitted, to be appended. */
export async function makeStatement(
  { admit, clock, crypto, key }: SayPorts,
  say: (said: { readonly log: string; readonly createdAt: string }) => LogStatement,
): Promise<readonly NewEntry[]> {
  const bytes = formatLogStatement(say({ log: key.vkey, createdAt: timeText(clock()) }));
  const statement = unwrap(parseLogStatement(crypto.sha256, bytes));
  return admit(utf8(JSON.stringify(await key.statement(statement))));
}

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
