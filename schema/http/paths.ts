/**
 * Every path of the HTTP interface and every media type on it, once, for both ends.
 *
 * Paths are relative to the log's base URL and start with a slash. The paths of tiles are in
 * `tlog/tile.ts`; they are served under each of {@link TILE_PREFIXES}.
 *
 * Spec: docs/formats.md §HTTP.
 *
 * @module
 */
import { fromHex, toHex } from "../bytes.ts";
import { failure, type Result, success } from "../error.ts";
import { asHash, type Hash } from "../tlog/hash.ts";

/** C2SP tlog-tiles at the root, and where Sigstore's clients look for it. */
export const TILE_PREFIXES = ["", "/api/v2"] as const;

export const CHECKPOINT_PATH = "/checkpoint";
/** One submission: `POST`, 201. */
export const ENTRIES_PATH = "/v1/entries";
/** Lines of submissions: `POST`, NDJSON in and out. */
export const BATCH_PATH = "/v1/entries:batch";
/** One request of Rekor v2: `POST`, 201. */
export const REKOR_ENTRIES_PATH = "/api/v2/log/entries";
export const OPENAPI_PATH = "/openapi.json";
export const HEALTH_PATH = "/healthz";
export const READY_PATH = "/readyz";
/** RFC 3161, where Sigstore's clients post it. */
export const TIMESTAMP_PATH = "/api/v1/timestamp";
/** What clients pin and configure themselves with; never believed because it was served. */
export const TRUSTED_ROOT_PATH = "/trusted_root.json";
export const SIGNING_CONFIG_PATH = "/signing_config.json";
export const WITNESS_POLICY_PATH = "/witness_policy";
/** On a port of its own. */
export const METRICS_PATH = "/metrics";

const CONTENT_PREFIX = "/content/sha256/";
const KEY_PREFIX = "/key/sha256/";

/** The preference (RFC 7240) of a sender to whom a promise is welcome. */
export const RESPOND_ASYNC = "respond-async";
export const JSON_TYPE = "application/json";
export const NDJSON_TYPE = "application/x-ndjson";
export const PROBLEM_TYPE = "application/problem+json";
export const OCTETS_TYPE = "application/octet-stream";
export const TIMESTAMP_QUERY_TYPE = "application/timestamp-query";
export const TIMESTAMP_REPLY_TYPE = "application/timestamp-reply";
export const CHECKPOINT_TYPE = "text/plain; charset=utf-8";

/** `GET`: the exact bytes with this SHA-256. */
export function contentPath(digest: Hash): string {
  return CONTENT_PREFIX + toHex(digest);
}

/** `GET`: a key that was too large for its leaf. */
export function keyPath(digest: Hash): string {
  return KEY_PREFIX + toHex(digest);
}

/** An entry is named by its index or by its leaf hash. */
export type EntryName =
  | { readonly by: "index"; readonly index: number }
  | { readonly by: "leaf-hash"; readonly leafHash: Hash };

/** `GET`: the entry and a fresh proof. */
export function entryPath(name: EntryName): string {
  return `${ENTRIES_PATH}/${name.by === "index" ? String(name.index) : toHex(name.leafHash)}`;
}

/** The last segment of {@link entryPath}: an index in decimal, or 64 hex digits. */
export function parseEntryName(untrusted: string): Result<EntryName> {
  if (/^(?:0|[1-9][0-9]{0,15})$/.test(untrusted)) {
    const index = Number(untrusted);
    if (Number.isSafeInteger(index)) return success({ by: "index", index });
  }
  const leafHash = parseDigest(untrusted);
  if (leafHash !== undefined) return success({ by: "leaf-hash", leafHash });
  return failure("FIELD_INVALID", "an entry is named by its index or its leaf hash", {
    field: "entry",
    expected: "a decimal index, or 64 lower-case hex digits",
  });
}

/** The last segment of {@link contentPath} and {@link keyPath}. */
export function parseDigest(untrusted: string): Hash | undefined {
  if (untrusted.length !== 64) return undefined;
  const bytes = fromHex(untrusted);
  return bytes === undefined ? undefined : asHash(bytes);
}
