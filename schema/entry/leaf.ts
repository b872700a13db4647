/**
 * A leaf: one signature by one key over one content, as the bytes whose hash is in the tree.
 *
 * A leaf is its own canonical JSON (RFC 8785). The parser therefore reads the fields with the
 * strict JSON parser, writes them again and compares: an unknown member, white space, another
 * order, an escape, another number or base64 all give other bytes and are refused.
 *
 * What the fields *mean* (key, reading, git object) is `check.ts`, for admission and clients alike.
 *
 * Spec: docs/formats.md §Leaf. Vectors: test/vectors/leaf/.
 *
 * @module
 */
import { equal, latin1, utf8 } from "../bytes.ts";
import { type Failure, failure, type Result, success } from "../error.ts";
import { type Fields, readFields, refuse } from "../fields.ts";
import { parseJson } from "../json.ts";
import { MAX_LEAF_BYTES } from "../limits.ts";
import type { Hash } from "../tlog/hash.ts";
import {
  COUNTERSIGN_VERSION,
  type CountersignLeaf,
  encodeCountersign,
  readCountersign,
} from "./countersign.ts";
import {
  encodeHashedrekord,
  HASHEDREKORD_VERSION,
  type HashedrekordLeaf,
  readHashedrekord,
} from "./hashedrekord.ts";

export type { CountersignLeaf, LeafGit, LeafKey } from "./countersign.ts";
export type { HashedrekordLeaf } from "./hashedrekord.ts";

export type Leaf = HashedrekordLeaf | CountersignLeaf;

/** Sigstore's name for a leaf layout, as a TransparencyLogEntry carries it. */
export interface KindVersion {
  readonly kind: Leaf["kind"];
  readonly version: string;
}

/** The leaf out of its bytes: at most 65,535, and their own canonical form (NOT_CANONICAL). */
export function parseLeaf(attackerBytes: Uint8Array): Result<Leaf> {
  if (attackerBytes.length > MAX_LEAF_BYTES) return tooLarge(attackerBytes.length);
  const json = parseJson(attackerBytes);
  if (!json.ok) return json;
  const leaf = readFields(json.value, "", readLeaf);
  if (!leaf.ok) return leaf;
  if (!equal(utf8(leafText(leaf.value)), attackerBytes))
    return failure("NOT_CANONICAL", "the leaf is not its own canonical JSON", {
      field: "leaf",
      expected: "RFC 8785 JSON with the members of its kind and no others",
    });
  return leaf;
}

/** The bytes of a leaf. The caller holds the limit: see {@link encodeCheckedLeaf}. */
export function encodeLeaf(leaf: Leaf): Uint8Array<ArrayBuffer> {
  return utf8(leafText(leaf));
}

/** The bytes of a leaf, or TOO_LARGE. */
export function encodeCheckedLeaf(leaf: Leaf): Result<Uint8Array<ArrayBuffer>> {
  const bytes = encodeLeaf(leaf);
  return bytes.length > MAX_LEAF_BYTES ? tooLarge(bytes.length) : success(bytes);
}

/** SHA-256 of the content that the leaf's signature covers. */
export function leafContentDigest(leaf: Leaf): Hash {
  return leaf.kind === "hashedrekord" ? leaf.digest : leaf.content.digest;
}

const KINDS: readonly KindVersion[] = [
  { kind: "hashedrekord", version: HASHEDREKORD_VERSION },
  { kind: "countersign", version: COUNTERSIGN_VERSION },
];

/** Which kind a leaf claims to be, by how its bytes begin; `undefined` for any other. */
export function kindVersionOf(leafBytes: Uint8Array): KindVersion | undefined {
  const start = latin1(leafBytes.subarray(0, 64));
  return KINDS.find(({ kind, version }) =>
    start.startsWith(`{"apiVersion":"${version}","kind":"${kind}","spec":{`),
  );
}

function leafText(leaf: Leaf): string {
  return leaf.kind === "hashedrekord" ? encodeHashedrekord(leaf) : encodeCountersign(leaf);
}

function readLeaf(root: Fields): Leaf {
  const kind = root.string("kind", { max: 64 });
  if (kind === "hashedrekord") return readHashedrekord(root);
  if (kind === "countersign") return readCountersign(root);
  return refuse("KIND_UNSUPPORTED", "unsupported kind of leaf", {
    field: "kind",
    expected: "hashedrekord | countersign",
  });
}

function tooLarge(size: number): Failure {
  return failure("TOO_LARGE", `the leaf has ${size} bytes; the limit is ${MAX_LEAF_BYTES}`, {
    field: "leaf",
    limit: MAX_LEAF_BYTES,
  });
}
