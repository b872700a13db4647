/**
 * The fields of a push certificate: `certificate version 0.1`, pusher, and optionally pushee,
 * nonce and push options; an empty line; one line for each ref: old id, new id, ref name.
 *
 * Spec: git's gitprotocol-pack, "Push Certificate".
 *
 * @module
 */
import { fromUtf8, latin1 } from "../bytes.ts";
import { type Result, success } from "../error.ts";
import {
  displayText,
  type GitHashAlgorithm,
  type GitHeader,
  type GitIdentity,
  idAlgorithm,
  isLine,
  lineEnd,
  malformed,
  parseHeaders,
  parseIdentity,
} from "./lines.ts";

interface GitRefUpdate {
  /** Object id; all zeros where the ref is made. */
  readonly oldId: string;
  /** Object id; all zeros where the ref is deleted. */
  readonly newId: string;
  readonly ref: string;
}

export interface GitPushCertificate {
  readonly type: "push-certificate";
  readonly hashAlgorithm: GitHashAlgorithm;
  readonly pusher: GitIdentity;
  /** The repository's URL as the pusher wrote it. */
  readonly pushee?: string;
  /** What the server gave the pusher to sign. */
  readonly nonce?: string;
  readonly pushOptions: readonly string[];
  readonly updates: readonly GitRefUpdate[];
}

/** Read signed bytes that begin with `certificate version `. Fails with `FIELD_INVALID`. */
export function parsePushCertificate(payload: Uint8Array): Result<GitPushCertificate> {
  const parsed = parseHeaders(payload);
  if (!parsed.ok) return parsed;
  const { headers, message } = parsed.value;
  const [version, pusher, ...rest] = headers;
  if (version === undefined || latin1(version.value) !== "version 0.1")
    return malformed(0, "only push certificate version 0.1 is known");
  if (!isLine(pusher, "pusher")) return malformed(0, "pusher must follow the version, in a line");
  const updates = parseUpdates(message, payload.length - message.length);
  if (!updates.ok) return updates;
  const [first] = updates.value;
  const hashAlgorithm = idAlgorithm(first?.oldId ?? "");
  if (hashAlgorithm === undefined) return malformed(payload.length, "no ref is updated");
  const pushee = textOf(rest, "pushee");
  const nonce = textOf(rest, "nonce");
  return success({
    type: "push-certificate",
    hashAlgorithm,
    pusher: parseIdentity(pusher.value),
    ...(pushee !== undefined && { pushee }),
    ...(nonce !== undefined && { nonce }),
    pushOptions: rest
      .filter(({ name }) => name === "push-option")
      .map(({ value }) => displayText(value)),
    updates: updates.value,
  });
}

function textOf(headers: readonly GitHeader[], name: string): string | undefined {
  const header = headers.find((candidate) => candidate.name === name);
  return header && displayText(header.value);
}

function parseUpdates(lines: Uint8Array, offset: number): Result<GitRefUpdate[]> {
  const updates: GitRefUpdate[] = [];
  let at = 0;
  while (at < lines.length) {
    const end = lineEnd(lines, at);
    const text = fromUtf8(lines.subarray(at, end));
    const match = /^([0-9a-f]+) ([0-9a-f]+) ([^\0\n]+)\n$/.exec(text ?? "");
    const [, oldId = "", newId = "", ref = ""] = match ?? [];
    const algorithm = idAlgorithm(oldId);
    const expected = updates[0] === undefined ? algorithm : idAlgorithm(updates[0].oldId);
    if (algorithm === undefined || algorithm !== expected || idAlgorithm(newId) !== algorithm)
      return malformed(offset + at, "a line must be: old id, new id, ref name");
    updates.push({ oldId, newId, ref });
    at = end;
  }
  return success(updates);
}
