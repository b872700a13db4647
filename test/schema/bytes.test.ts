import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromBase64, fromUtf8, latin1, toBase64, utf8 } from "../../schema/bytes.ts";

/** Short texts are made here and long ones by the platform: both sides of where that changes. */
const LENGTHS = Array.from({ length: 130 }, (_, length) => length);

describe("texts of bytes", () => {
  test("base64 is the platform's, at every length up to where it is the platform that makes it", () => {
    for (const length of LENGTHS) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 151 + length) % 256);
      const text = toBase64(bytes);
      expect(text).toBe(Buffer.from(bytes).toString("base64"));
      expect(fromBase64(text)).toEqual(bytes);
    }
  });

  test("latin1 has a character for each byte, at every such length", () => {
    for (const length of [...LENGTHS, 8_191, 8_192, 8_193, 20_000]) {
      const bytes = Uint8Array.from({ length }, (_, i) => (255 - i) & 255);
      const text = latin1(bytes);
      expect(text).toHaveLength(length);
      expect(Uint8Array.from(text, (character) => character.charCodeAt(0))).toEqual(bytes);
    }
  });

  test("one text does not change by the one that is made after it", () => {
    const [first, second] = [toBase64(new Uint8Array(32)), toBase64(new Uint8Array(32).fill(255))];
    expect(first).not.toBe(second);
    expect(latin1(Uint8Array.of(65, 66))).toBe("AB");
    expect(latin1(Uint8Array.of(67, 68))).toBe("CD");
  });

  test("UTF-8 is the platform's, of short and long texts in any script, lone surrogates among them", () => {
    const encoder = new TextEncoder();
    const text = fc.string({ unit: "binary", maxLength: 120 });
    fc.assert(
      fc.property(text, (one) => {
        expect(utf8(one)).toEqual(encoder.encode(one));
      }),
    );
    for (const one of ["", "\u007f", "\u0080", "a".repeat(48), "a".repeat(49), "\ud800", "a\udc00"])
      expect(utf8(one)).toEqual(encoder.encode(one));
    expect(fromUtf8(utf8("é".repeat(30)))).toBe("é".repeat(30));
  });
});
