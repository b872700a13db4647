/**
 * A look-up bundle: everything that is in a log under some keys, and that there is nothing else.
 * One file, to be checked offline.
 *
 *     index    the newest leaf of the index log, its place in it, and the signed checkpoint
 *     main     the signed checkpoint of the main head that the leaf names
 *     tree     the part of the map that shows all keys (a pruned tree)
 *     answers  for each key its list, or its summary; nothing where the key is absent
 *     entries  entries of those lists, each with its proof under the main head
 *
 * The file is a stranger's; `client/lookup/verify.ts` says what in it is true.
 *
 * Spec: docs/formats.md §Index.
 *
 * @module
 */
import { fromHex, toBase64, toHex, utf8 } from "../bytes.ts";
import { readHash } from "../entry/hashedrekord.ts";
import { failure, type Result } from "../error.ts";
import { type Fields, readFields } from "../fields.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../json.ts";
import { MAX_CONTENT_BYTES, MAX_KEY_BYTES, MAX_LEAF_BYTES, MAX_NOTE_BYTES } from "../limits.ts";
import { readHashes } from "../receipt.ts";
import type { Hash } from "../tlog/hash.ts";
import { type KeyField, type KeyType, keyTypes } from "./map-key.ts";
import { type ClaimedValue, type Listed, MAX_VALUES, type Summary } from "./record.ts";

export const LOOKUP_MEDIA_TYPE = "application/vnd.countersign.lookup+json;version=1";
/** What the name of such a file ends with. */
export const LOOKUP_SUFFIX = ".lookup.json";
/** Bytes of a bundle. Lists that would not fit are answered by their summary. */
export const MAX_LOOKUP_BYTES = 16_777_216;
/** Keys of one bundle. */
export const MAX_LOOKUP_KEYS = 1_000;
/** Entries of one list; a longer one is a summary, and its entries are asked for apart. */
export const MAX_LISTED = 10_000;

/** Entries that one bundle brings, and the bytes of their leaves and contents. */
export const MAX_BROUGHT = 1_000;
export const MAX_BROUGHT_BYTES = 8_388_608;

/** What is asked for: a type of the key table, and its fields in canonical form. */
export interface LookupKey {
  readonly type: KeyType;
  readonly fields: readonly KeyField[];
}

/** What is said of one key. */
export type LookupAnswer = { readonly key: LookupKey } & (
  | { readonly kind: "absent" }
  | { readonly kind: "list"; readonly list: readonly Listed[] }
  | { readonly kind: "summary"; readonly summary: Summary }
);

/** An entry of a list, with its inclusion proof under the main head. */
export interface LookupEntry {
  readonly index: number;
  readonly leaf: Uint8Array;
  readonly hashes: readonly Hash[];
  readonly content?: Uint8Array;
  /** The key object, where the leaf only names its digest. */
  readonly key?: Uint8Array;
}

/** A leaf of the index log, its place in it, and the checkpoint that it is under. */
export interface PlacedLeaf {
  /** The signed note of the index log, verbatim. */
  readonly checkpoint: string;
  readonly leafIndex: number;
  readonly leaf: Uint8Array;
  readonly hashes: readonly Hash[];
}

export interface Lookup {
  readonly index: PlacedLeaf;
  /** The signed note of the main head; empty where nothing is indexed yet. */
  readonly main: string;
  readonly tree: Uint8Array;
  readonly answers: readonly LookupAnswer[];
  readonly entries: readonly LookupEntry[];
}

/** A bundle out of its bytes. Closed: an unknown member is refused. */
export function parseLookup(strangersBytes: Uint8Array): Result<Lookup> {
  if (strangersBytes.length > MAX_LOOKUP_BYTES)
    return failure("TOO_LARGE", `a look-up bundle has at most ${MAX_LOOKUP_BYTES} bytes`, {
      field: "lookup",
      limit: MAX_LOOKUP_BYTES,
    });
  const json = parseJson(strangersBytes);
  return json.ok ? readFields(json.value, "", readLookup) : json;
}

/** The bytes of a bundle, without white space: it is large, and read by programs. */
export function formatLookup(lookup: Lookup): Uint8Array<ArrayBuffer> {
  return utf8(`${JSON.stringify(lookupJson(lookup))}\n`);
}

/** The JSON of a bundle, for files that have one in them. */
export function lookupJson(lookup: Lookup): JsonObject {
  const { index, main, tree, answers, entries } = lookup;
  return {
    mediaType: LOOKUP_MEDIA_TYPE,
    index: placedLeafJson(index),
    main,
    tree: toBase64(tree),
    answers: answers.map(formatAnswer),
    entries: entries.map(({ index: at, leaf, hashes, content, key }) => ({
      index: at,
      leaf: toBase64(leaf),
      hashes: hashes.map(toBase64),
      ...(content === undefined ? {} : { content: toBase64(content) }),
      ...(key === undefined ? {} : { key: toBase64(key) }),
    })),
  };
}

/** The JSON of a leaf of the index log. */
export function placedLeafJson({ checkpoint, leafIndex, leaf, hashes }: PlacedLeaf): JsonObject {
  return { checkpoint, leafIndex, leaf: toBase64(leaf), hashes: hashes.map(toBase64) };
}

/** Inside `readFields`: a bundle that stands in another file. */
export function readLookup(root: Fields): Lookup {
  root.oneOf("mediaType", [LOOKUP_MEDIA_TYPE]);
  root.only("mediaType", "index", "main", "tree", "answers", "entries");
  return {
    index: readPlacedLeaf(root.object("index")),
    main: root.string("main", { max: MAX_NOTE_BYTES }),
    tree: root.bytes("tree"),
    answers: root.objects("answers", { min: 1, max: MAX_LOOKUP_KEYS }).map(readAnswer),
    entries: root.objects("entries").map(readEntry),
  };
}

/** Inside `readFields`: a leaf of the index log. */
export function readPlacedLeaf(index: Fields): PlacedLeaf {
  index.only("checkpoint", "leafIndex", "leaf", "hashes");
  return {
    checkpoint: index.string("checkpoint", { min: 1, max: MAX_NOTE_BYTES }),
    leafIndex: index.integer("leafIndex"),
    leaf: index.bytes("leaf"),
    hashes: readHashes(index, "hashes"),
  };
}

function readEntry(entry: Fields): LookupEntry {
  entry.only("index", "leaf", "hashes", "content", "key");
  const content = entry.optional("content", (name) =>
    entry.bytes(name, { max: MAX_CONTENT_BYTES }),
  );
  const key = entry.optional("key", (name) => entry.bytes(name, { max: MAX_KEY_BYTES }));
  return {
    index: entry.integer("index"),
    leaf: entry.bytes("leaf", { max: MAX_LEAF_BYTES }),
    hashes: readHashes(entry, "hashes"),
    ...(content === undefined ? {} : { content }),
    ...(key === undefined ? {} : { key }),
  };
}

/** The JSON of a key, as requests and bundles have it: `{"type": …, "fields": [text or {"hex": …}]}`. */
export function formatLookupKey({ type, fields }: LookupKey): JsonValue {
  return {
    type,
    fields: fields.map((field) => (typeof field === "string" ? field : { hex: toHex(field) })),
  };
}

/** Inside `readFields`: a key with as many fields as its type has. */
export function readLookupKey(key: Fields): LookupKey {
  key.only("type", "fields");
  const name = key.string("type");
  const expected = keyTypes.get(name);
  if (expected === undefined) return key.refuse("type", keyTypes.names.join(" | "));
  const fields = key.value("fields");
  if (!Array.isArray(fields) || fields.length !== expected.length)
    return key.refuse("fields", `${expected.length} fields: ${expected.join(", ") || "none"}`);
  return { type: name, fields: fields.map((field: JsonValue, i) => readField(key, field, i)) };
}

function readField(key: Fields, field: JsonValue, i: number): KeyField {
  const bad = (): never => key.refuse(`fields[${i}]`, 'a text, or {"hex": …}');
  if (typeof field === "string") return field;
  if (!isJsonObject(field) || Object.keys(field).length !== 1) return bad();
  const hex = field["hex"];
  return (typeof hex === "string" ? fromHex(hex) : undefined) ?? bad();
}

function formatAnswer(answer: LookupAnswer): JsonValue {
  const key = formatLookupKey(answer.key);
  switch (answer.kind) {
    case "absent":
      return { key };
    case "list":
      return {
        key,
        list: answer.list.map(({ index, claim }) =>
          claim === undefined ? { index } : { index, claim: toBase64(claim) },
        ),
      };
    case "summary": {
      const { n, last, listRoot, values, saturated } = answer.summary;
      return {
        key,
        summary: {
          n,
          last,
          listRoot: toBase64(listRoot),
          values: values.map(({ index, claim }) => ({ index, claim: toBase64(claim) })),
          saturated,
        },
      };
    }
  }
}

function readAnswer(answer: Fields): LookupAnswer {
  answer.only("key", "list", "summary");
  const key = readLookupKey(answer.object("key"));
  if (answer.has("list") && answer.has("summary"))
    return answer.refuse("summary", "a list or a summary, not both");
  if (answer.has("list")) {
    const list = answer.objects("list", { min: 1, max: MAX_LISTED }).map(readListed);
    list.forEach(({ index }, i) => {
      const before = list[i - 1];
      if (before !== undefined && before.index >= index)
        answer.refuse(`list[${i}].index`, "indexes that increase");
    });
    return { key, kind: "list", list };
  }
  if (!answer.has("summary")) return { key, kind: "absent" };
  return { key, kind: "summary", summary: readSummary(answer.object("summary")) };
}

function readListed(listed: Fields): Listed {
  listed.only("index", "claim");
  const claim = listed.optional("claim", (name) => readHash(listed, name));
  const index = listed.integer("index");
  return claim === undefined ? { index } : { index, claim };
}

function readSummary(summary: Fields): Summary {
  summary.only("n", "last", "listRoot", "values", "saturated");
  return {
    n: summary.integer("n", { min: 1 }),
    last: summary.integer("last"),
    listRoot: readHash(summary, "listRoot"),
    values: summary.objects("values", { max: MAX_VALUES }).map(readValue),
    saturated: summary.boolean("saturated"),
  };
}

function readValue(value: Fields): ClaimedValue {
  value.only("index", "claim");
  return { index: value.integer("index"), claim: readHash(value, "claim") };
}
