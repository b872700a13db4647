/**
 * The two encodings of an ECDSA signature: DER, which leaves and OpenSSL have, and r ‖ s of
 * fixed width, which WebCrypto has.
 *
 * Spec: RFC 3279 §2.2.3 (Ecdsa-Sig-Value), IEEE P1363.
 *
 * @module
 */
import { DER_SEQUENCE, DerReader, der, derUnsigned } from "../../schema/der.ts";
import type { Curve } from "../../schema/key/spki.ts";

/** Bytes of r and of s: those of the curve's order. */
const SCALAR_BYTES: Readonly<Record<Curve, number>> = { p256: 32, p384: 48, p521: 66 };

/** Strict DER to r ‖ s. `undefined` where it is not DER or a number is wider than the curve. */
export function ecdsaToCompact(
  curve: Curve,
  strangersDer: Uint8Array,
): Uint8Array<ArrayBuffer> | undefined {
  const outer = new DerReader(strangersDer);
  const inner = outer.sequence();
  const r = inner?.unsigned();
  const s = inner?.unsigned();
  if (!outer.done || !inner?.done || r === undefined || s === undefined) return undefined;
  const width = SCALAR_BYTES[curve];
  if (r.length > width || s.length > width) return undefined;
  const compact = new Uint8Array(2 * width);
  compact.set(r, width - r.length);
  compact.set(s, 2 * width - s.length);
  return compact;
}

/** DER of r and s, given as big-endian magnitudes. */
export function ecdsaToDer(r: Uint8Array, s: Uint8Array): Uint8Array<ArrayBuffer> {
  return der(DER_SEQUENCE, derUnsigned(r), derUnsigned(s));
}
