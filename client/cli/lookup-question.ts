/**
 * The question of `lookup`, out of its words: what it is called, and the keys it asks for.
 *
 * @module
 */
import { fromHex, fromUtf8, toHex } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { canonicalPurl, canonicalRepository } from "../../schema/index/canonical.ts";
import type { LookupKey } from "../../schema/index/lookup.ts";
import { KEY_TYPES, type KeyField, type KeyType } from "../../schema/index/map-key.ts";
import { nodeCrypto } from "../crypto/node.ts";
import {
  artifactKeys,
  commitKeys,
  refKeys,
  signerKeys,
  statementKeys,
  subjectKey,
  tagKeys,
} from "../lookup/keys.ts";
import { readTrustedKey } from "../trust-key.ts";
import { digestText, fileDigest } from "./artifacts.ts";
import { readBytes } from "./files.ts";
import type { Io } from "./io.ts";

export interface Question {
  /** As it is shown: `commit 4b82…`. */
  readonly title: string;
  readonly keys: readonly LookupKey[];
}

/** Bytes of a file with a public key. */
const MAX_KEY_FILE_BYTES = 65_536;

/** What can be asked, and the words that follow. */
const QUESTIONS = {
  commit: ["ID"],
  tag: ["ID"],
  artifact: ["FILE|sha256:HEX"],
  subject: ["ALGORITHM", "DIGEST"],
  signer: ["KEY"],
  repo: ["URI"],
  ref: ["URI", "REF"],
  purl: ["PURL"],
  builder: ["BUILDER"],
  "store-path": ["PATH"],
  statement: ["KEY", "sha256:HEX"],
  claim: ["SLOT", "FIELD…"],
} as const;

/** Slots: under each of these a signer, or everybody, says one thing or contradicts themselves. */
const SLOTS = {
  output: ["ALGORITHM", "INPUTS", "SYSTEM", "NAME"],
  "output-by": ["KEY", "ALGORITHM", "INPUTS", "SYSTEM", "NAME"],
  "ref-value": ["URI", "REF"],
  "ref-by": ["KEY", "URI", "REF"],
  "release-by": ["KEY", "URI", "REF"],
  "verdict-by": ["KEY", "URI", "REF", "BASE", "TREE"],
  "signer-seq": ["KEY", "NUMBER"],
} as const satisfies Partial<Record<KeyType, readonly string[]>>;

/** For help texts: what can be asked, and each slot of a claim. */
export const QUESTION_WORDS: string = wordsOf(QUESTIONS);
export const SLOT_WORDS: string = wordsOf(SLOTS);

/** Throws USAGE where the words are no question. */
export async function readQuestion(io: Io, words: readonly string[]): Promise<Question> {
  const [kind = "", ...rest] = words;
  const known = Object.keys(QUESTIONS).filter((name): name is keyof typeof QUESTIONS =>
    Object.hasOwn(QUESTIONS, name),
  );
  const question = known.find((name) => name === kind);
  if (question === undefined)
    throw new LogError("USAGE", `"${kind}" is nothing that can be looked up`, {
      field: "QUESTION",
      expected: known.join(", "),
    });
  if (question === "claim") return readClaim(io, rest);
  needWords(question, rest, QUESTIONS[question]);
  return { title: [question, ...rest].join(" "), keys: await keysOf(io, question, rest) };
}

function wordsOf(questions: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(questions)
    .map(([name, words]) => [name, ...words].join(" "))
    .join(", ");
}

async function keysOf(
  io: Io,
  question: Exclude<keyof typeof QUESTIONS, "claim">,
  [first = "", second = ""]: readonly string[],
): Promise<readonly LookupKey[]> {
  switch (question) {
    case "commit":
      return commitKeys(objectId(first));
    case "tag":
      return tagKeys(objectId(first));
    case "artifact":
      return artifactKeys(hex(digestText(first) ?? (await fileDigest(io, first))));
    case "subject":
      return [subjectKey(first, second)];
    case "signer":
      return signerKeys(await signerOf(io, first));
    case "repo":
      return [{ type: "repo", fields: [canonicalRepository(first)] }];
    case "ref":
      return refKeys(first, second);
    case "purl":
      return [{ type: "purl", fields: [canonicalPurl(first)] }];
    case "builder":
    case "store-path":
      return [{ type: question, fields: [first] }];
    case "statement":
      return statementKeys(await signerOf(io, first), sha256Of(second));
  }
}

async function readClaim(io: Io, words: readonly string[]): Promise<Question> {
  const [name = "", ...rest] = words;
  const known = Object.keys(SLOTS).filter((slot): slot is keyof typeof SLOTS =>
    Object.hasOwn(SLOTS, slot),
  );
  const slot = known.find((one) => one === name);
  if (slot === undefined)
    throw new LogError("USAGE", `"${name}" is no slot`, {
      field: "SLOT",
      expected: known.join(", "),
    });
  needWords(`claim ${slot}`, rest, SLOTS[slot]);
  const fields: KeyField[] = [];
  for (const [i, what] of SLOTS[slot].entries()) fields.push(await field(io, what, rest[i] ?? ""));
  if (fields.length !== KEY_TYPES[slot].length)
    throw new LogError("INTERNAL", `a slot ${slot} has other fields than its key`);
  return { title: ["claim", slot, ...rest].join(" "), keys: [{ type: slot, fields }] };
}

type SlotField = (typeof SLOTS)[keyof typeof SLOTS][number];

async function field(io: Io, what: SlotField, text: string): Promise<KeyField> {
  switch (what) {
    case "KEY":
      return signerOf(io, text);
    case "URI":
      return canonicalRepository(text);
    case "INPUTS":
      return sha256Of(text.startsWith("sha256:") ? text : `sha256:${text}`);
    case "BASE":
    case "TREE":
      return objectId(text);
    case "NUMBER":
      if (!/^(?:0|[1-9]\d{0,15})$/.test(text))
        throw new LogError("USAGE", `"${text}" is no number of a sequence`, { field: what });
      return text;
    case "ALGORITHM":
    case "NAME":
    case "REF":
    case "SYSTEM":
      return text;
  }
}

function needWords(name: string, words: readonly string[], needed: readonly string[]): void {
  if (words.length === needed.length) return;
  throw new LogError("USAGE", `${name} takes ${needed.length} words, not ${words.length}`, {
    field: "QUESTION",
    expected: `countersign lookup ${name} ${needed.join(" ")}`,
  });
}

/** A key as the trust file takes it, or a file with such a key. */
async function signerOf(io: Io, text: string): Promise<Uint8Array> {
  const named = readTrustedKey(nodeCrypto.sha256, text);
  if (named.ok) return named.value;
  const bytes = await readBytes(io, text, MAX_KEY_FILE_BYTES).catch(() => undefined);
  const inside = bytes === undefined ? undefined : fromUtf8(bytes);
  const read = inside === undefined ? named : readTrustedKey(nodeCrypto.sha256, inside);
  if (read.ok) return read.value;
  throw new LogError("USAGE", `the key ${text} ${read.message}`, {
    field: "KEY",
    expected: `${read.detail.expected}, or a file with one of them`,
    hint: "countersign key show FILE",
  });
}

function objectId(text: string): Uint8Array {
  if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)) return hex(text);
  throw new LogError("USAGE", `"${text}" is no object id`, {
    field: "ID",
    expected: "40 or 64 hex digits",
    hint: "git rev-parse HEAD",
  });
}

function sha256Of(text: string): Uint8Array {
  const digits = digestText(text);
  if (digits !== undefined) return hex(digits);
  throw new LogError("USAGE", `"${text}" is no digest`, {
    field: "DIGEST",
    expected: "sha256:HEX",
  });
}

function hex(digits: string): Uint8Array {
  return fromHex(digits) ?? new Uint8Array(0);
}

/** Bytes of a key's fields, as they are printed in JSON. */
export function keyData({ type, fields }: LookupKey): object {
  return {
    type,
    fields: fields.map((one) => (typeof one === "string" ? one : { hex: toHex(one) })),
  };
}
