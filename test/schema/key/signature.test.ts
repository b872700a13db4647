import { generateKeyPairSync, sign } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, toHex } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import {
  ecdsaNumbers,
  encodeEcdsaDer,
  isCanonicalEd25519,
  parseEcdsaDer,
} from "../../../schema/key/signature.ts";
import { hex } from "../support.ts";

const CURVES = [
  ["p256", "P-256", 32],
  ["p384", "P-384", 48],
  ["p521", "P-521", 66],
] as const;

describe.each(CURVES)("ECDSA signatures on %s", (curve, namedCurve, bytes) => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve });
  const message = Buffer.from("message");

  test("the platform's two forms are turned into one another", () => {
    for (let i = 0; i < 50; i++) {
      const der = new Uint8Array(sign("sha256", message, privateKey));
      const { r, s } = unwrap(parseEcdsaDer(curve, der));
      expect(encodeEcdsaDer({ r, s })).toEqual(der);
      const fixed = concat(
        new Uint8Array(bytes - r.length),
        r,
        new Uint8Array(bytes - s.length),
        s,
      );
      const again = unwrap(ecdsaNumbers(curve, fixed.subarray(0, bytes), fixed.subarray(bytes)));
      expect(encodeEcdsaDer(again)).toEqual(der);
    }
  });

  test("a number of zero or longer than the curve is out of range", () => {
    const one = Uint8Array.of(1);
    const long = new Uint8Array(bytes + 1).fill(1);
    for (const [r, s] of [
      [new Uint8Array(0), one],
      [one, new Uint8Array(bytes)],
      [long, one],
      [one, long],
    ] as const)
      expect(ecdsaNumbers(curve, r, s)).toMatchObject({ code: "SIGNATURE_INVALID" });
  });
});

describe("ECDSA signatures as DER", () => {
  test.each([
    ["nothing", ""],
    ["a trailing byte", "300602010102010100"],
    ["a third number", "3009020101020101020101"],
    ["one number", "3003020101"],
    ["a negative number", "3006020181020101"],
    ["a zero too many", "300702020001020101"],
    ["a long-form length", "30810602010102 0101"],
    ["no sequence", "020101020101"],
  ])("%s is refused", (_name, text) => {
    expect(parseEcdsaDer("p256", hex(text))).toMatchObject({ code: "NOT_CANONICAL" });
  });

  test("what is accepted is what would be written", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4 }), fc.uint8Array({ maxLength: 4 }), (a, b) => {
        const body = concat(Uint8Array.of(2, a.length), a, Uint8Array.of(2, b.length), b);
        const input = concat(Uint8Array.of(0x30, body.length), body);
        const numbers = parseEcdsaDer("p256", input);
        if (numbers.ok) expect(encodeEcdsaDer(numbers.value)).toEqual(input);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("Ed25519 signatures", () => {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const withS = (s: bigint): Uint8Array => {
    const littleEndian = hex(s.toString(16).padStart(64, "0")).reverse();
    return concat(new Uint8Array(32).fill(7), littleEndian);
  };

  test.each([0n, 1n, order - 1n])("S = %s is below the order", (s) => {
    expect(isCanonicalEd25519(withS(s))).toBe(true);
  });

  test.each([order, order + 1n, 2n * order, 2n ** 255n - 1n, 2n ** 256n - 1n])(
    "S = %s is not",
    (s) => expect(isCanonicalEd25519(withS(s))).toBe(false),
  );

  test("a signature of the platform is canonical, and S plus the order is not", () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const signature = new Uint8Array(sign(null, Buffer.from("x"), privateKey));
    expect(isCanonicalEd25519(signature)).toBe(true);
    const s = BigInt(`0x${toHex(signature.slice(32).reverse())}`);
    expect(isCanonicalEd25519(withS(s + order))).toBe(false);
  });

  test.each([0, 63, 65])("%i bytes are no signature", (length) => {
    expect(isCanonicalEd25519(new Uint8Array(length))).toBe(false);
  });
});
