/**
 * Whether a point lies on one of the NIST curves: y² = x³ − 3x + b (mod p), x and y below p.
 * These curves have prime order, so a point on the curve has the full order.
 *
 * Spec: FIPS 186-4 D.1.2, SEC 1 §2.3.3.
 *
 * @module
 */
import { toHex } from "../bytes.ts";

export type Curve = "p256" | "p384" | "p521";

interface CurveParameters {
  readonly bytes: number;
  readonly p: bigint;
  readonly b: bigint;
}

const PARAMETERS: Readonly<Record<Curve, CurveParameters>> = {
  p256: {
    bytes: 32,
    p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  },
  p384: {
    bytes: 48,
    p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
  },
  p521: {
    bytes: 66,
    p: 2n ** 521n - 1n,
    b: 0x051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n,
  },
};

/** Bytes of one coordinate. */
export function coordinateBytes(curve: Curve): number {
  return PARAMETERS[curve].bytes;
}

/** Whether the bytes have the form 0x04 ‖ x ‖ y. */
export function isUncompressed(curve: Curve, attackerPoint: Uint8Array): boolean {
  return attackerPoint.length === 1 + 2 * PARAMETERS[curve].bytes && attackerPoint[0] === 4;
}

/** Whether an uncompressed point satisfies the equation of the curve. */
export function isOnCurve(curve: Curve, attackerPoint: Uint8Array): boolean {
  const { bytes, p, b } = PARAMETERS[curve];
  const x = BigInt(`0x${toHex(attackerPoint.subarray(1, 1 + bytes))}`);
  const y = BigInt(`0x${toHex(attackerPoint.subarray(1 + bytes))}`);
  return x < p && y < p && (y * y - x * (x * x - 3n) - b) % p === 0n;
}
