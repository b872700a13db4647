/**
 * Postings while they are collected: what is named twice is posted once, and several values that
 * one entry claims under one key are one set.
 *
 * @module
 */
import { latin1 } from "../bytes.ts";
import type { Hash, Sha256 } from "../tlog/hash.ts";
import { claimValue, type KeyField, type KeyType, mapKey } from "./map-key.ts";
import type { Posting } from "./posting.ts";

/** Bytes of the longest field that is posted. What is longer names nothing that anybody looks up. */
const MAX_FIELD_BYTES = 65_535;

/** A posting with the name of its key, as somebody who looks it up gives it. */
export interface NamedPosting extends Posting {
  readonly type: KeyType;
  readonly fields: readonly KeyField[];
}

interface Posted {
  readonly type: KeyType;
  readonly fields: readonly KeyField[];
  readonly key: Hash;
  readonly values: KeyField[];
}

export class PostingSet {
  readonly #sha256: Sha256;
  readonly #origin: string;
  readonly #posted = new Map<string, Posted>();

  constructor(sha256: Sha256, origin: string) {
    this.#sha256 = sha256;
    this.#origin = origin;
  }

  /** Post a key, with a value where the entry claims one. */
  post(type: KeyType, fields: readonly KeyField[], value?: KeyField): void {
    if (!fields.every(fits) || (value !== undefined && !fits(value))) return;
    const key = mapKey(this.#sha256, this.#origin, type, fields);
    const name = latin1(key);
    const posted = this.#posted.get(name) ?? { type, fields, key, values: [] };
    this.#posted.set(name, posted);
    if (value !== undefined) posted.values.push(value);
  }

  /** In the order in which they came. */
  postings(): readonly Posting[] {
    return Array.from(this.#posted.values(), (posted) => this.#posting(posted));
  }

  /** The same, each with the name of its key. */
  named(): readonly NamedPosting[] {
    return Array.from(this.#posted.values(), (posted) => {
      const { type, fields } = posted;
      return { type, fields, ...this.#posting(posted) };
    });
  }

  #posting({ key, values }: Posted): Posting {
    return values.length === 0 ? { key } : { key, claim: claimValue(this.#sha256, values) };
  }
}

/** A text has at most three bytes for each of its units: longer ones are measured nowhere else. */
function fits(field: KeyField): boolean {
  return typeof field === "string"
    ? field.length <= MAX_FIELD_BYTES / 3
    : field.length <= MAX_FIELD_BYTES;
}
