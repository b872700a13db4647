/**
 * A log that answers each question just in time has no bound on how long it takes to answer all of
 * them. So there is one for a round: behind it nothing is asked any more, and what was not checked
 * until then is told as such.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import type { Transport } from "../fetch.ts";

/** Seconds of one round of one log; an answer that is under way may come to its end. */
export const ROUND_SECONDS = 3_600;

/** The transport, for as long as `mayAsk` says so. */
export function limited(transport: Transport, mayAsk: () => boolean): Transport {
  const check = (path: string): void => {
    if (mayAsk()) return;
    throw new LogError(
      "UNREACHABLE",
      `The log took longer than ${ROUND_SECONDS} seconds for one round; ${path} was not asked for.`,
      { field: path, limit: ROUND_SECONDS },
    );
  };
  return {
    url: transport.url,
    get: async (path, maxBytes) => {
      check(path);
      return transport.get(path, maxBytes);
    },
    post: async (path, body, options) => {
      check(path);
      return transport.post(path, body, options);
    },
    stream: (path, lines, options) => {
      check(path);
      return transport.stream(path, lines, options);
    },
  };
}
