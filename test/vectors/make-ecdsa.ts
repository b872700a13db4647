/**
 * Makes test/vectors/ecdsa/digest.json: `node test/vectors/make-ecdsa.ts`.
 *
 * ECDSA P-256 over digests that no message is known for, at the edges of the arithmetic. Where no
 * private key can give the wanted R, the key is worked out from R instead: for any R, r, s and z
 * the key Q = (s·R − z·G)/r makes (r, s) a signature over z. Points are computed by @noble/curves.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { p256 } from "@noble/curves/nist.js";
import { fromHex, toHex } from "../../schema/bytes.ts";
import { encodeEcdsaDer } from "../../schema/key/signature.ts";
import { encodeSpki } from "../../schema/key/spki.ts";

const { Point } = p256;
const N = Point.Fn.ORDER;
const P = Point.Fp.ORDER;
const G = Point.BASE;
const LARGEST = 2n ** 256n - 1n;

type P256Point = typeof G;

interface Vector {
  readonly what: string;
  /** Hex of the key, SPKI in DER. */
  readonly spki: string;
  readonly digest: string;
  /** Hex of the DER. */
  readonly signature: string;
  readonly valid: boolean;
}

const mod = (value: bigint): bigint => Point.Fn.create(value);
const inverse = (value: bigint): bigint => Point.Fn.inv(mod(value));
const bytes = (value: bigint): Uint8Array =>
  fromHex(value.toString(16).padStart(64, "0")) ?? new Uint8Array(0);

function vector(
  what: string,
  key: P256Point,
  digest: bigint,
  r: bigint,
  s: bigint,
  valid = true,
): Vector {
  const spki = encodeSpki({ type: "ecdsa", curve: "p256", point: key.toBytes(false) });
  const signature = encodeEcdsaDer({ r: bytes(r), s: bytes(s) });
  return { what, spki: toHex(spki), digest: toHex(bytes(digest)), signature: toHex(signature), valid };
}

/** By a known private key d and nonce k. */
function signed(what: string, d: bigint, z: bigint, k: bigint): Vector {
  const r = mod(G.multiply(k).x);
  return vector(what, G.multiply(d), z, r, mod(inverse(k) * (mod(z) + r * d)));
}

/** By the key that makes (r, s) a signature whose R is this point. */
function keyFor(what: string, point: P256Point, z: bigint, s: bigint, valid = true): Vector {
  const r = mod(point.x);
  const minus = mod(z) === 0n ? Point.ZERO : G.multiply(mod(-z));
  const key = point.multiply(s).add(minus).multiply(inverse(r));
  return vector(what, key, z, r, s, valid);
}

/** The first point whose x is at least this number. */
function pointFrom(x: bigint): P256Point {
  for (let at = x; ; at++) {
    try {
      return Point.fromHex(`02${at.toString(16).padStart(64, "0")}`);
    } catch {
      // Half of all numbers are no x of a point.
    }
  }
}

const d = 0x1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdefn;
const k = 0xfedcba0987654321fedcba0987654321fedcba0987654321fedcba0987654321n;
const z = 0x5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eedn;
const Q = G.multiply(d);
const r = mod(G.multiply(k).x);
const s = mod(inverse(k) * (z + r * d));
const wrapped = pointFrom(N);
const below = pointFrom(P - N);

const VECTORS: readonly Vector[] = [
  signed("a signature", d, z, k),
  vector("the same with n − s", Q, z, r, N - s),
  vector("the same over another digest", Q, z + 1n, r, s, false),
  vector("the same by the opposite key", Q.negate(), z, r, s, false),
  signed("a digest of zeros: nothing is added to the key", d, 0n, k),
  signed("a digest of n, which counts as 0", d, N, k),
  signed("a digest of n + 1, which counts as 1", d, N + 1n, k),
  signed("a digest of n − 1", d, N - 1n, k),
  signed("a digest of ones", d, LARGEST, k),
  signed("z/r = d: the key is added to itself", d, mod(r * d), k),
  vector("z/r = −d: the sum is no point", Q, mod(-r * d), r, s, false),
  vector("z/r = −d and s = 1", Q, mod(-r * d), r, 1n, false),
  vector("z/r = −d and s = r", Q, mod(-r * d), r, r, false),
  signed("z/r = 1: the base point is added", d, r, k),
  signed("z/r = −1: its opposite is added", d, mod(-r), k),
  signed("the base point is the key", 1n, z, k),
  signed("the base point is the key and is added to itself", 1n, r, k),
  vector("the base point is the key and its opposite is added", G, mod(-r), r, s, false),
  signed("the opposite of the base point is the key", N - 1n, z, k),
  signed("the nonce is 1: R is the base point", d, z, 1n),
  signed("the nonce is n − 1", d, z, N - 1n),
  signed("the nonce is the key: R is the key", d, z, d),
  keyFor("s = 1", G.multiply(k), z, 1n),
  keyFor("s = n − 1", G.multiply(k), z, N - 1n),
  keyFor("s = r: the second factor is 1", G.multiply(k), z, r),
  keyFor("s = n − r: the second factor is −1", G.multiply(k), z, mod(-r)),
  keyFor("x of R is not below n: r is what is left", wrapped, z, k),
  keyFor("the same with n − s", wrapped, z, N - k),
  keyFor("the same over a digest of zeros", wrapped, 0n, k),
  keyFor("r is small, and x of R is r itself", pointFrom(1n), z, k),
  keyFor("r is p − n or a little more: r + n is no x at all", below, z, k),
  keyFor("x of R is the largest below n", pointFrom(N - 64n), z, k),
  vector("x of R is r + 1", Q, z, r - 1n, s, false),
  vector("r = 0", Q, z, 0n, s, false),
  vector("s = 0", Q, z, r, 0n, false),
  vector("r = n", Q, z, N, s, false),
  vector("s = n", Q, z, r, N, false),
  vector("r is x of R where that is not below n", keyOf(wrapped, z, k), z, wrapped.x, k, false),
  vector("r = p", Q, z, P, s, false),
  vector("r = 2^256 − 1", Q, z, LARGEST, s, false),
  vector("s = 2^256 − 1", Q, z, r, LARGEST, false),
  vector("r = s = 1", Q, z, 1n, 1n, false),
  vector("r = s = n − 1", Q, z, N - 1n, N - 1n, false),
];

function keyOf(point: P256Point, digest: bigint, second: bigint): P256Point {
  return point.multiply(second).add(G.multiply(mod(-digest))).multiply(inverse(point.x));
}

/** Name below test/vectors/ → text. */
export function files(): ReadonlyMap<string, string> {
  return new Map([["ecdsa/digest.json", `${JSON.stringify(VECTORS, undefined, 2)}\n`]]);
}

if (import.meta.main) {
  mkdirSync(new URL("ecdsa/", import.meta.url), { recursive: true });
  for (const [name, text] of files()) writeFileSync(new URL(name, import.meta.url), text);
}
