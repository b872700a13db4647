/**
 * Digests that the log takes no more: of contents that were erased, and of one that is being erased.
 *
 * Asked twice of every entry: by admission, so that the sender hears it, and when its batch is
 * planned, so that an entry which was admitted a moment earlier does not slip through.
 *
 * @module
 */
import { toHex } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import type { Hash } from "../../schema/tlog/hash.ts";

export class Refusals {
  readonly #digests = new Set<string>();

  add(digest: Hash): void {
    this.#digests.add(toHex(digest));
  }

  /** Of an erasure that did not come to its statement. */
  remove(digest: Hash): void {
    this.#digests.delete(toHex(digest));
  }

  has(digest: Hash): boolean {
    return this.#digests.size > 0 && this.#digests.has(toHex(digest));
  }

  /** Why an entry that names this content is not taken. */
  readonly of = (contentDigest: Hash): LogError | undefined =>
    this.has(contentDigest)
      ? new LogError("CONTENT_REFUSED", "The operator of this log erased this content.", {
          field: "content",
          hint: "its entries stay, with their proofs: GET /v1/entries/INDEX",
        })
      : undefined;
}
