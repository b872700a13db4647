/**
 * Witnesses over HTTP. A witness is a stranger's server: its body is capped, its time is bounded,
 * and a redirect is an answer like any other.
 *
 * Connections are kept by the platform's `fetch`.
 *
 * @module
 */
import { concat } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { MAX_NOTE_BYTES } from "../../schema/limits.ts";
import type { WitnessAnswer, WitnessTransport } from "./ports.ts";

/** A note, or the lines of one. */
const MAX_ANSWER_BYTES = MAX_NOTE_BYTES;

export function httpWitnesses(timeoutMs: number): WitnessTransport {
  return {
    post: (url, body) =>
      exchange(url, timeoutMs, {
        method: "POST",
        body: new Uint8Array(body),
        headers: { "content-type": "text/plain; charset=utf-8" },
      }),
    get: (url) => exchange(url, timeoutMs, { method: "GET" }),
  };
}

/** @throws LogError UNREACHABLE, TOO_LARGE */
async function exchange(url: string, timeoutMs: number, init: RequestInit): Promise<WitnessAnswer> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  try {
    const response = await fetch(url, { ...init, redirect: "manual", signal: controller.signal });
    return {
      status: response.status,
      contentType: response.headers.get("content-type") ?? "",
      body: await readCapped(response, url),
    };
  } catch (cause) {
    if (cause instanceof LogError) throw cause;
    throw new LogError(
      "UNREACHABLE",
      controller.signal.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(cause),
      { field: url, cause },
    );
  } finally {
    clearTimeout(timer);
  }
}

async function readCapped(response: Response, url: string): Promise<Uint8Array> {
  if (response.body === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.length;
    // Leaving the loop gives the connection up.
    if (bytes > MAX_ANSWER_BYTES)
      throw new LogError("TOO_LARGE", `the answer has more than ${MAX_ANSWER_BYTES} bytes`, {
        field: url,
        limit: MAX_ANSWER_BYTES,
      });
    chunks.push(chunk);
  }
  return concat(...chunks);
}

/** `fetch` says "fetch failed"; what failed is in its cause. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.cause instanceof Error ? cause.cause.message : cause.message;
}
