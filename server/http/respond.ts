/**
 * Answers as whole buffers: one write, an exact Content-Length, nothing computed twice.
 *
 * A refusal that leaves part of the request unread says `Connection: close`, and the rest of
 * that request is read and thrown away for a moment before the connection ends. Ending at once
 * would make the kernel send a reset, which can wipe the answer before the client has read it.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { JSON_TYPE, PROBLEM_TYPE } from "../../schema/http/paths.ts";
import { problemOf } from "./problem.ts";

/** How long and how far a refused request is read on, so that its sender sees the answer. */
const LINGER_MS = 1_000;
const LINGER_BYTES = 8_388_608;

/** Response headers as node:http takes them fastest: name, value, name, value. */
export type Headers = readonly string[];

export const NO_STORE: Headers = ["Cache-Control", "no-store"];

export function send(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  type: string,
  body: Uint8Array,
  headers: Headers,
): void {
  if (res.destroyed || res.headersSent) return;
  res.writeHead(status, [
    "Content-Type",
    type,
    "Content-Length",
    String(body.length),
    "X-Content-Type-Options",
    "nosniff",
    ...headers,
  ]);
  if (req.method === "HEAD") res.end();
  else res.end(body);
}

export function sendJson(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  value: unknown,
): void {
  send(req, res, status, JSON_TYPE, Buffer.from(`${JSON.stringify(value)}\n`), NO_STORE);
}

/**
 * A JSON text that was put together by hand on a hot route. It must be ASCII (`\u` escapes for
 * the rest): then it goes out with its head in one write, and its length is that of the string.
 */
export function sendJsonText(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  asciiText: string,
  extra: Headers = [],
): void {
  if (res.destroyed || res.headersSent) return;
  res.writeHead(status, [
    "Content-Type",
    JSON_TYPE,
    "Content-Length",
    String(asciiText.length),
    "X-Content-Type-Options",
    "nosniff",
    ...NO_STORE,
    ...extra,
  ]);
  if (req.method === "HEAD") res.end();
  else res.end(asciiText, "latin1");
}

/** The problem document of an error. */
export function sendProblem(
  req: IncomingMessage,
  res: ServerResponse,
  error: unknown,
  extra: Headers = [],
): void {
  const problem = problemOf(error);
  const retry = problem.retryAfter === undefined ? [] : ["Retry-After", String(problem.retryAfter)];
  sendRefusal(req, res, problem.status, PROBLEM_TYPE, problem, [...extra, ...retry]);
}

/** A "no" of whatever shape; closes the connection where a body was left unread. */
export function sendRefusal(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  type: string,
  value: unknown,
  extra: Headers,
): void {
  if (res.destroyed || res.headersSent) return;
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  const headers = [...NO_STORE, ...extra];
  if (req.complete || !hasBody(req)) {
    send(req, res, status, type, body, headers);
    return;
  }
  res.writeHead(status, [
    "Content-Type",
    type,
    "Content-Length",
    String(body.length),
    "Connection",
    "close",
    ...headers,
  ]);
  res.write(body);
  linger(req, () => res.end());
}

/** Read and forget what is left of a request, at most {@link LINGER_BYTES}, then call `done`. */
export function linger(req: IncomingMessage, done: () => void): void {
  let read = 0;
  const finish = (): void => {
    clearTimeout(timer);
    req.off("data", count).off("end", finish).off("close", finish);
    req.resume();
    done();
  };
  const count = (chunk: Buffer): void => {
    read += chunk.length;
    if (read > LINGER_BYTES) finish();
  };
  const timer = setTimeout(finish, LINGER_MS);
  if (req.destroyed || req.readableEnded) {
    finish();
    return;
  }
  req.on("data", count).on("end", finish).on("close", finish).on("error", ignore);
  req.resume();
}

/** Whether a request announced a body. */
export function hasBody(req: IncomingMessage): boolean {
  return (
    req.headers["transfer-encoding"] !== undefined || (req.headers["content-length"] ?? "0") !== "0"
  );
}

function ignore(): void {}
