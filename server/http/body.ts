/**
 * Request bodies, bounded three ways: by size, by time, and by the bytes that all requests
 * together may hold at one moment. Whatever passes a bound is refused before it is kept.
 *
 * Compressed bodies are refused: a small one can hold a huge one.
 *
 * Limits: `MAX_BODY_BYTES`; configuration `limits.body_timeout_ms`, `limits.inflight_bytes`.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { LogError } from "../../schema/error.ts";

export interface BodyLimits {
  readonly maxBytes: number;
  /** From the first look at the request to the last byte of its body. */
  readonly timeoutMs: number;
}

/** Bytes that requests, or their answers, hold in memory, all together. */
export class ByteBudget {
  readonly #limit: number;
  #held = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get held(): number {
    return this.#held;
  }

  /** Count `bytes` more; `false`, and nothing counted, where they do not fit. */
  tryTake(bytes: number): boolean {
    if (this.#held + bytes > this.#limit) return false;
    this.#held += bytes;
    return true;
  }

  overloaded(what = "Requests that are being read"): LogError {
    return new LogError("OVERLOADED", `${what} fill the memory set aside.`, {
      limit: this.#limit,
      expected: "fewer bytes in flight",
    });
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}

/**
 * Refuse by the head of a request alone: encoding, media type (where `types` are given), announced
 * length. A sender that waits to be asked for its body is asked only where nothing of this refuses it.
 */
export function checkBodyHead(
  req: IncomingMessage,
  res: ServerResponse,
  maxBytes: number,
  types?: readonly string[],
): void {
  const encoding = req.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity")
    throw new LogError("MEDIA_TYPE_UNSUPPORTED", "The body is compressed.", {
      field: "Content-Encoding",
      expected: "no content encoding",
    });
  const type = req.headers["content-type"];
  if (types !== undefined && (type === undefined || !types.includes(mediaType(type))))
    throw new LogError("MEDIA_TYPE_UNSUPPORTED", "The body is not of a type that is read here.", {
      field: "Content-Type",
      expected: types.join(" or "),
    });
  if (Number(req.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  if (req.headers.expect?.toLowerCase() === "100-continue") res.writeContinue();
}

/**
 * The whole body. The bytes stay counted in `budget`: the caller gives them back.
 * @throws LogError TOO_LARGE, BODY_TIMEOUT, OVERLOADED, or FIELD_INVALID when the sender left
 */
export function readBody(
  req: IncomingMessage,
  limits: BodyLimits,
  budget: ByteBudget,
): Promise<Buffer> {
  if (req.destroyed) return Promise.reject(endedEarly());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const stop = (): void => {
      clearTimeout(timer);
      req.off("data", onData).off("end", onEnd).off("close", onGone);
    };
    const fail = (error: unknown): void => {
      stop();
      budget.give(length);
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    const onData = (chunk: Buffer): void => {
      try {
        if (length + chunk.length > limits.maxBytes) throw tooLarge(limits.maxBytes);
        if (!budget.tryTake(chunk.length)) throw budget.overloaded();
      } catch (error) {
        fail(error);
        return;
      }
      length += chunk.length;
      chunks.push(chunk);
    };
    const onEnd = (): void => {
      stop();
      const first = chunks[0];
      resolve(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, length));
    };
    const onGone = (): void => {
      fail(endedEarly());
    };
    const timer = setTimeout(() => fail(tooSlow(limits.timeoutMs)), limits.timeoutMs);
    req.on("data", onData).on("end", onEnd).on("close", onGone).on("error", ignore);
  });
}

export function tooLarge(maxBytes: number, field = "body"): LogError {
  return new LogError("TOO_LARGE", `The ${field} is larger than ${maxBytes} bytes.`, {
    field,
    limit: maxBytes,
  });
}

export function tooSlow(timeoutMs: number): LogError {
  return new LogError("BODY_TIMEOUT", `The body did not arrive within ${timeoutMs} ms.`, {
    field: "body",
    limit: timeoutMs,
  });
}

function endedEarly(): LogError {
  return new LogError("FIELD_INVALID", "The body ended early.", { field: "body" });
}

/** A Content-Type without its parameters. */
export function mediaType(header: string): string {
  const end = header.indexOf(";");
  return (end < 0 ? header : header.slice(0, end)).trim().toLowerCase();
}

function ignore(): void {}
