/**
 * What a bundle builder asks its witness to log, as the log takes it: the whole envelope, a
 * message with its bytes, or, where those are not at hand, their digest alone.
 *
 * @module
 */
import type { SignatureBundle } from "@sigstore/sign";
import { equal, toBase64, utf8 } from "../../schema/bytes.ts";
import {
  type HashedrekordLeaf,
  isHashedrekordKeyDetails,
} from "../../schema/entry/hashedrekord.ts";
import { LogError } from "../../schema/error.ts";
import type { DsseSubmission, PlainVerifier, RawSubmission } from "../../schema/http/messages.ts";
import { type CarriedKey, readCarriedKey } from "../../schema/key/certificate.ts";
import type { KeyDetailsName } from "../../schema/key/key-details.ts";
import { asHash, type Sha256 } from "../../schema/tlog/hash.ts";
import { plainDetails } from "../keys/signer.ts";
import { noBundle } from "./kinds.ts";
import { pemDer } from "./pem.ts";

export type Testimony =
  | { readonly form: "whole"; readonly submission: DsseSubmission | RawSubmission }
  | { readonly form: "digest"; readonly leaf: Omit<HashedrekordLeaf, "kind"> };

type MessageSignature = Extract<SignatureBundle, { $case: "messageSignature" }>["messageSignature"];
type Envelope = Extract<SignatureBundle, { $case: "dsseEnvelope" }>["dsseEnvelope"];

/** Throws `KEY_REFUSED`, `FIELD_INVALID`, or `KIND_UNSUPPORTED` for a digest by such a key. */
export function testimonyOf(
  sha256: Sha256,
  content: SignatureBundle,
  publicKeyPem: string,
  artifact: Uint8Array | undefined,
): Testimony {
  const signer = signerOf(publicKeyPem);
  if (content.$case === "dsseEnvelope")
    return { form: "whole", submission: envelope(content.dsseEnvelope, signer) };
  const { messageSignature } = content;
  return artifact === undefined
    ? { form: "digest", leaf: digest(messageSignature, signer) }
    : { form: "whole", submission: message(sha256, messageSignature, signer, artifact) };
}

interface SignerPem {
  readonly carried: CarriedKey;
  readonly keyDetails: KeyDetailsName;
}

function signerOf(publicKeyPem: string): SignerPem {
  const text = utf8(publicKeyPem);
  const certificate = pemDer("CERTIFICATE", text);
  const bytes = certificate ?? pemDer("PUBLIC KEY", text) ?? new Uint8Array(0);
  const carried: CarriedKey = {
    container: certificate === undefined ? "publicKey" : "x509Certificate",
    bytes,
  };
  const key = readCarriedKey(carried);
  const keyDetails = key.ok ? plainDetails(key.value) : undefined;
  if (keyDetails !== undefined) return { carried, keyDetails };
  throw new LogError("KEY_REFUSED", "the log takes no signatures by this key", {
    field: "publicKey",
    expected: "PEM of a certificate or public key: Ed25519, ECDSA P-256 or P-384, RSA, ML-DSA-44",
  });
}

function verifierOf({ carried, keyDetails }: SignerPem): PlainVerifier {
  const bytes = toBase64(carried.bytes);
  return carried.container === "publicKey"
    ? { publicKey: bytes, keyDetails }
    : { x509Certificate: bytes, keyDetails };
}

function envelope({ payloadType, payload, signatures }: Envelope, by: SignerPem): DsseSubmission {
  if (signatures.length !== 1)
    throw new LogError("FIELD_INVALID", "an envelope for a bundle has one signature", {
      field: "envelope.signatures",
      expected: "one, by the key that the witness is given",
    });
  const sigs = signatures.map(({ sig, keyid }) => ({ sig: toBase64(sig), keyid }));
  return {
    kind: "dsse",
    envelope: { payloadType, payload: toBase64(payload), signatures: sigs },
    verifiers: [verifierOf(by)],
  };
}

function message(
  sha256: Sha256,
  { messageDigest, signature }: MessageSignature,
  by: SignerPem,
  artifact: Uint8Array,
): RawSubmission {
  if (!equal(sha256(artifact), messageDigest.digest))
    throw new LogError("FIELD_INVALID", "the signature is over something else than the artifact", {
      field: "artifact",
    });
  return {
    kind: "raw",
    content: toBase64(artifact),
    signature: toBase64(signature),
    verifier: verifierOf(by),
  };
}

function digest(
  { messageDigest, signature }: MessageSignature,
  { carried, keyDetails }: SignerPem,
): Omit<HashedrekordLeaf, "kind"> {
  const hash = asHash(new Uint8Array(messageDigest.digest));
  if (hash === undefined)
    throw new LogError("FIELD_INVALID", "the digest of the message is no SHA-256", {
      field: "messageDigest",
    });
  if (!isHashedrekordKeyDetails(keyDetails)) {
    const { code, message: why, detail } = noBundle();
    throw new LogError(code, `Nothing was logged: ${why}`, detail);
  }
  return {
    digest: hash,
    keyDetails,
    verifier: carried,
    signature: new Uint8Array(signature),
  };
}
