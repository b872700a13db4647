/**
 * A worker thread behind typed questions and answers, so that an fsync never holds up HTTP.
 *
 * Questions are handled one at a time, in order, unless the handler returns a promise. When the
 * thread dies, every open question and every later one is rejected: whoever asked does not know
 * what happened.
 *
 * @module
 */
import {
  parentPort,
  type ResourceLimits,
  type TransferListItem,
  Worker,
} from "node:worker_threads";
import { type ErrorCode, type ErrorDetail, LogError } from "../schema/error.ts";

interface Question<Request> {
  readonly id: number;
  readonly request: Request;
}

type Reply<Answer> =
  | { readonly id: number; readonly answer: Answer }
  | { readonly id: number; readonly error: PlainError };

/** An error as it crosses threads: classes do not survive, their parts do. */
export interface PlainError {
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

/**
 * What these threads make is gone again at once. Without a limit V8 lets the space for it grow
 * to a hundred megabytes a thread before it looks.
 */
const YOUNG_MB = 8;

/** The asking end. */
export class Thread<Request, Answer> {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiter<Answer>>();
  #next = 0;
  #ended: Error | undefined;

  constructor(script: URL, limits: ResourceLimits = {}) {
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MB, ...limits };
    this.#worker = new Worker(script, { resourceLimits });
    this.#worker.on("message", (reply: Reply<Answer>) => {
      const waiter = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if ("error" in reply) waiter?.reject(revive(reply.error));
      else waiter?.resolve(reply.answer);
    });
    this.#worker.on("error", (error: Error) => this.#end(error));
    this.#worker.on("exit", () => this.#end(new Error("the worker thread ended")));
  }

  /** Whether the thread is gone: it answers nothing any more. */
  get ended(): boolean {
    return this.#ended !== undefined;
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
  handle: (request: Request) => Handled<Answer> | Promise<Handled<Answer>>,
): void {
  const port = parentPort;
  if (port === null) throw new Error("this script runs in a worker thread only");
  const answer = (id: number, handled: Handled<Answer>): void => {
    try {
      const reply: Reply<Answer> = { id, answer: handled.answer };
      port.postMessage(reply, [...(handled.transfer ?? [])]);
    } catch (error) {
      refuse(id, error);
    }
    handled.after?.();
  };
  const refuse = (id: number, error: unknown): void => {
    const reply: Reply<Answer> = { id, error: plainError(error) };
    port.postMessage(reply);
  };
  port.on("message", ({ id, request }: Question<Request>) => {
    let handled: Handled<Answer> | Promise<Handled<Answer>>;
    try {
      handled = handle(request);
    } catch (error) {
      refuse(id, error);
      return;
    }
    if (handled instanceof Promise)
      handled.then(
        (later) => answer(id, later),
        (error: unknown) => refuse(id, error),
      );
    else answer(id, handled);
  });
}

export function plainError(error: unknown): PlainError {
  if (!(error instanceof LogError))
    return { message: error instanceof Error ? error.message : String(error) };
  const { cause, ...detail } = error.detail;
  const because = cause instanceof Error ? { cause: cause.message } : {};
  return { message: error.message, code: error.code, detail: { ...detail, ...because } };
}

/** The error again, on the other side. */
export function revive(error: PlainError): Error {
  return error.code === undefined
    ? new Error(error.message)
    : new LogError(error.code, error.message, error.detail);
}
