/**
 * The lines that git objects are made of: headers, object ids, identities.
 *
 * @module
 */
import { fromUtf8, latin1 } from "../bytes.ts";
import { type Failure, failure, type Result, success } from "../error.ts";

/** Which hash names objects: SHA-1 for 40-digit ids, SHA-256 for 64. */
export type GitHashAlgorithm = "sha1" | "sha256";

/** Headers of one object. Git writes a handful; the bound keeps memory small. */
export const MAX_GIT_HEADERS = 10_000;

export interface GitHeader {
  readonly name: string;
  /** Without name and space, with continuation lines unfolded, without the last line feed. */
  readonly value: Uint8Array;
}

/** Who and when, as the author of the object claims. */
export interface GitIdentity {
  /** For display: UTF-8 where the bytes are that, else one character for each byte. */
  readonly name: string;
  readonly email: string;
  /** Unix seconds; `undefined` where the line is not of git's form. */
  readonly seconds?: number;
  /** `+hhmm` or `-hhmm`. */
  readonly zone?: string;
}

/** The offset behind the line that begins at `at`: behind its line feed, or the end. */
export function lineEnd(bytes: Uint8Array, at: number): number {
  const end = bytes.indexOf(0x0a, at);
  return end < 0 ? bytes.length : end + 1;
}

export function isPrefix(prefix: Uint8Array, bytes: Uint8Array): boolean {
  return bytes.length >= prefix.length && prefix.every((byte, i) => bytes[i] === byte);
}

/** The headers of an object up to the empty line, and the bytes behind it. */
export function parseHeaders(
  object: Uint8Array,
): Result<{ readonly headers: readonly GitHeader[]; readonly message: Uint8Array }> {
  const headers: GitHeader[] = [];
  let at = 0;
  while (at < object.length && object[at] !== 0x0a) {
    const start = at;
    at = lineEnd(object, at);
    while (object[at] === 0x20) at = lineEnd(object, at);
    const text = latin1(object.subarray(start, at)).replaceAll("\n ", "\n").replace(/\n$/, "");
    if (text.includes("\0"))
      return malformed(start, "a header contains a NUL, behind which git does not read");
    const space = text.indexOf(" ");
    const name = space < 0 ? text : text.slice(0, space);
    headers.push({ name, value: fromLatin1(space < 0 ? "" : text.slice(space + 1)) });
    if (headers.length > MAX_GIT_HEADERS)
      return failure("TOO_LARGE", `A git object has at most ${MAX_GIT_HEADERS} headers.`, {
        limit: MAX_GIT_HEADERS,
      });
  }
  return success({ headers, message: object.subarray(Math.min(at + 1, object.length)) });
}

export function malformed(at: number, reason: string): Failure {
  return failure("FIELD_INVALID", `The git object is malformed: ${reason}.`, { at: `${at}` });
}

/** Which hash an object id belongs to; `undefined` where the text is no id. */
export function idAlgorithm(attackerId: string): GitHashAlgorithm | undefined {
  if (!/^[0-9a-f]*$/.test(attackerId)) return undefined;
  if (attackerId.length === 40) return "sha1";
  return attackerId.length === 64 ? "sha256" : undefined;
}

/** Read `name <email> seconds zone`. Old and odd lines keep their text as the name. */
export function parseIdentity(line: Uint8Array): GitIdentity {
  const text = displayText(line);
  const match = /^([^<>\n]*)<([^<>\n]*)> (0|[1-9][0-9]{0,14}) ([+-][0-9]{4})$/.exec(text);
  if (match === null) return { name: text, email: "" };
  const [, name = "", email = "", seconds = "", zone = ""] = match;
  return { name: name.trimEnd(), email, seconds: Number(seconds), zone };
}

/** Text of bytes for display: UTF-8 where they are that, else one character for each byte. */
export function displayText(bytes: Uint8Array): string {
  return fromUtf8(bytes) ?? latin1(bytes);
}

function fromLatin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
