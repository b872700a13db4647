/**
 * Admission of Rekor's requests without the signature check: from a request to the entry it
 * becomes.
 *
 * It is the entry that the same signature becomes through the log's own interface, so a statement
 * has one leaf whichever door it came by. A request that brings a digest and no content becomes an
 * *opaque* entry. What Sigstore's clients get wrong is put right here, and only here:
 *
 * - a plain key where a certificate should be is taken for the plain key that it is;
 * - the name of key and hash follows from the key, whatever the request says;
 * - an envelope is logged as a hashedrekord over its PAE, as Rekor itself does since it gave up
 *   its own kind for envelopes.
 *
 * Spec: docs/formats.md §Rekor's write interface.
 *
 * @module
 */
import { type Failure, failure, type Result, success } from "../error.ts";
import {
  elsewhere,
  elsewhereExpected,
  type RekorRequest,
  type RekorVerifier,
} from "../http/rekor.ts";
import { type CarriedKey, containerOf, readCarriedKey } from "../key/certificate.ts";
import { keyDetailsNames } from "../key/key-details.ts";
import type { PublicKey } from "../key/spki.ts";
import { asHash, leafHash, type Sha256 } from "../tlog/hash.ts";
import { Content } from "./content.ts";
import { opaqueLeaf } from "./derive.ts";
import { pae } from "./dsse.ts";
import { type HashedrekordKeyDetails, isHashedrekordKeyDetails } from "./hashedrekord.ts";
import { encodeCheckedLeaf, type Leaf } from "./leaf.ts";
import { type PreparedLeaf, prepareSigned } from "./prepare.ts";
import { type AttackerSignature, inField, readSigner } from "./signer.ts";

const DIGEST_FIELD = "hashedRekordRequestV002.digest";
const SIGNATURE_FIELD = "hashedRekordRequestV002.signature.content";
const PAYLOAD_FIELD = "dsseRequestV002.envelope.payload";
const SIG_FIELD = "dsseRequestV002.envelope.signatures[0].sig";

/** The one entry of a request. `kind` asks for the twin of an opaque entry, as `deriveEntry` does. */
export function prepareRekor(
  sha256: Sha256,
  request: RekorRequest,
  kind?: Leaf["kind"],
): Result<PreparedLeaf> {
  const { verifier } = request;
  const key = putRight(verifier.key);
  const keyDetails = detailsOf(key, verifier);
  if (!keyDetails.ok) return inField(keyDetails, verifier.field);
  const signature: AttackerSignature = {
    by: "key",
    keyDetails: keyDetails.value,
    key,
    value: request.signature,
  };
  return request.kind === "hashedrekord"
    ? prepareOpaque(sha256, request.digest, signature, verifier)
    : prepareEnvelope(sha256, request, signature, kind);
}

function prepareEnvelope(
  sha256: Sha256,
  { payloadType, payload, verifier }: Extract<RekorRequest, { kind: "dsse" }>,
  signature: AttackerSignature,
  kind: Leaf["kind"] | undefined,
): Result<PreparedLeaf> {
  const content = Content.of(sha256, pae(payloadType, payload), PAYLOAD_FIELD);
  if (!content.ok) return content;
  const fields = {
    key: verifier.field,
    algorithm: verifier.field,
    signature: SIG_FIELD,
    content: PAYLOAD_FIELD,
  };
  return prepareSigned(sha256, content.value, signature, undefined, fields, kind);
}

function prepareOpaque(
  sha256: Sha256,
  attackerDigest: Uint8Array,
  signature: AttackerSignature,
  { field }: RekorVerifier,
): Result<PreparedLeaf> {
  const digest = asHash(attackerDigest);
  if (digest === undefined)
    return failure("FIELD_INVALID", "The digest of this key's signatures is a SHA-256.", {
      field: DIGEST_FIELD,
      expected: "32 bytes in base64",
    });
  const fields = { key: field, algorithm: field, signature: SIGNATURE_FIELD };
  const signer = readSigner(sha256, signature, fields);
  if (!signer.ok) return signer;
  const leaf = opaqueLeaf(signer.value, digest);
  if (leaf === undefined) return unsupported("this kind of key");
  const leafBytes = encodeCheckedLeaf(leaf);
  if (!leafBytes.ok) return leafBytes;
  return success({
    leaf,
    contentDigest: digest,
    signerId: signer.value.id,
    publicKey: signer.value.publicKey,
    leafBytes: leafBytes.value,
    leafHash: leafHash(sha256, leafBytes.value),
  });
}

/** @sigstore/sign hands every key over as a certificate. */
function putRight({ container, bytes }: CarriedKey): CarriedKey {
  const plain = container === "x509Certificate" && containerOf(bytes) === "publicKey";
  return plain ? { container: "publicKey", bytes } : { container, bytes };
}

function detailsOf(key: CarriedKey, verifier: RekorVerifier): Result<HashedrekordKeyDetails> {
  // PSS is a way to sign, not a kind of key: here the claim is all there is.
  if (verifier.claimedDetails.includes("_PSS_")) return unsupported("an RSASSA-PSS signature");
  const read = readCarriedKey(key);
  if (!read.ok) return read;
  const name = keyDetailsNames(read.value).find(isHashedrekordKeyDetails);
  return name === undefined ? unsupported(kindOfKey(read.value)) : success(name);
}

function kindOfKey(key: PublicKey): string {
  if (key.type === "ecdsa") return `an ECDSA key on ${key.curve}`;
  if (key.type === "rsa") return `an RSA key of ${key.bits} bits`;
  return `a key of type ${key.type}`;
}

function unsupported(what: string): Failure {
  return failure("KIND_UNSUPPORTED", elsewhere(what), { expected: elsewhereExpected });
}
