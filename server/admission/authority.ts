/**
 * Who may append: anybody who signs, enrolled keys, or whoever holds a token.
 *
 * - `anyone`: the signature is the only thing asked for.
 * - `keys`: every signature of a submission must be by an enrolled key.
 * - `token`: `Authorization: Bearer …`; what was signed, and by whom, is not looked at.
 *
 * Tokens are kept and compared as SHA-256 digests, in constant time.
 *
 * @module
 */
import { timingSafeEqual } from "node:crypto";
import { fromHex, toHex, utf8 } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { signerId } from "../../schema/key/signer-id.ts";
import { parseSshKeyLine } from "../../schema/key/ssh-key.ts";
import type { Hash, Sha256 } from "../../schema/tlog/hash.ts";

const MIN_TOKEN_LENGTH = 16;

export interface Authority {
  /** Before the body is read. `authorization` is the header as it came. */
  readonly checkRequest: (authorization: string | undefined) => void;
  /** After the signature was checked. `signer` is proved, not claimed. */
  readonly checkSigner: (signer: Hash) => void;
}

export const anyone: Authority = { checkRequest: nothing, checkSigner: nothing };

/** `text`: one key a line, as SSH writes it or as a signer id in hex; `#` starts a comment. */
export function enrolledKeys(sha256: Sha256, text: string, source: string): Authority {
  const enrolled = new Set<string>();
  for (const { line, number } of linesOf(text)) {
    if (/^[0-9a-f]{64}$/.test(line) && fromHex(line) !== undefined) {
      enrolled.add(line);
      continue;
    }
    const key = parseSshKeyLine(line);
    if (!key.ok)
      throw new LogError("CONFIG_INVALID", `${source}: ${key.message}`, {
        field: "admission.keys_file",
        at: `${number}:1`,
        expected: "an SSH public key line, or a signer id of 64 hex digits",
      });
    enrolled.add(toHex(signerId(sha256, key.value.key)));
  }
  if (enrolled.size === 0) throw empty("admission.keys_file", source, "one enrolled key");
  return {
    checkRequest: nothing,
    checkSigner(signer) {
      if (enrolled.has(toHex(signer))) return;
      throw new LogError("NOT_ALLOWED", `The key ${toHex(signer)} is not enrolled in this log.`, {
        field: "signature.key",
        expected: "a signature by an enrolled key",
      });
    },
  };
}

/** `text`: one token a line, each at least 16 characters. */
export function tokens(sha256: Sha256, text: string, source: string): Authority {
  const known: Hash[] = [];
  for (const { line, number } of linesOf(text)) {
    if (line.length < MIN_TOKEN_LENGTH)
      throw new LogError("CONFIG_INVALID", `${source}: a token is too short`, {
        field: "admission.token_file",
        at: `${number}:1`,
        limit: MIN_TOKEN_LENGTH,
        expected: `at least ${MIN_TOKEN_LENGTH} characters`,
      });
    known.push(sha256(utf8(line)));
  }
  if (known.length === 0) throw empty("admission.token_file", source, "one token");
  return {
    checkRequest(authorization) {
      const given = /^Bearer +([^\s]+)$/i.exec(authorization ?? "")?.[1];
      const digest = sha256(utf8(given ?? ""));
      let found = false;
      for (const token of known) found = timingSafeEqual(token, digest) || found;
      if (given !== undefined && found) return;
      throw new LogError("NOT_ALLOWED", "This log takes submissions only with a token.", {
        field: "Authorization",
        expected: "Bearer and a token of this log",
      });
    },
    checkSigner: nothing,
  };
}

function linesOf(text: string): { readonly line: string; readonly number: number }[] {
  return text
    .split("\n")
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line !== "" && !line.startsWith("#"));
}

function empty(field: string, source: string, expected: string): LogError {
  return new LogError("CONFIG_INVALID", `${source} is empty`, { field, expected });
}

function nothing(): void {}
