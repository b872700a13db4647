import { createECDH } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { coordinateBytes, isOnCurve, isUncompressed } from "../../../schema/key/curve.ts";
import { flipped } from "../support.ts";

const CURVES = [
  ["p256", "prime256v1", 32],
  ["p384", "secp384r1", 48],
  ["p521", "secp521r1", 66],
] as const;

describe.each(CURVES)("%s", (curve, name, bytes) => {
  const ecdh = createECDH(name);
  const points = Array.from({ length: 20 }, () => new Uint8Array(ecdh.generateKeys()));

  test("points the platform makes are on the curve", () => {
    expect(coordinateBytes(curve)).toBe(bytes);
    for (const point of points) {
      expect(isUncompressed(curve, point)).toBe(true);
      expect(isOnCurve(curve, point)).toBe(true);
    }
  });

  test("a point with one bit changed is not", () => {
    fc.assert(
      fc.property(fc.constantFrom(...points), fc.nat(2 * bytes * 8 - 1), (point, bit) => {
        const changed = flipped(point, 1 + (bit >> 3), 1 << (bit & 7));
        expect(isOnCurve(curve, changed)).toBe(false);
      }),
    );
  });
});
