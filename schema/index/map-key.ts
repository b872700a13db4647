/**
 * The keys of the map, and the values that are claimed under some of them.
 *
 *     key   = SHA-256("tlog-index/v1/key\0" ‖ L(origin) ‖ L(type) ‖ L(field) …)
 *     claim = SHA-256("tlog-index/v1/val\0" ‖ L(value) …)      byte-sorted, each once, at least one
 *     L(x)  = u16be(length of x) ‖ x
 *
 * Lengths keep fields apart, so that no two lists of fields have one key; the origin keeps keys
 * that were searched for in one log from being of use in another. Fields are in canonical form
 * before they come here (canonical.ts).
 *
 * Spec: docs/formats.md §Index. Vectors: test/vectors/index/encodings.json.
 *
 * @module
 */
import { equal, utf8 } from "../bytes.ts";
import { GenerationCache } from "../cache.ts";
import { LogError } from "../error.ts";
import { OpenTable } from "../table.ts";
import type { Hash, Sha256 } from "../tlog/hash.ts";

const KEY_LABEL = utf8("tlog-index/v1/key\0");
const VALUE_LABEL = utf8("tlog-index/v1/val\0");
const MAX_FIELD_BYTES = 65_535;

/** What can be looked up: the name of a key's type, and what its fields are. */
export const KEY_TYPES = {
  leaf: ["leaf hash"],
  statement: ["signer id", "content digest"],
  signer: ["signer id"],
  identity: ["CA signer id", "issuer", "subject alternative name"],
  subject: ["digest algorithm", "digest"],
  "subject-by": ["signer id", "digest algorithm", "digest"],
  "git-commit": ["object id"],
  "git-tag": ["object id"],
  "git-content": ["SHA-1 object id"],
  repo: ["repository"],
  ref: ["repository", "ref"],
  artifact: ["content digest"],
  purl: ["package URL"],
  "store-path": ["store path"],
  drv: ["derivation path"],
  builder: ["builder"],
  opaque: [],
  "opaque-by": ["signer id"],
  output: ["digest algorithm", "inputs digest", "system", "output name"],
  "output-by": ["signer id", "digest algorithm", "inputs digest", "system", "output name"],
  "ref-value": ["repository", "ref"],
  "ref-by": ["signer id", "repository", "ref"],
  "release-by": ["signer id", "repository", "ref"],
  superseded: ["signer id", "content digest"],
  "verdict-by": ["signer id", "repository", "target ref", "base", "head tree"],
  "signer-seq": ["signer id", "sequence number"],
} as const;

/** The same, with those that a later mapfn has besides. */
export const keyTypes: OpenTable<readonly string[]> = new OpenTable(
  "type of keys",
  Object.entries(KEY_TYPES),
);

/** A name of {@link keyTypes}. */
export type KeyType = string;

/** Keys that every entry posts: they follow from its leaf alone, whether anybody can read it or not. */
export const ALWAYS_POSTED: ReadonlySet<KeyType> = new Set([
  "leaf",
  "statement",
  "signer",
  "artifact",
]);

/** A field: bytes of a digest or an id, or text. */
export type KeyField = string | Uint8Array;

/** The map key of a type and its fields. Throws `INTERNAL` where their number or length is wrong. */
export function mapKey(
  sha256: Sha256,
  origin: string,
  type: KeyType,
  fields: readonly KeyField[],
): Hash {
  const expected = keyTypes.get(type);
  if (fields.length !== expected?.length)
    throw new LogError("INTERNAL", `a key of type ${type} has ${expected?.length ?? "no"} fields`);
  return sha256(withLengths(keyHead(origin, type), fields.map(bytesOf)));
}

/** What all keys of a type begin with: many thousands are made for each log that is read. */
const keyHeads = new GenerationCache<Uint8Array>(256);

function keyHead(origin: string, type: KeyType): Uint8Array {
  const name = `${type} ${origin}`;
  const known = keyHeads.get(name);
  if (known !== undefined) return known;
  const head = withLengths(KEY_LABEL, [utf8(origin), utf8(type)]);
  keyHeads.set(name, head);
  return head;
}

/** The claim value of a set. Throws `INTERNAL` for an empty one: a claim says something. */
export function claimValue(sha256: Sha256, values: readonly KeyField[]): Hash {
  const sorted = values.map(bytesOf).toSorted(compareBytes);
  const set = sorted.filter((value, i) => {
    const before = sorted[i - 1];
    return before === undefined || !equal(before, value);
  });
  if (set.length === 0) throw new LogError("INTERNAL", "a claim has at least one value");
  return sha256(withLengths(VALUE_LABEL, set));
}

/** The order of bytes: as `memcmp`, a prefix before what continues it. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** `head ‖ L(field) …` */
function withLengths(head: Uint8Array, fields: readonly Uint8Array[]): Uint8Array {
  let length = head.length;
  for (const field of fields) length += 2 + field.length;
  const whole = new Uint8Array(length);
  whole.set(head);
  let at = head.length;
  for (const field of fields) {
    if (field.length > MAX_FIELD_BYTES)
      throw new LogError("INTERNAL", `a field of a key has at most ${MAX_FIELD_BYTES} bytes`);
    whole[at] = field.length >> 8;
    whole[at + 1] = field.length & 255;
    whole.set(field, at + 2);
    at += 2 + field.length;
  }
  return whole;
}

function bytesOf(field: KeyField): Uint8Array {
  return typeof field === "string" ? utf8(field) : field;
}
