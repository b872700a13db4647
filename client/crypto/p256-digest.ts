/**
 * ECDSA P-256 over a digest, by OpenSSL's scalar multiplications.
 *
 * node:crypto hashes what it verifies; it has no way to be given a digest. What it has is ECDH, and
 * a verification is little more than a scalar multiplication. With R = u₁·G + u₂·Q, u₁ = z/s and
 * u₂ = r/s, the point is
 *
 *     R = u₂·(Q + (z/r)·G)
 *
 * so that one multiplication of the base point (the public key of a "private key" z/r), one
 * addition of points and one ECDH (which gives the x coordinate, all that is asked for) answer.
 * Every number here is public: nothing needs to take equal time.
 *
 * - C1  The answer is that of FIPS 186-5 §6.4.2 for every input: r and s from 1 to n−1, z of any
 *       value, Q + (z/r)·G that is a doubling or no point at all, an x that is not below n.
 *
 * The other way, a whole verification in JavaScript, costs fifteen times as much: see
 * docs/decisions/. Vectors: test/vectors/ecdsa/.
 *
 * @module
 */
import { createECDH } from "node:crypto";
import { toHex } from "../../schema/bytes.ts";
import type { EcdsaNumbers } from "../../schema/key/signature.ts";
import { invert, modulo } from "./modular.ts";

/** The field. */
const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
/** The order of the base point. */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const BYTES = 32;

interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

/** Holds one scalar at a time; nothing waits between setting it and using it. */
const ecdh = createECDH("prime256v1");

/** C1. `point` is 0x04 ‖ x ‖ y and on the curve; `digest` has 32 bytes. */
export function verifyP256Digest(
  point: Uint8Array,
  digest: Uint8Array,
  attackerNumbers: EcdsaNumbers,
): boolean {
  const r = number(attackerNumbers.r);
  const s = number(attackerNumbers.s);
  if (r === 0n || s === 0n || r >= N || s >= N) return false;
  const z = number(digest) % N;
  // One inversion for both quotients: 1/(r·s), which times s is 1/r, and times r is 1/s.
  const inverse = invert((r * s) % N, N);
  const sum = addMultiple(point, (((z * s) % N) * inverse) % N);
  if (sum === undefined) return false;
  const x = multiplyX(sum, (((r * r) % N) * inverse) % N);
  // x mod n = r: x is below p, and p is below 2·n.
  return x === r || x === r + N;
}

/** Q + t·G, uncompressed; `undefined` where that is the point at infinity. */
function addMultiple(q: Uint8Array, t: bigint): Uint8Array | undefined {
  if (t === 0n) return q;
  ecdh.setPrivateKey(bytesOf(t));
  return add(pointOf(q), pointOf(ecdh.getPublicKey()));
}

/** The x coordinate of u·A. u is from 1 to n−1 and the order is prime: never infinity. */
function multiplyX(a: Uint8Array, u: bigint): bigint {
  ecdh.setPrivateKey(bytesOf(u));
  return number(ecdh.computeSecret(a));
}

function add(a: Point, b: Point): Uint8Array | undefined {
  const same = a.x === b.x;
  // Equal x: the same point, whose y is never 0 on a curve of odd order, or its opposite.
  if (same && a.y !== b.y) return undefined;
  const rise = same ? 3n * a.x * a.x - 3n : b.y - a.y;
  const run = same ? 2n * a.y : b.x - a.x;
  const slope = (rise * invert(modulo(run, P), P)) % P;
  const x = modulo(slope * slope - a.x - b.x, P);
  const y = modulo(slope * (a.x - x) - a.y, P);
  const sum = new Uint8Array(1 + 2 * BYTES);
  sum[0] = 4;
  sum.set(bytesOf(x), 1);
  sum.set(bytesOf(y), 1 + BYTES);
  return sum;
}

function pointOf(uncompressed: Uint8Array): Point {
  return {
    x: number(uncompressed.subarray(1, 1 + BYTES)),
    y: number(uncompressed.subarray(1 + BYTES)),
  };
}

function number(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`);
}

function bytesOf(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * BYTES, "0"), "hex");
}
