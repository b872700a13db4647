/**
 * What the map says of one key: how many entries post it, and which different values they claim.
 *
 *     list leaf  = u64be(index) [‖ claim value]             in log order, each index once
 *     value leaf = u64be(first index of that value) ‖ claim value     in order of first appearance
 *     value of the key in the map =
 *       SHA-256("tlog-index/v1/rec\0" ‖ u64 n ‖ u64 last ‖ MTH(list) ‖ u64 d ‖ MTH(values))
 *
 * MTH is the tree hash of RFC 6962. A 17th different value is not added and sets d to 2^64 − 1 for
 * ever: "more than 16". So a summary of bounded length says "n entries, d values" without the list.
 *
 * Spec: docs/formats.md §Index. Vectors: test/vectors/index/encodings.json.
 *
 * @module
 */
import { concat, equal, utf8 } from "../bytes.ts";
import { LogError } from "../error.ts";
import { HASH_BYTES, type Hash, leafHash, type Sha256 } from "../tlog/hash.ts";
import { sizeToBytes } from "../tlog/size.ts";
import { CompactRange } from "../tlog/tree.ts";

/** Different claim values that are kept; one more is "more than this". */
export const MAX_VALUES = 16;
const LABEL = utf8("tlog-index/v1/rec\0");
const SATURATED = new Uint8Array(8).fill(255);

/** An entry in a key's list. */
export interface Listed {
  readonly index: number;
  readonly claim?: Hash;
}

/** A claim value, and the first entry that claimed it. */
export interface ClaimedValue {
  readonly index: number;
  readonly claim: Hash;
}

/** The bounded part of a record: what a summary consists of. */
export interface Summary {
  /** Entries that post the key. */
  readonly n: number;
  /** Index of the newest of them; 0 where there is none. */
  readonly last: number;
  readonly listRoot: Hash;
  /** Different claim values: at most 16, in order of first appearance. */
  readonly values: readonly ClaimedValue[];
  /** There are more than 16, and those beyond are not in `values`. */
  readonly saturated: boolean;
}

/** The bytes of a leaf of the list. */
export function listLeaf({ index, claim }: Listed): Uint8Array<ArrayBuffer> {
  return claim === undefined ? sizeToBytes(index) : concat(sizeToBytes(index), claim);
}

/** One buffer for all records: nothing awaits while it is filled. */
const hashed = concat(LABEL, new Uint8Array(3 * 8 + 2 * HASH_BYTES));

/** The value of a key in the map, out of its summary. */
export function recordHash(sha256: Sha256, summary: Summary): Hash {
  const { n, last, values, saturated } = summary;
  const d = saturated ? SATURATED : sizeToBytes(values.length);
  let at = LABEL.length;
  const counts = [sizeToBytes(n), sizeToBytes(last)];
  for (const part of [...counts, summary.listRoot, d, valuesRoot(sha256, values)]) {
    hashed.set(part, at);
    at += part.length;
  }
  return sha256(hashed);
}

/** The root over no values, which most keys have, by the function that made it. */
const withoutValues = new WeakMap<Sha256, Hash>();

function valuesRoot(sha256: Sha256, values: readonly ClaimedValue[]): Hash {
  const known = values.length === 0 ? withoutValues.get(sha256) : undefined;
  if (known !== undefined) return known;
  const root = listRoot(sha256, values);
  if (values.length === 0) withoutValues.set(sha256, root);
  return root;
}

/** The root over a whole list. */
export function listRoot(sha256: Sha256, list: Iterable<Listed>): Hash {
  const range = CompactRange.empty(sha256);
  for (const one of list) range.append(leafHash(sha256, listLeaf(one)));
  return range.root();
}

/** The summary of a whole list. Throws `INTERNAL` where its indexes do not increase. */
export function summaryOf(sha256: Sha256, list: Iterable<Listed>): Summary {
  const record = KeyRecord.empty(sha256);
  for (const one of list) record.append(one);
  return record.summary();
}

/** A key's record that can grow: the right edge of its list, and its values. */
export class KeyRecord {
  readonly #sha256: Sha256;
  readonly #list: CompactRange;
  readonly #values: ClaimedValue[];
  #last: number;
  #saturated: boolean;

  private constructor(
    sha256: Sha256,
    list: CompactRange,
    state: Pick<Summary, "last" | "values" | "saturated">,
  ) {
    this.#sha256 = sha256;
    this.#list = list;
    this.#values = [...state.values];
    this.#last = state.last;
    this.#saturated = state.saturated;
  }

  static empty(sha256: Sha256): KeyRecord {
    const nothing = { last: 0, values: [], saturated: false };
    return new KeyRecord(sha256, CompactRange.empty(sha256), nothing);
  }

  /** A record as it was: the right edge of its list has as many hashes as `n` has ones. */
  static from(
    sha256: Sha256,
    state: Pick<Summary, "n" | "last" | "values" | "saturated">,
    edge: readonly Hash[],
  ): KeyRecord {
    return new KeyRecord(sha256, CompactRange.from(sha256, state.n, edge), state);
  }

  get n(): number {
    return this.#list.size;
  }

  /** Index of the newest entry that is listed; 0 where there is none. */
  get last(): number {
    return this.#last;
  }

  /** Different claim values that are kept. */
  get values(): number {
    return this.#values.length;
  }

  /** The right edge of the list. */
  get edge(): readonly Hash[] {
    return this.#list.hashes;
  }

  /** Throws `INTERNAL` for an index that is not behind the last one. */
  append({ index, claim }: Listed): void {
    if (this.n > 0 && index <= this.#last)
      throw new LogError("INTERNAL", `entry ${index} is listed behind entry ${this.#last}`);
    this.#list.append(
      leafHash(this.#sha256, listLeaf(claim === undefined ? { index } : { index, claim })),
    );
    this.#last = index;
    if (claim === undefined || this.#values.some((known) => equal(known.claim, claim))) return;
    if (this.#values.length < MAX_VALUES) this.#values.push({ index, claim });
    else this.#saturated = true;
  }

  summary(): Summary {
    return {
      n: this.n,
      last: this.#last,
      listRoot: this.#list.root(),
      values: [...this.#values],
      saturated: this.#saturated,
    };
  }

  hash(): Hash {
    return recordHash(this.#sha256, this.summary());
  }
}
