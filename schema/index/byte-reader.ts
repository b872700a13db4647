/**
 * How the index's binary files are read, and what they have in common.
 *
 * @module
 */
import { concat } from "../bytes.ts";
import { HASH_BYTES, type Hash } from "../tlog/hash.ts";
import { sizeFromBytes, sizeToBytes } from "../tlog/size.ts";
import { hashAt } from "./map.ts";
import { type ClaimedValue, MAX_VALUES, type Summary } from "./record.ts";

/** Reads past the end give zeros and nothing, and are noticed: `isWhole` is false then. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.at >= this.#bytes.length;
  }

  get isWhole(): boolean {
    return this.at === this.#bytes.length;
  }

  bytes(length: number): Uint8Array {
    const part = this.#bytes.subarray(this.at, this.at + length);
    this.at += length;
    return part;
  }

  u8(): number {
    return this.bytes(1)[0] ?? 0;
  }

  u32(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.bytes(4);
    return a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
  }

  sized(): Uint8Array {
    return this.bytes(this.u32());
  }

  size(): number | undefined {
    return sizeFromBytes(this.bytes(8));
  }

  /** What {@link formatValues} writes. */
  values(): Pick<Summary, "values" | "saturated"> | undefined {
    const d = this.u8();
    if (d > MAX_VALUES + 1) return undefined;
    const values: ClaimedValue[] = [];
    for (let left = Math.min(d, MAX_VALUES); left > 0; left--) {
      const index = this.size();
      const claim = this.hash();
      if (index === undefined || claim === undefined) return undefined;
      values.push({ index, claim });
    }
    return { values, saturated: d > MAX_VALUES };
  }

  hash(): Hash | undefined {
    const hash = hashAt(this.#bytes, this.at);
    this.at += HASH_BYTES;
    return hash;
  }
}

/** `u8 d ‖ (u64be index ‖ claim)…`, where d is 17 for more than 16. */
export function formatValues({
  values,
  saturated,
}: Pick<Summary, "values" | "saturated">): Uint8Array {
  return concat(
    Uint8Array.of(saturated ? MAX_VALUES + 1 : values.length),
    ...values.flatMap(({ index, claim }) => [sizeToBytes(index), claim]),
  );
}

export function u32(value: number): Uint8Array {
  return sizeToBytes(value).slice(4);
}
