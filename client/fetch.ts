/**
 * HTTP to a log, hardened: what a stranger's server may cost us is decided before we ask.
 *
 * Every answer has a cap in bytes, counted *after* content decoding, so that a few kilobytes
 * of gzip cannot become gigabytes of memory; every exchange has a deadline, so that a body of
 * one byte a minute ends; a redirect is followed only within the origin that was named. What
 * comes back is bytes of a stranger: nothing here says that they are true. That is the work of
 * `log.ts`, and of nobody else.
 *
 * Assumes the platform's `fetch` (Node, browsers), which is passed in where tests need another.
 *
 * @module
 */
import { concat, fromUtf8 } from "../schema/bytes.ts";
import { LogError } from "../schema/error.ts";
import { Deadline, LineSource, LineSplitter, tooLong } from "./lines.ts";
import { printable } from "./printable.ts";
import { problemError } from "./problem.ts";

/** Where a log is read: over HTTP, or out of a folder. It throws {@link LogError} and nothing else. */
export interface Source {
  /** The log's base URL or the folder, for messages. */
  readonly url: string;
  /** GET. `NOT_FOUND` where there is nothing, `RESPONSE_INVALID` above `maxBytes`. */
  get(path: string, maxBytes: number): Promise<Uint8Array>;
}

/** How a client reaches one log. Every method throws {@link LogError} and nothing else. */
export interface Transport extends Source {
  /** POST of a whole body, with a whole answer of at most `maxBytes`. */
  post(path: string, body: Uint8Array, options: PostOptions): Promise<Uint8Array>;
  /**
   * POST of lines, answered by lines while it is still being sent. The next line is pulled from
   * `lines` only when the connection takes it, and nothing is read that is not asked for, so
   * that both sides can be arbitrarily long. A line has no LF at its end, here or there.
   */
  stream(
    path: string,
    lines: AsyncIterable<Uint8Array>,
    options: StreamOptions,
  ): AsyncIterable<Uint8Array>;
}

export interface PostOptions {
  readonly contentType: string;
  readonly maxBytes: number;
  /** A preference (RFC 7240). */
  readonly prefer?: string;
}

export interface StreamOptions {
  readonly contentType: string;
  readonly maxLineBytes: number;
}

export interface HttpOptions {
  /** Another `fetch`. Default: the platform's. */
  readonly fetch?: typeof globalThis.fetch;
  /** Milliseconds for a whole exchange; of a stream, between two pieces. Default: 30,000. */
  readonly deadlineMs?: number;
  /** Sent with every request, e.g. `authorization`. Never sent to another origin. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * `"buffer"` where the platform cannot send a body while it reads the answer (browsers).
   * Default: `"stream"`.
   */
  readonly upload?: "stream" | "buffer";
}

const DEFAULT_DEADLINE_MS = 30_000;
const MAX_REDIRECTS = 3;
/** Bytes of a problem document that are read for its message. */
const MAX_PROBLEM_BYTES = 65_536;

/**
 * A {@link Transport} over HTTP.
 *
 * @param base `http:` or `https:` URL of the log, without credentials, query or fragment.
 * @throws {LogError} `FIELD_INVALID` for any other URL.
 */
export function httpTransport(base: string, options: HttpOptions = {}): Transport {
  const url = baseUrl(base);
  const exchange = new Exchange(url, options);
  return {
    url: url.href,
    get: async (path, maxBytes) => exchange.get(path, maxBytes),
    post: async (path, body, post) => exchange.post(path, body, post),
    stream: (path, lines, stream) => exchange.stream(path, lines, stream),
  };
}

function baseUrl(base: string): URL {
  const url = URL.canParse(base) ? new URL(base) : undefined;
  const plain =
    url !== undefined &&
    (url.protocol === "http:" || url.protocol === "https:") &&
    url.username === "" &&
    url.password === "" &&
    url.search === "" &&
    url.hash === "";
  if (!plain)
    throw new LogError("FIELD_INVALID", `The log's URL is not usable: ${printable(base)}`, {
      field: "url",
      expected: "http:// or https://, a host, perhaps a path, and nothing else",
    });
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

class Exchange {
  readonly #base: URL;
  readonly #fetch: typeof globalThis.fetch;
  readonly #deadlineMs: number;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #buffered: boolean;

  constructor(base: URL, options: HttpOptions) {
    this.#base = base;
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.#deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
    this.#headers = options.headers ?? {};
    this.#buffered = options.upload === "buffer";
  }

  async get(path: string, maxBytes: number): Promise<Uint8Array> {
    using deadline = new Deadline(this.#deadlineMs);
    return await this.#guarded(path, deadline, undefined, async () => {
      let url = this.#resolve(path);
      for (let hops = 0; ; hops++) {
        const response = await this.#send(url, { method: "GET" }, deadline);
        const next = redirectOf(response, url);
        if (next === undefined) return readWhole(await accepted(response, path), maxBytes, path);
        await response.body?.cancel();
        if (next.origin !== this.#base.origin || hops === MAX_REDIRECTS)
          throw refusedRedirect(path, next);
        url = next;
      }
    });
  }

  async post(path: string, body: Uint8Array, options: PostOptions): Promise<Uint8Array> {
    using deadline = new Deadline(this.#deadlineMs);
    return await this.#guarded(path, deadline, undefined, async () => {
      const url = this.#resolve(path);
      const { contentType, prefer } = options;
      const init = { method: "POST", body: new Uint8Array(body) };
      const response = await this.#send(url, init, deadline, contentType, prefer);
      return readWhole(await acceptedPost(response, url, path), options.maxBytes, path);
    });
  }

  async *stream(
    path: string,
    lines: AsyncIterable<Uint8Array>,
    options: StreamOptions,
  ): AsyncGenerator<Uint8Array> {
    using deadline = new Deadline(this.#deadlineMs);
    const source = new LineSource(lines, deadline);
    const url = this.#resolve(path);
    const body = this.#buffered ? await source.whole() : source.stream();
    const init: RequestInit & { duplex: "half" } = { method: "POST", body, duplex: "half" };
    try {
      const response = await this.#guarded(path, deadline, source, async () =>
        acceptedPost(await this.#send(url, init, deadline, options.contentType), url, path),
      );
      const splitter = new LineSplitter(options.maxLineBytes, path);
      const reader = response.body?.getReader();
      for (;;) {
        const chunk = await this.#guarded(path, deadline, source, async () => reader?.read());
        if (chunk?.value === undefined) break;
        deadline.hold();
        yield* splitter.push(chunk.value);
        deadline.release();
      }
      yield* splitter.end();
    } finally {
      deadline.abort();
      await source.close();
    }
  }

  #resolve(path: string): URL {
    return new URL(path.replace(/^\/+/, ""), this.#base);
  }

  async #send(
    url: URL,
    init: RequestInit,
    deadline: Deadline,
    contentType?: string,
    prefer?: string,
  ): Promise<Response> {
    const type = contentType === undefined ? {} : { "content-type": contentType };
    const preference = prefer === undefined ? {} : { prefer };
    return this.#fetch(url, {
      ...init,
      headers: { ...this.#headers, ...type, ...preference },
      redirect: "manual",
      credentials: "omit",
      cache: "no-store",
      signal: deadline.signal,
    });
  }

  /** Turns whatever the platform throws into a `LogError` that says which resource it was. */
  async #guarded<T>(
    path: string,
    deadline: Deadline,
    source: LineSource | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (source?.failed !== undefined) throw source.failed.error;
      if (error instanceof LogError) throw error;
      const late = deadline.signal.aborted;
      throw new LogError(
        "UNREACHABLE",
        late
          ? `The log did not finish its answer to ${path} in ${this.#deadlineMs} ms.`
          : `The log at ${this.#base.href} could not be reached for ${path}.`,
        late ? { limit: this.#deadlineMs, cause: error } : { cause: error },
      );
    }
  }
}

async function readWhole(response: Response, maxBytes: number, path: string): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  const parts: Uint8Array[] = [];
  let held = 0;
  for (;;) {
    const chunk = await reader?.read();
    if (chunk?.value === undefined) return concat(...parts);
    held += chunk.value.length;
    if (held > maxBytes) {
      await reader?.cancel();
      throw tooLong(path, maxBytes);
    }
    parts.push(chunk.value);
  }
}

function redirectOf(response: Response, from: URL): URL | undefined {
  if (response.type === "opaqueredirect") throw refusedRedirect(from.pathname);
  if (![301, 302, 303, 307, 308].includes(response.status)) return undefined;
  const location = response.headers.get("location");
  return location !== null && URL.canParse(location, from) ? new URL(location, from) : undefined;
}

function refusedRedirect(path: string, to?: URL): LogError {
  const where = to === undefined ? "" : ` to ${printable(to.origin)}`;
  return new LogError(
    "RESPONSE_INVALID",
    `The log redirects ${path}${where}; this is not followed.`,
    {
      expected: `an answer, or at most ${MAX_REDIRECTS} redirects within the log's own origin`,
    },
  );
}

/** A redirected POST would send the submission to a place that nobody named. */
async function acceptedPost(response: Response, url: URL, path: string): Promise<Response> {
  const next = redirectOf(response, url);
  if (next !== undefined) throw refusedRedirect(path, next);
  return accepted(response, path);
}

/** 202 has promises in it. */
const ANSWERED: ReadonlySet<number> = new Set([200, 201, 202]);

/** The response if it says yes, else the log's problem document as an error. */
async function accepted(response: Response, path: string): Promise<Response> {
  if (ANSWERED.has(response.status)) return response;
  const problem = await problemOf(response, path);
  throw problemError(
    problem,
    `The log answered ${path} with status ${response.status}`,
    response.status,
  );
}

async function problemOf(response: Response, path: string): Promise<unknown> {
  const bytes = await readWhole(response, MAX_PROBLEM_BYTES, path);
  try {
    return JSON.parse(fromUtf8(bytes) ?? "");
  } catch {
    return undefined;
  }
}
