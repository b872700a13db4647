/**
 * A receipt: the file that shows a stranger, offline, that an entry is in the log.
 *
 * It is Sigstore's TransparencyLogEntry with the content and, where it was too large for the
 * leaf, the key. Everything in it is a stranger's until `client/verify.ts` has checked it; the
 * parser settles only that every field is there once and has its form.
 *
 * Spec: docs/formats.md §Receipt. Vectors: test/vectors/leaf/.
 *
 * @module
 */
import { fromBase64, toBase64, utf8 } from "./bytes.ts";
import { readHash } from "./entry/hashedrekord.ts";
import { kindVersionOf } from "./entry/leaf.ts";
import { failure, type Result } from "./error.ts";
import { type Fields, readFields, refuse } from "./fields.ts";
import type { TransparencyLogEntry } from "./http/messages.ts";
import { type JsonValue, parseJson } from "./json.ts";
import {
  MAX_BODY_BYTES,
  MAX_CONTENT_BYTES,
  MAX_KEY_BYTES,
  MAX_LEAF_BYTES,
  MAX_NOTE_BYTES,
  MAX_PROOF_HASHES,
} from "./limits.ts";
import { asHash, type Hash } from "./tlog/hash.ts";
import { parseSize } from "./tlog/size.ts";

export const RECEIPT_MEDIA_TYPE = "application/vnd.countersign.receipt+json;version=1";
/** What the name of such a file ends with. */
export const RECEIPT_SUFFIX = ".receipt.json";
/** Bytes of a receipt file: a content and a checkpoint of full size fit. */
export const MAX_RECEIPT_BYTES: number = MAX_BODY_BYTES;

/** An entry with its inclusion proof, taken apart. */
export interface LogEntry {
  /** Leaf index, from 0. */
  readonly index: number;
  /** Tree size that the proof and the checkpoint speak of; above `index`. */
  readonly size: number;
  readonly root: Hash;
  /** Inclusion proof, leaf to root. */
  readonly hashes: readonly Hash[];
  /** The signed note, verbatim. */
  readonly checkpoint: string;
  readonly leafBytes: Uint8Array;
  /** SHA-256 of the log's note key: its full 32-byte key hash. */
  readonly logId: Hash;
}

export interface Receipt {
  readonly entry: LogEntry;
  /** The signed bytes; absent for an opaque entry, or where they were erased. */
  readonly content?: Uint8Array;
  /** The key object, where the leaf only names its digest. */
  readonly key?: Uint8Array;
}

/** A receipt file out of its bytes. Closed: an unknown member is refused. */
export function parseReceipt(attackerBytes: Uint8Array): Result<Receipt> {
  if (attackerBytes.length > MAX_RECEIPT_BYTES)
    return failure("TOO_LARGE", `a receipt has at most ${MAX_RECEIPT_BYTES} bytes`, {
      field: "receipt",
      limit: MAX_RECEIPT_BYTES,
    });
  const json = parseJson(attackerBytes);
  return json.ok ? readFields(json.value, "", readReceipt) : json;
}

function readReceipt(root: Fields): Receipt {
  root.oneOf("mediaType", [RECEIPT_MEDIA_TYPE]);
  root.only("mediaType", "logEntry", "content", "key");
  const entry = readLogEntry(root.object("logEntry"));
  const content = root.optional("content", (n) => root.bytes(n, { max: MAX_CONTENT_BYTES }));
  const key = root.optional("key", (n) => root.bytes(n, { max: MAX_KEY_BYTES }));
  return {
    entry,
    ...(content === undefined ? {} : { content }),
    ...(key === undefined ? {} : { key }),
  };
}

/** The bytes of a receipt file: JSON with two spaces and a final LF, for people and for diff. */
export function formatReceipt(receipt: Receipt): Uint8Array<ArrayBuffer> {
  const { entry, content, key } = receipt;
  const file = {
    mediaType: RECEIPT_MEDIA_TYPE,
    logEntry: formatLogEntry(entry),
    ...(content === undefined ? {} : { content: toBase64(content) }),
    ...(key === undefined ? {} : { key: toBase64(key) }),
  };
  return utf8(`${JSON.stringify(file, null, 2)}\n`);
}

/** `path` is where the value stands, for errors; e.g. `logEntry`. */
export function parseLogEntry(attackerJson: JsonValue, path: string): Result<LogEntry> {
  return readFields(attackerJson, path, readLogEntry);
}

/** The entry as Sigstore's clients read it. Throws for a leaf of no known kind: a defect. */
export function formatLogEntry(entry: LogEntry): TransparencyLogEntry {
  const kind = kindVersionOf(entry.leafBytes);
  if (kind === undefined) throw new Error("this leaf is of no known kind");
  return {
    logIndex: String(entry.index),
    logId: { keyId: toBase64(entry.logId) },
    kindVersion: kind,
    integratedTime: "0",
    inclusionPromise: null,
    inclusionProof: {
      logIndex: String(entry.index),
      rootHash: toBase64(entry.root),
      treeSize: String(entry.size),
      hashes: entry.hashes.map(toBase64),
      checkpoint: { envelope: entry.checkpoint },
    },
    canonicalizedBody: toBase64(entry.leafBytes),
  };
}

/** Inside `readFields`: an entry with its proof. */
export function readLogEntry(entry: Fields): LogEntry {
  entry.only(...ENTRY_FIELDS);
  entry.oneOf("integratedTime", ["0"]);
  if (entry.value("inclusionPromise") !== null) entry.refuse("inclusionPromise", "null");
  const logId = entry.object("logId");
  logId.only("keyId");
  const leafBytes = entry.bytes("canonicalizedBody", { max: MAX_LEAF_BYTES });
  const found = kindVersionOf(leafBytes);
  if (found === undefined)
    return refuse("KIND_UNSUPPORTED", "unsupported kind of leaf", {
      field: entry.name("canonicalizedBody"),
      expected: "hashedrekord 0.0.2 or countersign 0.0.1",
    });
  const kind = entry.object("kindVersion");
  kind.only("kind", "version");
  kind.oneOf("kind", [found.kind]);
  kind.oneOf("version", [found.version]);
  const index = decimal(entry, "logIndex");
  const proof = readProof(entry.object("inclusionProof"), index);
  return { ...proof, leafBytes, logId: readHash(logId, "keyId") };
}

const ENTRY_FIELDS = [
  "logIndex",
  "logId",
  "kindVersion",
  "integratedTime",
  "inclusionPromise",
  "inclusionProof",
  "canonicalizedBody",
] as const;

function readProof(proof: Fields, index: number): Omit<LogEntry, "leafBytes" | "logId"> {
  proof.only("logIndex", "rootHash", "treeSize", "hashes", "checkpoint");
  if (decimal(proof, "logIndex") !== index) proof.refuse("logIndex", "the logIndex of the entry");
  const size = decimal(proof, "treeSize");
  if (size <= index) proof.refuse("treeSize", "a tree size above logIndex");
  const note = proof.object("checkpoint");
  note.only("envelope");
  return {
    index,
    size,
    root: readHash(proof, "rootHash"),
    hashes: readHashes(proof, "hashes"),
    checkpoint: note.string("envelope", { min: 1, max: MAX_NOTE_BYTES }),
  };
}

/** Inside `readFields`: the hashes of a proof. */
export function readHashes(fields: Fields, name: string): Hash[] {
  return fields.strings(name, { max: MAX_PROOF_HASHES }).map((text, i) => {
    const hash = asHash(fromBase64(text) ?? new Uint8Array(0));
    return hash ?? fields.refuse(`${name}[${i}]`, "32 bytes in standard base64");
  });
}

function decimal(fields: Fields, name: string): number {
  const size = parseSize(fields.string(name, { max: 16 }));
  return size.ok ? size.value : fields.refuse(name, "a decimal number up to 2^53−1, as a string");
}
