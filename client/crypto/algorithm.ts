/**
 * What each signature algorithm's name stands for, and which keys may be used with it.
 * Both drivers ask here, so that they refuse the same keys: one that is not in canonical
 * encoding, is weak, or is of another type or curve than the algorithm.
 *
 * @module
 */
import { isCanonicalEd25519 } from "../../schema/key/signature.ts";
import { type Curve, ed25519Key, type PublicKey, parseSpki } from "../../schema/key/spki.ts";
import type { SignatureAlgorithm } from "./crypto.ts";

type ShaName = "sha256" | "sha384" | "sha512";

/** The parts of an algorithm. Where there is no `hash`, the algorithm brings its own. */
export type AlgorithmParts =
  | { readonly type: "ed25519" }
  | { readonly type: "ml-dsa-44" }
  | { readonly type: "ecdsa"; readonly curve: Curve; readonly hash: ShaName }
  | { readonly type: "rsa"; readonly padding: "pkcs1" | "pss"; readonly hash: ShaName };

export const ALGORITHMS: Readonly<Record<SignatureAlgorithm, AlgorithmParts>> = {
  ed25519: { type: "ed25519" },
  "ecdsa-p256-sha256": { type: "ecdsa", curve: "p256", hash: "sha256" },
  "ecdsa-p384-sha384": { type: "ecdsa", curve: "p384", hash: "sha384" },
  "ecdsa-p521-sha512": { type: "ecdsa", curve: "p521", hash: "sha512" },
  "rsa-pkcs1-sha256": { type: "rsa", padding: "pkcs1", hash: "sha256" },
  "rsa-pkcs1-sha512": { type: "rsa", padding: "pkcs1", hash: "sha512" },
  "rsa-pss-sha256": { type: "rsa", padding: "pss", hash: "sha256" },
  "ml-dsa-44": { type: "ml-dsa-44" },
};

/** Bytes of a SHA-256, which is also the length of the salt of our only RSA-PSS. */
export const PSS_SALT_BYTES = 32;

/** Whether a key of this kind can make signatures of `parts`. */
export function fits(key: PublicKey, parts: AlgorithmParts): boolean {
  if (key.type === "ecdsa") return parts.type === "ecdsa" && key.curve === parts.curve;
  return key.type === parts.type;
}

/** The stranger's key, if it is one that `parts` may be used with. */
export function keyFor(parts: AlgorithmParts, strangersSpki: Uint8Array): PublicKey | undefined {
  const parsed = parseSpki(strangersSpki);
  return parsed.ok && fits(parsed.value, parts) ? parsed.value : undefined;
}

/**
 * Whether an Ed25519 signature has its one form (64 bytes, S below L) and an R that is
 * canonical and not of small order. Versions of OpenSSL differ in whether they look at R, and
 * only somebody who gives his key away makes such an R, so it is refused here, for every driver.
 */
export function isEd25519Shaped(strangersSignature: Uint8Array): boolean {
  return (
    isCanonicalEd25519(strangersSignature) && ed25519Key(strangersSignature.subarray(0, 32)).ok
  );
}
