/**
 * `POST /v1/entries:batch`: a line in, a line out, in the same order, while both still run.
 *
 * A line is answered when its entries are committed; the proofs of all of them come in one last
 * line under one published checkpoint (I3). A line that is refused is answered by a problem and
 * the rest goes on. Where the witnesses are late, or a promise is welcome, the last line has a
 * promise in place of a proof that is not there yet. When the sender leaves, nothing more is read, and nothing is lost that was
 * committed: the same lines sent again get the same indexes (I8).
 *
 * Memory is bounded three ways: lines in flight, their bytes (out of the budget that all
 * requests share), and answers the sender does not take (out of another one that all answers
 * share). The socket is read no faster.
 *
 * Limits: `MAX_BATCH_LINES`, `MAX_BODY_BYTES` for each line.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { toHex } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { NDJSON_TYPE } from "../../schema/http/paths.ts";
import { MAX_BATCH_LINES, MAX_BODY_BYTES } from "../../schema/limits.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import type { Submission } from "../sequencer/ports.ts";
import { hashList } from "./answer.ts";
import { admitTwins, checkSender, joinAppended } from "./append.ts";
import { checkBodyHead, tooLarge } from "./body.ts";
import { type Line, readLines } from "./lines.ts";
import { OrderedWindow } from "./ordered.ts";
import type { HttpPorts } from "./ports.ts";
import { isDefect, problemOf } from "./problem.ts";
import { prefersPromise, promisesFor, waitForHead } from "./promised.ts";
import { type Headers, linger } from "./respond.ts";

/** Lines of one batch that are being checked, committed or written. */
const WINDOW_LINES = 1_024;
/**
 * Answers that may wait in memory for a sender that writes before it reads, where the shared budget
 * has room for them; without it {@link WRITE_CHUNK}.
 */
const UNREAD_BYTES = 4_194_304;
const WRITE_CHUNK = 65_536;
/** What a line in flight costs beside its bytes: tasks, promises, an answer. */
const LINE_OVERHEAD = 8_192;
/** Lines that are started before other connections have their turn: a chunk may hold thousands. */
const LINES_A_TURN = 16;

/** Always the last answer of its connection: whether all was read is known too late to say it. */
const BATCH_HEADERS: Headers = [
  "Content-Type",
  NDJSON_TYPE,
  "Cache-Control",
  "no-store",
  "Connection",
  "close",
];

interface LoggedEntry {
  readonly index: number;
  readonly leafHash: Hash;
}

/** What one line came to. */
interface LineResult {
  readonly text: string;
  readonly logged: readonly LoggedEntry[];
}

export class Batch {
  readonly #ports: HttpPorts;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #stop: AbortSignal;
  readonly #logged: LoggedEntry[] = [];
  readonly #window = new OrderedWindow<LineResult>(WINDOW_LINES, (result) => this.#deliver(result));
  readonly #calls: Submission[] = [];
  /** Bytes counted in the budget of unread answers. */
  #unread = 0;
  /** Until every line before the next one has been handed to the sequencer, or refused. */
  #turn: Promise<void> = Promise.resolve();

  /** `stop` ends the reading; what was read is still answered. */
  constructor(ports: HttpPorts, req: IncomingMessage, res: ServerResponse, stop: AbortSignal) {
    this.#ports = ports;
    this.#req = req;
    this.#res = res;
    this.#stop = stop;
  }

  async run(): Promise<void> {
    await checkSender(this.#ports, this.#req);
    checkBodyHead(this.#req, this.#res, Number.MAX_SAFE_INTEGER, [NDJSON_TYPE]);
    this.#res.writeHead(200, [...BATCH_HEADERS]);
    this.#res.flushHeaders();
    this.#res.once("close", () => this.#count(0));
    const whole = await this.#readLines();
    await this.#window.drain();
    await this.#writeEnd();
    if (whole) this.#res.end();
    else linger(this.#req, () => this.#res.end());
  }

  /** Start every line. `false` where the rest of the body was not read. */
  async #readLines(): Promise<boolean> {
    const limits = { maxBytes: MAX_BODY_BYTES, timeoutMs: this.#ports.bodyTimeoutMs };
    let count = 0;
    try {
      for await (const line of readLines(this.#req, limits, this.#stop)) {
        count++;
        const refused = count > MAX_BATCH_LINES ? tooManyLines() : refusedLine(line);
        if (refused !== undefined) await this.#window.start(async () => this.#problem(refused));
        if (count > MAX_BATCH_LINES || line.kind === "lost" || line.kind === "stopped")
          return false;
        if (line.kind === "line") await this.#startLine(line.bytes);
        if (this.#res.destroyed) return false;
        if (count % LINES_A_TURN === 0) await new Promise(setImmediate);
      }
      return true;
    } catch (error) {
      // Anything but our own refusal comes from the socket: the sender is gone.
      if (error instanceof LogError) await this.#window.start(async () => this.#problem(error));
      return false;
    }
  }

  async #startLine(bytes: Buffer): Promise<void> {
    const { budget } = this.#ports;
    const held = bytes.length + LINE_OVERHEAD;
    while (!budget.tryTake(held)) {
      if (await this.#window.departure()) continue;
      await this.#window.start(async () => this.#problem(budget.overloaded()));
      return;
    }
    await this.#window.start(async () => {
      try {
        return await this.#log(bytes);
      } catch (error) {
        return this.#problem(error);
      } finally {
        budget.give(held);
      }
    });
  }

  async #log(bytes: Buffer): Promise<LineResult> {
    const { log, metrics } = this.#ports;
    const { entries, call } = await this.#inTurn(this.#ports.admit(bytes), (admitted) => ({
      entries: admitted,
      call: log.appendDurable(admitted),
    }));
    this.#calls.push(call);
    const logged = joinAppended(entries, await call.committed);
    const twins = await admitTwins(this.#ports, bytes, "native", logged);
    if (twins.length > 0) {
      const more = log.appendDurable(twins);
      this.#calls.push(more);
      logged.push(...joinAppended(twins, await more.committed));
    }
    let list = "";
    for (const { index, leafHash, duplicate } of logged) {
      metrics.entry(duplicate);
      list += `${list === "" ? "" : ","}{"index":${index},"leafHash":"${toHex(leafHash)}"}`;
    }
    return {
      text: `{"entries":[${list}]}\n`,
      logged: logged.map(({ index, leafHash }) => ({ index, leafHash })),
    };
  }

  /** Signatures are checked side by side; entries are handed over in the order of their lines. */
  async #inTurn<A, B>(pending: Promise<A>, next: (value: A) => B): Promise<B> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    try {
      const value = await pending;
      await before;
      return next(value);
    } finally {
      void before.then(resolve);
    }
  }

  #problem(error: unknown): LineResult {
    const problem = problemOf(error);
    this.#ports.metrics.refused(problem.code);
    if (isDefect(error)) this.#ports.logger.error({ err: error }, "a batch line met a defect");
    return { text: `${JSON.stringify({ problem })}\n`, logged: [] };
  }

  async #deliver(result: LineResult): Promise<void> {
    this.#logged.push(...result.logged);
    await this.#write(result.text, UNREAD_BYTES);
  }

  /** Proofs or promises of all that was logged, or why there are neither. */
  async #writeEnd(): Promise<void> {
    let promises: readonly (string | undefined)[];
    try {
      // As long as a single write would wait.
      const wantsPromise = prefersPromise(this.#req);
      await waitForHead(this.#calls, wantsPromise, this.#ports.writeWaitMs);
      promises = await promisesFor(this.#ports, this.#logged);
    } catch (error) {
      await this.#write(this.#problem(error).text, UNREAD_BYTES);
      return;
    }
    await this.#writeProofs(promises);
  }

  /** `{checkpoint, proofs, promises?}`: every entry above, in order, under one published head (I3). */
  async #writeProofs(promises: readonly (string | undefined)[]): Promise<void> {
    const { log } = this.#ports;
    const head = log.published();
    const note = Buffer.from(head.checkpoint).toString("utf8");
    let text = `{"checkpoint":${JSON.stringify(note)},"proofs":[`;
    const add = async (item: string, isFirst: boolean): Promise<void> => {
      text += `${isFirst ? "" : ","}${item}`;
      if (text.length < WRITE_CHUNK) return;
      await this.#write(text, WRITE_CHUNK);
      text = "";
    };
    let proved = 0;
    for (const [i, { index, leafHash }] of this.#logged.entries()) {
      if (promises[i] !== undefined) continue;
      const hashes = hashList(log.inclusion(index, head, leafHash));
      await add(`{"index":${index},"hashes":${hashes}}`, proved++ === 0);
    }
    text += "]";
    let promised = 0;
    for (const promise of promises) {
      if (promise === undefined) continue;
      if (promised === 0) text += ',"promises":[';
      await add(JSON.stringify(promise), promised++ === 0);
    }
    await this.#write(`${text}${promised === 0 ? "" : "]"}}\n`, WRITE_CHUNK);
  }

  /** Resolves when at most `unread` bytes wait for the sender, or when the sender is gone. */
  async #write(text: string, unread: number): Promise<void> {
    const res = this.#res;
    if (res.destroyed) return;
    res.write(text);
    const waiting = res.writableLength;
    if (waiting <= unread && this.#count(Math.max(0, waiting - WRITE_CHUNK))) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        res.off("drain", done).off("close", done);
        resolve();
      };
      const timer = setTimeout(() => res.destroy(), this.#ports.bodyTimeoutMs);
      res.on("drain", done).on("close", done);
    });
    this.#count(0);
  }

  /** Counts so many bytes in the budget of unread answers; `false` where they do not fit. */
  #count(bytes: number): boolean {
    const { unread } = this.#ports;
    const more = this.#res.destroyed ? -this.#unread : bytes - this.#unread;
    if (more > 0 && !unread.tryTake(more)) return false;
    if (more < 0) unread.give(-more);
    this.#unread += more;
    return true;
  }
}

function refusedLine(line: Line): LogError | undefined {
  switch (line.kind) {
    case "line":
      return undefined;
    case "too-long":
    case "lost":
      return tooLarge(MAX_BODY_BYTES, "line");
    case "stopped":
      return new LogError("STOPPING", "The log is shutting down; this line was not read.", {
        hint: "send the lines without an answer again",
      });
  }
}

function tooManyLines(): LogError {
  return new LogError("TOO_LARGE", `A batch has at most ${MAX_BATCH_LINES} lines.`, {
    field: "lines",
    limit: MAX_BATCH_LINES,
    expected: "the rest in another batch",
  });
}
