import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, toHex } from "../../../schema/bytes.ts";
import { DER_OID, DER_SEQUENCE, der, derBits, derUnsigned } from "../../../schema/der.ts";
import { unwrap } from "../../../schema/error.ts";
import {
  ed25519Key,
  ed25519Spki,
  encodeSpki,
  isCanonicalSpki,
  mlDsa44Spki,
  parseSpki,
  rsaKey,
} from "../../../schema/key/spki.ts";
import { containing, flipped, hex } from "../support.ts";

const spkiOf = (key: KeyObject): Uint8Array =>
  new Uint8Array(key.export({ type: "spki", format: "der" }));

const ec = (namedCurve: string, paramEncoding: "named" | "explicit" = "named"): Uint8Array =>
  spkiOf(generateKeyPairSync("ec", { namedCurve, paramEncoding }).publicKey);

const rsa = (modulusLength: number, publicExponent = 65_537): Uint8Array =>
  spkiOf(generateKeyPairSync("rsa", { modulusLength, publicExponent }).publicKey);

const KEYS: readonly (readonly [string, Uint8Array])[] = [
  ["Ed25519", spkiOf(generateKeyPairSync("ed25519").publicKey)],
  ["P-256", ec("P-256")],
  ["P-384", ec("P-384")],
  ["P-521", ec("P-521")],
  ["RSA 2048", rsa(2048)],
  ["RSA 2056 with exponent 3", rsa(2056, 3)],
  ["ML-DSA-44", spkiOf(generateKeyPairSync("ml-dsa-44").publicKey)],
];

const RSA_SPKI = rsa(2048);
const RSA_ALGORITHM = hex("300d06092a864886f70d0101010500");

describe("reading a SubjectPublicKeyInfo", () => {
  test.each(KEYS)("%s, as the platform writes it, is read and written alike", (_name, spki) => {
    const key = unwrap(parseSpki(spki));
    expect(encodeSpki(key)).toEqual(spki);
    expect(isCanonicalSpki(key, spki)).toBe(true);
  });

  test.each(KEYS)("%s: a byte more or less is refused", (_name, spki) => {
    expect(parseSpki(concat(spki, Uint8Array.of(0)))).toMatchObject({ code: "NOT_CANONICAL" });
    expect(parseSpki(spki.subarray(0, -1))).toMatchObject({ code: "NOT_CANONICAL" });
  });

  test.each(KEYS)("%s: any one changed byte gives another key or a refusal", (_name, spki) => {
    for (let at = 0; at < spki.length; at++)
      for (const mask of [1, 0x80]) {
        const changed = flipped(spki, at, mask);
        const result = parseSpki(changed);
        if (result.ok && result.value.type !== "rsa") {
          expect(encodeSpki(result.value)).toEqual(changed);
          expect(toHex(encodeSpki(result.value))).not.toBe(toHex(spki));
        }
      }
  });

  test("no bytes make it throw, and what it takes is canonical but for RSASSA-PSS", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...KEYS),
        fc.nat(),
        fc.uint8Array({ maxLength: 4 }),
        fc.nat(3),
        ([, spki], seed, insert, drop) => {
          const at = seed % spki.length;
          const input = concat(spki.subarray(0, at), insert, spki.subarray(at + drop));
          const result = parseSpki(input);
          if (result.ok && result.value.type !== "rsa")
            expect(isCanonicalSpki(result.value, input)).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (input) => !parseSpki(input).ok));
  });

  test("an RSASSA-PSS key is read and written as rsaEncryption", () => {
    const plain = generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).publicKey;
    const narrow = generateKeyPairSync("rsa-pss", {
      modulusLength: 2048,
      hashAlgorithm: "sha256",
      mgf1HashAlgorithm: "sha256",
    }).publicKey;
    for (const key of [plain, narrow]) {
      const read = unwrap(parseSpki(spkiOf(key)));
      expect(isCanonicalSpki(read, spkiOf(key))).toBe(false);
      const again = encodeSpki(read);
      expect(toHex(again)).toContain(toHex(RSA_ALGORITHM));
      expect(encodeSpki(unwrap(parseSpki(again)))).toEqual(again);
    }
  });

  test("raw keys are wrapped as the platform wraps them", () => {
    for (const [name, spki] of KEYS) {
      if (name === "Ed25519") expect(ed25519Spki(spki.subarray(-32))).toEqual(spki);
      if (name === "ML-DSA-44") expect(mlDsa44Spki(spki.subarray(-1312))).toEqual(spki);
    }
  });

  test("RSA without its NULL parameter is refused", () => {
    const key = unwrap(parseSpki(RSA_SPKI));
    if (key.type !== "rsa") throw new Error("an RSA key was made");
    const numbers = der(DER_SEQUENCE, derUnsigned(key.modulus), derUnsigned(key.exponent));
    const oid = der(DER_OID, hex("2a864886f70d010101"));
    const bare = der(DER_SEQUENCE, der(DER_SEQUENCE, oid), derBits(numbers));
    expect(parseSpki(bare)).toMatchObject({ code: "NOT_CANONICAL" });
  });

  test.each([
    ["X25519", spkiOf(generateKeyPairSync("x25519").publicKey), "1.3.101.110"],
    ["Ed448", spkiOf(generateKeyPairSync("ed448").publicKey), "1.3.101.113"],
    ["secp256k1", ec("secp256k1"), "1.3.132.0.10"],
    ["ML-DSA-65", spkiOf(generateKeyPairSync("ml-dsa-65").publicKey), "2.16.840.1.101.3.4.3.18"],
  ])("%s is unsupported, and the message names it", (_name, spki, oid) => {
    expect(parseSpki(spki)).toMatchObject({
      code: "KIND_UNSUPPORTED",
      message: containing(oid),
    });
  });

  test("a curve given by its numbers instead of its name is refused", () => {
    expect(parseSpki(ec("P-256", "explicit"))).toMatchObject({ code: "NOT_CANONICAL" });
  });

  test("more bytes than any key has are refused by their number", () => {
    expect(parseSpki(new Uint8Array(32_769))).toMatchObject({
      code: "TOO_LARGE",
      detail: { limit: 32_768 },
    });
  });
});

describe("K1 weak keys are refused", () => {
  const order = ed25519.Point.Fn.ORDER;
  /** The eight points of the torsion subgroup, computed by another implementation. */
  const torsion = (): Uint8Array[] => {
    for (let seed = 1; ; seed++) {
      const candidate = new Uint8Array(32).fill(seed);
      candidate[31] = 0;
      try {
        const point = ed25519.Point.fromBytes(candidate, true);
        const small = point.multiplyUnsafe(order - 1n).add(point);
        const points = [small];
        for (let i = 1; i < 8; i++) points.push((points[i - 1] ?? small).add(small));
        const all = new Map(points.map((p) => [toHex(p.toBytes()), p.toBytes()]));
        if (all.size === 8) return [...all.values()];
      } catch {
        // Not a point; the next seed.
      }
    }
  };

  test("K1 all eight Ed25519 points of small order", () => {
    const points = torsion();
    expect(points).toHaveLength(8);
    for (const point of points) {
      expect(ed25519Key(point)).toMatchObject({ code: "KEY_REFUSED" });
      expect(parseSpki(ed25519Spki(point))).toMatchObject({ code: "KEY_REFUSED" });
      expect(ed25519Key(flipped(point, 31, 0x80))).toMatchObject({ code: "KEY_REFUSED" });
    }
  });

  test("K1 every Ed25519 encoding with y not reduced", () => {
    for (let low = 0xed; low <= 0xff; low++)
      for (const high of [0x7f, 0xff]) {
        const raw = new Uint8Array(32).fill(0xff);
        raw[0] = low;
        raw[31] = high;
        expect(ed25519Key(raw)).toMatchObject({ code: "KEY_REFUSED" });
      }
    const reduced = new Uint8Array(32).fill(0xff);
    reduced[0] = 0xeb;
    expect(ed25519Key(reduced).ok).toBe(true);
  });

  test.each(["P-256", "P-384", "P-521"])("K1 a point off %s, or compressed", (curve) => {
    const spki = ec(curve);
    expect(parseSpki(flipped(spki, spki.length - 1))).toMatchObject({ code: "KEY_REFUSED" });
    const key = unwrap(parseSpki(spki));
    if (key.type !== "ecdsa") throw new Error("an EC key was made");
    const compressed = Uint8Array.of(
      2 + ((key.point.at(-1) ?? 0) & 1),
      ...key.point.subarray(1, (key.point.length + 1) / 2),
    );
    expect(parseSpki(encodeSpki({ ...key, point: compressed }))).toMatchObject({
      code: "NOT_CANONICAL",
    });
    const infinity = encodeSpki({ ...key, point: Uint8Array.of(0) });
    expect(parseSpki(infinity)).toMatchObject({ code: "NOT_CANONICAL" });
    const zero = encodeSpki({ ...key, point: flipped(new Uint8Array(key.point.length), 0, 4) });
    expect(parseSpki(zero)).toMatchObject({ code: "KEY_REFUSED" });
  });

  test("K1 a coordinate that is not reduced, although the equation holds modulo p", () => {
    // P-256 has a point with x = 5; x + p still fits into 32 bytes.
    const p = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
    const y = 0x459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbccn;
    const point = (x: bigint): Uint8Array =>
      hex(`04${x.toString(16).padStart(64, "0")}${y.toString(16)}`);
    const spki = (x: bigint): Uint8Array =>
      encodeSpki({ type: "ecdsa", curve: "p256", point: point(x) });
    expect(parseSpki(spki(5n)).ok).toBe(true);
    expect(parseSpki(spki(5n + p))).toMatchObject({ code: "KEY_REFUSED" });
  });

  const modulus = (bits: number): Uint8Array => {
    const number = new Uint8Array(Math.ceil(bits / 8)).fill(0xff);
    number[0] = 0xff >> (number.length * 8 - bits);
    return number;
  };

  test.each([
    [2047, false],
    [2048, true],
    [2049, true],
    [8192, true],
    [8193, false],
  ])("K1 an RSA modulus of %i bits: accepted is %s", (bits, accepted) => {
    expect(rsaKey(modulus(bits), hex("010001"))).toMatchObject(
      accepted ? { ok: true, value: { bits } } : { ok: false, code: "KEY_REFUSED" },
    );
  });

  test.each([
    ["", false],
    ["01", false],
    ["02", false],
    ["03", true],
    ["04", false],
    ["010001", true],
    ["010000", false],
    ["7fffffff", true],
    ["80000001", false],
    ["0100000001", false],
  ])("K1 the RSA exponent 0x%s: accepted is %s", (exponent, accepted) => {
    expect(rsaKey(modulus(2048), hex(exponent)).ok).toBe(accepted);
  });

  test("K1 an even RSA modulus", () => {
    expect(rsaKey(flipped(modulus(2048), 255), hex("03"))).toMatchObject({ code: "KEY_REFUSED" });
  });
});

describe("a key in a Buffer, whose slice is no copy", () => {
  test.each(KEYS)("%s is read as it is, and neither changed nor changed later", (_, spki) => {
    const buffer = Buffer.from(spki);
    const key = unwrap(parseSpki(buffer));
    expect([...buffer]).toEqual([...spki]);
    buffer.fill(0);
    expect(encodeSpki(key)).toEqual(spki);
  });

  test("Ed25519 with the sign bit set keeps it", () => {
    const spki = ed25519Spki(new Uint8Array(32).fill(0xa5));
    expect(encodeSpki(unwrap(parseSpki(Buffer.from(spki))))).toEqual(spki);
  });
});
