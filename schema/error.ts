/**
 * The one table of errors: code → meaning → HTTP status → exit status.
 *
 * A `LogError` says that a question could not be answered or an order not be carried out.
 * A "no" (this receipt does not verify) is data and never an exception. The table is closed:
 * HTTP problem documents, exit statuses and `docs/errors.md` are made from it.
 *
 * @module
 */

interface ErrorRow {
  /** One line for the reader of a manual. */
  readonly meaning: string;
  /** HTTP status of the problem document (RFC 9457). */
  readonly http: number;
  /** Exit status of the command line: 1 no, 2 could not ask, 3 the log misbehaved. */
  readonly exit: 1 | 2 | 3;
}

export type ErrorCode =
  | "JSON_MALFORMED"
  | "FIELD_INVALID"
  | "TOO_LARGE"
  | "NOT_CANONICAL"
  | "KIND_UNSUPPORTED"
  | "KEY_REFUSED"
  | "SIGNATURE_INVALID"
  | "STATEMENT_INVALID"
  | "CONTENT_REFUSED"
  | "NOT_ALLOWED"
  | "NOT_FOUND"
  | "CONTENT_ERASED"
  | "METHOD_NOT_ALLOWED"
  | "BODY_TIMEOUT"
  | "MEDIA_TYPE_UNSUPPORTED"
  | "RATE_LIMITED"
  | "INTERNAL"
  | "OVERLOADED"
  | "STOPPING"
  | "OUTCOME_UNKNOWN"
  | "NOT_WITNESSED"
  | "INDEX_NOT_READY"
  | "NOT_EXECUTED"
  | "WITNESSES_SILENT"
  | "STORAGE_FULL"
  | "STORAGE_FAILED"
  | "CLOCK_REFUSED"
  | "CONFIG_INVALID"
  | "STORE_MISSING"
  | "STORE_EXISTS"
  | "INIT_UNFINISHED"
  | "STORE_LOCKED"
  | "STORE_NEWER"
  | "STORE_CORRUPT"
  | "GUARD_MISSING"
  | "GUARD_FOREIGN"
  | "GUARD_AHEAD"
  | "GUARD_DIFFERS"
  | "WITNESS_AHEAD"
  | "WITNESS_DIFFERS"
  | "KEY_MISMATCH"
  | "FILE_UNREADABLE"
  | "SIGNER_FAILED"
  | "USAGE"
  | "TRUST_INVALID"
  | "UNREACHABLE"
  | "RESPONSE_INVALID"
  | "WITNESSES_TOO_FEW"
  | "LOG_MISBEHAVED";

export const ERRORS: Readonly<Record<ErrorCode, ErrorRow>> = {
  // What a stranger sent.
  JSON_MALFORMED: { meaning: "The bytes are not I-JSON.", http: 400, exit: 2 },
  FIELD_INVALID: { meaning: "A field is missing or not of its form.", http: 400, exit: 2 },
  TOO_LARGE: { meaning: "Something is larger than its limit.", http: 413, exit: 2 },
  NOT_CANONICAL: { meaning: "An encoding is not the canonical one.", http: 400, exit: 2 },
  KIND_UNSUPPORTED: {
    meaning: "This kind of signature, key or object is not supported.",
    http: 422,
    exit: 2,
  },
  KEY_REFUSED: { meaning: "The key is weak or not canonically encoded.", http: 422, exit: 2 },
  SIGNATURE_INVALID: { meaning: "A signature does not verify.", http: 422, exit: 2 },
  STATEMENT_INVALID: { meaning: "The signed statement breaks its schema.", http: 422, exit: 2 },
  CONTENT_REFUSED: { meaning: "The content was erased and is refused.", http: 422, exit: 2 },
  NOT_ALLOWED: { meaning: "This submitter may not append to this log.", http: 403, exit: 2 },
  NOT_FOUND: { meaning: "There is nothing under this name.", http: 404, exit: 2 },
  CONTENT_ERASED: { meaning: "The operator erased this content.", http: 410, exit: 2 },
  METHOD_NOT_ALLOWED: {
    meaning: "The resource does not take this method.",
    http: 405,
    exit: 2,
  },
  BODY_TIMEOUT: { meaning: "The body did not arrive in time.", http: 408, exit: 2 },
  MEDIA_TYPE_UNSUPPORTED: {
    meaning: "The body has a type or encoding that is not accepted.",
    http: 415,
    exit: 2,
  },
  RATE_LIMITED: { meaning: "Too many requests; wait as Retry-After says.", http: 429, exit: 2 },
  // What the log cannot do now.
  INTERNAL: { meaning: "A defect in the program; nothing was logged.", http: 500, exit: 2 },
  OVERLOADED: { meaning: "Too many entries are waiting; try again.", http: 503, exit: 2 },
  STOPPING: { meaning: "The log is shutting down; nothing was logged.", http: 503, exit: 2 },
  OUTCOME_UNKNOWN: {
    meaning: "It is not known whether the entry was logged; submit it again.",
    http: 503,
    exit: 2,
  },
  NOT_WITNESSED: {
    meaning: "The entry is durable and its head lacks witnesses; submit it again for the receipt.",
    http: 503,
    exit: 2,
  },
  WITNESSES_SILENT: {
    meaning: "The log may not sign until its witnesses have answered; nothing was logged.",
    http: 503,
    exit: 2,
  },
  INDEX_NOT_READY: {
    meaning: "The index cannot be asked now; the log itself can.",
    http: 503,
    exit: 2,
  },
  NOT_EXECUTED: {
    meaning: "An index verifier could not execute the index now; it cosigned nothing.",
    http: 503,
    exit: 2,
  },
  STORAGE_FULL: { meaning: "The disk is full; nothing was logged.", http: 507, exit: 2 },
  STORAGE_FAILED: { meaning: "The storage refused; nothing was logged.", http: 503, exit: 2 },
  CLOCK_REFUSED: {
    meaning: "The log does not believe its clock; it signs no times until it does.",
    http: 503,
    exit: 2,
  },
  // Why a log refuses to start. `docs/operate.md` says what to do for each.
  CONFIG_INVALID: { meaning: "The configuration breaks its schema.", http: 500, exit: 2 },
  STORE_MISSING: { meaning: "There is no store at this place.", http: 500, exit: 2 },
  STORE_EXISTS: { meaning: "There is a store or a guard already.", http: 500, exit: 2 },
  INIT_UNFINISHED: { meaning: "Setting up the log was cut off.", http: 500, exit: 2 },
  STORE_LOCKED: { meaning: "Another process holds this store.", http: 500, exit: 2 },
  STORE_NEWER: { meaning: "The store has a newer format than this program.", http: 500, exit: 2 },
  STORE_CORRUPT: { meaning: "Stored bytes are not what was written.", http: 500, exit: 1 },
  GUARD_MISSING: { meaning: "The head guard is gone although entries exist.", http: 500, exit: 2 },
  GUARD_FOREIGN: { meaning: "The head guard belongs to another store.", http: 500, exit: 2 },
  GUARD_AHEAD: {
    meaning: "The store is older than what this log has signed (a restored backup?).",
    http: 500,
    exit: 2,
  },
  GUARD_DIFFERS: {
    meaning: "The store has another root than this log has signed for that size.",
    http: 500,
    exit: 2,
  },
  WITNESS_AHEAD: {
    meaning: "A note under this log's own key is ahead of the store (a restored backup?).",
    http: 500,
    exit: 2,
  },
  WITNESS_DIFFERS: {
    meaning: "A note under this log's own key has another root than the store (a second copy?).",
    http: 500,
    exit: 2,
  },
  KEY_MISMATCH: { meaning: "The signing key is not the one of the genesis.", http: 500, exit: 2 },
  // What a client meets.
  FILE_UNREADABLE: { meaning: "A file cannot be read or written.", http: 500, exit: 2 },
  SIGNER_FAILED: { meaning: "A key cannot be used or did not sign.", http: 500, exit: 2 },
  USAGE: { meaning: "The command line is not understood.", http: 500, exit: 2 },
  TRUST_INVALID: { meaning: "The trust file breaks its schema.", http: 500, exit: 2 },
  UNREACHABLE: { meaning: "The log did not answer.", http: 502, exit: 2 },
  WITNESSES_TOO_FEW: {
    meaning: "A head lacks the witnesses that the trust file asks for.",
    http: 502,
    exit: 1,
  },
  RESPONSE_INVALID: { meaning: "The log answered something unreadable.", http: 502, exit: 3 },
  LOG_MISBEHAVED: { meaning: "The log contradicts what it signed.", http: 502, exit: 3 },
};

/** What went wrong, in parts, so that a program can act and a person can read. */
export interface ErrorDetail {
  /** Path of the field, e.g. `envelope.signatures[2].sig`. */
  readonly field?: string;
  /** The limit that was passed, in the unit the message names. */
  readonly limit?: number;
  /** What would have been accepted. */
  readonly expected?: string;
  /** Byte offset, or `line:column`, where reading stopped. */
  readonly at?: string;
  /** Index of the entry that is durable already, where the answer comes too early for its proof. */
  readonly index?: number;
  /** What to do next. */
  readonly hint?: string;
  /** Seconds after which trying again may help. */
  readonly retryAfter?: number;
  /** The bytes of an evidence file, where a log convicted itself. */
  readonly evidence?: Uint8Array;
  readonly cause?: unknown;
}

const BRAND = "countersign.LogError";

/** The only error class. `instanceof` holds across two copies of the package. */
export class LogError extends Error {
  readonly code: ErrorCode;
  readonly detail: ErrorDetail;
  /** Says what it is to another copy of this package; see `Symbol.hasInstance` below. */
  readonly brand: string = BRAND;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = "LogError";
    this.code = code;
    this.detail = detail;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && "brand" in value && value.brand === BRAND;
  }
}

/** Either a value, or why a stranger's bytes were refused. Parsers of `schema/` return this. */
export type Result<T> = { readonly ok: true; readonly value: T } | Failure;

export interface Failure {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly message: string;
  readonly detail: ErrorDetail;
}

export function success<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function failure(code: ErrorCode, message: string, detail: ErrorDetail = {}): Failure {
  return { ok: false, code, message, detail };
}

/** The value, or the failure thrown as a {@link LogError}. */
export function unwrap<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new LogError(result.code, result.message, result.detail);
}

/** What was caught, with a code: whatever has none was not expected. */
export function codedError(error: unknown): LogError {
  return error instanceof LogError
    ? error
    : new LogError("INTERNAL", String(error), { cause: error });
}
