/**
 * Opening a promise: whether a log of the trust file has signed it.
 *
 * A promise says that an entry will be in the log. It is no receipt: nothing that is verified here
 * makes a statement count, and no verifier takes one.
 *
 * Spec: docs/formats.md §Promises.
 *
 * @module
 */
import { failure, type Result, success } from "../schema/error.ts";
import { parseNote } from "../schema/tlog/note.ts";
import { MAX_PROMISE_BYTES, type PromiseParts, parsePromise } from "../schema/tlog/promise.ts";
import type { Crypto } from "./crypto/crypto.ts";
import { openNote } from "./note.ts";
import { logOf, type Trust, type TrustedLog } from "./trust.ts";

/** A promise that its log has signed. Only {@link openPromise} makes one. */
export interface SignedPromise extends PromiseParts {
  readonly log: TrustedLog;
  /** The signed note, verbatim. */
  readonly note: Uint8Array;
}

/**
 * Fails with `FIELD_INVALID` or `TOO_LARGE` for what is no promise, `NOT_FOUND` where the trust file
 * has no such log, `SIGNATURE_INVALID` where none of its keys has signed.
 */
export async function openPromise(
  crypto: Crypto,
  trust: Pick<Trust, "logs">,
  strangersNote: Uint8Array,
): Promise<Result<SignedPromise>> {
  if (strangersNote.length > MAX_PROMISE_BYTES)
    return failure("TOO_LARGE", `a promise has at most ${MAX_PROMISE_BYTES} bytes`, {
      field: "promise",
      limit: MAX_PROMISE_BYTES,
    });
  const unsigned = readParts(parseNote(strangersNote));
  if (!unsigned.ok) return unsigned;
  const log = logOf(trust, unsigned.value.origin);
  if (log === undefined)
    return failure("NOT_FOUND", "The trust file names no log with this origin.", {
      field: "promise.origin",
      expected: trust.logs.map(({ origin }) => origin).join(", "),
    });
  const opened = await openNote(crypto, strangersNote, log.vkeys);
  if (!opened.ok) return opened;
  // Read again, out of the text that the signature covers.
  const parts = parsePromise(opened.value.note.text);
  if (!parts.ok) return parts;
  return success({ ...parts.value, log, note: strangersNote });
}

function readParts(note: ReturnType<typeof parseNote>): Result<PromiseParts> {
  return note.ok ? parsePromise(note.value.text) : note;
}
