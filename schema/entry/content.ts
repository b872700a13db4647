/**
 * A content that is at hand: its digest, and how it is read. Both are worked out once, also
 * where many signatures share the content.
 *
 * @module
 */
import { failure, type Result, success } from "../error.ts";
import { MAX_CONTENT_BYTES } from "../limits.ts";
import type { Hash, Sha256 } from "../tlog/hash.ts";
import { type Reading, type ReadingContext, readContent } from "./reading.ts";

export class Content {
  readonly bytes: Uint8Array;
  readonly digest: Hash;
  readonly #sha256: Sha256;
  readonly #readings = new Map<string, Result<Reading>>();

  private constructor(sha256: Sha256, bytes: Uint8Array) {
    this.bytes = bytes;
    this.digest = sha256(bytes);
    this.#sha256 = sha256;
  }

  /** TOO_LARGE for more than MAX_CONTENT_BYTES; `field` names it. */
  static of(sha256: Sha256, attackerBytes: Uint8Array, field: string): Result<Content> {
    if (attackerBytes.length <= MAX_CONTENT_BYTES)
      return success(new Content(sha256, attackerBytes));
    return failure(
      "TOO_LARGE",
      `The content has ${attackerBytes.length} bytes; the limit of a content is ${MAX_CONTENT_BYTES}.`,
      { field, limit: MAX_CONTENT_BYTES },
    );
  }

  read(context: ReadingContext): Result<Reading> {
    const row = context.signedBy === "key" ? "key" : `sshsig ${context.namespace}`;
    const known = this.#readings.get(row);
    if (known !== undefined) return known;
    const reading = readContent(this.#sha256, context, this.bytes);
    this.#readings.set(row, reading);
    return reading;
  }
}
