/**
 * Many submissions at once: streamed out, answered while they stream, proved at the end.
 *
 * The next submission is pulled from the caller when the connection takes it, so a source of any
 * length runs in bounded memory: a batch ends at a number of lines and a number of bytes, and its
 * receipts are handed out before the next begins. What a single answer must satisfy is in
 * `submit.ts`; here the proofs of a batch come in one last line under one checkpoint.
 *
 * A batch that breaks off has logged a part. Nothing is lost by sending all of it again.
 *
 * Spec: docs/formats.md §HTTP.
 *
 * @module
 */
import { equal, utf8 } from "../schema/bytes.ts";
import type { PreparedEntry } from "../schema/entry/prepare.ts";
import { LogError, unwrap } from "../schema/error.ts";
import type { Submission } from "../schema/http/messages.ts";
import { BATCH_PATH, NDJSON_TYPE } from "../schema/http/paths.ts";
import { MAX_BATCH_LINES } from "../schema/limits.ts";
import type { LogEntry, Receipt } from "../schema/receipt.ts";
import type { Hash } from "../schema/tlog/hash.ts";
import { keyHash } from "../schema/tlog/note.ts";
import { verifyInclusion } from "../schema/tlog/proof.ts";
import { type BatchAnswer, parseBatchAnswer } from "./answer.ts";
import { openSigned, type SignedHead } from "./head.ts";
import { problemError } from "./problem.ts";
import type { SignedPromise } from "./promise.ts";
import { openPromises, prepare, receiptOf } from "./submit.ts";
import { type LogPorts, observeOrThrow } from "./update.ts";

/** What happens to the submissions, as it happens. `line` counts them from 0. */
export type BatchEvent =
  /** Durable in the log, not proved yet. */
  | { readonly kind: "committed"; readonly line: number; readonly entries: readonly Located[] }
  /** Not logged, by us or by the log; or not answered (`OUTCOME_UNKNOWN`). The rest goes on. */
  | { readonly kind: "refused"; readonly line: number; readonly error: LogError }
  /** Durable, and not every entry of the line is proved yet: what the log promises of the others. */
  | {
      readonly kind: "promised";
      readonly line: number;
      readonly promises: readonly SignedPromise[];
    }
  /** Proved and checked: one receipt for each entry of the line. */
  | { readonly kind: "receipts"; readonly line: number; readonly receipts: readonly Receipt[] };

export interface Located {
  readonly index: number;
  readonly leafHash: Hash;
}

export interface BatchOptions {
  /** Lines of one request, at most `MAX_BATCH_LINES`. Default: 2,000. */
  readonly lines?: number;
  /** Bytes of one request, above which it ends. Default: 32 MiB. */
  readonly bytes?: number;
}

const DEFAULT_LINES = 2_000;
const DEFAULT_BYTES = 33_554_432;
/** Bytes of the line with the proofs: 10,000 proofs of a tree of 2^30 entries take 14 MB. */
const MAX_LINE_BYTES = 67_108_864;

/**
 * Submit many things in as few requests as the limits allow.
 *
 * Every line gets `refused`, or `committed` and later `receipts` or `promised`. Events of one line keep that
 * order; refusals that need no log come early.
 *
 * @throws {LogError} as `submit` does. What was `committed` before is logged; send it again for
 *   its receipts.
 */
export async function* submitBatch(
  ports: LogPorts,
  submissions: AsyncIterable<Submission> | Iterable<Submission>,
  options: BatchOptions = {},
): AsyncGenerator<BatchEvent> {
  const lines = Math.min(options.lines ?? DEFAULT_LINES, MAX_BATCH_LINES);
  const limits = { lines, bytes: options.bytes ?? DEFAULT_BYTES };
  const source = new Source(submissions);
  try {
    while (await source.hasMore()) yield* new Batch(ports, source, limits).run();
  } finally {
    await source.close();
  }
}

/** The caller's submissions, numbered, with one looked at ahead. */
class Source {
  readonly #iterator: AsyncIterator<Submission> | Iterator<Submission>;
  #next: IteratorResult<Submission, unknown> | undefined;
  #line = 0;

  constructor(submissions: AsyncIterable<Submission> | Iterable<Submission>) {
    this.#iterator =
      Symbol.asyncIterator in submissions
        ? submissions[Symbol.asyncIterator]()
        : submissions[Symbol.iterator]();
  }

  async hasMore(): Promise<boolean> {
    this.#next ??= await this.#iterator.next();
    return this.#next.done !== true;
  }

  async take(): Promise<{ line: number; submission: Submission } | undefined> {
    if (!(await this.hasMore()) || this.#next === undefined || this.#next.done === true)
      return undefined;
    const submission = this.#next.value;
    this.#next = undefined;
    return { line: this.#line++, submission };
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}

interface Proved extends Located {
  readonly hashes: readonly Hash[];
}

/** A line that was handed to the connection. */
interface Sent {
  readonly line: number;
  readonly entries: readonly PreparedEntry[];
  /** All that the log answered for it, in its order; proofs follow the same order. */
  answered: readonly Located[];
}

class Batch {
  readonly #ports: LogPorts;
  readonly #source: Source;
  readonly #limits: { readonly lines: number; readonly bytes: number };
  readonly #sent: Sent[] = [];
  /** Refused on this side, not told yet. */
  #refused: BatchEvent[] = [];
  #answered = 0;

  constructor(ports: LogPorts, source: Source, limits: { lines: number; bytes: number }) {
    this.#ports = ports;
    this.#source = source;
    this.#limits = limits;
  }

  async *run(): AsyncGenerator<BatchEvent> {
    const options = { contentType: NDJSON_TYPE, maxLineBytes: MAX_LINE_BYTES };
    for await (const line of this.#ports.transport.stream(BATCH_PATH, this.#lines(), options)) {
      yield* this.#tellRefused();
      const answer = unwrap(parseBatchAnswer(line));
      if (answer.kind === "end") {
        yield* this.#unanswered();
        yield* this.#receipts(answer);
        return;
      }
      yield this.#lineEvent(answer);
    }
    throw new LogError("OUTCOME_UNKNOWN", "The log ended the batch without its proofs.", {
      hint: "Submit the same lines again: what is logged already keeps its index.",
    });
  }

  async *#lines(): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    while (this.#sent.length < this.#limits.lines && bytes < this.#limits.bytes) {
      const taken = await this.#source.take();
      if (taken === undefined) return;
      const { line, submission } = taken;
      try {
        const { entries, body } = prepare(this.#ports, submission);
        bytes += body.length;
        this.#sent.push({ line, entries, answered: [] });
        yield body;
      } catch (error) {
        if (!(error instanceof LogError)) throw error;
        this.#refused.push({ kind: "refused", line, error });
      }
    }
  }

  *#tellRefused(): Generator<BatchEvent> {
    const refused = this.#refused;
    this.#refused = [];
    yield* refused;
  }

  #lineEvent(answer: Exclude<BatchAnswer, { kind: "end" }>): BatchEvent {
    const sent = this.#sent[this.#answered];
    if (answer.kind === "problem") {
      const error = problemError(answer.problem, "The log refused a line", 400);
      // A problem after the last line is about the whole batch.
      if (sent === undefined) throw error;
      this.#answered++;
      return { kind: "refused", line: sent.line, error };
    }
    if (sent === undefined)
      throw new LogError("RESPONSE_INVALID", "The log answered more lines than were sent.");
    this.#answered++;
    sent.answered = answer.entries;
    return { kind: "committed", line: sent.line, entries: locate(sent) };
  }

  *#unanswered(): Generator<BatchEvent> {
    for (const { line } of this.#sent.slice(this.#answered))
      yield {
        kind: "refused",
        line,
        error: new LogError("OUTCOME_UNKNOWN", "The log did not answer this line.", {
          hint: "Submit it again: if it is logged already it keeps its index.",
        }),
      };
  }

  async *#receipts(end: Extract<BatchAnswer, { kind: "end" }>): AsyncGenerator<BatchEvent> {
    const opened = await openPromises(this.#ports, end.promises);
    const promises = new Map(opened.map((promise) => [promise.index, promise]));
    const head = await this.#headOf(end);
    const proofs = end.proofs.values();
    for (const sent of this.#sent) {
      const promised: SignedPromise[] = [];
      const proved: Proved[] = [];
      for (const { index, leafHash } of sent.answered) {
        const promise = promises.get(index);
        if (promise !== undefined && equal(promise.leafHash, leafHash)) promised.push(promise);
        else proved.push(this.#proved(sent, head, { index, leafHash }, proofs.next().value));
      }
      const { line } = sent;
      if (promised.length > 0) yield { kind: "promised", line, promises: promised };
      if (promised.length > 0 || sent.answered.length === 0 || head === undefined) continue;
      const receipts = sent.entries.map((entry): Receipt => {
        const proof = proved.find(({ leafHash }) => equal(leafHash, entry.leafHash));
        if (proof === undefined) throw unproved(line);
        return receiptOf(entry, this.#logEntry(head, end.checkpoint, entry, proof));
      });
      yield { kind: "receipts", line, receipts };
    }
    if (proofs.next().done !== true)
      throw new LogError("RESPONSE_INVALID", "The log proved more entries than it answered.");
  }

  /** `undefined` where all is promised and nothing proved. */
  async #headOf(end: Extract<BatchAnswer, { kind: "end" }>): Promise<SignedHead | undefined> {
    if (end.proofs.length === 0 && end.promises.length > 0) return undefined;
    const { crypto, log } = this.#ports;
    const head = unwrap(await openSigned(crypto, log, utf8(end.checkpoint)));
    await observeOrThrow(this.#ports, head);
    return head;
  }

  #proved(
    { line }: Sent,
    head: SignedHead | undefined,
    { index, leafHash }: Located,
    proof: { readonly index: number; readonly hashes: readonly Hash[] } | undefined,
  ): Proved {
    const { sha256 } = this.#ports.crypto;
    const holds =
      head !== undefined &&
      proof?.index === index &&
      verifyInclusion(sha256, head.tree, index, leafHash, proof.hashes);
    if (!holds) throw unproved(line);
    return { index, leafHash, hashes: proof.hashes };
  }

  #logEntry(
    head: SignedHead,
    checkpoint: string,
    entry: PreparedEntry,
    proof: { readonly index: number; readonly hashes: readonly Hash[] },
  ): LogEntry {
    const [vkey] = head.signedBy;
    if (vkey === undefined) throw new LogError("INTERNAL", "a head that was opened has a signer");
    const { name, type, publicKey } = vkey;
    return {
      ...proof,
      ...head.tree,
      checkpoint,
      leafBytes: entry.leafBytes,
      logId: keyHash(this.#ports.crypto.sha256, name, type, publicKey),
    };
  }
}

/** Where our own leaves are. The log may answer further entries of the same submission. */
function locate(sent: Sent): Located[] {
  return sent.entries.map((entry, i) => {
    const found = sent.answered.find(({ leafHash }) => equal(leafHash, entry.leafHash));
    if (found !== undefined) return found;
    throw new LogError("RESPONSE_INVALID", "The log answered a line with another entry.", {
      field: `entries[${i}].leafHash`,
      at: `line ${sent.line}`,
      expected: "the leaf hash of what was sent",
    });
  });
}

function unproved(line: number): LogError {
  return new LogError("RESPONSE_INVALID", `The log's proof for line ${line} does not hold.`, {
    field: "proofs",
    at: `line ${line}`,
  });
}
