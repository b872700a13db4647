/**
 * The forms of raw signatures: ECDSA as DER and as two numbers, Ed25519 with its range check.
 *
 * ECDSA signatures are kept as they came: which of s and n−s was chosen is neither refused nor
 * rewritten. That the numbers are in range is for the verification to say.
 *
 * Spec: RFC 3279 §2.2.3, RFC 8032 §5.1.7.
 *
 * @module
 */
import { fromHex } from "../bytes.ts";
import { DER_SEQUENCE, DerReader, der, derUnsigned, trimZeros } from "../der.ts";
import { failure, type Result, success } from "../error.ts";
import { type Curve, coordinateBytes } from "./curve.ts";

/** Two magnitudes, big-endian without leading zeros. */
export interface EcdsaNumbers {
  readonly r: Uint8Array;
  readonly s: Uint8Array;
}

/** Read a DER Ecdsa-Sig-Value; strict, both numbers positive and no longer than the curve. */
export function parseEcdsaDer(curve: Curve, attackerDer: Uint8Array): Result<EcdsaNumbers> {
  const outer = new DerReader(attackerDer);
  const numbers = outer.sequence();
  const r = numbers?.unsigned();
  const s = numbers?.unsigned();
  if (!outer.done || !r || !s || !numbers?.done)
    return failure("NOT_CANONICAL", "An ECDSA signature must be a DER sequence of r and s.");
  return ecdsaNumbers(curve, r, s);
}

/** Take two magnitudes as a signature: not zero, no longer than the curve. */
export function ecdsaNumbers(
  curve: Curve,
  attackerR: Uint8Array,
  attackerS: Uint8Array,
): Result<EcdsaNumbers> {
  const [r, s] = [trimZeros(attackerR), trimZeros(attackerS)];
  const limit = coordinateBytes(curve);
  return [r, s].every((number) => number.length > 0 && number.length <= limit)
    ? success({ r, s })
    : failure("SIGNATURE_INVALID", `r and s of an ECDSA signature on ${curve} are out of range.`);
}

/** DER Ecdsa-Sig-Value, the form in which signatures are verified and kept. */
export function encodeEcdsaDer({ r, s }: EcdsaNumbers): Uint8Array<ArrayBuffer> {
  return der(DER_SEQUENCE, derUnsigned(r), derUnsigned(s));
}

/** The order of the Ed25519 base point, little-endian. */
const ED25519_L = fromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");

/**
 * Whether a signature has the one form RFC 8032 allows: 64 bytes, S below L. Without this a
 * second, equally valid signature could be made from any signature, by anybody.
 */
export function isCanonicalEd25519(attackerSignature: Uint8Array): boolean {
  if (attackerSignature.length !== 64 || ED25519_L === undefined) return false;
  for (let i = 31; i >= 0; i--) {
    const difference = (attackerSignature[32 + i] ?? 0) - (ED25519_L[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
