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
import type { Crypto, SignatureAlgorithm } from "../crypto/crypto.ts";
import {
  refuse,
  type SignatureInput,
  type SignatureRefusal,
  type SignatureResult,
} from "./kind.ts";

export async function verifyPlain(crypto: Crypto, input: SignatureInput): Promise<SignatureResult> {
  const named = nameKey(input);
  if (!named.ok) return named;
  const { algorithm, publicKey, spki } = named;
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
  return accepted(crypto, algorithm, publicKey, spki);
}

/** A signature of which nothing but the SHA-256 of its content is there. */
export interface DigestInput extends Omit<SignatureInput, "content"> {
  readonly digest: Uint8Array;
}

/**
 * As {@link verifyPlain}, over a digest. It says who signed, and nothing of what was signed: a
 * content with this digest may break every rule of the log.
 */
export async function verifyOverDigest(
  crypto: Crypto,
  input: DigestInput,
): Promise<SignatureResult> {
  const named = nameKey(input);
  if (!named.ok) return named;
  const { algorithm, publicKey, spki } = named;
  if (algorithm !== "ecdsa-p256-sha256" && algorithm !== "rsa-pkcs1-sha256")
    return refuse(
      "content is not held",
      "content",
      `a signature by ${algorithm} is checked over the content itself`,
    );
  if (!(await crypto.verifyDigest(algorithm, spki, input.digest, input.signature)))
    return refuse(
      "signature does not verify",
      "signature.value",
      `the ${algorithm} signature is not by this key over this digest`,
    );
  return accepted(crypto, algorithm, publicKey, spki);
}

type NamedKey =
  | {
      readonly ok: true;
      readonly algorithm: SignatureAlgorithm;
      readonly publicKey: PublicKey;
      readonly spki: Uint8Array;
    }
  | SignatureRefusal;

function nameKey(input: Pick<SignatureInput, "algorithm" | "key">): NamedKey {
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
  return { ok: true, algorithm: details.value.algorithm, publicKey, spki };
}

function accepted(
  crypto: Crypto,
  algorithm: SignatureAlgorithm,
  publicKey: PublicKey,
  spki: Uint8Array,
): SignatureResult {
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
