/**
 * The driver of the cryptography port for a browser, or any other engine.
 *
 * The platform's WebCrypto, where it is given, checks ECDSA and RSA; @noble checks Ed25519 and
 * ML-DSA-44, and ECDSA where WebCrypto has not the curve. Without WebCrypto there is no RSA:
 * `supports` says so, except over a digest, where the signature is opened here. Ed25519 is never left to WebCrypto, because engines differ there in
 * what they answer to a signature with a point of small order, and a verifier on one machine
 * must not accept what another refuses.
 *
 * It assumes nothing of its surroundings but ECMAScript: neither `process` nor `Buffer`.
 *
 * @module
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { sha1 } from "@noble/hashes/legacy.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { ml_dsa44 as mlDsa44 } from "@noble/post-quantum/ml-dsa.js";
import { concat, equal } from "../../schema/bytes.ts";
import { coordinateBytes } from "../../schema/key/curve.ts";
import { parseEcdsaDer } from "../../schema/key/signature.ts";
import {
  type Curve,
  type EcdsaKey,
  encodeSpki,
  type PublicKey,
  type RsaKey,
} from "../../schema/key/spki.ts";
import { asHash, HASH_BYTES, type Hash } from "../../schema/tlog/hash.ts";
import {
  ALGORITHMS,
  type AlgorithmParts,
  isEd25519Shaped,
  keyFor,
  PSS_SALT_BYTES,
} from "./algorithm.ts";
import type { Crypto, SignatureAlgorithm } from "./crypto.ts";
import { openRsa, pkcs1Block } from "./pkcs1.ts";

const CURVES = { p256, p384, p521 };
const CURVE_NAMES = { p256: "P-256", p384: "P-384", p521: "P-521" };
const HASH_NAMES = { sha256: "SHA-256", sha384: "SHA-384", sha512: "SHA-512" };

type Parts<T extends AlgorithmParts["type"]> = Extract<AlgorithmParts, { readonly type: T }>;

/** Make the driver. `subtle` is `globalThis.crypto.subtle` where the platform has one. */
export function browserCrypto(subtle?: SubtleCrypto): Crypto {
  return {
    sha256: sha256Hash,
    sha512,
    sha1,
    supports: (algorithm) => ALGORITHMS[algorithm].type !== "rsa" || subtle !== undefined,
    verify: async (algorithm, spki, message, signature) => {
      try {
        return await verify(subtle, algorithm, spki, message, signature);
      } catch {
        return false;
      }
    },
    verifyDigest: async (algorithm, spki, digest, signature) =>
      verifyDigest(algorithm, spki, digest, signature),
  };
}

function sha256Hash(data: Uint8Array): Hash {
  const bytes = asHash(sha256(data));
  if (bytes === undefined) throw new Error("SHA-256 is not 32 bytes long");
  return bytes;
}

async function verify(
  subtle: SubtleCrypto | undefined,
  algorithm: SignatureAlgorithm,
  spki: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const parts = ALGORITHMS[algorithm];
  const key = keyFor(parts, spki);
  if (key === undefined) return false;
  if (key.type === "ed25519") return verifyEd25519(key.raw, message, signature);
  if (key.type === "ml-dsa-44") return mlDsa44.verify(signature, message, key.raw);
  if (parts.type === "ecdsa" && key.type === "ecdsa")
    return verifyEcdsa(subtle, parts, key, message, signature);
  if (parts.type === "rsa" && key.type === "rsa" && subtle !== undefined)
    return verifyRsa(subtle, parts, key, message, signature);
  return false;
}

/**
 * RFC 8032 §5.1.7 in the form without the cofactor, S·B − k·A = R compared as bytes: what
 * OpenSSL, Go and OpenSSH compute. The library's own `verify` multiplies by the cofactor and
 * so accepts a few signatures, made on purpose, that the others refuse.
 */
function verifyEd25519(raw: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!isEd25519Shaped(signature)) return false;
  const { Point } = ed25519;
  const r = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  const k = Point.Fn.create(littleEndian(sha512(concat(r, raw, message))));
  const minusA = Point.fromBytes(raw, false).negate();
  const expected = Point.BASE.multiplyUnsafe(s).add(minusA.multiplyUnsafe(k));
  return equal(expected.toBytes(), r);
}

function verifyDigest(
  ...[algorithm, spki, digest, signature]: Parameters<Crypto["verifyDigest"]>
): boolean {
  try {
    const key = keyFor(ALGORITHMS[algorithm], spki);
    if (key === undefined || digest.length !== HASH_BYTES) return false;
    if (key.type === "ecdsa") {
      const compact = ecdsaToCompact(key.curve, signature);
      const options = { format: "compact", lowS: false, prehash: false } as const;
      return compact !== undefined && p256.verify(compact, digest, key.point, options);
    }
    const block = key.type === "rsa" ? openRsa(key, signature) : undefined;
    return block !== undefined && equal(block, pkcs1Block(digest, block.length));
  } catch {
    return false;
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  return value;
}

async function verifyEcdsa(
  subtle: SubtleCrypto | undefined,
  parts: Parts<"ecdsa">,
  key: EcdsaKey,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const compact = ecdsaToCompact(parts.curve, signature);
  if (compact === undefined) return false;
  if (subtle !== undefined) {
    const name = { name: "ECDSA", namedCurve: CURVE_NAMES[parts.curve] };
    const imported = await importKey(subtle, key, name);
    if (imported !== undefined) {
      const how = { name: "ECDSA", hash: HASH_NAMES[parts.hash] };
      return subtle.verify(how, imported, compact, new Uint8Array(message));
    }
  }
  const options = { format: "compact", lowS: false, prehash: true } as const;
  return CURVES[parts.curve].verify(compact, message, key.point, options);
}

/** Strict DER to r ‖ s, each as wide as the curve. */
function ecdsaToCompact(
  curve: Curve,
  strangersDer: Uint8Array,
): Uint8Array<ArrayBuffer> | undefined {
  const parsed = parseEcdsaDer(curve, strangersDer);
  if (!parsed.ok) return undefined;
  const { r, s } = parsed.value;
  const width = coordinateBytes(curve);
  const compact = new Uint8Array(2 * width);
  compact.set(r, width - r.length);
  compact.set(s, 2 * width - s.length);
  return compact;
}

async function verifyRsa(
  subtle: SubtleCrypto,
  parts: Parts<"rsa">,
  key: RsaKey,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const name = parts.padding === "pss" ? "RSA-PSS" : "RSASSA-PKCS1-v1_5";
  const imported = await importKey(subtle, key, { name, hash: HASH_NAMES[parts.hash] });
  if (imported === undefined) return false;
  const how = parts.padding === "pss" ? { name, saltLength: PSS_SALT_BYTES } : { name };
  return subtle.verify(how, imported, new Uint8Array(signature), new Uint8Array(message));
}

/** `undefined` where this WebCrypto has not the curve or refuses the key. */
async function importKey(
  subtle: SubtleCrypto,
  key: PublicKey,
  name: EcKeyImportParams | RsaHashedImportParams,
): Promise<CryptoKey | undefined> {
  try {
    const spki = new Uint8Array(encodeSpki(key));
    return await subtle.importKey("spki", spki, name, false, ["verify"]);
  } catch {
    return undefined;
  }
}
