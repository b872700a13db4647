/**
 * A dead man's switch: a service that raises the alarm by itself when a URL was not asked for long
 * enough. When it is asked, and when not, is `delivery.ts` (M4).
 *
 * @module
 */
import type { Pulse } from "./channel.ts";
import { call } from "./post.ts";

export interface HeartbeatOptions {
  readonly name: string;
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly timeoutSeconds: number;
}

export function heartbeatChannel(
  fetch: typeof globalThis.fetch,
  { name, url, method, timeoutSeconds }: HeartbeatOptions,
): Pulse {
  return { sort: "pulse", name, beat: async () => call(fetch, { url, method, timeoutSeconds }) };
}
