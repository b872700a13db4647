/**
 * Promises: what a log signs about an entry that is durable and that nobody can prove yet, as the
 * text of a note.
 *
 *     countersign-promise/v1
 *     <origin>
 *     <base64 leaf hash>
 *     <leaf index>
 *     <time>          seconds since 1970, by the log's clock
 *     <deadline>      seconds since 1970: the entry is published by then
 *
 * The log signs it with the key of its checkpoints, and neither can be read as the other, whatever
 * the origin is. A checkpoint of this log begins with the origin and has a decimal number in its
 * second line; a promise begins with the label and has the origin there. A text that is both has an
 * origin that is the label and a decimal number at once.
 *
 * Spec: docs/formats.md §Promises. Vectors: test/vectors/note/promises.json.
 *
 * @module
 */
import { fromBase64, toBase64 } from "../bytes.ts";
import { type Failure, failure, LogError, type Result, success } from "../error.ts";
import { asHash, type Hash } from "./hash.ts";
import { formatSize, isSize, parseSize } from "./size.ts";

export const PROMISE_LABEL = "countersign-promise/v1";
/** Bytes of a promise with its signatures. */
export const MAX_PROMISE_BYTES = 4_096;
/** How much later than its deadline a promise is late: no two clocks agree (docs/evidence.md). */
export const LATE_AFTER_SECONDS = 60;

/** The parts of a promise. */
export interface PromiseParts {
  /** Whose promise it is. Not authenticated by itself: compare it with the origin of the key. */
  readonly origin: string;
  readonly leafHash: Hash;
  readonly index: number;
  /** Seconds since 1970. */
  readonly time: number;
  /** Seconds since 1970, later than `time`. */
  readonly deadline: number;
}

/** The parts of a note's text that is a promise. */
export function parsePromise(strangersText: string): Result<PromiseParts> {
  const [label, origin, hashText, indexText, timeText, deadlineText, end, ...more] =
    strangersText.split("\n");
  if (label !== PROMISE_LABEL) return malformed("it does not begin with its label", "promise");
  if (end !== "" || more.length > 0) return malformed("it does not have six lines", "promise");
  if (origin === undefined || origin === "")
    return malformed("the origin is empty", "promise.origin");
  const leafHash = asHash(fromBase64(hashText ?? "") ?? new Uint8Array());
  if (leafHash === undefined)
    return malformed("the leaf hash is not the base64 of 32 bytes", "promise.leafHash");
  const index = parseSize(indexText ?? "", "promise.index");
  if (!index.ok) return index;
  const time = parseSize(timeText ?? "", "promise.time");
  if (!time.ok) return time;
  const deadline = parseSize(deadlineText ?? "", "promise.deadline");
  if (!deadline.ok) return deadline;
  if (deadline.value <= time.value)
    return malformed("the deadline is not after the time", "promise.deadline");
  return success({
    origin,
    leafHash,
    index: index.value,
    time: time.value,
    deadline: deadline.value,
  });
}

/** The text that a log signs. Throws `INTERNAL` for what {@link parsePromise} would not read back. */
export function formatPromise(promise: PromiseParts): string {
  const { origin, leafHash, index, time, deadline } = promise;
  if (origin === "" || origin.includes("\n") || !isSize(index) || deadline <= time)
    throw new LogError("INTERNAL", "a promise has an origin, an index, and a deadline to come");
  const numbers = [index, time, deadline].map(formatSize);
  return `${[PROMISE_LABEL, origin, toBase64(leafHash), ...numbers].join("\n")}\n`;
}

function malformed(message: string, field: string): Failure {
  return failure("FIELD_INVALID", `This is no promise: ${message}.`, {
    field,
    expected: "label, origin, leaf hash, index, time and deadline, each on its line",
  });
}
