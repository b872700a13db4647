/**
 * The answers of the native API out of their bytes: their form, and nothing about their truth.
 *
 * A log may add members to its answers; those that are read here must be there and have their
 * form. Whoever calls holds what comes out against a signed checkpoint.
 *
 * Spec: docs/formats.md §HTTP, `schema/http/messages.ts`.
 *
 * @module
 */
import { fromBase64 } from "../schema/bytes.ts";
import { type Failure, failure, type Result, success } from "../schema/error.ts";
import { parseDigest } from "../schema/http/paths.ts";
import {
  isJsonObject as isObject,
  type JsonObject,
  type JsonValue,
  parseJson,
} from "../schema/json.ts";
import { MAX_NOTE_BYTES, MAX_PROOF_HASHES } from "../schema/limits.ts";
import { type LogEntry, parseLogEntry } from "../schema/receipt.ts";
import { asHash, type Hash } from "../schema/tlog/hash.ts";
import { MAX_PROMISE_BYTES } from "../schema/tlog/promise.ts";
import { isSize } from "../schema/tlog/size.ts";

/** A line of the answer to a batch. */
export type BatchAnswer =
  | {
      readonly kind: "entries";
      readonly entries: readonly { readonly index: number; readonly leafHash: Hash }[];
    }
  | { readonly kind: "problem"; readonly problem: JsonObject }
  | {
      readonly kind: "end";
      readonly checkpoint: string;
      readonly proofs: readonly { readonly index: number; readonly hashes: readonly Hash[] }[];
      /** Signed notes, not opened. */
      readonly promises: readonly string[];
    };

/** Entries that are published, and promises for those that are not. */
export interface SubmitAnswerParts {
  readonly entries: readonly LogEntry[];
  /** Signed notes, not opened. */
  readonly promises: readonly string[];
}

/** Answer to `POST /v1/entries`. */
export function parseSubmitAnswer(strangersBytes: Uint8Array): Result<SubmitAnswerParts> {
  const root = readObject(strangersBytes);
  if (!root.ok) return root;
  const list = root.value["entries"];
  if (!Array.isArray(list)) return malformed("entries", "a list of entries");
  const promises = parsePromises(root.value["promises"]);
  if (!promises.ok) return promises;
  if (list.length + promises.value.length === 0)
    return malformed("entries", "entries, or promises of them");
  const entries = all(list, (item, i) => parseLogEntry(item, `entries[${i}]`));
  return entries.ok ? success({ entries: entries.value, promises: promises.value }) : entries;
}

/** There are none where the member is absent. */
function parsePromises(list: JsonValue | undefined): Result<string[]> {
  if (list === undefined) return success([]);
  if (!Array.isArray(list)) return malformed("promises", "a list of signed notes");
  return all(list, (item, i) =>
    typeof item === "string" && item.length <= MAX_PROMISE_BYTES
      ? success(item)
      : malformed(`promises[${i}]`, `a signed note of at most ${MAX_PROMISE_BYTES} bytes`),
  );
}

/** Answer to `GET /v1/entries/{index or leaf hash}`. */
export function parseEntryAnswer(strangersBytes: Uint8Array): Result<LogEntry> {
  const root = readObject(strangersBytes);
  if (!root.ok) return root;
  const { entry } = root.value;
  return entry === undefined ? malformed("entry", "an entry") : parseLogEntry(entry, "entry");
}

/** One line of the answer to `POST /v1/entries:batch`. */
export function parseBatchAnswer(strangersLine: Uint8Array): Result<BatchAnswer> {
  const root = readObject(strangersLine);
  if (!root.ok) return root;
  const { entries, problem, checkpoint, proofs } = root.value;
  if (isObject(problem)) return success({ kind: "problem", problem });
  if (Array.isArray(entries)) return parseEntries(entries);
  if (typeof checkpoint !== "string" || checkpoint.length > MAX_NOTE_BYTES)
    return malformed("checkpoint", "entries, a problem, or a checkpoint with proofs");
  if (!Array.isArray(proofs)) return malformed("proofs", "a list of proofs");
  const promises = parsePromises(root.value["promises"]);
  if (!promises.ok) return promises;
  const parsed = all(proofs, parseProof);
  return parsed.ok
    ? success({ kind: "end", checkpoint, proofs: parsed.value, promises: promises.value })
    : parsed;
}

function parseEntries(entries: readonly JsonValue[]): Result<BatchAnswer> {
  const parsed = all(entries, (item, i) => {
    const index = isObject(item) ? item["index"] : undefined;
    const text = isObject(item) ? item["leafHash"] : undefined;
    const hash = typeof text === "string" ? parseDigest(text) : undefined;
    if (typeof index !== "number" || !isSize(index) || hash === undefined)
      return malformed(`entries[${i}]`, "an index and a leaf hash");
    return success({ index, leafHash: hash });
  });
  return parsed.ok ? success({ kind: "entries", entries: parsed.value }) : parsed;
}

function parseProof(item: JsonValue, i: number): Result<{ index: number; hashes: Hash[] }> {
  const index = isObject(item) ? item["index"] : undefined;
  const list = isObject(item) ? item["hashes"] : undefined;
  if (typeof index !== "number" || !isSize(index))
    return malformed(`proofs[${i}].index`, "a leaf index");
  if (!Array.isArray(list) || list.length > MAX_PROOF_HASHES)
    return malformed(`proofs[${i}].hashes`, `at most ${MAX_PROOF_HASHES} hashes`);
  const hashes = all(list, (text, j) => {
    const hash = readHash(text);
    return hash === undefined
      ? malformed(`proofs[${i}].hashes[${j}]`, "32 bytes in base64")
      : success(hash);
  });
  return hashes.ok ? success({ index, hashes: hashes.value }) : hashes;
}

function readHash(value: JsonValue): Hash | undefined {
  const bytes = typeof value === "string" ? fromBase64(value) : undefined;
  return bytes === undefined ? undefined : asHash(bytes);
}

function readObject(strangersBytes: Uint8Array): Result<JsonObject> {
  const json = parseJson(strangersBytes);
  if (!json.ok) return { ...json, code: "RESPONSE_INVALID" };
  return isObject(json.value) ? success(json.value) : malformed("", "a JSON object");
}

function all<T, U>(items: readonly T[], read: (item: T, i: number) => Result<U>): Result<U[]> {
  const values: U[] = [];
  for (const [i, item] of items.entries()) {
    const value = read(item, i);
    if (!value.ok) return { ...value, code: "RESPONSE_INVALID" };
    values.push(value.value);
  }
  return success(values);
}

function malformed(field: string, expected: string): Failure {
  return failure("RESPONSE_INVALID", `The log's answer is malformed at ${field || "its top"}.`, {
    field,
    expected,
  });
}
