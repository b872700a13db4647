/**
 * How a content is read: one table over format, namespace and bytes, never over what a
 * submitter says. The leaf's media type must equal the reading's.
 *
 *     signed by              content                                     reading
 *     sshsig, `git`          commit, tag or push certificate             by its first line
 *     sshsig, dsse@…         a PAE                                       by its payload type
 *     sshsig `file`; a key   a PAE                                       by its payload type
 *                            else a git object, a checksum file or
 *                            simple signing, each by a strict parse      that
 *                            else any bytes                              opaque
 *     sshsig, another        –                                           refused
 *
 * A payload type is read further where it is in-toto's or the log's own; an in-toto payload
 * that is not a valid Statement is refused, whatever the format.
 *
 * Spec: docs/formats.md §Reading. Vectors: test/vectors/leaf/.
 *
 * @module
 */
import { failure, type Result, success } from "../error.ts";
import { type GitContent, type GitType, parseGitContent } from "../git/object.ts";
import type { Sha256 } from "../tlog/hash.ts";
import { type ChecksumLine, parseChecksumFile } from "./checksum-file.ts";
import { isMediaType, MEDIA_TYPE_FORM } from "./countersign.ts";
import { type DsseMessage, parsePae } from "./dsse.ts";
import { LOG_PAYLOAD_TYPE, type LogStatement, parseLogStatement } from "./log-statement.ts";
import { parseSimpleSigning, type SimpleSigning } from "./simple-signing.ts";
import { IN_TOTO_PAYLOAD_TYPE, parseStatement, type Statement } from "./statement.ts";

/** Media types of contents that are not a PAE; the media type of a PAE is its payload type. */
export const MEDIA_TYPES = {
  commit: "application/vnd.countersign.git-commit",
  tag: "application/vnd.countersign.git-tag",
  "push-certificate": "application/vnd.countersign.git-push-certificate",
  checksums: "application/vnd.countersign.checksums",
  simpleSigning: "application/vnd.dev.cosign.simplesigning.v1+json",
  opaque: "application/octet-stream",
} as const;

/** SSHSIG namespaces whose contents are read; each by its own row of the table. */
export const NAMESPACES = { git: "git", file: "file", dsse: "dsse@countersign" } as const;

/** What a content is. `mediaType` is what the leaf must carry. */
export type Reading = { readonly mediaType: string } & (
  | { readonly kind: "statement"; readonly statement: Statement }
  /** Only as a log's own word: see L1 in log-statement.ts. */
  | {
      readonly kind: "log-statement";
      readonly statement: LogStatement;
      readonly payload: Uint8Array;
    }
  /** A PAE whose payload has no meaning here. */
  | { readonly kind: "pae"; readonly payload: Uint8Array }
  | {
      readonly kind: "git-commit" | "git-tag" | "push-certificate";
      readonly object: GitContent;
    }
  | { readonly kind: "checksum-file"; readonly lines: readonly ChecksumLine[] }
  | { readonly kind: "simple-signing"; readonly signing: SimpleSigning }
  | { readonly kind: "opaque" }
);

export type ReadingKind = Reading["kind"];

/** What decides how bytes are read: a plain key, or the namespace that an SSHSIG signs. */
export type ReadingContext =
  | { readonly signedBy: "key" }
  | { readonly signedBy: "sshsig"; readonly namespace: string };

/**
 * Read a content. Fails where the entry is to be refused: a namespace that is not in the table
 * (KIND_UNSUPPORTED), bytes that are not what their namespace demands (FIELD_INVALID), an
 * in-toto payload that is not I-JSON or breaks its schema (JSON_MALFORMED, STATEMENT_INVALID).
 */
export function readContent(
  sha256: Sha256,
  context: ReadingContext,
  attackerContent: Uint8Array,
): Result<Reading> {
  if (context.signedBy === "key") return readBytes(sha256, attackerContent);
  switch (context.namespace) {
    case NAMESPACES.file:
      return readBytes(sha256, attackerContent);
    case NAMESPACES.git: {
      const object = parseGitContent(attackerContent);
      return object.ok ? success(gitReading(object.value)) : object;
    }
    case NAMESPACES.dsse: {
      const message = parsePae(attackerContent);
      return message.ok ? readMessage(sha256, message.value) : message;
    }
    default:
      return failure("KIND_UNSUPPORTED", "unsupported kind of SSH signature: its namespace", {
        field: "namespace",
        expected: Object.values(NAMESPACES).join(" | "),
      });
  }
}

/** Whether the reading came out of a PAE. */
export function isPaeReading(reading: Reading): boolean {
  return reading.kind === "statement" || reading.kind === "log-statement" || reading.kind === "pae";
}

export function gitReading(object: GitContent): Reading {
  return { kind: GIT_KINDS[object.type], mediaType: MEDIA_TYPES[object.type], object };
}

const GIT_KINDS: Readonly<Record<GitType, "git-commit" | "git-tag" | "push-certificate">> = {
  commit: "git-commit",
  tag: "git-tag",
  "push-certificate": "push-certificate",
};

function readBytes(sha256: Sha256, content: Uint8Array): Result<Reading> {
  const message = parsePae(content);
  if (message.ok) return readMessage(sha256, message.value);
  const object = parseGitContent(content);
  if (object.ok) return success(gitReading(object.value));
  const lines = parseChecksumFile(content);
  if (lines !== undefined)
    return success({ kind: "checksum-file", mediaType: MEDIA_TYPES.checksums, lines });
  const signing = parseSimpleSigning(content);
  if (signing !== undefined)
    return success({ kind: "simple-signing", mediaType: MEDIA_TYPES.simpleSigning, signing });
  return success({ kind: "opaque", mediaType: MEDIA_TYPES.opaque });
}

function readMessage(sha256: Sha256, { payloadType, payload }: DsseMessage): Result<Reading> {
  if (!isMediaType(payloadType))
    return failure("FIELD_INVALID", `The payload type must be ${MEDIA_TYPE_FORM}.`, {
      field: "payloadType",
      expected: MEDIA_TYPE_FORM,
    });
  const pae: Reading = { kind: "pae", mediaType: payloadType, payload };
  if (payloadType === IN_TOTO_PAYLOAD_TYPE) {
    const statement = parseStatement(sha256, payload);
    if (!statement.ok) return statement;
    if (statement.value === undefined) return success(pae);
    return success({ kind: "statement", mediaType: payloadType, statement: statement.value });
  }
  if (payloadType === LOG_PAYLOAD_TYPE) {
    const statement = parseLogStatement(sha256, payload);
    if (!statement.ok) return success(pae);
    return success({ ...pae, kind: "log-statement", statement: statement.value });
  }
  return success(pae);
}
