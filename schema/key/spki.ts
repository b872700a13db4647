/**
 * Public keys: from SubjectPublicKeyInfo to numbers, and back to the one canonical encoding.
 *
 * The canonical encoding is DER: a named curve with an uncompressed point; rsaEncryption with
 * the NULL parameter; Ed25519 and ML-DSA-44 without parameters; no byte after it. Nothing else
 * is accepted, with one exception: an id-RSASSA-PSS key is read, and written as rsaEncryption.
 * So a caller that stores a key stores `encodeSpki(key)`, never the stranger's bytes.
 *
 * - K1  A key that comes out of here is not weak in a way the bytes alone can show: no Ed25519
 *       point of small order or non-canonical encoding, no EC point off its curve, no RSA
 *       modulus out of bounds or even, no RSA exponent even, below 3 or above 2^31−1.
 *
 * That an Ed25519 key decompresses to a point is not checked here (it costs a field
 * exponentiation): one that does not verifies no signature.
 *
 * Spec: RFC 5280 §4.1.2.7, RFC 5480, RFC 8017 A.1, RFC 8410, RFC 9881.
 *
 * @module
 */
import { concat, equal, fromHex, latin1, toHex } from "../bytes.ts";
import { GenerationCache } from "../cache.ts";
import { DER_NULL, DER_OID, DER_SEQUENCE, DerReader, der, derBits, derUnsigned } from "../der.ts";
import { type Failure, failure, type Result, success } from "../error.ts";
import { MAX_KEY_BYTES, MAX_RSA_BITS, MIN_RSA_BITS } from "../limits.ts";
import { type Curve, isOnCurve, isUncompressed } from "./curve.ts";

export type { Curve };

export type PublicKey = Ed25519Key | EcdsaKey | RsaKey | MlDsa44Key;

export interface Ed25519Key {
  readonly type: "ed25519";
  /** 32 bytes (RFC 8032 §5.1.2). */
  readonly raw: Uint8Array;
}

export interface EcdsaKey {
  readonly type: "ecdsa";
  readonly curve: Curve;
  /** 0x04 ‖ x ‖ y. */
  readonly point: Uint8Array;
}

export interface RsaKey {
  readonly type: "rsa";
  /** Big-endian, no leading zeros. */
  readonly modulus: Uint8Array;
  /** Big-endian, no leading zeros. */
  readonly exponent: Uint8Array;
  /** Of the modulus. */
  readonly bits: number;
}

interface MlDsa44Key {
  readonly type: "ml-dsa-44";
  /** 1,312 bytes (FIPS 204 pkEncode). */
  readonly raw: Uint8Array;
}

const ED25519_BYTES = 32;
const ML_DSA_44_BYTES = 1312;

const OID_ED25519 = "2b6570";
const OID_EC = "2a8648ce3d0201";
const OID_RSA = "2a864886f70d010101";
const OID_RSA_PSS = "2a864886f70d01010a";
const OID_ML_DSA_44 = "608648016503040311";
const CURVE_OIDS = {
  p256: "2a8648ce3d030107",
  p384: "2b81040022",
  p521: "2b81040023",
} as const satisfies Record<Curve, string>;
const CURVES = ["p256", "p384", "p521"] as const satisfies readonly Curve[];

/** Keys kept, each generation, and the bytes above which one is read anew each time. */
const KEPT_KEYS = 512;
const KEPT_KEY_BYTES = 1_536;

/**
 * What keys were read as, good or bad: one key signs many entries, and one entry asks for its
 * key several times. The answer depends on the bytes alone, so that keeping it changes nothing.
 */
const readings = new GenerationCache<Result<PublicKey>>(KEPT_KEYS);
const encodings = new WeakMap<PublicKey, Uint8Array<ArrayBuffer>>();

/**
 * Read a stranger's key. Fails with `NOT_CANONICAL` (not the one DER encoding),
 * `KIND_UNSUPPORTED` (another algorithm or curve) or `KEY_REFUSED` (K1).
 */
export function parseSpki(attackerDer: Uint8Array): Result<PublicKey> {
  if (attackerDer.length > MAX_KEY_BYTES)
    return failure("TOO_LARGE", `A key has at most ${MAX_KEY_BYTES} bytes.`, {
      limit: MAX_KEY_BYTES,
    });
  if (attackerDer.length > KEPT_KEY_BYTES) return readSpki(attackerDer);
  const name = latin1(attackerDer);
  const known = readings.get(name);
  if (known !== undefined) return known;
  // Of a copy: the key must not change with the stranger's buffer. `slice` of a Buffer is none.
  const reading = readSpki(new Uint8Array(attackerDer));
  readings.set(name, reading);
  return reading;
}

function readSpki(attackerDer: Uint8Array): Result<PublicKey> {
  const outer = new DerReader(attackerDer);
  const info = outer.sequence();
  const algorithm = info?.sequence();
  const oid = algorithm?.value(DER_OID);
  const bits = info?.bits();
  if (!outer.done || !algorithm || !oid || !bits || !info?.done) return notCanonical();
  switch (toHex(oid)) {
    case OID_ED25519:
      return algorithm.done ? ed25519Key(bits) : notCanonical();
    case OID_ML_DSA_44:
      return algorithm.done ? mlDsa44Key(bits) : notCanonical();
    case OID_EC:
      return parseEc(algorithm, bits);
    case OID_RSA:
      return algorithm.value(DER_NULL)?.length === 0 && algorithm.done
        ? parseRsa(bits)
        : notCanonical();
    case OID_RSA_PSS:
      // The parameters only narrow the use of the key; the key itself is an RSA key.
      return algorithm.done || (algorithm.value(DER_SEQUENCE) && algorithm.done)
        ? parseRsa(bits)
        : notCanonical();
    default:
      return failure("KIND_UNSUPPORTED", `Keys of algorithm ${oidText(oid)} are not supported.`, {
        expected: "Ed25519, ECDSA P-256/P-384/P-521, RSA or ML-DSA-44",
      });
  }
}

/** The canonical encoding; the signer id is its SHA-256. Shared: not to be written to. */
export function encodeSpki(key: PublicKey): Uint8Array<ArrayBuffer> {
  const known = encodings.get(key);
  if (known !== undefined) return known;
  const encoding = writeSpki(key);
  encodings.set(key, encoding);
  return encoding;
}

function writeSpki(key: PublicKey): Uint8Array<ArrayBuffer> {
  switch (key.type) {
    case "ed25519":
      return spki([oidDer(OID_ED25519)], key.raw);
    case "ml-dsa-44":
      return spki([oidDer(OID_ML_DSA_44)], key.raw);
    case "ecdsa":
      return spki([oidDer(OID_EC), oidDer(CURVE_OIDS[key.curve])], key.point);
    case "rsa":
      return spki(
        [oidDer(OID_RSA), der(DER_NULL)],
        der(DER_SEQUENCE, derUnsigned(key.modulus), derUnsigned(key.exponent)),
      );
  }
}

/** Whether these bytes are the encoding of `key` that {@link encodeSpki} writes. */
export function isCanonicalSpki(key: PublicKey, attackerDer: Uint8Array): boolean {
  return equal(encodeSpki(key), attackerDer);
}

/** SPKI of 32 raw bytes, unchecked: for keys the caller already trusts the form of. */
export function ed25519Spki(raw: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeSpki({ type: "ed25519", raw });
}

/** SPKI of 1,312 raw bytes, unchecked. */
export function mlDsa44Spki(raw: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeSpki({ type: "ml-dsa-44", raw });
}

/** K1 for Ed25519. Fails with `NOT_CANONICAL` or `KEY_REFUSED`. */
export function ed25519Key(attackerRaw: Uint8Array): Result<Ed25519Key> {
  if (attackerRaw.length !== ED25519_BYTES)
    return failure("NOT_CANONICAL", `An Ed25519 key has ${ED25519_BYTES} bytes.`);
  const y = new Uint8Array(attackerRaw);
  const last = (y[31] ?? 0) & 0x7f;
  y[31] = last;
  const middle = y.subarray(1, 31).every((byte) => byte === 0xff);
  if (last === 0x7f && middle && (y[0] ?? 0) >= 0xed)
    return failure("KEY_REFUSED", "The Ed25519 key is not canonically encoded (y is not reduced).");
  if (SMALL_ORDER_Y.includes(toHex(y)))
    return failure("KEY_REFUSED", "The Ed25519 key is a point of small order.");
  return success({ type: "ed25519", raw: attackerRaw });
}

/** K1 for ECDSA. `attackerPoint` must be uncompressed. */
export function ecdsaKey(curve: Curve, attackerPoint: Uint8Array): Result<EcdsaKey> {
  if (!isUncompressed(curve, attackerPoint))
    return failure("NOT_CANONICAL", `A point on ${curve} must be uncompressed (0x04, x, y).`);
  if (!isOnCurve(curve, attackerPoint))
    return failure("KEY_REFUSED", `The point is not on the curve ${curve}.`);
  return success({ type: "ecdsa", curve, point: attackerPoint });
}

/** K1 for RSA. Both numbers are big-endian without leading zeros. */
export function rsaKey(modulus: Uint8Array, exponent: Uint8Array): Result<RsaKey> {
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS)
    return failure(
      "KEY_REFUSED",
      `An RSA key has ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits, not ${bits}.`,
      { limit: bits < MIN_RSA_BITS ? MIN_RSA_BITS : MAX_RSA_BITS },
    );
  if (isEven(modulus)) return failure("KEY_REFUSED", "The RSA modulus is even.");
  const small = exponent.length < 4 || (exponent.length === 4 && (exponent[0] ?? 0) < 0x80);
  if (isEven(exponent) || (exponent.length === 1 && (exponent[0] ?? 0) < 3) || !small)
    return failure("KEY_REFUSED", "The RSA exponent must be odd, at least 3 and below 2^31.");
  return success({ type: "rsa", modulus, exponent, bits });
}

function mlDsa44Key(attackerRaw: Uint8Array): Result<MlDsa44Key> {
  return attackerRaw.length === ML_DSA_44_BYTES
    ? success({ type: "ml-dsa-44", raw: attackerRaw })
    : failure("NOT_CANONICAL", `An ML-DSA-44 key has ${ML_DSA_44_BYTES} bytes.`);
}

function parseEc(algorithm: DerReader, bits: Uint8Array): Result<EcdsaKey> {
  const oid = algorithm.value(DER_OID);
  if (oid === undefined || !algorithm.done)
    return failure("NOT_CANONICAL", "An EC key must name its curve, and nothing else.");
  const curve = CURVES.find((name) => CURVE_OIDS[name] === toHex(oid));
  if (curve === undefined)
    return failure("KIND_UNSUPPORTED", `The curve ${oidText(oid)} is not supported.`, {
      expected: "P-256, P-384 or P-521",
    });
  return ecdsaKey(curve, bits);
}

function parseRsa(bits: Uint8Array): Result<RsaKey> {
  const outer = new DerReader(bits);
  const numbers = outer.sequence();
  const modulus = numbers?.unsigned();
  const exponent = numbers?.unsigned();
  if (!outer.done || !modulus || !exponent || !numbers?.done) return notCanonical();
  return rsaKey(modulus, exponent);
}

function notCanonical(): Failure {
  return failure("NOT_CANONICAL", "The key is not a canonical DER SubjectPublicKeyInfo.");
}

function isEven(magnitude: Uint8Array): boolean {
  return ((magnitude.at(-1) ?? 0) & 1) === 0;
}

function spki(algorithm: readonly Uint8Array[], bits: Uint8Array): Uint8Array<ArrayBuffer> {
  return der(DER_SEQUENCE, der(DER_SEQUENCE, ...algorithm), derBits(bits));
}

function oidDer(hex: string): Uint8Array<ArrayBuffer> {
  return der(DER_OID, fromHex(hex) ?? new Uint8Array(0));
}

/** Dotted form for messages; an OID that is too long or malformed is shown in hex. */
function oidText(oid: Uint8Array): string {
  if (oid.length === 0 || oid.length > 16 || (oid.at(-1) ?? 0) >= 0x80) return `0x${toHex(oid)}`;
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of oid) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [first = 0, ...rest] = arcs;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - 40 * root, ...rest].join(".");
}

/** y of the eight points whose order divides 8, little-endian, sign bit cleared. */
const SMALL_ORDER_Y: readonly string[] = [
  toHex(concat(Uint8Array.of(1), new Uint8Array(31))),
  toHex(new Uint8Array(32)),
  `ec${"ff".repeat(30)}7f`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
];
