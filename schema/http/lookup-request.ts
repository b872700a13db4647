/**
 * How a look-up is asked for over HTTP.
 *
 *     GET  /v1/lookup?type=ref-by&hex=<signer id>&field=https://example.org/a&field=refs/tags/v1
 *     GET  /v1/claims?…                       the same keys, answered by summaries alone
 *     POST /v1/lookup  {"keys": [{"type", "fields"}], "entries", "summaries", "at"}
 *
 * In a query, `field` is a text and `hex` is bytes; their order is that of the key's fields.
 * `entries=true` asks for the entries of the lists too, `at` for the state at an older leaf of the
 * index log, `index` for another index of the log than the first. The answer is a look-up bundle (`schema/index/lookup.ts`).
 *
 * Spec: docs/formats.md §HTTP.
 *
 * @module
 */

import { toHex } from "../bytes.ts";
import { failure, type Result, success } from "../error.ts";
import { type Fields, readFields } from "../fields.ts";
import { type Generation, INDEX_V1, indexPrefix } from "../index/generation.ts";
import {
  formatLookupKey,
  type LookupKey,
  MAX_LOOKUP_KEYS,
  readLookupKey,
} from "../index/lookup.ts";
import { type JsonValue, parseJson } from "../json.ts";
import { formatSize, parseSize } from "../tlog/size.ts";

export const POSTINGS_PREFIX: string = `${indexPrefix(INDEX_V1)}/postings`;
export const LOOKUP_PATH = "/v1/lookup";
/** Summaries: how many entries, and which values were claimed. */
export const CLAIMS_PATH = "/v1/claims";
/** Bytes of a request: a thousand keys with long fields. */
export const MAX_LOOKUP_REQUEST_BYTES = 1_048_576;

export interface LookupRequest {
  readonly keys: readonly LookupKey[];
  /** With the entries of the lists. */
  readonly entries: boolean;
  /** Without the lists. */
  readonly summaries: boolean;
  /** Which index of the log, by the number of its generation; the first where it is absent. */
  readonly index?: number;
  /** Leaf of the index log; the newest where it is absent. */
  readonly at?: number;
  /** One summary in bytes and without its head (`schema/index/claims.ts`); else a bundle. */
  readonly form?: "bytes";
}

/** The path and query of a request for one key. */
export function lookupPath(
  { keys, entries, index, at, form }: LookupRequest,
  claims = false,
): string {
  const [key] = keys;
  const query = new URLSearchParams();
  query.set("type", key?.type ?? "");
  for (const field of key?.fields ?? [])
    query.append(
      typeof field === "string" ? "field" : "hex",
      typeof field === "string" ? field : toHex(field),
    );
  if (entries) query.set("entries", "true");
  if (index !== undefined && index !== INDEX_V1.number) query.set("index", String(index));
  if (at !== undefined) query.set("at", String(at));
  if (form !== undefined) query.set("form", form);
  return `${claims ? CLAIMS_PATH : LOOKUP_PATH}?${query}`;
}

/** The body of a request for any number of keys. */
export function formatLookupRequest({
  keys,
  entries,
  summaries,
  index,
  at,
}: LookupRequest): string {
  return JSON.stringify({
    keys: keys.map(formatLookupKey),
    entries,
    summaries,
    ...(index === undefined || index === INDEX_V1.number ? {} : { index }),
    ...(at === undefined ? {} : { at }),
  });
}

/** What a query has at most once. */
const SINGLE: readonly string[] = ["type", "entries", "index", "at", "form"];

/** A request for one key out of its query. */
export function parseLookupQuery(strangersQuery: string, claims: boolean): Result<LookupRequest> {
  const query = new URLSearchParams(strangersQuery);
  const fields: JsonValue[] = [];
  const single: Record<string, string> = {};
  for (const [name, value] of query) {
    if (name === "field") fields.push(value);
    else if (name === "hex") fields.push({ hex: value });
    else if (SINGLE.includes(name) && !Object.hasOwn(single, name)) single[name] = value;
    else
      return failure(
        "FIELD_INVALID",
        `"${name.slice(0, 64)}" is not asked for here, or only once.`,
        {
          field: "query",
          expected: ["field", "hex", ...SINGLE].join(", "),
        },
      );
  }
  const { type = "", entries = "false", index, at, form } = single;
  if (entries !== "true" && entries !== "false")
    return failure("FIELD_INVALID", "entries is true or false.", { field: "entries" });
  if (form !== undefined && (form !== "bytes" || !claims))
    return failure("FIELD_INVALID", "form is bytes, and only of summaries.", { field: "form" });
  const number = index === undefined ? undefined : parseSize(index, "index");
  if (number?.ok === false) return number;
  const leaf = at === undefined ? undefined : parseSize(at, "at");
  if (leaf?.ok === false) return leaf;
  return readFields({ type, fields }, "", (key) => ({
    keys: [readLookupKey(key)],
    entries: entries === "true" && !claims,
    summaries: claims,
    ...(number === undefined ? {} : { index: number.value }),
    ...(leaf === undefined ? {} : { at: leaf.value }),
    ...(form === undefined ? {} : { form }),
  }));
}

/** A request out of its body. */
export function parseLookupRequest(strangersBody: Uint8Array): Result<LookupRequest> {
  const json = parseJson(strangersBody);
  return json.ok ? readFields(json.value, "", readRequest) : json;
}

function readRequest(root: Fields): LookupRequest {
  root.only("keys", "entries", "summaries", "index", "at");
  const flag = (name: string): boolean => root.optional(name, () => root.boolean(name)) ?? false;
  const index = root.optional("index", (name) => root.integer(name));
  const at = root.optional("at", (name) => root.integer(name));
  return {
    keys: root.objects("keys", { min: 1, max: MAX_LOOKUP_KEYS }).map(readLookupKey),
    entries: flag("entries"),
    summaries: flag("summaries"),
    ...(index === undefined ? {} : { index }),
    ...(at === undefined ? {} : { at }),
  };
}

/** `GET`: who must have executed the index, a C2SP tlog-policy; never believed because it was served. */
export function verifierPolicyPath(generation: Generation): string {
  return `${indexPrefix(generation)}/verifier_policy`;
}

/** `GET`: the updates that lead to the leaves [old, new) of the index log. */
export function updatePath(generation: Generation, from: number, to: number): string {
  return `${indexPrefix(generation)}/update/${formatSize(from)}-${formatSize(to)}`;
}

/** `GET`: the signed heads that answers from a recent leaf of the index log are under. */
export function indexHeadPath(generation: Generation, leafIndex: number): string {
  return `${indexPrefix(generation)}/head/${formatSize(leafIndex)}`;
}

/** `GET`: the right edge of the postings tree behind a leaf of the index log, hash after hash. */
export function edgePath(generation: Generation, leafIndex: number): string {
  return `${indexPrefix(generation)}/edge/${formatSize(leafIndex)}`;
}

/**
 * `GET`: the postings of an entry whose content was erased (`schema/index/posting.ts`). There is one
 * list for all indexes of a log, below the first.
 */
export function postingsPath(index: number): string {
  return `${POSTINGS_PREFIX}/${formatSize(index)}`;
}

/** The last segment of {@link updatePath}: leaf 0 needs no update. */
export function parseUpdateRange(
  untrusted: string,
  max: number,
): Result<{ readonly from: number; readonly to: number }> {
  const [first = "", second = "", ...more] = untrusted.split("-");
  const from = parseSize(first, "old");
  const to = parseSize(second, "new");
  if (!from.ok) return from;
  if (!to.ok) return to;
  if (more.length === 0 && from.value > 0 && from.value < to.value && to.value - from.value <= max)
    return success({ from: from.value, to: to.value });
  return failure("FIELD_INVALID", "The range of leaves is not one that is answered.", {
    field: "range",
    limit: max,
    expected: `<old>-<new>, with 0 < old < new ≤ old + ${max}`,
  });
}
