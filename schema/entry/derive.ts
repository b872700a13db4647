/**
 * The one leaf of a signature over a content.
 *
 * Whoever admits an entry derives its leaf; whoever received one derives it again from the same
 * parts and compares (`check.ts`). So a rule stands here once and holds on both sides.
 *
 * - E1  A leaf's kind, format, media type, key and signer id follow from signature, key and
 *       content. Nobody chooses them.
 * - E2  A leaf with a `git` field makes, with its content, a git object whose signature is the
 *       leaf's: nothing else can be rebuilt from it.
 *
 * @module
 */
import { equal } from "../bytes.ts";
import { type Failure, failure, type Result, success } from "../error.ts";
import { reassembleGitObject } from "../git/object.ts";
import { MAX_INLINE_KEY_BYTES } from "../limits.ts";
import type { Hash, Sha256 } from "../tlog/hash.ts";
import type { Content } from "./content.ts";
import { isHashedrekordKeyDetails } from "./hashedrekord.ts";
import type { HashedrekordLeaf, Leaf, LeafGit, LeafKey } from "./leaf.ts";
import { speaksForItself } from "./log-statement.ts";
import { checkPostings } from "./postings.ts";
import { gitReading, isPaeReading, NAMESPACES, type Reading } from "./reading.ts";
import { inField, type Signer } from "./signer.ts";
import { dearmor } from "./sshsig.ts";

/** What an entry is made of, besides its signature. */
export interface Derived {
  readonly leaf: Leaf;
  readonly reading: Reading;
  /** The whole git object, where there is a `git` field. */
  readonly gitObject?: Uint8Array;
}

/** Where content and git object stand, for refusals. */
export interface ContentFields {
  readonly content: string;
  readonly signature: string;
}

/**
 * Derive the leaf. `kind` asks for a `countersign` leaf although a `hashedrekord` could hold the
 * signature: the twin of an opaque entry. Fails as the reading does, or TOO_LARGE by postings.
 */
export function deriveEntry(
  sha256: Sha256,
  signer: Signer,
  content: Content,
  git: LeafGit | undefined,
  fields: ContentFields,
  kind?: Leaf["kind"],
): Result<Derived> {
  const read = readWhole(sha256, signer, content, git, fields);
  if (!read.ok) return inField(read, fields.content);
  const { reading } = read.value;
  const postings = checkPostings(reading);
  if (!postings.ok) return postings;
  return success({ ...read.value, leaf: makeLeaf(sha256, signer, content, reading, git, kind) });
}

type Whole = Omit<Derived, "leaf">;

function readWhole(
  sha256: Sha256,
  signer: Signer,
  content: Content,
  git: LeafGit | undefined,
  fields: ContentFields,
): Result<Whole> {
  const isGit = signer.sshsig?.namespace === NAMESPACES.git;
  if (isGit && git !== undefined) return readGitObject(signer, content, git, fields);
  if (isGit) return needsObject(fields.signature);
  if (git !== undefined)
    return failure("FIELD_INVALID", "Only a signature in the namespace git is in a git object.", {
      field: fields.signature,
      expected: `an SSH signature in the namespace ${NAMESPACES.git}`,
    });
  const reading = content.read(signer.context);
  return reading.ok ? success({ reading: ownWord(sha256, signer, reading.value) }) : reading;
}

/** E2. The object tells what it is, and its armor must hold this very signature. */
function readGitObject(
  signer: Signer,
  content: Content,
  git: LeafGit,
  fields: ContentFields,
): Result<Whole> {
  const rebuilt = reassembleGitObject(content.bytes, git);
  if (!rebuilt.ok) return rebuilt;
  const { raw, object } = rebuilt.value;
  const blob = dearmor(object.signature.armored);
  if (!blob.ok) return inField(blob, fields.signature);
  if (!equal(blob.value, signer.value))
    return failure("FIELD_INVALID", "The git object holds another signature than the leaf.", {
      field: fields.signature,
      expected: "the SSHSIG inside the object",
    });
  const { payload: _, signature: __, ...fieldsOfObject } = object;
  return success({ reading: gitReading(fieldsOfObject), gitObject: raw });
}

/** L1: a log statement under another key, or by SSHSIG, is a payload without meaning. */
function ownWord(sha256: Sha256, signer: Signer, reading: Reading): Reading {
  if (reading.kind !== "log-statement") return reading;
  const own =
    signer.algorithm === "PKIX_ED25519" && speaksForItself(sha256, reading.statement, signer.id);
  return own ? reading : { kind: "pae", mediaType: reading.mediaType, payload: reading.payload };
}

function makeLeaf(
  sha256: Sha256,
  signer: Signer,
  content: Content,
  reading: Reading,
  git: LeafGit | undefined,
  kind: Leaf["kind"] | undefined,
): Leaf {
  const { algorithm, format, key, value } = signer;
  const record = kind === "countersign" ? undefined : opaqueLeaf(signer, content.digest);
  if (record !== undefined) return record;
  const plain = isPaeReading(reading) ? "dsse" : "raw";
  return {
    kind: "countersign",
    content: {
      digest: content.digest,
      mediaType: reading.mediaType,
      size: content.bytes.length,
    },
    ...(git === undefined ? {} : { git: { header: git.header, at: git.at, value: git.value } }),
    signature: {
      ...(algorithm === undefined ? {} : { algorithm }),
      format: format ?? (algorithm === undefined ? "sshsig" : plain),
      key: leafKey(sha256, signer.id, key),
      value,
    },
  };
}

/**
 * The leaf of a signature over a digest whose content is not at hand; the same leaf as with it.
 * `undefined` where a `hashedrekord` cannot hold the signature: such entries bring their content.
 */
export function opaqueLeaf(signer: Signer, digest: Hash): HashedrekordLeaf | undefined {
  const { algorithm, container = "publicKey", key, value } = signer;
  if (algorithm === undefined || !isHashedrekordKeyDetails(algorithm)) return undefined;
  return {
    kind: "hashedrekord",
    digest,
    keyDetails: algorithm,
    verifier: { container, bytes: key },
    signature: value,
  };
}

/** The key in a leaf: itself, or its digest where it is too large. */
export function leafKey(sha256: Sha256, id: Hash, key: Uint8Array): LeafKey {
  return key.length <= MAX_INLINE_KEY_BYTES ? { id, value: key } : { id, digest: sha256(key) };
}

function needsObject(field: string): Failure {
  return failure("FIELD_INVALID", "A signature in the namespace git needs the object it is in.", {
    field,
    expected: "a submission of kind git with the whole object",
  });
}
