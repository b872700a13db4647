/**
 * What a log says when it refuses, as an error of ours.
 *
 * Spec: RFC 9457; `schema/error.ts` is the table.
 *
 * @module
 */
import { ERRORS, type ErrorCode, type ErrorDetail, LogError } from "../schema/error.ts";
import { printable } from "./printable.ts";

/**
 * An RFC 9457 problem of the log as a `LogError`. Its code is believed only where it is in our
 * own table and means "could not ask"; its text is shown, cut and without control characters, and nothing else is done
 * with it.
 *
 * @param problem what the log sent, parsed or not: not trusted to have any shape
 * @param otherwise the message where the problem brings none
 * @param status the HTTP status, or that of the problem
 */
export function problemError(problem: unknown, otherwise: string, status: number): LogError {
  const fields = typeof problem === "object" && problem !== null ? problem : {};
  const read = (name: string): unknown => Reflect.get(fields, name);
  const code = read("code");
  // Rekor's interface answers in its own form, with a message alone.
  const message = read("detail") ?? read("title") ?? read("message");
  const detail: Record<string, string | number> = {};
  for (const name of ["field", "expected", "at", "hint"] as const) {
    const value = read(name);
    if (typeof value === "string") detail[name] = printable(value);
  }
  for (const name of ["limit", "index", "retryAfter"] as const) {
    const value = read(name);
    if (typeof value === "number" && value >= 0) detail[name] = value;
  }
  return new LogError(
    isErrorCode(code) ? code : codeOf(status),
    typeof message === "string" ? printable(message) : `${otherwise}.`,
    detail satisfies ErrorDetail,
  );
}

/** A code of ours that says "could not ask": a log's word is never a verdict or a conviction. */
function isErrorCode(code: unknown): code is ErrorCode {
  return isOurs(code) && ERRORS[code].exit === 2;
}

function isOurs(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(ERRORS, code);
}

function codeOf(status: number): ErrorCode {
  if (status === 404) return "NOT_FOUND";
  if (status === 429) return "RATE_LIMITED";
  return status >= 500 ? "UNREACHABLE" : "RESPONSE_INVALID";
}
