/**
 * Every "no" of the HTTP side: an error of the one table becomes an RFC 9457 document.
 *
 * A defect (anything that is not a `LogError`) answers `INTERNAL` and says nothing about its
 * insides; the operator finds them in the log of the process.
 *
 * Spec: RFC 9457, docs/errors.md.
 *
 * @module
 */
import { ERRORS, type ErrorCode, type Failure, LogError } from "../../schema/error.ts";
import type { Problem } from "../../schema/http/messages.ts";

/** Seconds a client is asked to wait where the table says that trying again helps. */
const RETRY_AFTER: Partial<Record<ErrorCode, number>> = {
  RATE_LIMITED: 1,
  OVERLOADED: 1,
  STOPPING: 5,
  STORAGE_FULL: 30,
  STORAGE_FAILED: 5,
  OUTCOME_UNKNOWN: 5,
  NOT_WITNESSED: 2,
  WITNESSES_SILENT: 5,
  CLOCK_REFUSED: 30,
};

/** The document for an error that was thrown or for a failure that was returned. */
export function problemOf(error: unknown): Problem {
  if (error instanceof LogError) return fromParts(error.code, error.message, error.detail);
  if (isFailure(error)) return fromParts(error.code, error.message, error.detail);
  return fromParts("INTERNAL", "The request met a defect of the log.", {});
}

/** Whether an error is the program's own fault: such a one belongs in the operator's log. */
export function isDefect(error: unknown): boolean {
  return !isFailure(error) && (!(error instanceof LogError) || error.code === "INTERNAL");
}

function fromParts(code: ErrorCode, message: string, detail: Failure["detail"]): Problem {
  const row = ERRORS[code];
  const retryAfter = detail.retryAfter ?? RETRY_AFTER[code];
  return {
    type: `urn:countersign:error:${code}`,
    title: row.meaning,
    status: row.http,
    detail: message,
    code,
    ...(detail.field === undefined ? {} : { field: detail.field }),
    ...(detail.limit === undefined ? {} : { limit: detail.limit }),
    ...(detail.expected === undefined ? {} : { expected: detail.expected }),
    ...(detail.at === undefined ? {} : { at: detail.at }),
    ...(detail.index === undefined ? {} : { index: detail.index }),
    ...(detail.hint === undefined ? {} : { hint: detail.hint }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
}

function isFailure(value: unknown): value is Failure {
  return typeof value === "object" && value !== null && "ok" in value && value.ok === false;
}
