import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../schema/bytes.ts";
import { DER_SEQUENCE, DerReader, der, derBits, derUnsigned } from "../../schema/der.ts";

const bytes = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array(0);
const reader = (hex: string): DerReader => new DerReader(bytes(hex));

describe("reading DER", () => {
  test.each([
    ["020100", ""],
    ["02017f", "7f"],
    ["02020080", "80"],
    ["02020100", "0100"],
  ])("the INTEGER %s is the magnitude %s", (hex, magnitude) => {
    const value = reader(hex).unsigned();
    expect(value && toHex(value)).toBe(magnitude);
  });

  test.each([
    ["empty", "0200"],
    ["negative", "020180"],
    ["a zero too many", "0202007f"],
    ["zero in two bytes", "02020000"],
    ["long length for a short value", "02810101"],
    ["leading zero in the length", "0282000101"],
    ["indefinite length", "028001010000"],
    ["longer than the bytes", "020201"],
    ["no length", "02"],
    ["length of five bytes", "028500000000010101"],
    ["another tag", "030100"],
    ["nothing", ""],
  ])("an INTEGER is refused: %s", (_name, hex) => {
    expect(reader(hex).unsigned()).toBeUndefined();
  });

  test("a BIT STRING must be of whole bytes", () => {
    expect(reader("030200ff").bits()).toEqual(bytes("ff"));
    expect(reader("030201fe").bits()).toBeUndefined();
    expect(reader("0300").bits()).toBeUndefined();
  });

  test("a sequence is read to its end and no further", () => {
    const outer = reader("3003020105ff");
    const inner = outer.sequence();
    expect(inner?.unsigned()).toEqual(bytes("05"));
    expect(inner?.done).toBe(true);
    expect(outer.done).toBe(false);
    expect(outer.offset).toBe(5);
  });

  test("a value that cannot be read is not consumed", () => {
    const stuck = reader("0201");
    expect(stuck.value(2)).toBeUndefined();
    expect(stuck.done).toBe(false);
  });
});

describe("writing DER", () => {
  test.each([0, 1, 127, 128, 255, 256, 65_535, 65_536])("a body of %i bytes is read back", (n) => {
    const written = der(DER_SEQUENCE, new Uint8Array(n));
    const back = new DerReader(written);
    expect(back.value(DER_SEQUENCE)?.length).toBe(n);
    expect(back.done).toBe(true);
  });

  test("a magnitude is written in one form, whatever zeros were before it", () => {
    expect(toHex(derUnsigned(bytes("0000")))).toBe("020100");
    expect(toHex(derUnsigned(bytes("000080")))).toBe("02020080");
    expect(toHex(derUnsigned(bytes("7f")))).toBe("02017f");
    expect(toHex(derBits(bytes("aa"), bytes("bb")))).toBe("030300aabb");
  });

  test("what is accepted is what would be written", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 6 }), (body) => {
        const input = Uint8Array.of(2, body.length, ...body);
        const value = new DerReader(input).unsigned();
        if (value !== undefined) expect(derUnsigned(value)).toEqual(input);
      }),
      { numRuns: 2000 },
    );
  });
});
