/**
 * Tree sizes, entry indexes and times as numbers: whole, not negative, at most 2^53 − 1.
 *
 * The formats of the field allow 64 bits. A JavaScript number is exact up to 2^53 − 1, so a
 * larger value is refused here, where it is read, and nowhere else has to ask again. At a
 * million entries a second a log reaches this limit after 285 years.
 *
 * Spec: C2SP tlog-checkpoint (decimal, no leading zeros). Vectors: test/vectors/tlog/sizes.json.
 *
 * @module
 */
import { failure, LogError, type Result, success } from "../error.ts";

/** The largest size, index or time: 2^53 − 1. */
export const MAX_SIZE: number = Number.MAX_SAFE_INTEGER;

const MAX_DIGITS = 16;

/** Whether `n` may be a tree size: a whole number from 0 to 2^53 − 1. */
export function isSize(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0;
}

/**
 * A size out of its only decimal form: ASCII digits, no sign, no leading zero, at most 2^53 − 1.
 * `field` is the name that the error gives it.
 */
export function parseSize(strangersText: string, field = "size"): Result<number> {
  const shape = { field, expected: "a decimal number without leading zeros" };
  if (strangersText.length > MAX_DIGITS) {
    return failure("FIELD_INVALID", `${field} has more than ${MAX_DIGITS} digits`, {
      ...shape,
      limit: MAX_SIZE,
    });
  }
  if (!/^(?:0|[1-9][0-9]*)$/.test(strangersText)) {
    return failure("FIELD_INVALID", `${field} is not a decimal number`, shape);
  }
  const size = Number(strangersText);
  if (!isSize(size)) {
    return failure("FIELD_INVALID", `${field} is larger than 2^53 - 1`, {
      ...shape,
      limit: MAX_SIZE,
    });
  }
  return success(size);
}

/** The decimal form of a size. Throws `INTERNAL` for what is no size: that is a defect of the caller. */
export function formatSize(size: number): string {
  if (!isSize(size)) throw new LogError("INTERNAL", `${size} is not a tree size`);
  return String(size);
}

/** Eight bytes, most significant first. Throws `INTERNAL` for what is no size. */
export function sizeToBytes(size: number): Uint8Array<ArrayBuffer> {
  if (!isSize(size)) throw new LogError("INTERNAL", `${size} does not fit in 53 bits`);
  const bytes = new Uint8Array(8);
  // By hand: several times as fast as through a DataView, and every list asks for it.
  for (let [i, rest] = [7, size]; rest > 0; i--) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

/** The number in eight bytes, most significant first; `undefined` above 2^53 − 1 or for another length. */
export function sizeFromBytes(strangersBytes: Uint8Array): number | undefined {
  if (strangersBytes.length !== 8) return undefined;
  const view = new DataView(strangersBytes.buffer, strangersBytes.byteOffset, 8);
  const size = view.getUint32(0) * 2 ** 32 + view.getUint32(4);
  return isSize(size) ? size : undefined;
}
