/**
 * Submissions and what they came to as a few buffers, so that a group of them crosses between
 * threads without its objects being copied one by one. Both ends are this file.
 *
 * @module
 */
import { join } from "../../schema/bytes.ts";
import type { Leaf } from "../../schema/entry/leaf.ts";
import { asHash, HASH_BYTES, type Hash } from "../../schema/tlog/hash.ts";
import type { Blob } from "../storage/storage.ts";
import { type PlainError, revive } from "../thread.ts";
import { type CheckedEntry, DOORS, type Door } from "./check.ts";

const NONE = 0xffffffff;
/** The content is that of the entry before: the envelope had several signatures. */
const SAME = 0xfffffffe;
/** For each entry kind, and bytes of leaf, content and key. */
const NUMBERS = 4;
/** For each entry leaf hash, content digest, signer id and key digest. */
const HASHES = 4 * HASH_BYTES;
const KINDS: readonly Leaf["kind"][] = ["hashedrekord", "countersign"];

/** What is asked of a checking thread. */
export interface Asked {
  readonly untrusted: Uint8Array;
  readonly door: Door;
}

export interface PackedGroup {
  readonly lengths: Uint32Array<ArrayBuffer>;
  /** Places in {@link DOORS}. */
  readonly doors: Uint8Array<ArrayBuffer>;
  /** The submissions end to end. */
  readonly data: Uint8Array<ArrayBuffer>;
}

export function packGroup(submissions: readonly Asked[]): PackedGroup {
  const lengths = Uint32Array.from(submissions, ({ untrusted }) => untrusted.length);
  const doors = Uint8Array.from(submissions, ({ door }) => DOORS.indexOf(door));
  return { lengths, doors, data: join(submissions.map(({ untrusted }) => untrusted)) };
}

export function unpackGroup({ lengths, doors, data }: PackedGroup): Asked[] {
  let at = 0;
  return Array.from(lengths, (length, i) => ({
    untrusted: data.subarray(at, (at += length)),
    door: DOORS[doors[i] ?? 0] ?? "native",
  }));
}

/** What one submission came to. */
export type Outcome = { readonly entries: readonly CheckedEntry[] } | { readonly error: Error };

/** The same before it is packed: errors are plain already. */
export type PlainOutcome =
  | { readonly entries: readonly CheckedEntry[] }
  | { readonly error: PlainError };

export interface PackedOutcomes {
  /** Entries of each submission; 0 where it was refused. */
  readonly counts: Uint8Array<ArrayBuffer>;
  /** Of the refused ones, in order. */
  readonly errors: readonly PlainError[];
  readonly numbers: Uint32Array<ArrayBuffer>;
  readonly hashes: Uint8Array<ArrayBuffer>;
  /** Leaf, content and key of each entry, end to end. */
  readonly data: Uint8Array<ArrayBuffer>;
}

export function packOutcomes(outcomes: readonly PlainOutcome[]): PackedOutcomes {
  const entries = outcomes.flatMap((outcome) => ("entries" in outcome ? outcome.entries : []));
  const numbers = new Uint32Array(NUMBERS * entries.length);
  const hashes = new Uint8Array(HASHES * entries.length);
  const data: Uint8Array[] = [];
  let before: Uint8Array | undefined;
  for (const [
    i,
    { kind, leaf, leafHash, content, contentDigest, signerId, key },
  ] of entries.entries()) {
    const same = content !== undefined && content === before;
    const contentLength = same ? SAME : (content?.length ?? NONE);
    numbers.set(
      [KINDS.indexOf(kind), leaf.length, contentLength, key?.bytes.length ?? NONE],
      NUMBERS * i,
    );
    data.push(leaf);
    if (content !== undefined && !same) data.push(content);
    if (key !== undefined) data.push(key.bytes);
    hashes.set(leafHash, HASHES * i);
    hashes.set(contentDigest, HASHES * i + HASH_BYTES);
    hashes.set(signerId, HASHES * i + 2 * HASH_BYTES);
    if (key !== undefined) hashes.set(key.digest, HASHES * i + 3 * HASH_BYTES);
    before = content;
  }
  return {
    counts: Uint8Array.from(outcomes, (outcome) =>
      "entries" in outcome ? outcome.entries.length : 0,
    ),
    errors: outcomes.flatMap((outcome) => ("error" in outcome ? [outcome.error] : [])),
    numbers,
    hashes,
    data: join(data),
  };
}

/** The buffers that may move instead of being copied. */
export function transferable(packed: PackedOutcomes): ArrayBuffer[] {
  return [packed.counts.buffer, packed.numbers.buffer, packed.hashes.buffer, packed.data.buffer];
}

/** One outcome for each submission, in order. The bytes are views into the packed buffers. */
export function unpackOutcomes(packed: PackedOutcomes): Outcome[] {
  const reader = new Reader(packed);
  const errors = packed.errors.values();
  return Array.from(packed.counts, (count): Outcome => {
    if (count > 0) return { entries: Array.from({ length: count }, () => reader.entry()) };
    const error = errors.next().value;
    return { error: error === undefined ? new Error("a refusal without a reason") : revive(error) };
  });
}

class Reader {
  readonly #packed: PackedOutcomes;
  #number = 0;
  #hash = 0;
  #at = 0;
  #content: Uint8Array | undefined;

  constructor(packed: PackedOutcomes) {
    this.#packed = packed;
  }

  entry(): CheckedEntry {
    const kind = KINDS[this.#next()] ?? "countersign";
    const leaf = this.#take(this.#next());
    const contentLength = this.#next();
    const keyLength = this.#next();
    const hashes = [this.#hash32(), this.#hash32(), this.#hash32(), this.#hash32()] as const;
    if (contentLength === NONE) this.#content = undefined;
    else if (contentLength !== SAME) this.#content = this.#take(contentLength);
    const [leafHash, contentDigest, signerId, digest] = hashes;
    const key: Blob | undefined =
      keyLength === NONE ? undefined : { digest, bytes: this.#take(keyLength) };
    return { kind, signerId, leaf, leafHash, contentDigest, content: this.#content, key };
  }

  #next(): number {
    return this.#packed.numbers[this.#number++] ?? 0;
  }

  #take(length: number): Uint8Array {
    return this.#packed.data.subarray(this.#at, (this.#at += length));
  }

  #hash32(): Hash {
    const hash = asHash(this.#packed.hashes.subarray(this.#hash, (this.#hash += HASH_BYTES)));
    if (hash === undefined) throw new Error("the checking thread left out a hash");
    return hash;
  }
}
