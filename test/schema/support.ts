/** What the tests of this room share: the platform's hashes, and bytes out of hex. */
import { createHash } from "node:crypto";
import { expect } from "vitest";
import { fromHex } from "../../schema/bytes.ts";
import type { GitHash } from "../../schema/git/object.ts";
import { asHash, type Sha256 } from "../../schema/tlog/hash.ts";

export const sha256: Sha256 = (data) => {
  const hash = asHash(new Uint8Array(createHash("sha256").update(data).digest()));
  if (hash === undefined) throw new Error("SHA-256 has 32 bytes");
  return hash;
};

export const gitHash: GitHash = (algorithm, data) =>
  createHash(algorithm).update(data).digest("hex");

export function hex(text: string): Uint8Array<ArrayBuffer> {
  const value = fromHex(text.replaceAll(" ", ""));
  if (value === undefined) throw new Error(`not hex: ${text}`);
  return value;
}

/** `original` with the bits `mask` of one byte flipped. */
export function flipped(original: Uint8Array, at: number, mask = 1): Uint8Array {
  const copy = original.slice();
  copy[at] = (copy[at] ?? 0) ^ mask;
  return copy;
}

/** A matcher for text that contains this. Typed, unlike the framework's own. */
export function containing(text: string): unknown {
  return expect.stringContaining(text);
}

/** A matcher for text of this form. */
export function matching(form: RegExp): unknown {
  return expect.stringMatching(form);
}
