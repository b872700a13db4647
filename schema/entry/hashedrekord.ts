/**
 * The `hashedrekord` 0.0.2 leaf, byte for byte as Rekor v2 writes it.
 *
 * Only what this log writes in that form is read: a SHA-256 digest, and a plain public key or an
 * X.509 certificate.
 * The parser does not look at white space, order or escapes: `parseLeaf` re-encodes and compares.
 *
 * Spec: docs/formats.md §Leaf. Vectors: test/vectors/leaf/.
 *
 * @module
 */
import { toBase64 } from "../bytes.ts";
import { type Fields, refuse } from "../fields.ts";
import type { CarriedKey } from "../key/certificate.ts";
import type { KeyDetailsName } from "../key/key-details.ts";
import { MAX_INLINE_KEY_BYTES, MAX_KEY_BYTES } from "../limits.ts";
import { asHash, type Hash } from "../tlog/hash.ts";

export const HASHEDREKORD_VERSION = "0.0.2";

/** SHA-256, and a signature over nothing but a digest: what a `hashedrekord` can hold. */
export type HashedrekordKeyDetails = Extract<
  KeyDetailsName,
  "PKIX_ECDSA_P256_SHA_256" | `PKIX_RSA_PKCS1V15_${number}_SHA256`
>;

const KEY_DETAILS: readonly HashedrekordKeyDetails[] = [
  "PKIX_ECDSA_P256_SHA_256",
  "PKIX_RSA_PKCS1V15_2048_SHA256",
  "PKIX_RSA_PKCS1V15_3072_SHA256",
  "PKIX_RSA_PKCS1V15_4096_SHA256",
];

/**
 * Whether signatures under this name have a `hashedrekord` leaf, and no other. Under every other
 * name they have a `countersign` leaf, and no other.
 */
export function isHashedrekordKeyDetails(name: string): name is HashedrekordKeyDetails {
  return KEY_DETAILS.some((known) => known === name);
}

/** An ECDSA P-256 or RSA PKCS#1 v1.5 signature with SHA-256 over `digest`. */
export interface HashedrekordLeaf {
  readonly kind: "hashedrekord";
  /** SHA-256 of the content, which may not be held (an opaque entry). */
  readonly digest: Hash;
  /** Sigstore's name of key type, hash and padding. */
  readonly keyDetails: HashedrekordKeyDetails;
  /** The key that signed: itself, or in a certificate. */
  readonly verifier: CarriedKey;
  /** ECDSA as DER, RSA as it is. */
  readonly signature: Uint8Array;
}

/** The leaf's text. Members in the order of RFC 8785; every value needs no escape. */
export function encodeHashedrekord(leaf: HashedrekordLeaf): string {
  return (
    `{"apiVersion":"${HASHEDREKORD_VERSION}","kind":"hashedrekord","spec":{"hashedRekordV002":{` +
    `"data":{"algorithm":"SHA2_256","digest":"${toBase64(leaf.digest)}"},` +
    `"signature":{"content":"${toBase64(leaf.signature)}","verifier":{` +
    `"keyDetails":"${leaf.keyDetails}",` +
    `"${leaf.verifier.container}":{"rawBytes":"${toBase64(leaf.verifier.bytes)}"}}}}}}`
  );
}

/** Inside `readFields`: the leaf out of its parsed JSON. */
export function readHashedrekord(root: Fields): HashedrekordLeaf {
  root.oneOf("apiVersion", [HASHEDREKORD_VERSION]);
  const record = root.object("spec").object("hashedRekordV002");
  const data = record.object("data");
  data.oneOf("algorithm", ["SHA2_256"]);
  const signature = record.object("signature");
  const verifier = signature.object("verifier");
  return {
    kind: "hashedrekord",
    digest: readHash(data, "digest"),
    keyDetails: readKeyDetails(verifier),
    verifier: readVerifier(verifier),
    signature: signature.bytes("content", { min: 1 }),
  };
}

/** Inside `readFields`: thirty-two bytes in base64. */
export function readHash(fields: Fields, name: string): Hash {
  return asHash(fields.bytes(name)) ?? fields.refuse(name, "32 bytes in standard base64");
}

/** One of the two: with both, the leaf is not its own canonical form. */
function readVerifier(verifier: Fields): CarriedKey {
  const container = verifier.has("x509Certificate") ? "x509Certificate" : "publicKey";
  const max = container === "publicKey" ? MAX_INLINE_KEY_BYTES : MAX_KEY_BYTES;
  return { container, bytes: verifier.object(container).bytes("rawBytes", { min: 1, max }) };
}

function readKeyDetails(verifier: Fields): HashedrekordKeyDetails {
  const name = verifier.string("keyDetails", { max: 64 });
  if (isHashedrekordKeyDetails(name)) return name;
  return refuse("KIND_UNSUPPORTED", "unsupported kind of key in a hashedrekord", {
    field: verifier.name("keyDetails"),
    expected: KEY_DETAILS.join(" | "),
  });
}
