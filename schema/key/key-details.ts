/**
 * Signature algorithms with nothing left to guess, and Sigstore's names for them.
 *
 * A leaf names the algorithm by Sigstore's `PublicKeyDetails` (protobuf-specs); the table is
 * closed. An RSA name fixes the modulus length, so the key must have exactly that length.
 *
 * @module
 */
import { failure, type Result, success } from "../error.ts";
import type { PublicKey } from "./spki.ts";

/** A signature algorithm with nothing left to guess: curve, hash and padding are in the name. */
export type SignatureAlgorithm =
  | "ed25519"
  | "ecdsa-p256-sha256"
  | "ecdsa-p384-sha384"
  | "ecdsa-p521-sha512"
  | "rsa-pkcs1-sha256"
  | "rsa-pkcs1-sha512"
  | "rsa-pss-sha256"
  | "ml-dsa-44";

/** What a name stands for. */
export type KeyDetails = { readonly algorithm: SignatureAlgorithm } & (
  | { readonly type: "ed25519" | "ml-dsa-44" }
  | { readonly type: "ecdsa"; readonly curve: "p256" | "p384" }
  | { readonly type: "rsa"; readonly bits: 2048 | 3072 | 4096 }
);

export type KeyDetailsName =
  | "PKIX_ED25519"
  | "PKIX_ECDSA_P256_SHA_256"
  | "PKIX_ECDSA_P384_SHA_384"
  | `PKIX_RSA_${"PKCS1V15" | "PSS"}_${2048 | 3072 | 4096}_SHA256`
  | "ML_DSA_44";

export const KEY_DETAILS: Readonly<Record<KeyDetailsName, KeyDetails>> = {
  PKIX_ED25519: { algorithm: "ed25519", type: "ed25519" },
  PKIX_ECDSA_P256_SHA_256: { algorithm: "ecdsa-p256-sha256", type: "ecdsa", curve: "p256" },
  PKIX_ECDSA_P384_SHA_384: { algorithm: "ecdsa-p384-sha384", type: "ecdsa", curve: "p384" },
  PKIX_RSA_PKCS1V15_2048_SHA256: { algorithm: "rsa-pkcs1-sha256", type: "rsa", bits: 2048 },
  PKIX_RSA_PKCS1V15_3072_SHA256: { algorithm: "rsa-pkcs1-sha256", type: "rsa", bits: 3072 },
  PKIX_RSA_PKCS1V15_4096_SHA256: { algorithm: "rsa-pkcs1-sha256", type: "rsa", bits: 4096 },
  PKIX_RSA_PSS_2048_SHA256: { algorithm: "rsa-pss-sha256", type: "rsa", bits: 2048 },
  PKIX_RSA_PSS_3072_SHA256: { algorithm: "rsa-pss-sha256", type: "rsa", bits: 3072 },
  PKIX_RSA_PSS_4096_SHA256: { algorithm: "rsa-pss-sha256", type: "rsa", bits: 4096 },
  ML_DSA_44: { algorithm: "ml-dsa-44", type: "ml-dsa-44" },
};

export function isKeyDetailsName(name: string): name is KeyDetailsName {
  return Object.hasOwn(KEY_DETAILS, name);
}

/** What a stranger's name stands for. Fails with `KIND_UNSUPPORTED`. */
export function detailsFor(attackerName: string): Result<KeyDetails> {
  if (isKeyDetailsName(attackerName)) return success(KEY_DETAILS[attackerName]);
  return failure("KIND_UNSUPPORTED", "This key details name is not supported.", {
    expected: Object.keys(KEY_DETAILS).join(", "),
  });
}

/** The details of a name, if the key is of exactly that type, curve or length. */
export function checkKeyDetails(attackerName: string, key: PublicKey): Result<KeyDetails> {
  const details = detailsFor(attackerName);
  if (!details.ok || fits(details.value, key)) return details;
  return failure("KEY_REFUSED", `The key is not a key of ${attackerName}.`, {
    expected: describe(details.value),
  });
}

/** The names a key can sign under, PKCS #1 v1.5 before PSS; none for other curves and lengths. */
export function keyDetailsNames(key: PublicKey): KeyDetailsName[] {
  return Object.keys(KEY_DETAILS)
    .filter(isKeyDetailsName)
    .filter((name) => fits(KEY_DETAILS[name], key));
}

function fits(details: KeyDetails, key: PublicKey): boolean {
  if (details.type === "ecdsa") return key.type === "ecdsa" && key.curve === details.curve;
  if (details.type === "rsa") return key.type === "rsa" && key.bits === details.bits;
  return key.type === details.type;
}

function describe(details: KeyDetails): string {
  if (details.type === "ecdsa") return `an ECDSA key on ${details.curve}`;
  if (details.type === "rsa") return `an RSA key of ${details.bits} bits`;
  return `a key of type ${details.type}`;
}
