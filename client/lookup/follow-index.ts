/**
 * Following an index leaf by leaf, for somebody who holds no map: what an index verifier does
 * before it cosigns, and a CI job instead of cosigning.
 *
 * For each leaf: the update is fetched; the main head that it names is opened under the trust, so
 * that a leaf over a head without its witnesses is refused; the new entries and their contents are
 * read under that head; mapfn is applied here; `reExecute` says whether the leaf follows (X3).
 *
 * A content that was erased cannot be read again. Then the postings that the log still offers are
 * taken (erased.ts), which the leaf's postings root commits to, and the entry is named in the answer.
 *
 * Spec: docs/formats.md §Index.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import { OwnStatements } from "../../schema/entry/own-statements.ts";
import { type Failure, failure, LogError, type Result, success } from "../../schema/error.ts";
import { updatePath } from "../../schema/http/lookup-request.ts";
import { type Generation, indexOrigin } from "../../schema/index/generation.ts";
import { beyondEnd } from "../../schema/index/index-end.ts";
import { parseIndexLeaf } from "../../schema/index/index-leaf.ts";
import type { Posting } from "../../schema/index/posting.ts";
import { type IndexedEntry, type IndexState, reExecute } from "../../schema/index/re-execute.ts";
import { type LeafUpdate, MAX_UPDATE_BYTES, parseUpdate } from "../../schema/index/update.ts";
import { askAhead } from "../ahead.ts";
import { gitHashOf } from "../git/hash.ts";
import { openHead } from "../head.ts";
import { LogReader, type ReadPorts } from "../log.ts";
import { keptPostings } from "./erased.ts";
import { endOf } from "./index-log.ts";

/** Leaves that one request asks for. Two answers are held at most, each of MAX_UPDATE_BYTES. */
const LEAVES_AT_ONCE = 4;

/** The main log: its transport also answers for the index below it. */
export interface FollowPorts extends ReadPorts {
  /** Which of its indexes is followed. */
  readonly generation: Generation;
  /** The postings that are kept of an entry whose content was erased; asked of the log by default. */
  readonly erased?: (index: number) => Promise<readonly Posting[] | undefined>;
  /**
   * Leaves of the index that others stand for already. In a leaf behind them no entry may be called
   * erased: a log erases nothing before its postings are committed, and one that says otherwise could
   * make up what the entry posts. Left out: the log's word is taken everywhere, and the entries are named.
   */
  readonly committed?: () => Promise<number>;
}

/** What one leaf turned out to be. Nothing comes after a refusal. */
export type Followed =
  | {
      readonly state: "accepted";
      readonly leaf: number;
      readonly next: IndexState;
      /** Entries whose postings are the log's word, under the postings root of the leaf. */
      readonly taken: readonly number[];
    }
  | { readonly state: "refused"; readonly leaf: number; readonly reason: Failure };

/**
 * The leaves from the one behind `state` up to, not including, `to`.
 *
 * @throws {LogError} where it could not be asked: `UNREACHABLE`, `RESPONSE_INVALID`, `NOT_FOUND`,
 *   `CONTENT_ERASED`
 */
export async function* followIndex(
  ports: FollowPorts,
  state: IndexState,
  to: number,
): AsyncGenerator<Followed> {
  let before = state;
  const first = state.index.size;
  const answers = askAhead(
    first < to ? first : undefined,
    async (from) => fetchUpdates(ports, from, Math.min(to, from + LEAVES_AT_ONCE)),
    (from, updates) => (from + updates.length < to ? from + updates.length : undefined),
  );
  for await (const { answer: updates } of answers) {
    for (const update of updates) {
      const leaf = before.index.size;
      const followed = await followLeaf(ports, before, update);
      if (!followed.ok) {
        yield { state: "refused", leaf, reason: followed };
        return;
      }
      before = followed.value.next;
      yield { state: "accepted", leaf, ...followed.value };
    }
  }
}

async function fetchUpdates(
  { generation, transport }: FollowPorts,
  from: number,
  to: number,
): Promise<readonly LeafUpdate[]> {
  const path = updatePath(generation, from, to);
  const parsed = parseUpdate(await transport.get(path, MAX_UPDATE_BYTES));
  if (parsed.ok && parsed.value.length === to - from) return parsed.value;
  throw new LogError("RESPONSE_INVALID", `The log's answer to ${path} is no such update.`, {
    field: path,
    expected: `updates of ${to - from} leaves`,
    ...(parsed.ok ? {} : { hint: parsed.message }),
  });
}

async function followLeaf(
  ports: FollowPorts,
  before: IndexState,
  update: LeafUpdate,
): Promise<Result<{ readonly next: IndexState; readonly taken: readonly number[] }>> {
  const leaf = parseIndexLeaf(update.leaf);
  if (!leaf.ok) return leaf;
  const { main } = leaf.value;
  const head = await openHead(ports.crypto, ports.log, update.main);
  if (!head.ok) return head;
  const { tree } = head.value;
  if (tree.size !== main.size || !equal(tree.root, main.root))
    return failure("LOG_MISBEHAVED", "The leaf of the index names another head than its log's.", {
      field: "index leaf",
      expected: `the head of ${tree.size} entries that stands beside it`,
    });
  const end = endOf(ports.log, ports.generation);
  const late = end && beyondEnd(end, { leafIndex: before.index.size, entries: main.size });
  if (late !== undefined) return wentOn(late);
  const reader = new LogReader(ports, head.value);
  const { ended, entries, taken } = await readEntries(ports, reader, before.leaf.main.size);
  const leafIndex = before.index.size;
  if (ended !== undefined) return wentOn(`its leaf ${leafIndex} is over entry ${ended}`);
  if (taken.length > 0 && ports.committed && leafIndex >= (await ports.committed()))
    return failure(
      "RESPONSE_INVALID",
      `Entry ${taken.join(", ")} is called erased, and nobody stands for the leaf over it yet.`,
      { field: "index leaf", expected: "a leaf under a quorum of index verifiers, first" },
    );
  const next = reExecute(before, update, entries);
  if (next.ok) return success({ next: next.value, taken });
  // What was served in place of an erased content is signed by nobody: it accuses nobody either.
  return taken.length === 0
    ? next
    : failure(
        "RESPONSE_INVALID",
        `${next.message} Postings of erased entries were taken as served.`,
        {
          field: `postings of entry ${taken.join(", ")}`,
        },
      );
}

/** X8. */
function wentOn(what: string): Failure {
  return failure("LOG_MISBEHAVED", `The index goes on after its end: ${what}.`, {
    field: "index leaf",
    expected: "no leaf beyond the end that the log has stated",
  });
}

interface ReadEntries {
  readonly entries: readonly IndexedEntry[];
  readonly taken: readonly number[];
  /** The entry by which the log has ended this very index. */
  readonly ended: number | undefined;
}

async function readEntries(
  { crypto, generation, log, transport, ...ports }: FollowPorts,
  reader: LogReader,
  from: number,
): Promise<ReadEntries> {
  const { erased = (index) => keptPostings(transport, index) } = ports;
  const hashes = { sha256: crypto.sha256, git: gitHashOf(crypto) };
  const named = { origin: log.origin, vkeys: log.vkeyTexts };
  const entries: IndexedEntry[] = [];
  const taken: number[] = [];
  const own = new OwnStatements(crypto.sha256, log.vkeyTexts);
  const origin = indexOrigin(log.origin, generation);
  let ended: number | undefined;
  for await (const entry of reader.contents(from)) {
    const { index, leaf, leafHash, content } = entry;
    if (content.state !== "erased") {
      const held = content.state === "held" ? content.bytes : undefined;
      if (held && own.indexEnd(leaf, held)?.indexOrigin === origin) ended ??= index;
      entries.push({ leafHash, postings: generation.mapfn(hashes, named, entry, held) });
      continue;
    }
    const postings = await erased(index);
    if (postings === undefined)
      throw new LogError("CONTENT_ERASED", `The content of entry ${index} was erased.`, {
        field: `content of entry ${index}`,
        hint: "The log offers no postings of it, so that its index cannot be executed here.",
      });
    entries.push({ leafHash, postings });
    taken.push(index);
  }
  return { entries, taken, ended };
}
