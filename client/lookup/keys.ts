/**
 * From what somebody wants to know to the keys under which a log would have it.
 *
 * A thing has several names in the map: a commit is an entry itself, the subject of statements, and
 * an object that a push names. A question asks for all of them at once, so that their absence is
 * proved together. Names are brought into canonical form here.
 *
 * Spec: docs/mapfn-v1.md, docs/formats.md §Index.
 *
 * @module
 */
import { canonicalDigest, canonicalRepository } from "../../schema/index/canonical.ts";
import { supersededKey } from "../../schema/index/contradiction.ts";
import type { LookupKey } from "../../schema/index/lookup.ts";

/** Bytes of a SHA-1 object id. */
const SHA1_BYTES = 20;

/** The commit itself, statements about it, and whether a second object has its id. */
export function commitKeys(id: Uint8Array): LookupKey[] {
  return [
    { type: "git-commit", fields: [id] },
    ...contentKey(id),
    { type: "subject", fields: ["gitCommit", id] },
    { type: "subject", fields: ["gitObject", id] },
  ];
}

/** As {@link commitKeys}, for an annotated tag. */
export function tagKeys(id: Uint8Array): LookupKey[] {
  return [
    { type: "git-tag", fields: [id] },
    ...contentKey(id),
    { type: "subject", fields: ["gitTag", id] },
    { type: "subject", fields: ["gitObject", id] },
  ];
}

/** Only SHA-1 can be made to give two objects one id. */
function contentKey(id: Uint8Array): LookupKey[] {
  return id.length === SHA1_BYTES ? [{ type: "git-content", fields: [id] }] : [];
}

/** What was signed with these very bytes as its content, and statements about them. */
export function artifactKeys(sha256: Uint8Array): LookupKey[] {
  return [{ type: "artifact", fields: [sha256] }, subjectKey("sha256", sha256)];
}

/** Statements about a thing with this digest, written as the algorithm writes it. */
export function subjectKey(algorithm: string, digest: string | Uint8Array): LookupKey {
  const field = typeof digest === "string" ? canonicalDigest(algorithm, digest) : digest;
  return { type: "subject", fields: [algorithm, field] };
}

/** Everything that a key signed, and how much of it nobody can read. */
export function signerKeys(signerId: Uint8Array): LookupKey[] {
  return [
    { type: "signer", fields: [signerId] },
    { type: "opaque-by", fields: [signerId] },
  ];
}

export function refKeys(repository: string, ref: string): LookupKey[] {
  const fields = [canonicalRepository(repository), ref];
  return [
    { type: "ref", fields },
    { type: "ref-value", fields },
  ];
}

/** A statement that somebody relies on, and what has taken its place. */
export function statementKeys(signerId: Uint8Array, contentDigest: Uint8Array): LookupKey[] {
  return [
    { type: "statement", fields: [signerId, contentDigest] },
    supersededKey({ signer: signerId, content: contentDigest }),
  ];
}
