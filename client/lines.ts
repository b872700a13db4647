/**
 * Lines over a connection, out and in: our own are pulled only as fast as they leave, a
 * stranger's are cut at a limit.
 *
 * @module
 */
import { concat } from "../schema/bytes.ts";
import { LogError } from "../schema/error.ts";

/** One timer for one exchange. Disposed with it, so that no process waits for it. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #milliseconds: number;
  #holds = 0;
  #over = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
    this.extend();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The other side has moved: it gets its whole time again. */
  extend(): void {
    clearTimeout(this.#timer);
    if (this.#holds === 0 && !this.#over)
      this.#timer = setTimeout(() => this.abort(), this.#milliseconds);
  }

  /** The clock stands still while we are the ones who are waited for. */
  hold(): void {
    this.#holds++;
    clearTimeout(this.#timer);
  }

  release(): void {
    this.#holds--;
    this.extend();
  }

  abort(): void {
    this.#controller.abort();
  }

  [Symbol.dispose](): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }
}

/** Our own lines on their way out; remembers if it was our side that failed. */
export class LineSource {
  failed: { readonly error: unknown } | undefined;
  readonly #lines: AsyncIterator<Uint8Array>;
  readonly #deadline: Deadline;

  constructor(lines: AsyncIterable<Uint8Array>, deadline: Deadline) {
    this.#lines = lines[Symbol.asyncIterator]();
    this.#deadline = deadline;
  }

  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const line = await this.#next();
          if (line === undefined) controller.close();
          else controller.enqueue(line);
        },
        cancel: async () => this.close(),
      },
      { highWaterMark: 0 },
    );
  }

  async whole(): Promise<Uint8Array<ArrayBuffer>> {
    const parts: Uint8Array[] = [];
    for (let line = await this.#next(); line !== undefined; line = await this.#next())
      parts.push(line);
    return concat(...parts);
  }

  async close(): Promise<void> {
    await this.#lines.return?.();
  }

  async #next(): Promise<Uint8Array | undefined> {
    this.#deadline.hold();
    try {
      const next = await this.#lines.next();
      return next.done === true ? undefined : concat(next.value, LF);
    } catch (error) {
      this.failed = { error };
      throw error;
    } finally {
      this.#deadline.release();
    }
  }
}

const LF = new Uint8Array([10]);

/** Cuts a stranger's stream into lines of at most `limit` bytes. */
export class LineSplitter {
  readonly #limit: number;
  readonly #path: string;
  #parts: Uint8Array[] = [];
  #held = 0;

  constructor(limit: number, path: string) {
    this.#limit = limit;
    this.#path = path;
  }

  *push(chunk: Uint8Array): Generator<Uint8Array> {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      this.#hold(chunk.subarray(from, at));
      yield this.#take();
      from = at + 1;
    }
    this.#hold(chunk.slice(from));
  }

  *end(): Generator<Uint8Array> {
    if (this.#held > 0) yield this.#take();
  }

  #hold(part: Uint8Array): void {
    this.#held += part.length;
    if (this.#held > this.#limit) throw tooLong(this.#path, this.#limit);
    if (part.length > 0) this.#parts.push(part);
  }

  #take(): Uint8Array {
    const line = concat(...this.#parts);
    this.#parts = [];
    this.#held = 0;
    return line;
  }
}

/** A stranger's answer is above its cap. */
export function tooLong(path: string, limit: number): LogError {
  return new LogError(
    "RESPONSE_INVALID",
    `The log's answer to ${path} is longer than ${limit} bytes.`,
    {
      limit,
    },
  );
}
