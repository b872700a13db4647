/**
 * The driver of the cryptography port on node:crypto.
 *
 * Signatures are checked in libuv's thread pool, so the event loop stays free, or in place, for
 * a thread that has no event loop to keep free. A key is parsed by the asking thread, which takes
 * a third to a half of a verification's time, so parsed keys are kept: most submissions of one
 * client are by one key. Over a digest a signature is checked in place in either case: it is made
 * of several calls (p256-digest.ts), and OpenSSL runs none of them in its pool.
 *
 * @module
 */
import {
  constants,
  createPublicKey,
  hash,
  KeyObject,
  verify as nodeVerify,
  publicDecrypt,
  type VerifyKeyObjectInput,
} from "node:crypto";
import { equal } from "../../schema/bytes.ts";
import { GenerationCache } from "../../schema/cache.ts";
import { parseEcdsaDer } from "../../schema/key/signature.ts";
import { encodeSpki } from "../../schema/key/spki.ts";
import { asHash, HASH_BYTES, type Hash } from "../../schema/tlog/hash.ts";
import {
  ALGORITHMS,
  type AlgorithmParts,
  isEd25519Shaped,
  keyFor,
  PSS_SALT_BYTES,
} from "./algorithm.ts";
import type { Crypto, SignatureAlgorithm } from "./crypto.ts";
import { verifyP256Digest } from "./p256-digest.ts";
import { pkcs1Block } from "./pkcs1.ts";

/** Parsed keys held, each generation. A key with its numbers takes some kilobytes at most. */
const CACHED_KEYS = 1_024;

const keys = new GenerationCache<VerifyKeyObjectInput | KeyObject>(CACHED_KEYS);

export const nodeCrypto: Crypto = {
  sha256,
  sha512: (data) => digest("sha512", data),
  sha1: (data) => digest("sha1", data),
  supports: () => true,
  verify: verifier(inPool),
  verifyDigest,
};

/** The same for a thread that waits for nothing else: a signature is checked where it is asked. */
export const nodeCryptoInPlace: Crypto = { ...nodeCrypto, verify: verifier(inPlace) };

/**
 * The string form is two to three times as fast as the `Buffer` form for the short inputs
 * of a Merkle tree, and equal for long ones.
 */
function digest(name: "sha1" | "sha256" | "sha512", data: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = hash(name, data, "binary");
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function sha256(data: Uint8Array): Hash {
  const bytes = asHash(digest("sha256", data));
  if (bytes === undefined) throw new Error("SHA-256 is not 32 bytes long");
  return bytes;
}

type Run = (
  hashName: string | null,
  message: Uint8Array,
  key: VerifyKeyObjectInput | KeyObject,
  signature: Uint8Array,
) => boolean | Promise<boolean>;

function inPool(...[hashName, message, key, signature]: Parameters<Run>): Promise<boolean> {
  return new Promise((answer) => {
    nodeVerify(hashName, message, key, signature, (error, valid) =>
      answer(error === null && valid),
    );
  });
}

function inPlace(...[hashName, message, key, signature]: Parameters<Run>): boolean {
  return nodeVerify(hashName, message, key, signature);
}

function verifier(run: Run): Crypto["verify"] {
  return async (algorithm, spki, message, signature) => {
    try {
      const parts = ALGORITHMS[algorithm];
      const key = parsedKey(algorithm, parts, spki);
      if (key === undefined) return false;
      if (parts.type === "ed25519" && !isEd25519Shaped(signature)) return false;
      return await run("hash" in parts ? parts.hash : null, message, key, signature);
    } catch {
      return false;
    }
  };
}

async function verifyDigest(
  ...[algorithm, spki, digest, signature]: Parameters<Crypto["verifyDigest"]>
): Promise<boolean> {
  try {
    if (digest.length !== HASH_BYTES) return false;
    const parts = ALGORITHMS[algorithm];
    const key = keyFor(parts, spki);
    if (key?.type === "ecdsa") {
      const numbers = parseEcdsaDer("p256", signature);
      return numbers.ok && verifyP256Digest(key.point, digest, numbers.value);
    }
    if (key?.type !== "rsa" || signature.length !== key.modulus.length) return false;
    const parsed = parsedKey(algorithm, parts, spki);
    if (!(parsed instanceof KeyObject)) return false;
    const block = publicDecrypt({ key: parsed, padding: constants.RSA_NO_PADDING }, signature);
    return equal(block, pkcs1Block(digest, signature.length));
  } catch {
    return false;
  }
}

function parsedKey(
  algorithm: SignatureAlgorithm,
  parts: AlgorithmParts,
  spki: Uint8Array,
): VerifyKeyObjectInput | KeyObject | undefined {
  const bytes = Buffer.from(spki.buffer, spki.byteOffset, spki.byteLength);
  const name = algorithm + bytes.toString("latin1");
  const cached = keys.get(name);
  if (cached !== undefined) return cached;
  const parsed = keyFor(parts, spki);
  if (parsed === undefined) return undefined;
  const key = createPublicKey({
    key: Buffer.from(encodeSpki(parsed)),
    format: "der",
    type: "spki",
  });
  // A bare key object where one will do: an object around it costs a caught exception each time.
  const pss = parts.type === "rsa" && parts.padding === "pss";
  const input = pss
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: PSS_SALT_BYTES }
    : key;
  keys.set(name, input);
  return input;
}
