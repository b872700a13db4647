/**
 * What a client asks of a leaf that came from a log: that it is the leaf its own signature, key
 * and content give. The same derivation admits entries, so a log can never admit what a client
 * refuses. Whether the signature verifies is `client/signature/registry.ts`.
 *
 * Spec: docs/formats.md §Checking an entry.
 *
 * @module
 */
import { equal } from "../bytes.ts";
import { type Failure, failure, type Result, success } from "../error.ts";
import { containerOf } from "../key/certificate.ts";
import type { PublicKey } from "../key/spki.ts";
import type { Hash, Sha256 } from "../tlog/hash.ts";
import { Content } from "./content.ts";
import { deriveEntry, leafKey } from "./derive.ts";
import {
  type CountersignLeaf,
  type HashedrekordLeaf,
  type Leaf,
  type LeafKey,
  leafContentDigest,
} from "./leaf.ts";
import { NAMESPACES, type Reading } from "./reading.ts";
import { signatureForms } from "./signature-form.ts";
import { readSigner, type SignatureFields, type Signer } from "./signer.ts";

/** A leaf that keeps every rule but the signature's own. */
export interface CheckedEntry {
  readonly leaf: Leaf;
  readonly contentDigest: Hash;
  readonly signerId: Hash;
  /** The key that signs, as numbers; for `sshsig` the key inside the blob. */
  readonly publicKey: PublicKey;
  /** What the content is. Absent where the content was not given. */
  readonly reading?: Reading;
  /** The whole git object, put together again, where the leaf has a `git` field. */
  readonly gitObject?: Uint8Array;
}

/**
 * Check a leaf: content digest and size, media type, format, git object, key, signer id,
 * statement rules, postings. Without `attackerContent` (opaque, erased or not fetched) what
 * needs it is left out and `reading` is absent. `attackerKey` is the key object of a leaf that
 * names its key by digest, and is not looked at for any other.
 *
 * Fails with NOT_FOUND where content or key object are not those that the leaf names, which says
 * nothing about the leaf; every other failure is the leaf's own, and evidence against its log.
 */
export function checkLeaf(
  sha256: Sha256,
  leaf: Leaf,
  attackerContent: Uint8Array | undefined,
  attackerKey?: Uint8Array,
): Result<CheckedEntry> {
  const signer = leafSigner(sha256, leaf, attackerKey);
  if (!signer.ok) return signer;
  const checked = {
    leaf,
    contentDigest: leafContentDigest(leaf),
    signerId: signer.value.id,
    publicKey: signer.value.publicKey,
  };
  if (attackerContent === undefined) return success(checked);
  const content = Content.of(sha256, attackerContent, "content");
  const digest = content.ok ? content.value.digest : sha256(attackerContent);
  if (!equal(digest, checked.contentDigest)) return notNamed("content");
  if (!content.ok) return content;
  const git = leaf.kind === "countersign" ? leaf.git : undefined;
  const fields = { content: "content", signature: FIELDS.signature };
  const derived = deriveEntry(sha256, signer.value, content.value, git, fields, leaf.kind);
  if (!derived.ok) return derived;
  const difference = findDifference(leaf, derived.value.leaf);
  if (difference !== undefined) return difference;
  const { reading, gitObject } = derived.value;
  return success({ ...checked, reading, ...(gitObject === undefined ? {} : { gitObject }) });
}

/** The signer id of a leaf, recomputed from its key. */
export function leafSignerId(sha256: Sha256, leaf: Leaf, attackerKey?: Uint8Array): Result<Hash> {
  const signer = leafSigner(sha256, leaf, attackerKey);
  return signer.ok ? success(signer.value.id) : signer;
}

const FIELDS: SignatureFields = {
  key: "spec.signature.key.value",
  algorithm: "spec.signature.algorithm",
  signature: "spec.signature.value",
};

const HASHEDREKORD_FIELDS: SignatureFields = {
  key: "spec.hashedRekordV002.signature.verifier",
  algorithm: "spec.hashedRekordV002.signature.verifier.keyDetails",
  signature: "spec.hashedRekordV002.signature.content",
};

function leafSigner(sha256: Sha256, leaf: Leaf, attackerKey?: Uint8Array): Result<Signer> {
  return leaf.kind === "hashedrekord"
    ? hashedrekordSigner(sha256, leaf)
    : countersignSigner(sha256, leaf, attackerKey);
}

function hashedrekordSigner(sha256: Sha256, leaf: HashedrekordLeaf): Result<Signer> {
  const { keyDetails, verifier, signature: value } = leaf;
  const fields = {
    ...HASHEDREKORD_FIELDS,
    key: `${HASHEDREKORD_FIELDS.key}.${verifier.container}.rawBytes`,
  };
  const signer = readSigner(sha256, { by: "key", keyDetails, key: verifier, value }, fields);
  if (signer.ok && !equal(signer.value.key, verifier.bytes)) return notCanonical(fields.key);
  return signer;
}

function countersignSigner(
  sha256: Sha256,
  leaf: CountersignLeaf,
  attackerKey: Uint8Array | undefined,
): Result<Signer> {
  const { algorithm, format, key, value } = leaf.signature;
  if (signatureForms.get(format)?.by === "form") return formSigner(sha256, leaf, attackerKey);
  if ((format === "sshsig") === (algorithm !== undefined))
    return differs(FIELDS.algorithm, "a keyDetails name, except for the format sshsig");
  const isGit = leaf.git !== undefined;
  if (isGit && format !== "sshsig") return differs("spec.git", "absent but for the format sshsig");
  if (algorithm === undefined) {
    const signer = readSigner(sha256, { by: "sshsig", value }, FIELDS);
    if (!signer.ok) return signer;
    if (isGit !== (signer.value.sshsig?.namespace === NAMESPACES.git))
      return differs("spec.git", `present exactly for the namespace ${NAMESPACES.git}`);
    return sameKey(sha256, signer.value, key);
  }
  const bytes = carriedKey(sha256, key, attackerKey);
  if (bytes === undefined) return notNamed("key");
  const carried = { container: containerOf(bytes), bytes };
  const plain = { by: "key", keyDetails: algorithm, key: carried, value } as const;
  const signer = readSigner(sha256, plain, FIELDS);
  if (!signer.ok) return signer;
  if (!equal(signer.value.key, bytes)) return notCanonical(FIELDS.key);
  return sameKey(sha256, signer.value, key);
}

/** A kind of signature of its own: nothing stands beside key and value. */
function formSigner(
  sha256: Sha256,
  { git, signature }: CountersignLeaf,
  attackerKey: Uint8Array | undefined,
): Result<Signer> {
  const { algorithm, format, key, value } = signature;
  if (algorithm !== undefined) return differs(FIELDS.algorithm, `absent for the format ${format}`);
  if (git !== undefined) return differs("spec.git", "absent but for the format sshsig");
  const bytes = carriedKey(sha256, key, attackerKey);
  if (bytes === undefined) return notNamed("key");
  const signer = readSigner(sha256, { by: "form", format, key: bytes, value }, FIELDS);
  return signer.ok ? sameKey(sha256, signer.value, key) : signer;
}

/** The key in the leaf, or the key object that it names. */
function carriedKey(
  sha256: Sha256,
  key: LeafKey,
  attackerKey: Uint8Array | undefined,
): Uint8Array | undefined {
  const bytes = key.value ?? attackerKey;
  if (bytes === undefined || key.digest === undefined) return bytes;
  return equal(sha256(bytes), key.digest) ? bytes : undefined;
}

/** The leaf's key fields are those that its signer gives. */
function sameKey(sha256: Sha256, signer: Signer, key: LeafKey): Result<Signer> {
  const expected = leafKey(sha256, signer.id, signer.key);
  if (!equal(key.id, expected.id)) return differs("spec.signature.key.id", "the signer id");
  if (!sameBytes(key.value, expected.value) || !sameBytes(key.digest, expected.digest))
    return differs(FIELDS.key, "the key of the signature, or its digest where it is too large");
  return success(signer);
}

/** What is left to compare once signer and content digest are those of the leaf. */
function findDifference(leaf: Leaf, derived: Leaf): Failure | undefined {
  if (leaf.kind !== derived.kind) return differs("kind", derived.kind);
  if (leaf.kind === "hashedrekord" || derived.kind === "hashedrekord") return undefined;
  if (leaf.content.mediaType !== derived.content.mediaType)
    return differs("spec.content.mediaType", derived.content.mediaType);
  if (leaf.content.size !== derived.content.size)
    return differs("spec.content.size", String(derived.content.size));
  if (leaf.signature.format !== derived.signature.format)
    return differs("spec.signature.format", derived.signature.format);
  return undefined;
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equal(a, b);
}

function differs(field: string, expected: string): Failure {
  return failure("FIELD_INVALID", `${field} must be ${expected}.`, { field, expected });
}

function notNamed(what: "content" | "key"): Failure {
  return failure("NOT_FOUND", `The ${what} that the leaf names by its SHA-256 is not at hand.`, {
    field: what,
    expected: "the bytes with that SHA-256",
  });
}

function notCanonical(field: string): Failure {
  return failure("NOT_CANONICAL", "The key is not in its canonical encoding.", {
    field,
    expected: "the DER that its numbers give",
  });
}
