/**
 * Ask again until the index has what the log has.
 *
 * An index follows its log within seconds. Who has just logged something and asks about it waits;
 * what comes in the end is the answer, complete or not, and says up to where.
 *
 * @module
 */
import { type ErrorCode, LogError } from "../../schema/error.ts";
import type { LookupRequest } from "../../schema/http/lookup-request.ts";
import { type Asked, type AskPorts, askLookup } from "./ask.ts";

/** Before its first leaf, while it opens, and before its verifiers are through, an index answers nothing. */
const MAY_COME: ReadonlySet<ErrorCode> = new Set(["NOT_FOUND", "INDEX_NOT_READY"]);

export interface Patience {
  /** How often it is asked again; 0 asks once. */
  readonly retries: number;
  /** Until the next time. */
  readonly pause: () => Promise<void>;
}

/** As `askLookup`, until its answer is complete up to the newest head, or patience ends. */
export async function askPatiently(
  ports: AskPorts,
  request: LookupRequest,
  { retries, pause }: Patience,
): Promise<Asked> {
  for (let left = retries; ; left--) {
    const asked = await askLookup(ports, request).catch((error: unknown) => {
      if (left > 0 && error instanceof LogError && MAY_COME.has(error.code)) return undefined;
      throw error;
    });
    if (asked !== undefined && (left <= 0 || !isBehind(asked))) return asked;
    await pause();
  }
}

function isBehind(asked: Asked): boolean {
  if (asked.state === "stale") return true;
  if (asked.state !== "answered" || asked.newest === undefined) return false;
  return asked.answer.main.tree.size < asked.newest.tree.size;
}
