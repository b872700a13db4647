/**
 * A bundle out of a stranger's bytes, and what it says was signed, by which key.
 *
 * Read strictly first (I-JSON, so that no two readers see two bundles) and within limits, then by
 * Sigstore's own reader of its format. Nothing of it is believed yet.
 *
 * Spec: Sigstore protobuf-specs, bundle.
 *
 * @module
 */
import type { Bundle } from "@sigstore/bundle";
import { equal } from "../../schema/bytes.ts";
import { pae } from "../../schema/entry/dsse.ts";
import {
  type HashedrekordKeyDetails,
  isHashedrekordKeyDetails,
} from "../../schema/entry/hashedrekord.ts";
import { parseJson } from "../../schema/json.ts";
import { type CarriedKey, readCarriedKey } from "../../schema/key/certificate.ts";
import { keyDetailsNames } from "../../schema/key/key-details.ts";
import { encodeSpki, type PublicKey } from "../../schema/key/spki.ts";
import { asHash, type Hash, type Sha256 } from "../../schema/tlog/hash.ts";
import type { DigestAlgorithm } from "../crypto/crypto.ts";
import type { VerifyPackages } from "./packages.ts";
import { pass, refuse, type Step } from "./verdict.ts";

/** Bytes of a bundle: an attestation may list many files. */
export const MAX_BUNDLE_BYTES = 16_777_216;
/** Log entries of a bundle, and timestamps of a bundle, each. */
const MAX_BUNDLE_ITEMS = 32;

/** Read a bundle within its limits. Refuses with `BUNDLE_MALFORMED`. */
export function readBundle(
  { bundle: reader }: VerifyPackages,
  strangersBytes: Uint8Array,
): Step<Bundle> {
  if (strangersBytes.length > MAX_BUNDLE_BYTES)
    return malformed(`it has more than ${MAX_BUNDLE_BYTES} bytes`);
  const json = parseJson(strangersBytes);
  if (!json.ok) return malformed(json.message);
  let bundle: Bundle;
  try {
    bundle = reader.bundleFromJSON(json.value);
  } catch (error) {
    const fields = error instanceof reader.ValidationError ? `: ${error.fields.join(", ")}` : "";
    return malformed(error instanceof Error ? `${error.message}${fields}` : "no reason given");
  }
  const { tlogEntries, timestampVerificationData } = bundle.verificationMaterial;
  if (tlogEntries.length === 0) return malformed("it has no log entry", "tlogEntries");
  if (tlogEntries.length > MAX_BUNDLE_ITEMS)
    return malformed(`it has more than ${MAX_BUNDLE_ITEMS} log entries`, "tlogEntries");
  const stamps = timestampVerificationData?.rfc3161Timestamps ?? [];
  if (stamps.length > MAX_BUNDLE_ITEMS)
    return malformed(`it has more than ${MAX_BUNDLE_ITEMS} timestamps`, "rfc3161Timestamps");
  return pass(bundle);
}

/** The signer's key, and how a leaf carries it. */
export interface SignerKey {
  readonly key: PublicKey;
  readonly spki: Uint8Array;
  readonly carried: CarriedKey;
  readonly keyDetails: HashedrekordKeyDetails;
  readonly algorithm: DigestAlgorithm;
}

/** The certificate's key, or the one that was asked for: a bundle does not bring a plain key. */
export function signerKey(bundle: Bundle, asked: Uint8Array | undefined): Step<SignerKey> {
  const certificate = certificateOf(bundle);
  const found = certificate === undefined ? "key" : "certificate";
  const wanted = asked === undefined ? "certificate" : "key";
  const bytes = certificate ?? asked;
  if (found !== wanted || bytes === undefined)
    return refuse({ code: "OTHER_MATERIAL", asked: wanted, found });
  const container = found === "key" ? "publicKey" : "x509Certificate";
  const carried: CarriedKey = { container, bytes: new Uint8Array(bytes) };
  const key = readCarriedKey(carried);
  if (!key.ok) return refuse({ code: "KEY_REFUSED", message: key.message });
  const keyDetails = keyDetailsNames(key.value).find(isHashedrekordKeyDetails);
  if (keyDetails === undefined)
    return refuse({
      code: "KEY_REFUSED",
      message:
        "only ECDSA P-256 keys and RSA keys of 2048, 3072 or 4096 bits have bundles that every Sigstore client verifies",
    });
  const algorithm = key.value.type === "rsa" ? "rsa-pkcs1-sha256" : "ecdsa-p256-sha256";
  return pass({ key: key.value, spki: encodeSpki(key.value), carried, keyDetails, algorithm });
}

function certificateOf({ verificationMaterial }: Bundle): Uint8Array | undefined {
  const { content } = verificationMaterial;
  switch (content.$case) {
    case "publicKey":
      return undefined;
    case "certificate":
      return content.certificate.rawBytes;
    case "x509CertificateChain":
      return content.x509CertificateChain.certificates[0]?.rawBytes;
  }
}

/** What the signature covers. */
export interface Signed {
  readonly signature: Uint8Array;
  /** SHA-256 of the signed bytes: what a leaf names. */
  readonly digest: Hash;
  /** The signed bytes, where they are at hand: always for an envelope. */
  readonly message?: Uint8Array;
  /** Of an envelope. */
  readonly envelope?: { readonly payloadType: string; readonly payload: Uint8Array };
}

/** What a bundle signs. The artifact is the message of a message signature. */
export function signedBy(
  sha256: Sha256,
  { content }: Bundle,
  algorithmSha256: number,
  artifact: Uint8Array | undefined,
): Step<Signed> {
  if (content.$case === "dsseEnvelope") {
    const { payloadType, payload, signatures } = content.dsseEnvelope;
    const [only, more] = signatures;
    if (only === undefined || more !== undefined)
      return malformed("an envelope has one signature", "dsseEnvelope.signatures");
    const message = pae(payloadType, payload);
    const envelope = { payloadType, payload };
    return pass({ signature: only.sig, digest: sha256(message), message, envelope });
  }
  const { messageDigest, signature } = content.messageSignature;
  const digest = asHash(new Uint8Array(messageDigest.digest));
  if (messageDigest.algorithm !== algorithmSha256 || digest === undefined)
    return malformed("the digest is no SHA-256", "messageSignature.messageDigest");
  if (artifact === undefined) return pass({ signature, digest });
  const asked = sha256(artifact);
  if (!equal(asked, digest))
    return refuse({ code: "OTHER_ARTIFACT", asked, field: "messageSignature.messageDigest" });
  return pass({ signature, digest, message: artifact });
}

function malformed(message: string, field?: string): ReturnType<typeof refuse> {
  return refuse({ code: "BUNDLE_MALFORMED", message, ...(field === undefined ? {} : { field }) });
}
