/**
 * A plain signature: a key as SPKI or in a certificate, Sigstore's name of key, hash and padding, signature bytes.
 * The kinds `dsse` and `raw` both end here; they differ in what the content may be.
 *
 * Spec: docs/formats.md §Signatures.
 *
 * @module
 */
import { containerOf, readCarriedKey } from "../../schema/key/certificate.ts";
import { checkKeyDetails } from "../../schema/key/key-details.ts";
import { encodeSpki, type PublicKey } from "../../schema/key/spki.ts";
import type { Crypto } from "../crypto/crypto.ts";
import { refuse, type SignatureInput, type SignatureResult } from "./kind.ts";

export async function verifyPlain(crypto: Crypto, input: SignatureInput): Promise<SignatureResult> {
  const field = "signature.key";
  const parsed = readCarriedKey({ container: containerOf(input.key), bytes: input.key });
  if (!parsed.ok) return refuse("key is refused", field, parsed.message);
  const publicKey = parsed.value;
  const spki = encodeSpki(publicKey);
  if (input.algorithm === undefined)
    return refuse("signature is malformed", "signature.algorithm", "the algorithm is not named");
  const details = checkKeyDetails(input.algorithm, publicKey);
  if (!details.ok) {
    const unknown = details.code === "KIND_UNSUPPORTED";
    return refuse(
      unknown ? "unsupported kind" : "key is refused",
      "signature.algorithm",
      details.message,
    );
  }
  const { algorithm } = details.value;
  if (!crypto.supports(algorithm))
    return refuse(
      "unsupported by this platform",
      "signature.algorithm",
      `this platform has no ${algorithm}; verify it with Node`,
    );
  if (!(await crypto.verify(algorithm, spki, input.content, input.signature)))
    return refuse(
      "signature does not verify",
      "signature.value",
      `the ${algorithm} signature is not by this key over this content`,
    );
  return {
    ok: true,
    evidence: {
      signerId: crypto.sha256(spki),
      publicKey,
      keyType: keyTypeName(publicKey),
      algorithm,
    },
  };
}

/** The type of a plain key in a word, with its size: `ed25519`, `ecdsa-p256`, `rsa-3072`. */
export function keyTypeName(key: PublicKey): string {
  if (key.type === "ecdsa") return `ecdsa-${key.curve}`;
  if (key.type === "rsa") return `rsa-${key.bits}`;
  return key.type;
}
