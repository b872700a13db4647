/**
 * The lines that git objects are made of: headers, object ids, identities.
 *
 * @module
 */
import { fromUtf8, latin1 } from "../bytes.ts";
import { type Failure, failure, type Result, success } from "../error.ts";
import { MAX_GIT_HEADERS } from "../limits.ts";

const SPACE = 0x20;
const LF = 0x0a;

/** Which hash names objects: SHA-1 for 40-digit ids, SHA-256 for 64. */
export type GitHashAlgorithm = "sha1" | "sha256";

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
  return startsAt(bytes, 0, prefix);
}

export function startsAt(bytes: Uint8Array, at: number, prefix: Uint8Array): boolean {
  if (bytes.length - at < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[at + i] !== prefix[i]) return false;
  return true;
}

/** Without the space that begins each continuation line. */
export function unfold(folded: Uint8Array): Uint8Array {
  const plain = new Uint8Array(folded.length);
  let length = 0;
  for (let at = 0; at < folded.length; ) {
    const end = lineEnd(folded, at);
    const from = at > 0 && folded[at] === SPACE ? at + 1 : at;
    plain.set(folded.subarray(from, end), length);
    length += end - from;
    at = end;
  }
  return plain.subarray(0, length);
}

/** The headers of an object up to the empty line, and the bytes behind it. */
export function parseHeaders(
  object: Uint8Array,
): Result<{ readonly headers: readonly GitHeader[]; readonly message: Uint8Array }> {
  const headers: GitHeader[] = [];
  let at = 0;
  while (at < object.length && object[at] !== LF) {
    const start = at;
    at = lineEnd(object, at);
    while (object[at] === SPACE) at = lineEnd(object, at);
    const header = object.subarray(start, object[at - 1] === LF ? at - 1 : at);
    if (header.includes(0))
      return malformed(start, "a header contains a NUL, behind which git does not read");
    headers.push(splitHeader(header));
    if (headers.length > MAX_GIT_HEADERS)
      return failure("TOO_LARGE", `A git object has at most ${MAX_GIT_HEADERS} headers.`, {
        limit: MAX_GIT_HEADERS,
      });
  }
  return success({ headers, message: object.subarray(Math.min(at + 1, object.length)) });
}

/** Whether a header is there under this name, without continuation lines. */
export function isLine(header: GitHeader | undefined, name: string): header is GitHeader {
  return header?.name === name && !header.value.includes(LF);
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

/**
 * Read `name <email> seconds zone`; a pusher is `key seconds zone`. Old and odd lines keep
 * their whole text as the name.
 */
export function parseIdentity(line: Uint8Array): GitIdentity {
  const text = displayText(line);
  const zoneAt = text.lastIndexOf(" ");
  const secondsAt = text.lastIndexOf(" ", zoneAt - 1);
  const zone = text.slice(zoneAt + 1);
  const seconds = text.slice(secondsAt + 1, zoneAt);
  const timed =
    secondsAt >= 0 && /^[+-][0-9]{4}$/.test(zone) && /^(?:0|[1-9][0-9]{0,14})$/.test(seconds);
  if (!timed) return { name: text, email: "" };
  const who = text.slice(0, secondsAt).trimEnd();
  const open = who.indexOf("<");
  const whole = open < 0 || who.indexOf(">", open) !== who.length - 1;
  const [name, email] = whole ? [who, ""] : [who.slice(0, open).trimEnd(), who.slice(open + 1, -1)];
  return { name, email, seconds: Number(seconds), zone };
}

/** Text of bytes for display: UTF-8 where they are that, else one character for each byte. */
export function displayText(bytes: Uint8Array): string {
  return fromUtf8(bytes) ?? latin1(bytes);
}

function splitHeader(header: Uint8Array): GitHeader {
  const space = header.indexOf(SPACE);
  const line = header.indexOf(LF);
  if (space < 0 || (line >= 0 && line < space))
    return {
      name: latin1(header.subarray(0, line < 0 ? header.length : line)),
      value: unfold(line < 0 ? new Uint8Array(0) : header.subarray(line)),
    };
  return { name: latin1(header.subarray(0, space)), value: unfold(header.subarray(space + 1)) };
}
