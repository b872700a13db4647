/**
 * The listening socket: time-outs against slow heads, answers to what is no HTTP, and an end
 * that drops nobody who was being answered.
 *
 * @module
 */
import { createServer, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { printable } from "../../client/printable.ts";
import { type ErrorCode, LogError } from "../../schema/error.ts";
import { PROBLEM_TYPE } from "../../schema/http/paths.ts";
import { bind, type ListenAddress } from "../listen.ts";
import type { App } from "./app.ts";
import { problemOf } from "./problem.ts";
import { sendProblem } from "./respond.ts";

/** The head of a request must be here in this time; bodies have their own limit. */
const HEADERS_TIMEOUT_MS = 10_000;
/** How often node:http looks for heads that are late; its own half a minute is no bound of ten seconds. */
const CHECKING_INTERVAL_MS = 1_000;
const MAX_HEADER_BYTES = 16_384;
const IDLE_POLL_MS = 20;

export interface ListenOptions extends ListenAddress {
  readonly maxConnections: number;
  readonly keepAliveMs: number;
  /** A connection on which nothing is sent and nothing is taken for so long is closed. */
  readonly silentMs: number;
}

export interface Listening {
  readonly host: string;
  readonly port: number;
  /** `http://host:port` */
  readonly url: string;
  /**
   * Stop accepting, finish what is being answered, end every connection. After `graceMs` the
   * rest is cut; what was committed stays committed.
   */
  readonly close: (graceMs: number) => Promise<void>;
}

/** What answers: the log's application, or a mirror's. */
type Answering = Pick<App, "listener" | "inflight" | "drain">;

/** @throws LogError CONFIG_INVALID where the address cannot be had */
export async function listen(app: Answering, options: ListenOptions): Promise<Listening> {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      noDelay: true,
      keepAlive: true,
      connectionsCheckingInterval: CHECKING_INTERVAL_MS,
      // Nothing here depends on the name that a client calls this log by.
      requireHostHeader: false,
    },
    app.listener,
  );
  const answering = new WeakMap<Socket, ServerResponse>();
  server.prependListener("request", (req, res) => answering.set(req.socket, res));
  server.prependListener("checkContinue", (req, res) => answering.set(req.socket, res));
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  // A batch may take long as long as its lines come; `readLines` and `readBody` keep the time.
  server.requestTimeout = 0;
  server.keepAliveTimeout = options.keepAliveMs;
  server.timeout = options.silentMs;
  server.maxConnections = options.maxConnections;
  server.on("clientError", (error, socket: Socket) => {
    const answer = answering.get(socket);
    // In the middle of an answer a second one would be read as a part of it.
    if (answer?.headersSent === true && !answer.writableEnded) socket.destroy();
    else refuseGarbage(error, socket);
  });
  server.on("checkExpectation", (req, res) => {
    const { expect = "" } = req.headers;
    const message = `An expectation other than "100-continue" cannot be met: ${printable(expect)}`;
    const field = { field: "Expect", expected: "100-continue" };
    sendProblem(req, res, new LogError("FIELD_INVALID", message, field));
  });
  // Whoever reads the body asks for it (`checkBodyHead`), after everything that can refuse it.
  server.on("checkContinue", app.listener);
  const port = await bind(server, options, "http.listen");
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    host: options.host,
    port,
    url: `http://${host}:${port}`,
    close: (graceMs) => close(server, app, graceMs),
  };
}

async function close(server: Server, app: Answering, graceMs: number): Promise<void> {
  app.drain();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const poll = setInterval(() => {
    if (app.inflight() === 0) server.closeAllConnections();
    else server.closeIdleConnections();
  }, IDLE_POLL_MS);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(poll);
  clearTimeout(cut);
}

/** What node:http could not read as a request. */
function refuseGarbage(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const [status, code, message] = garbage(error.code);
  const problem = { ...problemOf(new LogError(code, message)), status: Number(status.slice(0, 3)) };
  const body = `${JSON.stringify(problem)}\n`;
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: ${PROBLEM_TYPE}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function garbage(code: string | undefined): readonly [string, ErrorCode, string] {
  if (code === "HPE_HEADER_OVERFLOW")
    return [
      "431 Request Header Fields Too Large",
      "TOO_LARGE",
      `The head of a request has at most ${MAX_HEADER_BYTES} bytes.`,
    ];
  if (code === "ERR_HTTP_REQUEST_TIMEOUT")
    return [
      "408 Request Timeout",
      "BODY_TIMEOUT",
      `The head of a request must arrive within ${HEADERS_TIMEOUT_MS} ms.`,
    ];
  return ["400 Bad Request", "FIELD_INVALID", "This is not an HTTP/1.1 request."];
}
