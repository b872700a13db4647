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
import { ENTRIES_PATH, JSON_TYPE } from "../schema/http/paths.ts";
import { MAX_BODY_BYTES } from "../schema/limits.ts";
import type { LogEntry, Receipt } from "../schema/receipt.ts";
import { parseSubmitAnswer } from "./answer.ts";
import { type LogPorts, observeOrThrow } from "./update.ts";
import { checkInclusion } from "./verify/inclusion.ts";

/** Bytes of the answer to one submission: 64 entries, each with a checkpoint and a proof. */
const MAX_ANSWER_BYTES = 16 * MAX_BODY_BYTES;

/** A submission that was taken apart, and its bytes for the wire. */
export interface Prepared {
  readonly entries: readonly PreparedEntry[];
  readonly body: Uint8Array;
}

/**
 * Submit one thing; it may become several entries, one for each signature.
 *
 * @returns a receipt for each entry, in the order of the signatures, with its content.
 * @throws {LogError} what `prepareSubmission` refuses, before anything is sent; the log's own
 *   refusal under its code; `RESPONSE_INVALID` for an answer that does not hold; `LOG_MISBEHAVED`
 *   with evidence for a fork; `UNREACHABLE`: it is not known whether it was logged, submit again.
 */
export async function submit(ports: LogPorts, submission: Submission): Promise<readonly Receipt[]> {
  const { entries, body } = prepare(ports, submission);
  const answer = await ports.transport.post(ENTRIES_PATH, body, {
    contentType: JSON_TYPE,
    maxBytes: MAX_ANSWER_BYTES,
  });
  const answered = unwrap(parseSubmitAnswer(answer));
  const receipts: Receipt[] = [];
  for (const [i, entry] of entries.entries()) {
    const logged = answered.find((candidate) => equal(candidate.leafBytes, entry.leafBytes));
    if (logged === undefined)
      throw new LogError("RESPONSE_INVALID", "The log's answer has another entry than was sent.", {
        field: `entries[${i}].canonicalizedBody`,
        expected: "the leaf that the submission becomes",
      });
    await checkAnswer(ports, logged, `entries[${i}]`);
    receipts.push(receiptOf(entry, logged));
  }
  return receipts;
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
