/**
 * The signature of a bundle, checked by our own cryptography: over the bytes where they are at
 * hand, else over their SHA-256, which a message signature by ECDSA or RSA allows.
 *
 * @module
 */
import type { Crypto } from "../crypto/crypto.ts";
import type { Signed, SignerKey } from "./bundle.ts";
import { pass, refuse, type Step } from "./verdict.ts";

export async function checkSignature(
  crypto: Crypto,
  { message, digest, signature }: Signed,
  { algorithm, spki }: SignerKey,
): Promise<Step<true>> {
  const valid =
    message === undefined
      ? await crypto.verifyDigest(algorithm, spki, digest, signature)
      : await crypto.verify(algorithm, spki, message, signature);
  return valid
    ? pass(true)
    : refuse({ code: "SIGNATURE_REFUSED", message: "it is not one by this key over these bytes" });
}
