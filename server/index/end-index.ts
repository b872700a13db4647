/**
 * Ending an index for another one that goes on:
 *
 *     1  hold      the index makes no further leaf, and the one under way is finished
 *     2  ask       all its leaves are published, with their quorum where one is asked for, and the
 *                  index that goes on has at least its entries
 *     3  say       the statement, through the same door as every entry, until it is published
 *     4  end       the index answers look-ups from its last leaf, for good
 *
 * Where 2 or 3 refuses, nothing has changed and the index goes on. After 3 there is no way back: a
 * start finds the statement in the log, and holds the index at it (X8).
 *
 * Spec: docs/formats.md §The end of an index.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import { OwnStatements } from "../../schema/entry/own-statements.ts";
import { LogError } from "../../schema/error.ts";
import { type Generation, indexOrigin } from "../../schema/index/generation.ts";
import type { EndOfIndex, StatedEnd } from "../../schema/index/index-end.ts";
import { ownDoor } from "../admission/own-door.ts";
import type { LogKey } from "../log-key.ts";
import { makeStatement, ownEntries } from "../own-statements.ts";
import type { Sequencer } from "../sequencer/log.ts";
import type { StorageReader } from "../storage/storage.ts";
import type { RunningIndex } from "./run.ts";

export interface EndPorts {
  readonly crypto: Crypto;
  readonly key: Pick<LogKey, "origin" | "vkey" | "statement">;
  readonly sequencer: Pick<Sequencer, "appendDurable">;
  /** Seconds since 1970, by the clock of what the log signs (I7). */
  readonly clock: () => number;
}

/** An index of the log that runs. */
export interface EndableIndex {
  readonly generation: Generation;
  readonly index: RunningIndex;
}

/** @throws LogError why the index goes on: `INDEX_NOT_READY` where it can be asked again later */
export async function endIndex(
  ports: EndPorts,
  { generation, index }: EndableIndex,
  successor: EndableIndex,
): Promise<StatedEnd> {
  const { state } = index.service.status();
  if (state.state === "ended") return state.end;
  const release = await index.service.hold();
  let said: StatedEnd | undefined;
  try {
    const end: EndOfIndex = {
      indexOrigin: indexOrigin(ports.key.origin, generation),
      ...lastOf(index),
      successor: indexOrigin(ports.key.origin, successor.generation),
    };
    mustHave(successor, end.entries);
    const say = { ...ports, admit: ownDoor(ports.crypto) };
    const entries = await makeStatement(say, (own) => ({ type: "index-end", ...own, ...end }));
    const { committed, published } = ports.sequencer.appendDurable(entries);
    const [appended] = await committed;
    if (appended === undefined) throw new LogError("INTERNAL", "a statement got no index");
    said = { ...end, statement: appended.index };
    index.service.end(said);
    await published;
    return said;
  } finally {
    if (said === undefined) release();
  }
}

/** Where the log has said that an index ends, in its entries from `from` on; the first counts. */
export async function findEnd(
  { crypto, key }: Pick<EndPorts, "crypto"> & { readonly key: Pick<LogKey, "origin" | "vkey"> },
  reader: Pick<StorageReader, "leaves" | "contents">,
  generation: Generation,
  { from, size }: { readonly from: number; readonly size: number },
): Promise<StatedEnd | undefined> {
  const own = new OwnStatements(crypto.sha256, [key.vkey]);
  const origin = indexOrigin(key.origin, generation);
  for await (const { index, leaf, content } of ownEntries(own, reader, from, size)) {
    const end = own.indexEnd(leaf, content);
    if (end?.indexOrigin === origin) return { ...end, statement: index };
  }
  return undefined;
}

function lastOf({ service, published }: RunningIndex): Pick<EndOfIndex, "leaves" | "entries"> {
  const { leaves, size, state } = service.status();
  if (published().size === leaves && state.state === "ready") return { leaves, entries: size };
  throw new LogError("INDEX_NOT_READY", "The last leaf of the index is not published yet.", {
    field: "index",
    retryAfter: 5,
  });
}

function mustHave({ index, generation }: EndableIndex, entries: number): void {
  const { size } = index.service.status();
  if (size >= entries) return;
  throw new LogError(
    "INDEX_NOT_READY",
    `Index ${generation.number} has ${size} entries, and the one before it ${entries}.`,
    { field: "index", retryAfter: 5 },
  );
}
