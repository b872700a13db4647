/**
 * Git objects, taken apart into the bytes that were signed and the signature, and put together
 * again byte for byte.
 *
 * - Commit: the signature is the first header `gpgsig` (`gpgsig-sha256` where the object names
 *   64-digit ids) with its continuation lines; the payload is the object without it. Any other
 *   signature header stays in the payload, in its place, and so does `mergetag`, which has a
 *   signature of its own inside.
 * - Tag, push certificate: the signature runs from the last line that begins an armor to the
 *   end; the payload is what stands before it.
 *
 * The fields of an object are read from the payload alone: only signed bytes make claims.
 *
 * - G1  `rebuildGitObject(payload, gitLeafField(signature))` is the object that was taken apart,
 *       for every object; and nothing that does not come apart the same way is put together.
 *
 * Spec: git's gitformat-signature, gitformat-pack; docs/formats.md. Vectors: test/vectors/git/.
 *
 * @module
 */
import { concat, equal, utf8 } from "../bytes.ts";
import { type Failure, failure, type Result, success } from "../error.ts";
import { type GitCommit, parseCommit } from "./commit.ts";
import { type GitHashAlgorithm, isPrefix, lineEnd, startsAt, unfold } from "./lines.ts";
import { type GitPushCertificate, parsePushCertificate } from "./push-certificate.ts";
import { type GitTag, parseTag } from "./tag.ts";

export type { GitHashAlgorithm } from "./lines.ts";

export type GitContent = GitCommit | GitTag | GitPushCertificate;
export type GitType = GitContent["type"];

/** A git object, its signature apart. */
export type GitObject = GitContent & {
  /** The signed bytes; the whole object where there is no signature. */
  readonly payload: Uint8Array;
  readonly signature?: GitSignature;
};

/** Where a signature stood in an object: the leaf's `git` field. */
export interface GitLeafField {
  /** `gpgsig` or `gpgsig-sha256`; empty for the trailing signature of a tag or certificate. */
  readonly header: string;
  /** Byte offset of `value` in the object. */
  readonly at: number;
  /** The exact bytes, from the header name to its final line feed; or the trailing signature. */
  readonly value: Uint8Array;
}

export type GitSignatureKind = "ssh" | "openpgp" | "cms" | "unknown";

export interface GitSignature extends GitLeafField {
  readonly kind: GitSignatureKind;
  /** The armor, without header name and continuation spaces. */
  readonly armored: Uint8Array;
}

/** SHA-1 or SHA-256 of bytes, as lower-case hex. */
export type GitHash = (algorithm: GitHashAlgorithm, bytes: Uint8Array) => string;

const ARMORS: readonly (readonly [string, GitSignatureKind])[] = [
  ["-----BEGIN SSH SIGNATURE-----", "ssh"],
  ["-----BEGIN PGP SIGNATURE-----", "openpgp"],
  ["-----BEGIN PGP MESSAGE-----", "openpgp"],
  ["-----BEGIN SIGNED MESSAGE-----", "cms"],
];
const ARMOR_LINES = ARMORS.map(([line, kind]) => ({ line: utf8(line), kind }));

const SPACE = 0x20;
const LF = 0x0a;

/**
 * Take an object apart. Its first line says what it is. Fails with `KIND_UNSUPPORTED` where it
 * is no commit, tag or push certificate, and with `FIELD_INVALID` where it is a broken one.
 */
export function parseGitObject(attackerObject: Uint8Array): Result<GitObject> {
  const type = gitTypeOf(attackerObject);
  if (type === undefined) return notGit();
  const signature =
    type === "commit" ? headerSignature(attackerObject) : trailingSignature(attackerObject);
  const payload = signature ? without(attackerObject, signature) : attackerObject;
  const content = parseGitContent(payload);
  if (!content.ok) return content;
  return success({ ...content.value, payload, ...(signature && { signature }) });
}

/** Read the fields of signed bytes. No signature is looked for; the same failures. */
export function parseGitContent(attackerPayload: Uint8Array): Result<GitContent> {
  switch (gitTypeOf(attackerPayload)) {
    case "commit":
      return parseCommit(attackerPayload);
    case "tag":
      return parseTag(attackerPayload);
    case "push-certificate":
      return parsePushCertificate(attackerPayload);
    case undefined:
      return notGit();
  }
}

/** What bytes claim to be by their first line; `undefined` where they are no git object. */
export function gitTypeOf(attackerBytes: Uint8Array): GitType | undefined {
  if (isPrefix(FIRST_LINES.commit, attackerBytes)) return "commit";
  if (isPrefix(FIRST_LINES.tag, attackerBytes)) return "tag";
  if (isPrefix(FIRST_LINES.certificate, attackerBytes)) return "push-certificate";
  return undefined;
}

const FIRST_LINES = {
  commit: utf8("tree "),
  tag: utf8("object "),
  certificate: utf8("certificate version "),
};

/** The leaf field of a signature. */
export function gitLeafField({ header, at, value }: GitSignature): GitLeafField {
  return { header, at, value };
}

/** The object out of signed bytes and a leaf's `git` field (G1). Fails with `FIELD_INVALID`. */
export function rebuildGitObject(
  attackerPayload: Uint8Array,
  attackerField: GitLeafField,
): Result<Uint8Array> {
  const rebuilt = reassembleGitObject(attackerPayload, attackerField);
  return rebuilt.ok ? success(rebuilt.value.raw) : rebuilt;
}

/** The same, with the object taken apart again: `signature` is the one of the field. */
export function reassembleGitObject(
  attackerPayload: Uint8Array,
  attackerField: GitLeafField,
): Result<{
  readonly raw: Uint8Array;
  readonly object: GitObject & { readonly signature: GitSignature };
}> {
  const { header, at, value } = attackerField;
  if (!Number.isInteger(at) || at < 0 || at > attackerPayload.length)
    return failure("FIELD_INVALID", "git.at is not an offset in the object.", {
      field: "git.at",
      limit: attackerPayload.length,
    });
  const raw = concat(attackerPayload.subarray(0, at), value, attackerPayload.subarray(at));
  const again = parseGitObject(raw);
  if (!again.ok) return again;
  const { signature, payload } = again.value;
  if (
    signature?.header === header &&
    signature.at === at &&
    equal(signature.value, value) &&
    equal(payload, attackerPayload)
  )
    return success({ raw, object: { ...again.value, signature } });
  return failure("FIELD_INVALID", "git is not the signature of the object it makes.", {
    field: "git",
    expected: "the header and offset at which git finds the signature",
  });
}

/** The object id, lower-case hex. A push certificate is stored as a blob. */
export function gitObjectId(
  hash: GitHash,
  object: { readonly type: GitType; readonly hashAlgorithm: GitHashAlgorithm },
  raw: Uint8Array,
): string {
  const type = object.type === "push-certificate" ? "blob" : object.type;
  return hash(object.hashAlgorithm, concat(utf8(`${type} ${raw.length}\0`), raw));
}

/** What an armor is, by its first line. */
export function signatureKind(attackerArmor: Uint8Array): GitSignatureKind {
  return ARMOR_LINES.find(({ line }) => isPrefix(line, attackerArmor))?.kind ?? "unknown";
}

function without(object: Uint8Array, { at, value }: GitSignature): Uint8Array {
  return concat(object.subarray(0, at), object.subarray(at + value.length));
}

/** The signature header of a commit, found as git finds it: line by line up to the empty one. */
function headerSignature(object: Uint8Array): GitSignature | undefined {
  // "tree " and the id: its length says which hash names things here.
  const header = lineEnd(object, 0) - FIRST_LINES.commit.length > 41 ? "gpgsig-sha256" : "gpgsig";
  const name = utf8(`${header} `);
  for (let at = 0; at < object.length && object[at] !== LF; at = lineEnd(object, at)) {
    if (!startsAt(object, at, name)) continue;
    let end = lineEnd(object, at);
    while (object[end] === SPACE) end = lineEnd(object, end);
    const value = object.subarray(at, end);
    const armored = unfold(value.subarray(name.length));
    return { header, at, value, armored, kind: signatureKind(armored) };
  }
  return undefined;
}

/** From the last line that begins an armor, as git finds it. */
function trailingSignature(object: Uint8Array): GitSignature | undefined {
  let found: number | undefined;
  for (let at = 0; at < object.length; at = lineEnd(object, at))
    if (object[at] === 0x2d && signatureKind(object.subarray(at)) !== "unknown") found = at;
  if (found === undefined) return undefined;
  const value = object.subarray(found);
  return { header: "", at: found, value, armored: value, kind: signatureKind(value) };
}

function notGit(): Failure {
  return failure("KIND_UNSUPPORTED", "The bytes are no git commit, tag or push certificate.");
}
