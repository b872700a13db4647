/**
 * Admission without its signature check: from a submission to the entries it becomes.
 *
 * An envelope with n signatures becomes n entries that share one content. All are prepared or
 * none: one that is refused refuses the submission. What a leaf must be is `derive.ts`; here is
 * only where each part of a submission goes.
 *
 * Spec: docs/formats.md §Submission. Vectors: test/vectors/leaf/.
 *
 * @module
 */
import { fromBase64 } from "../bytes.ts";
import { type Failure, failure, type Result, success } from "../error.ts";
import { gitLeafField, parseGitObject } from "../git/object.ts";
import type {
  DsseSubmission,
  FormSubmission,
  GitSubmission,
  PlainVerifier,
  RawSubmission,
  SshsigSubmission,
  SshsigVerifier,
  Submission,
} from "../http/messages.ts";
import { type Hash, leafHash, type Sha256 } from "../tlog/hash.ts";
import type { CheckedEntry } from "./check.ts";
import { Content } from "./content.ts";
import { deriveEntry } from "./derive.ts";
import { pae, parseEnvelope } from "./dsse.ts";
import { encodeCheckedLeaf, type Leaf, type LeafGit } from "./leaf.ts";
import type { Reading } from "./reading.ts";
import { type AttackerSignature, inField, readSigner, type SignatureFields } from "./signer.ts";
import { dearmor } from "./sshsig.ts";

/** One entry, ready but for the check of its signature (`client/signature/registry.ts`). */
export interface PreparedLeaf extends CheckedEntry {
  readonly leafBytes: Uint8Array;
  /** RFC 6962 leaf hash of `leafBytes`. */
  readonly leafHash: Hash;
  /** Absent for an opaque entry, as `reading` is. */
  readonly content?: Uint8Array;
  /** A key too large for the leaf, to be stored beside it. */
  readonly keyObject?: { readonly digest: Hash; readonly bytes: Uint8Array };
}

/** The same with its content at hand. */
export interface PreparedEntry extends PreparedLeaf {
  readonly content: Uint8Array;
  readonly reading: Reading;
}

/**
 * The entries of a submission, in the order of its signatures; all of them or none.
 * Everything is checked but the signatures themselves. Refusals name the submission's fields,
 * and those of a statement from `payload`. `kind` asks for the twins of opaque entries, as
 * `deriveEntry` does.
 */
export function prepareSubmission(
  sha256: Sha256,
  submission: Submission,
  kind?: Leaf["kind"],
): Result<readonly PreparedEntry[]> {
  switch (submission.kind) {
    case "dsse":
      return prepareEnvelope(sha256, submission, kind);
    case "git":
      return single(prepareGit(sha256, submission));
    case "sshsig":
      return single(prepareSshsig(sha256, submission));
    case "raw":
      return single(prepareRaw(sha256, submission, kind));
    case "form":
      return single(prepareForm(sha256, submission));
  }
}

function prepareEnvelope(
  sha256: Sha256,
  submission: DsseSubmission,
  kind: Leaf["kind"] | undefined,
): Result<readonly PreparedEntry[]> {
  const envelope = parseEnvelope(submission.envelope, "envelope");
  if (!envelope.ok) return envelope;
  const { payloadType, payload, signatures } = envelope.value;
  const content = Content.of(sha256, pae(payloadType, payload), "envelope.payload");
  if (!content.ok) return content;
  if (submission.verifiers.length !== signatures.length)
    return failure("FIELD_INVALID", "There must be one verifier for each signature.", {
      field: "verifiers",
      expected: `${signatures.length} verifiers`,
    });
  const entries: PreparedEntry[] = [];
  for (const [i, { sig }] of signatures.entries()) {
    const verifier = submission.verifiers[i];
    const fields = verifierFields(verifier, `verifiers[${i}]`, `envelope.signatures[${i}].sig`);
    const signature = signatureOf(verifier, sig, fields);
    if (!signature.ok) return signature;
    const all = { ...fields, content: "envelope.payload" };
    const entry = prepareSigned(sha256, content.value, signature.value, undefined, all, kind);
    if (!entry.ok) return entry;
    entries.push(entry.value);
  }
  return success(entries);
}

function prepareGit(sha256: Sha256, submission: GitSubmission): Result<PreparedEntry> {
  const raw = decode(submission.object, "object");
  if (!raw.ok) return raw;
  const object = parseGitObject(raw.value);
  if (!object.ok) return inField(object, "object");
  const { payload, signature } = object.value;
  if (signature === undefined)
    return failure("FIELD_INVALID", "The git object is not signed.", {
      field: "object",
      expected: "a commit, tag or push certificate with its signature",
    });
  if (signature.kind !== "ssh")
    return failure("KIND_UNSUPPORTED", `unsupported kind of git signature: ${signature.kind}`, {
      field: "object",
      expected: "an SSH signature",
    });
  const content = Content.of(sha256, payload, "object");
  if (!content.ok) return content;
  const blob = dearmor(signature.armored);
  if (!blob.ok) return inField(blob, "object");
  const fields = { key: "object", algorithm: "object", signature: "object", content: "object" };
  const parts = { by: "sshsig", value: blob.value } as const;
  return prepareSigned(sha256, content.value, parts, gitLeafField(signature), fields);
}

function prepareSshsig(sha256: Sha256, submission: SshsigSubmission): Result<PreparedEntry> {
  const content = decodeContent(sha256, submission.content);
  if (!content.ok) return content;
  const blob = submission.signature.startsWith("-")
    ? dearmor(submission.signature)
    : decode(submission.signature, "signature");
  if (!blob.ok) return inField(blob, "signature");
  const fields = { key: "signature", algorithm: "signature", signature: "signature" };
  const parts = { by: "sshsig", value: blob.value } as const;
  return prepareSigned(sha256, content.value, parts, undefined, { ...fields, content: "content" });
}

function prepareRaw(
  sha256: Sha256,
  submission: RawSubmission,
  kind: Leaf["kind"] | undefined,
): Result<PreparedEntry> {
  const content = decodeContent(sha256, submission.content);
  if (!content.ok) return content;
  const value = decode(submission.signature, "signature");
  if (!value.ok) return value;
  const fields = verifierFields(submission.verifier, "verifier", "signature");
  const signature = signatureOf(submission.verifier, value.value, fields);
  if (!signature.ok) return signature;
  const all = { ...fields, content: "content" };
  return prepareSigned(sha256, content.value, signature.value, undefined, all, kind);
}

function prepareForm(sha256: Sha256, submission: FormSubmission): Result<PreparedEntry> {
  const content = decodeContent(sha256, submission.content);
  if (!content.ok) return content;
  const key = decode(submission.key, "key");
  if (!key.ok) return key;
  const value = decode(submission.signature, "signature");
  if (!value.ok) return value;
  const { format } = submission;
  const parts = { by: "form", format, key: key.value, value: value.value } as const;
  const fields = { key: "key", algorithm: "format", signature: "signature", content: "content" };
  return prepareSigned(sha256, content.value, parts, undefined, fields);
}

/** One signature over one content, whatever it came in. */
export function prepareSigned(
  sha256: Sha256,
  content: Content,
  signature: AttackerSignature,
  git: LeafGit | undefined,
  fields: SignatureFields & { readonly content: string },
  kind?: Leaf["kind"],
): Result<PreparedEntry> {
  const signer = readSigner(sha256, signature, fields);
  if (!signer.ok) return signer;
  const derived = deriveEntry(sha256, signer.value, content, git, fields, kind);
  if (!derived.ok) return derived;
  const { leaf } = derived.value;
  const leafBytes = encodeCheckedLeaf(leaf);
  if (!leafBytes.ok) return leafBytes;
  const keyDigest = leaf.kind === "countersign" ? leaf.signature.key.digest : undefined;
  return success({
    ...derived.value,
    contentDigest: content.digest,
    signerId: signer.value.id,
    publicKey: signer.value.publicKey,
    leafBytes: leafBytes.value,
    leafHash: leafHash(sha256, leafBytes.value),
    content: content.bytes,
    ...(keyDigest && { keyObject: { digest: keyDigest, bytes: signer.value.key } }),
  });
}

function signatureOf(
  verifier: PlainVerifier | SshsigVerifier | undefined,
  value: Uint8Array,
  fields: SignatureFields,
): Result<AttackerSignature> {
  if (verifier === undefined) return notBase64(fields.key);
  if ("sshsig" in verifier) return success({ by: "sshsig", value });
  const { keyDetails } = verifier;
  const isKey = "publicKey" in verifier;
  const bytes = decode(isKey ? verifier.publicKey : verifier.x509Certificate, fields.key);
  if (!bytes.ok) return bytes;
  const container = isKey ? "publicKey" : "x509Certificate";
  return success({ by: "key", keyDetails, key: { container, bytes: bytes.value }, value });
}

function verifierFields(
  verifier: PlainVerifier | SshsigVerifier | undefined,
  path: string,
  signature: string,
): SignatureFields {
  const certificate = verifier !== undefined && "x509Certificate" in verifier;
  const key = `${path}.${certificate ? "x509Certificate" : "publicKey"}`;
  return { key, algorithm: `${path}.keyDetails`, signature };
}

function decodeContent(sha256: Sha256, attackerText: string): Result<Content> {
  const bytes = decode(attackerText, "content");
  return bytes.ok ? Content.of(sha256, bytes.value, "content") : bytes;
}

function decode(attackerText: string, field: string): Result<Uint8Array> {
  const bytes = fromBase64(attackerText);
  return bytes === undefined ? notBase64(field) : success(bytes);
}

function notBase64(field: string): Failure {
  return failure("FIELD_INVALID", `${field} must be standard base64 with padding.`, {
    field,
    expected: "standard base64 with padding",
  });
}

function single(entry: Result<PreparedEntry>): Result<readonly PreparedEntry[]> {
  return entry.ok ? success([entry.value]) : entry;
}
