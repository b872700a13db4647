/**
 * A worker thread behind typed questions and answers, so that an fsync never holds up HTTP.
 *
 * The thread handles one request at a time, in order. When it dies, every open question and every
 * later one is rejected: whoever asked does not know what happened.
 *
 * @module
 */
import { parentPort, type TransferListItem, Worker } from "node:worker_threads";
import { type ErrorCode, type ErrorDetail, LogError } from "../schema/error.ts";

interface Question<Request> {
  readonly id: number;
  readonly request: Request;
}

type Reply<Answer> =
  | { readonly id: number; readonly answer: Answer }
  | { readonly id: number; readonly error: PlainError };

/** An error as it crosses threads: classes do not survive, their parts do. */
interface PlainError {
  readonly message: string;
  readonly code?: ErrorCode;
  readonly detail?: ErrorDetail;
}

interface Waiter<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** What a handler in the thread gives back. */
export interface Handled<Answer> {
  readonly answer: Answer;
  /** Buffers that move to the asker instead of being copied. */
  readonly transfer?: readonly TransferListItem[];
  /** Work for after the answer was sent. */
  readonly after?: () => void;
}

/** `stem` of a file beside `base`, with the ending that `base` itself has: unbuilt or built. */
export function threadScript(stem: string, base: string): URL {
  return new URL(`${stem}${base.endsWith(".ts") ? ".ts" : ".js"}`, base);
}

/** The asking end. */
export class Thread<Request, Answer> {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiter<Answer>>();
  #next = 0;
  #ended: Error | undefined;

  constructor(script: URL) {
    this.#worker = new Worker(script);
    this.#worker.on("message", (reply: Reply<Answer>) => {
      const waiter = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if ("error" in reply) waiter?.reject(revive(reply.error));
      else waiter?.resolve(reply.answer);
    });
    this.#worker.on("error", (error: Error) => this.#end(error));
    this.#worker.on("exit", () => this.#end(new Error("the worker thread ended")));
  }

  async ask(request: Request, transfer: readonly TransferListItem[] = []): Promise<Answer> {
    if (this.#ended !== undefined) throw this.#ended;
    const id = this.#next++;
    return new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      const question: Question<Request> = { id, request };
      this.#worker.postMessage(question, [...transfer]);
    });
  }

  /** Ends the thread as it stands. Ask it to close its files before. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #end(reason: Error): void {
    this.#ended ??= reason;
    for (const waiter of this.#waiting.values()) waiter.reject(this.#ended);
    this.#waiting.clear();
  }
}

/** The answering end: called once by the thread's own script. */
export function answerRequests<Request, Answer>(
  handle: (request: Request) => Handled<Answer>,
): void {
  const port = parentPort;
  if (port === null) throw new Error("this script runs in a worker thread only");
  port.on("message", ({ id, request }: Question<Request>) => {
    let after: (() => void) | undefined;
    try {
      const handled = handle(request);
      after = handled.after;
      const reply: Reply<Answer> = { id, answer: handled.answer };
      port.postMessage(reply, [...(handled.transfer ?? [])]);
    } catch (error) {
      const reply: Reply<Answer> = { id, error: flatten(error) };
      port.postMessage(reply);
    }
    after?.();
  });
}

function flatten(error: unknown): PlainError {
  if (!(error instanceof LogError))
    return { message: error instanceof Error ? error.message : String(error) };
  const { cause, ...detail } = error.detail;
  const because = cause instanceof Error ? { cause: cause.message } : {};
  return { message: error.message, code: error.code, detail: { ...detail, ...because } };
}

function revive(error: PlainError): Error {
  return error.code === undefined
    ? new Error(error.message)
    : new LogError(error.code, error.message, error.detail);
}
