/**
 * What a log says about itself, as entries of its own: the genesis at index 0, then
 * configuration, erasures, the end of an index, and the freeze that ends it.
 *
 * - L1  A log statement speaks for a log only as a `dsse` leaf under the Ed25519 key of the
 *       vkey that it names in `log`. From any other key it is bytes without meaning.
 *
 * The payload is RFC 8785 JSON in canonical form.
 *
 * Spec: docs/formats.md §Log statements.
 *
 * @module
 */
import { equal } from "../bytes.ts";
import { failure, type Result } from "../error.ts";
import { type Fields, readFields, required } from "../fields.ts";
import { canonicalJson, type JsonObject, parseJson } from "../json.ts";
import { ed25519Spki } from "../key/spki.ts";
import {
  NAME,
  optionalText,
  present,
  SHA256_HEX,
  TIMESTAMP,
  text,
  VKEY,
} from "../predicate/forms.ts";
import type { Hash, Sha256 } from "../tlog/hash.ts";
import { parseVkey, SIGNATURE_TYPES } from "../tlog/note.ts";

export const LOG_PAYLOAD_TYPE = "application/vnd.countersign.log+json";
/** The format this program writes and reads. */
export const LOG_FORMAT_VERSION = 1;

interface Said {
  /** The vkey of the log that speaks. */
  readonly log: string;
  /** RFC 3339 in UTC, as the log's clock had it. */
  readonly createdAt: string;
}

/** Entry 0: what can never change. */
export interface Genesis extends Said {
  readonly type: "genesis";
  readonly origin: string;
  /** Every key the log signs its checkpoints with; `log` is among them. */
  readonly vkeys: readonly string[];
  readonly formatVersion: number;
}

/** What may change, and is fixed from this entry on. */
export interface LogConfig extends Said {
  readonly type: "config";
  readonly indexOrigin?: string;
  readonly mapfn?: string;
  /** A policy in the format of C2SP tlog-policy. */
  readonly witnessPolicy?: string;
}

/** A content was erased; its leaf and proofs stay. */
export interface Erase extends Said {
  readonly type: "erase";
  /** SHA-256 (hex) of the content. */
  readonly digest: string;
  readonly reason: string;
}

/**
 * An index ends: these are all the leaves that its log will ever have. Under the last of them are all
 * entries before this statement that the index has, and never this statement.
 */
export interface IndexEnd extends Said {
  readonly type: "index-end";
  readonly indexOrigin: string;
  /** The last size of the index log. */
  readonly leaves: number;
  /** The size of the log that its last leaf names. */
  readonly entries: number;
  /** Origin of the index that goes on. */
  readonly successor: string;
}

/** The log ends. */
export interface Freeze extends Said {
  readonly type: "freeze";
  /** The vkey of the log that follows. */
  readonly successor?: string;
  readonly reason: string;
}

export type LogStatement = Genesis | LogConfig | Erase | IndexEnd | Freeze;

/** The payload of a log statement: canonical JSON. */
export function formatLogStatement(statement: LogStatement): Uint8Array<ArrayBuffer> {
  const json: JsonObject = { ...statement };
  return canonicalJson(json);
}

/** Read a payload of {@link LOG_PAYLOAD_TYPE}. Unknown fields are ignored. Who signed is L1. */
export function parseLogStatement(
  sha256: Sha256,
  attackerPayload: Uint8Array,
): Result<LogStatement> {
  const json = parseJson(attackerPayload);
  if (!json.ok) return json;
  if (!equal(canonicalJson(json.value), attackerPayload))
    return failure("NOT_CANONICAL", "A log statement must be canonical JSON.", {
      field: "payload",
      expected: "RFC 8785 JSON",
    });
  return readFields(json.value, "payload", (root) => read(sha256, root));
}

/** L1: whether this signer is the log that the statement names. */
export function speaksForItself(sha256: Sha256, statement: LogStatement, signer: Hash): boolean {
  const vkey = parseVkey(sha256, statement.log);
  return (
    vkey.ok &&
    vkey.value.type === SIGNATURE_TYPES.ed25519 &&
    equal(sha256(ed25519Spki(vkey.value.publicKey)), signer)
  );
}

const TYPES = ["genesis", "config", "erase", "index-end", "freeze"] as const;
const ORIGIN_FORM = { ...NAME, max: 255 };
const POLICY_FORM = { pattern: /^[^\0]*$/, max: 65_536, expected: "a text" };

function read(sha256: Sha256, root: Fields): LogStatement {
  const type = root.oneOf("type", TYPES);
  const said = { log: vkey(sha256, root, "log"), createdAt: text(root, "createdAt", TIMESTAMP) };
  switch (type) {
    case "genesis":
      return { type, ...said, ...readGenesis(sha256, root, said.log) };
    case "config":
      return {
        type,
        ...said,
        ...present({
          indexOrigin: optionalText(root, "indexOrigin", ORIGIN_FORM),
          mapfn: optionalText(root, "mapfn", NAME),
          witnessPolicy: optionalText(root, "witnessPolicy", POLICY_FORM),
        }),
      };
    case "erase":
      return {
        type,
        ...said,
        digest: text(root, "digest", SHA256_HEX),
        reason: text(root, "reason", NAME),
      };
    case "index-end":
      return {
        type,
        ...said,
        indexOrigin: text(root, "indexOrigin", ORIGIN_FORM),
        leaves: root.integer("leaves", { min: 1 }),
        entries: root.integer("entries"),
        successor: text(root, "successor", ORIGIN_FORM),
      };
    case "freeze":
      return {
        type,
        ...said,
        reason: text(root, "reason", NAME),
        ...present({
          successor: root.optional("successor", (name) => vkey(sha256, root, name)),
        }),
      };
  }
}

function readGenesis(
  sha256: Sha256,
  root: Fields,
  log: string,
): Pick<Genesis, "origin" | "vkeys" | "formatVersion"> {
  const vkeys = root.strings("vkeys", { min: 1, max: 16 });
  for (const key of vkeys) required(parseVkey(sha256, key));
  if (!vkeys.includes(log)) root.refuse("vkeys", "an array with the vkey of log in it");
  return {
    origin: text(root, "origin", ORIGIN_FORM),
    vkeys,
    formatVersion: root.integer("formatVersion", { min: 1 }),
  };
}

function vkey(sha256: Sha256, root: Fields, name: string): string {
  const value = text(root, name, VKEY);
  required(parseVkey(sha256, value));
  return value;
}
