/** Policies of tests, line by line. */
import { utf8 } from "../../../schema/bytes.ts";
import type { Result } from "../../../schema/error.ts";
import { formatVkey, SIGNATURE_TYPES } from "../../../schema/tlog/note.ts";
import type { Policy } from "../../../schema/tlog/quorum.ts";
import { parsePolicy } from "../../../schema/tlog/tlog-policy.ts";
import { sha256, valueOf } from "./support.ts";

/** A witness key made out of a number: 32 bytes of Ed25519, or 1,312 of ML-DSA-44. */
export function witnessKey(
  name: string,
  n: number,
  type: 4 | 6 = SIGNATURE_TYPES.cosignature,
): string {
  const bytes = new Uint8Array(type === 4 ? 32 : 1_312).fill(n & 255);
  bytes[0] = n >> 8;
  return formatVkey(sha256, name, type, bytes);
}
export const logKey: string = formatVkey(
  sha256,
  "log.example",
  SIGNATURE_TYPES.ed25519,
  new Uint8Array(32).fill(9),
);

export function read(text: string): Result<Policy> {
  return parsePolicy(sha256, utf8(text));
}

export function policyOf(text: string): Policy {
  return valueOf(read(text));
}

/** The line of a witness of its own operator. */
export function w(n: number): string {
  return `witness w${n} ${witnessKey(`w${n}.example`, n)}\n`;
}

/** Those who cosigned, by their names in the file. */
export function among(...names: readonly string[]): (one: { readonly name: string }) => boolean {
  return ({ name }) => names.includes(name);
}
