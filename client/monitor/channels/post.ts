/**
 * One request to a place that the configuration names, hardened: it ends in time, follows no
 * redirect, and reads nothing of the answer but its status.
 *
 * A URL may be the secret itself, as with chat services. So messages name the host alone.
 *
 * @module
 */
import { ChannelError } from "./channel.ts";

export interface Call {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly timeoutSeconds: number;
}

/** Statuses that are about this body; with another one the next request may pass. */
const REFUSED: ReadonlySet<number> = new Set([400, 413, 415, 422]);

/** Resolves where the status says yes. Throws {@link ChannelError}. */
export async function call(fetch: typeof globalThis.fetch, asked: Call): Promise<void> {
  const { url, method, headers, body, timeoutSeconds } = asked;
  const { host } = new URL(url);
  const response = await fetch(url, {
    method,
    redirect: "manual",
    credentials: "omit",
    cache: "no-store",
    signal: AbortSignal.timeout(timeoutSeconds * 1000),
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined ? {} : { body }),
  }).catch((cause: unknown) => {
    throw new ChannelError(`${host} ${whyNot(cause, timeoutSeconds)}`, { cause });
  });
  await response.body?.cancel();
  if (response.ok) return;
  const { status } = response;
  const isRedirect = status === 0 || (status >= 300 && status < 400);
  const pause = Number(response.headers.get("retry-after") ?? Number.NaN);
  throw new ChannelError(
    isRedirect
      ? `${host} redirects, which is not followed`
      : `${host} answered with status ${status}`,
    { refused: REFUSED.has(status), ...(Number.isSafeInteger(pause) ? { pause } : {}) },
  );
}

function whyNot(cause: unknown, timeoutSeconds: number): string {
  if (cause instanceof Error && cause.name === "TimeoutError")
    return `did not answer in ${timeoutSeconds} seconds`;
  const deepest = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const code = deepest instanceof Error && "code" in deepest ? ` (${String(deepest.code)})` : "";
  return `could not be reached${code}`;
}
