/**
 * Witnesses over HTTP. A witness is a stranger's server: its body is capped, its time is bounded,
 * and a redirect is an answer like any other.
 *
 * On node:http and its agents: `fetch` takes more than twice the processor time for an exchange,
 * and a loaded log asks every witness some thirty times a second.
 *
 * @module
 */
import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import { request as requestTls, Agent as TlsAgent } from "node:https";
import { concat } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { MAX_NOTE_BYTES } from "../../schema/limits.ts";
import type { WitnessAnswer, WitnessTransport } from "./ports.ts";

/** A note, or the lines of one. */
const MAX_ANSWER_BYTES = MAX_NOTE_BYTES;

interface Exchange {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly body: Uint8Array;
}

export function httpWitnesses(timeoutMs: number): WitnessTransport {
  const agents = { http: new Agent({ keepAlive: true }), https: new TlsAgent({ keepAlive: true }) };
  const send = ({ url, method, body }: Exchange): ClientRequest => {
    const headers =
      method === "POST"
        ? { "content-type": "text/plain; charset=utf-8", "content-length": body.length }
        : {};
    return url.startsWith("https:")
      ? requestTls(url, { method, headers, agent: agents.https })
      : request(url, { method, headers, agent: agents.http });
  };
  return {
    post: (url, body) => exchange(send, timeoutMs, { url, method: "POST", body }),
    get: (url) => exchange(send, timeoutMs, { url, method: "GET", body: new Uint8Array(0) }),
  };
}

/** @throws LogError UNREACHABLE, TOO_LARGE */
async function exchange(
  send: (what: Exchange) => ClientRequest,
  timeoutMs: number,
  what: Exchange,
): Promise<WitnessAnswer> {
  const until = performance.now() + timeoutMs;
  try {
    return await once(send(what), timeoutMs, what);
  } catch (cause) {
    if (!(cause instanceof ClosedMeanwhile)) throw cause;
    // A kept connection that the witness had given up: it has read nothing of the question.
    return once(send(what), Math.max(0, until - performance.now()), what);
  }
}

class ClosedMeanwhile extends Error {}

async function once(
  asked: ClientRequest,
  milliseconds: number,
  { url, body }: Exchange,
): Promise<WitnessAnswer> {
  return new Promise((resolve, reject) => {
    let late: LogError | undefined;
    const timer = setTimeout(() => {
      const message = `no answer within ${Math.round(milliseconds)} ms`;
      late = new LogError("UNREACHABLE", message, { field: url });
      asked.destroy(late);
    }, milliseconds);
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      settle();
    };
    const fail = (cause: Error): void =>
      end(() =>
        reject(
          asked.reusedSocket && isReset(cause)
            ? new ClosedMeanwhile()
            : noAnswer(url, late ?? cause),
        ),
      );
    asked.on("error", fail);
    asked.on("response", (response) => {
      readCapped(response, url).then(
        (read) =>
          end(() =>
            resolve({
              status: response.statusCode ?? 0,
              contentType: response.headers["content-type"] ?? "",
              body: read,
            }),
          ),
        fail,
      );
    });
    asked.end(body);
  });
}

async function readCapped(response: IncomingMessage, url: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    response.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes <= MAX_ANSWER_BYTES) return;
      response.destroy(
        new LogError("TOO_LARGE", `the answer has more than ${MAX_ANSWER_BYTES} bytes`, {
          field: url,
          limit: MAX_ANSWER_BYTES,
        }),
      );
    });
    response.on("end", () => resolve(concat(...chunks)));
    response.on("error", reject);
  });
}

function isReset(cause: Error): boolean {
  return "code" in cause && cause.code === "ECONNRESET";
}

function noAnswer(url: string, cause: Error): LogError {
  if (cause instanceof LogError) return cause;
  return new LogError("UNREACHABLE", cause.message, { field: url, cause });
}
