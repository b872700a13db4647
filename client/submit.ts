/**
 * Handing something in, and believing nothing of the answer.
 *
 * We know what we sent, so we know which leaves it must become: they are computed here, and the
 * log's answer is only asked where they are. A receipt is handed out when its leaf is the one
 * computed, its proof leads to a root that a trusted key signed, and that head fits everything
 * this machine has seen of the log. Submitting again is safe: one leaf has one index, and a
 * duplicate gets a full receipt.
 *
 * Spec: docs/formats.md §HTTP.
 *
 * @module
 */
import { equal, utf8 } from "../schema/bytes.ts";
import { type PreparedEntry, prepareSubmission } from "../schema/entry/prepare.ts";
import { LogError, unwrap } from "../schema/error.ts";
import type { Submission } from "../schema/http/messages.ts";
import { ENTRIES_PATH, JSON_TYPE, RESPOND_ASYNC } from "../schema/http/paths.ts";
import { MAX_BODY_BYTES } from "../schema/limits.ts";
import type { LogEntry, Receipt } from "../schema/receipt.ts";
import { parseSubmitAnswer } from "./answer.ts";
import { openPromise, type SignedPromise } from "./promise.ts";
import { type LogPorts, observeOrThrow } from "./update.ts";
import { checkInclusion } from "./verify/inclusion.ts";

/** Bytes of the answer to one submission: 64 entries, each with a checkpoint and a proof. */
const MAX_ANSWER_BYTES = 16 * MAX_BODY_BYTES;

/** A submission that was taken apart, and its bytes for the wire. */
export interface Prepared {
  readonly entries: readonly PreparedEntry[];
  readonly body: Uint8Array;
}

/** What an entry was answered with. */
export type Submitted =
  | { readonly kind: "receipt"; readonly receipt: Receipt }
  /** The entry is durable, and its head lacks witnesses yet. It is no receipt. */
  | { readonly kind: "promise"; readonly promise: SignedPromise; readonly entry: PreparedEntry };

/**
 * Submit one thing; it may become several entries, one for each signature.
 *
 * @returns a receipt for each entry, in the order of the signatures, with its content.
 * @throws {LogError} what `prepareSubmission` refuses, before anything is sent; the log's own
 *   refusal under its code; `NOT_WITNESSED` where the log has only promised an entry;
 *   `RESPONSE_INVALID` for an answer that does not hold; `LOG_MISBEHAVED` with evidence for a fork;
 *   `UNREACHABLE`: it is not known whether it was logged, submit again.
 */
export async function submit(ports: LogPorts, submission: Submission): Promise<readonly Receipt[]> {
  const submitted = await submitOrPromise(ports, submission);
  return submitted.map((one) => {
    if (one.kind === "receipt") return one.receipt;
    throw notWitnessed(one.promise.index);
  });
}

/**
 * As {@link submit}, where a promise is an answer too.
 *
 * @param wantsPromise a promise is welcome at once; else it comes where the witnesses are late
 */
export async function submitOrPromise(
  ports: LogPorts,
  submission: Submission,
  wantsPromise = false,
): Promise<readonly Submitted[]> {
  const { entries, body } = prepare(ports, submission);
  const answer = await ports.transport.post(ENTRIES_PATH, body, {
    contentType: JSON_TYPE,
    maxBytes: MAX_ANSWER_BYTES,
    ...(wantsPromise ? { prefer: RESPOND_ASYNC } : {}),
  });
  const answered = unwrap(parseSubmitAnswer(answer));
  const promises = await openPromises(ports, answered.promises);
  const submitted: Submitted[] = [];
  for (const [i, entry] of entries.entries()) {
    const logged = answered.entries.find(({ leafBytes }) => equal(leafBytes, entry.leafBytes));
    if (logged !== undefined) {
      await checkAnswer(ports, logged, `entries[${i}]`);
      submitted.push({ kind: "receipt", receipt: receiptOf(entry, logged) });
      continue;
    }
    const promise = promises.find(({ leafHash }) => equal(leafHash, entry.leafHash));
    if (promise === undefined)
      throw new LogError("RESPONSE_INVALID", "The log's answer has another entry than was sent.", {
        field: `entries[${i}].canonicalizedBody`,
        expected: "the leaf that the submission becomes",
      });
    submitted.push({ kind: "promise", promise, entry });
  }
  return submitted;
}

/** Each of them signed by the log, or the answer does not hold. */
export async function openPromises(
  { crypto, log }: Pick<LogPorts, "crypto" | "log">,
  notes: readonly string[],
): Promise<readonly SignedPromise[]> {
  const promises: SignedPromise[] = [];
  for (const [i, note] of notes.entries()) {
    const opened = await openPromise(crypto, { logs: [log] }, utf8(note));
    if (!opened.ok)
      throw new LogError("RESPONSE_INVALID", `The log's promise does not hold: ${opened.message}`, {
        field: `promises[${i}]`,
        expected: `a promise that ${log.origin} has signed`,
      });
    promises.push(opened.value);
  }
  return promises;
}

/** As a log answers that gives no promises. */
function notWitnessed(index: number): LogError {
  return new LogError("NOT_WITNESSED", `durable at index ${index}, not yet witnessed; retry`, {
    index,
    hint: "submit the same again: it keeps its index, and the answer brings the receipt",
  });
}

/** Everything that can be refused without asking the log. */
export function prepare(ports: Pick<LogPorts, "crypto">, submission: Submission): Prepared {
  const body = utf8(JSON.stringify(submission));
  if (body.length > MAX_BODY_BYTES)
    throw new LogError("TOO_LARGE", `The submission is longer than ${MAX_BODY_BYTES} bytes.`, {
      limit: MAX_BODY_BYTES,
    });
  return { entries: unwrap(prepareSubmission(ports.crypto.sha256, submission)), body };
}

export function receiptOf(entry: PreparedEntry, logged: LogEntry): Receipt {
  return {
    entry: logged,
    content: entry.content,
    ...(entry.keyObject === undefined ? {} : { key: entry.keyObject.bytes }),
  };
}

/** That an answered entry is in the log, and its head fits what is remembered. Throws otherwise. */
export async function checkAnswer(ports: LogPorts, logged: LogEntry, field: string): Promise<void> {
  const included = await checkInclusion(ports.crypto, { logs: [ports.log] }, logged);
  if (!included.ok)
    throw new LogError("RESPONSE_INVALID", `The log's answer does not hold: ${field}.`, {
      field,
      expected: "an entry that a checkpoint of the trusted log commits to",
      cause: included.refusal,
    });
  await observeOrThrow(ports, included.head);
}
