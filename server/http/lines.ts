/**
 * A request body as lines, while it arrives.
 *
 * At most one line is held at a time, and the socket is read only as fast as lines are taken.
 * A line that is too long is reported once and skipped up to its end; where that end does not
 * come within the same bound again, the stream has no lines any more and ends.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { tooSlow } from "./body.ts";

const LF = 0x0a;

export interface LineLimits {
  readonly maxBytes: number;
  /** For one line, not counting the time in which the reader does not want it. */
  readonly timeoutMs: number;
}

export type Line =
  | { readonly kind: "line"; readonly bytes: Buffer }
  /** Longer than the limit. Its bytes are gone; the next line is whole again. */
  | { readonly kind: "too-long" }
  /** Longer than twice the limit: where the next line starts is unknown. Always the last. */
  | { readonly kind: "lost" }
  /** The reader was told to stop; a line that was half here is dropped. Always the last. */
  | { readonly kind: "stopped" };

/** @throws LogError BODY_TIMEOUT; the stream's own error when the sender left */
export async function* readLines(
  req: IncomingMessage,
  limits: LineLimits,
  stop: AbortSignal,
): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let length = 0;
  const chunks = req.iterator({ destroyOnReturn: false });
  const deadline = new Deadline(limits.timeoutMs, stop);
  for (;;) {
    const next = await deadline.race(chunks.next());
    if (next === "stopped") {
      yield { kind: "stopped" };
      return;
    }
    if (next.done === true) break;
    const chunk: unknown = next.value;
    if (!Buffer.isBuffer(chunk)) continue;
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(LF, from);
      const piece = chunk.subarray(from, end < 0 ? chunk.length : end);
      length += piece.length;
      if (length <= limits.maxBytes) parts.push(piece);
      else parts = [];
      if (end < 0) break;
      yield length > limits.maxBytes
        ? { kind: "too-long" }
        : { kind: "line", bytes: join(parts, length) };
      deadline.renew();
      parts = [];
      length = 0;
      from = end + 1;
    }
    if (length > 2 * limits.maxBytes) {
      yield { kind: "lost" };
      return;
    }
  }
  if (length > limits.maxBytes) yield { kind: "too-long" };
  else if (length > 0) yield { kind: "line", bytes: join(parts, length) };
}

/** Time spent waiting for the sender; time spent by the reader does not count. */
class Deadline {
  readonly #budget: number;
  readonly #stop: AbortSignal;
  #left: number;

  constructor(budget: number, stop: AbortSignal) {
    this.#budget = budget;
    this.#stop = stop;
    this.#left = budget;
  }

  renew(): void {
    this.#left = this.#budget;
  }

  /** What is waited for, or that it is time to stop. @throws LogError BODY_TIMEOUT */
  race<T>(wanted: Promise<T>): Promise<T | "stopped"> {
    const started = performance.now();
    return new Promise((resolve, reject) => {
      const onStop = (): void => settle(() => resolve("stopped"));
      const settle = (answer: () => void): void => {
        clearTimeout(timer);
        this.#stop.removeEventListener("abort", onStop);
        this.#left -= performance.now() - started;
        answer();
      };
      const timer = setTimeout(
        () => settle(() => reject(tooSlow(this.#budget))),
        Math.max(1, this.#left),
      );
      this.#stop.addEventListener("abort", onStop);
      wanted.then(
        (value) => settle(() => resolve(value)),
        (error: unknown) => settle(() => reject(error)),
      );
      if (this.#stop.aborted) onStop();
    });
  }
}

function join(parts: readonly Buffer[], length: number): Buffer {
  const first = parts[0];
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts, length);
}
