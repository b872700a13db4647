/**
 * One summary: the answer in bytes, and the head that it is under from its own URL.
 *
 * What comes together is the very bundle that the log would have given, and is checked as one: that
 * the two parts belong together follows from the map root in the leaf.
 *
 * @module
 */
import { LogError, type Result } from "../../schema/error.ts";
import { indexHeadPath, type LookupRequest, lookupPath } from "../../schema/http/lookup-request.ts";
import {
  MAX_CLAIMS_BYTES,
  MAX_INDEX_HEAD_BYTES,
  parseClaims,
  parseIndexHead,
} from "../../schema/index/claims.ts";
import type { Generation } from "../../schema/index/generation.ts";
import { formatLookup } from "../../schema/index/lookup.ts";
import type { Source } from "../fetch.ts";

/**
 * The bundle of a request for the summary of one key.
 *
 * @throws {LogError} `RESPONSE_INVALID` where the log answers in another form; what `get` throws
 */
export async function fetchSummary(
  transport: Pick<Source, "get">,
  generation: Generation,
  request: LookupRequest,
): Promise<Uint8Array> {
  const [key] = request.keys;
  if (key === undefined) throw new LogError("INTERNAL", "a summary is one of a key");
  const path = lookupPath({ ...request, summaries: true, form: "bytes" }, true);
  const claims = readable(path, parseClaims(await transport.get(path, MAX_CLAIMS_BYTES), key));
  const headAt = indexHeadPath(generation, claims.leafIndex);
  const strangersHead = await transport.get(headAt, MAX_INDEX_HEAD_BYTES);
  const head = readable(headAt, parseIndexHead(strangersHead));
  // Else it would look like a log that signed another map than it shows.
  if (head.index.leafIndex !== claims.leafIndex)
    throw new LogError(
      "RESPONSE_INVALID",
      "The head of an answer is of another leaf of the index.",
      {
        field: headAt,
        expected: `leaf ${claims.leafIndex}`,
      },
    );
  return formatLookup({ ...head, tree: claims.tree, answers: [claims.answer], entries: [] });
}

function readable<T>(path: string, result: Result<T>): T {
  if (result.ok) return result.value;
  throw new LogError("RESPONSE_INVALID", result.message, { ...result.detail, field: path });
}
