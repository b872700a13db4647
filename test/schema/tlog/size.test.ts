import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatSize,
  isSize,
  MAX_SIZE,
  parseSize,
  sizeFromBytes,
  sizeToBytes,
} from "../../../schema/tlog/size.ts";
import { failureOf, valueOf } from "./support.ts";

const sizes = fc.oneof(fc.nat(1000), fc.maxSafeNat());

describe("a size as text", () => {
  test("is read back as it was written", () => {
    fc.assert(
      fc.property(sizes, (size) => {
        expect(valueOf(parseSize(formatSize(size)))).toBe(size);
      }),
    );
  });

  test("has one form only: what is accepted is what would be written", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 18 }), (text) => {
        const size = parseSize(text);
        if (size.ok) expect(formatSize(size.value)).toBe(text);
      }),
    );
  });

  test.each(["", "-1", "+1", "01", "00", "1.0", "1e3", "0x10", " 1", "1 ", "1\n", "١", "1_000"])(
    "%j is refused",
    (text) => {
      expect(failureOf(parseSize(text)).code).toBe("FIELD_INVALID");
    },
  );

  test("2^53 - 1 is the largest, and the refusal of 2^53 names field and limit", () => {
    expect(valueOf(parseSize("9007199254740991"))).toBe(MAX_SIZE);
    for (const text of ["9007199254740992", "18446744073709551615", "9".repeat(100_000)]) {
      const refusal = failureOf(parseSize(text, "checkpoint.size"));
      expect(refusal.detail).toMatchObject({ field: "checkpoint.size", limit: MAX_SIZE });
    }
  });

  test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
    "%d is no size and is not written",
    (size) => {
      expect(isSize(size)).toBe(false);
      expect(() => formatSize(size)).toThrow(expect.objectContaining({ code: "INTERNAL" }));
      expect(() => sizeToBytes(size)).toThrow(expect.objectContaining({ code: "INTERNAL" }));
    },
  );
});

describe("a size as eight bytes", () => {
  test("is big-endian, as DataView writes it", () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const bytes = new Uint8Array(8);
        new DataView(bytes.buffer).setBigUint64(0, BigInt(size));
        expect(sizeToBytes(size)).toEqual(bytes);
        expect(sizeFromBytes(bytes)).toBe(size);
      }),
    );
  });

  test("above 2^53 - 1, or of another length, is refused", () => {
    expect(sizeFromBytes(Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0))).toBeUndefined();
    expect(sizeFromBytes(new Uint8Array(8).fill(255))).toBeUndefined();
    expect(sizeFromBytes(new Uint8Array(7))).toBeUndefined();
    expect(sizeFromBytes(new Uint8Array(9))).toBeUndefined();
  });
});
