/**
 * Recovery from a mirror: a store that was put back to an older state gets the entries that it
 * lacks, up to the newest head that this log has signed, wherever that head is found.
 *
 * Where store and guard were rolled back together (a snapshot of both), or the guard is gone, only
 * others know how far this log has signed. What they show counts under **our own signature** alone,
 * and only if it extends what the store has: a head that contradicts the store is a fork, and
 * nothing is changed. The order:
 *
 *     1  ask      heads: the mirror's, and those that witnesses show; each under our own key
 *     2  compare  each with the store's head and the guard's: one history, or a refusal with evidence
 *     3  guard    at the newest signed head, before the first entry: until all of them are back,
 *                 no start takes this store for whole
 *     4  entries  each checked against that head as it comes, committed as the sequencer commits
 *
 * A kill at any point leaves a refused start, and the same command goes on.
 *
 * @module
 */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Source } from "../client/fetch.ts";
import { forkError } from "../client/fork.ts";
import { type Head, openHead } from "../client/head.ts";
import { LogReader } from "../client/log.ts";
import { keptPostings } from "../client/lookup/erased.ts";
import type { TrustedLog } from "../client/trust.ts";
import { fetchHead, observe } from "../client/update.ts";
import { toBase64 } from "../schema/bytes.ts";
import { type ErrorCode, LogError, unwrap } from "../schema/error.ts";
import { encodePostings } from "../schema/index/posting.ts";
import { factsOf } from "./fsck.ts";
import { readableSource } from "./mirror/source.ts";
import { ownLog } from "./own-log.ts";
import {
  type Opened,
  opened,
  plain,
  type RecoverPorts,
  refusalOf,
  writeRecord,
} from "./recover.ts";
import { putBack } from "./refill.ts";
import type { Position } from "./sequencer/commit.ts";
import { readEdge } from "./sequencer/recover.ts";
import type { NewEntry } from "./storage/storage.ts";

export interface RecoverFromPorts extends RecoverPorts {
  readonly source: Source;
  /** Signed notes of this log that were shown elsewhere, e.g. by witnesses. */
  readonly strangersNotes?: readonly Uint8Array[];
  readonly progress?: (done: number, total: number) => void;
}

export interface Recovered {
  /** How many entries were brought back. */
  readonly entries: number;
  /** The size of store and guard now. */
  readonly size: number;
  /** Of them, without content: the source says that the log never held it. */
  readonly opaque: number;
  /** Of them, without content: the source says that the log has erased it. */
  readonly erased: number;
  /** The guard was behind, or gone. */
  readonly guardMoved: boolean;
}

/** Refusals of the start that a mirror heals. */
const HEALED: ReadonlySet<ErrorCode> = new Set(["GUARD_AHEAD", "GUARD_MISSING", "INIT_UNFINISHED"]);

/** Few enough to be held at once: a content may have a mebibyte. */
const CHUNK_ENTRIES = 256;
const CHUNK_BYTES = 33_554_432;

/**
 * Throws `LOG_MISBEHAVED` with evidence where two heads of this log contradict each other,
 * `GUARD_AHEAD` where the source ends below a head that was signed.
 */
export async function recoverFrom(ports: RecoverFromPorts): Promise<Recovered> {
  const { crypto, source, place } = ports;
  const log = ownLog(crypto.sha256, ports.signer);
  const shown = await fetchHead({ crypto, transport: source, log });
  // A guard that is missing may be missing with its folder.
  mkdirSync(dirname(place.guard), { recursive: true, mode: 0o700 });
  return opened(ports, async (open) => {
    const { head, guardedHead, guard, storage } = open;
    const refusal = await refusalOf(ports, storage, guard, guardedHead);
    if (refusal !== undefined && !HEALED.has(refusal.code)) throw refusal;
    await mustBeOneHistory(ports, log, open, shown);
    const target = shown.tree.size > head.size ? { ...shown.tree, checkpoint: shown.note } : head;
    const guardMoved = (guardedHead?.size ?? -1) < target.size;
    if (guardMoved) await moveGuard(ports, open, target, refusal?.code);
    return { ...(await fillTo(ports, log, open, shown)), size: target.size, guardMoved };
  });
}

/** Every head of this log that is known here, against the one that the source shows. */
async function mustBeOneHistory(
  ports: RecoverFromPorts,
  log: TrustedLog,
  { storage, head, guardedHead }: Opened,
  shown: Head,
): Promise<void> {
  const { crypto, source, strangersNotes = [] } = ports;
  const notes = [head.checkpoint, guardedHead?.checkpoint, ...strangersNotes];
  const store = readableSource(
    storage.place,
    storage.reader,
    () => head.size,
    () => head.checkpoint,
  );
  for (const note of notes) {
    if (note === undefined || note.length === 0) continue;
    const known = unwrap(await openHead(crypto, log, note));
    // Whoever has the larger tree shows what the smaller one was.
    const larger = Math.max(known.tree.size, shown.tree.size);
    const transport = larger <= head.size ? store : source;
    if (larger > Math.max(head.size, shown.tree.size)) throw behind(shown, known);
    const memory = {
      load: async () => ({ size: known.tree.size, checkpoint: known.note }),
      replace: async () => true,
    };
    const observed = await observe({ crypto, log, transport, memory }, shown);
    if (observed.state === "forked") throw forkError(log.origin, observed.evidence);
  }
}

function behind(shown: Head, known: Head): LogError {
  return new LogError(
    "GUARD_AHEAD",
    `the source ends at ${shown.tree.size}, but a head of ${known.tree.size} was signed`,
    {
      field: "source",
      expected: `a mirror of at least ${known.tree.size} entries`,
      hint: "nothing was changed; ask another mirror",
    },
  );
}

async function moveGuard(
  ports: RecoverFromPorts,
  { storage, guard, head, guardedHead }: Opened,
  target: {
    readonly size: number;
    readonly root: Head["tree"]["root"];
    readonly checkpoint: Uint8Array;
  },
  code: ErrorCode = "GUARD_AHEAD",
): Promise<void> {
  writeRecord(ports.place.guard, {
    at: new Date(ports.clock()).toISOString(),
    code,
    origin: storage.origin,
    reason: `recovered up to ${target.size} from ${ports.source.url}`,
    store: plain(head),
    guard: guardedHead === undefined ? undefined : plain(guardedHead),
    checkpoint: guardedHead === undefined ? undefined : toBase64(guardedHead.checkpoint),
  });
  const { origin, databaseId } = storage;
  const { size, root, checkpoint } = target;
  const next = { origin, databaseId, size, root, checkpoint };
  if (guardedHead === undefined) await guard.create(next);
  else await guard.write(next);
}

async function fillTo(
  ports: RecoverFromPorts,
  log: TrustedLog,
  { storage, head }: Opened,
  shown: Head,
): Promise<Pick<Recovered, "entries" | "opaque" | "erased">> {
  const { crypto, source, signer } = ports;
  const target = { ...shown.tree, checkpoint: shown.note };
  const total = target.size - head.size;
  if (total <= 0) return { entries: 0, opaque: 0, erased: 0 };
  const reader = new LogReader({ crypto, transport: source, log }, shown);
  let position: Position = { head, edge: readEdge({ storage, crypto }, head) };
  let chunk: NewEntry[] = [];
  let bytes = 0;
  let opaque = 0;
  let erased = 0;
  const write = async (): Promise<void> => {
    if (chunk.length === 0) return;
    position = await putBack(signer, storage, position, chunk, target);
    chunk = [];
    bytes = 0;
    ports.progress?.(position.head.size - head.size, total);
  };
  for await (const entry of entriesFrom(reader, source, head.size)) {
    chunk.push(entry);
    if (entry.erased !== undefined) erased++;
    else if (entry.content === undefined) opaque++;
    bytes += entry.leaf.length + (entry.content?.length ?? 0);
    if (chunk.length === CHUNK_ENTRIES || bytes > CHUNK_BYTES) await write();
  }
  await write();
  return { entries: total, opaque, erased };
}

/** Whether they are right the index finds out, which must come to the leaves that were signed. */
async function postingsOf(source: Source, index: number): Promise<Uint8Array | undefined> {
  const postings = await keptPostings(source, index);
  return postings && encodePostings(postings);
}

/** Entries as admission would hand them on. A leaf names its content and key: both must be given. */
async function* entriesFrom(
  reader: LogReader,
  source: Source,
  from: number,
): AsyncGenerator<NewEntry> {
  for await (const { index, leafBytes, leafHash, content } of reader.contents(from)) {
    const { contentDigest, keyDigest, mayBeOpaque } = unwrap(factsOf(leafBytes));
    if (content.state === "never-held" && !mayBeOpaque) {
      throw new LogError("NOT_FOUND", `the source does not hold the content of entry ${index}`, {
        field: "source",
        hint: "the entries before it are back; ask another mirror for the rest",
      });
    }
    yield {
      leaf: leafBytes,
      leafHash,
      contentDigest,
      content: content.state === "held" ? content.bytes : undefined,
      ...(content.state === "erased"
        ? { erased: { postings: await postingsOf(source, index) } }
        : {}),
      key:
        keyDigest === undefined
          ? undefined
          : { digest: keyDigest, bytes: await reader.key(keyDigest) },
    };
  }
}
