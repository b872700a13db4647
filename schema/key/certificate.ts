/**
 * The key inside an X.509 certificate, and nothing else of it.
 *
 * Who issued a certificate, until when it holds and whom it names is for a policy to judge, with
 * the certificate in its hands. An entry needs only the key that signed, so that is all this file
 * reads: the structure of RFC 5280 §4.1 down to the key, and that nothing follows where nothing
 * may. The fields around the key are skipped by their lengths, whatever is in them.
 *
 * - K3  The key of a certificate is the one at the place of subjectPublicKeyInfo, in a certificate
 *       that ends where its DER says: no second key can hide before or behind it.
 *
 * Spec: RFC 5280 §4.1, docs/formats.md §Keys. Vectors: test/vectors/certificate/.
 *
 * @module
 */
import { DER_BIT_STRING, DER_INTEGER, DER_SEQUENCE, DerReader } from "../der.ts";
import { type Failure, failure, type Result, success } from "../error.ts";
import { MAX_KEY_BYTES } from "../limits.ts";
import { isCanonicalSpki, type PublicKey, parseSpki } from "./spki.ts";

/** In what a plain signature brings its key. */
export type KeyContainer = "publicKey" | "x509Certificate";

/** A key as it is carried: SPKI DER, or the DER of a certificate with the key inside. */
export interface CarriedKey {
  readonly container: KeyContainer;
  readonly bytes: Uint8Array;
}

/** [0] version; [1] and [2] unique identifiers; [3] extensions: the optional fields. */
const VERSION = 0xa0;
const BEHIND_THE_KEY = [0x81, 0x82, 0xa3];
/** signature, issuer, validity, subject: each a SEQUENCE. */
const BEFORE_THE_KEY = 4;

/**
 * Which of the two some bytes can be, told by their first member: an SPKI begins with an
 * algorithm, a certificate with a version or serial number. Says nothing about the rest of them.
 */
export function containerOf(attackerBytes: Uint8Array): KeyContainer {
  const first = new DerReader(attackerBytes).sequence()?.sequence()?.tag;
  return first === VERSION || first === DER_INTEGER ? "x509Certificate" : "publicKey";
}

/**
 * The key of a plain signature. An SPKI must be the canonical one, because a leaf carries it as it
 * is; a certificate is kept whole, and the key in it may be in any form that is read.
 */
export function readCarriedKey({ container, bytes }: CarriedKey): Result<PublicKey> {
  if (container === "x509Certificate") return certificateKey(bytes);
  const key = parseSpki(bytes);
  if (!key.ok || isCanonicalSpki(key.value, bytes)) return key;
  return failure("NOT_CANONICAL", "The key is not in its canonical encoding.", {
    expected: "the DER that its numbers give",
  });
}

/** The key inside a certificate. Fails as `certificateSpki` and `parseSpki` do. */
export function certificateKey(attackerDer: Uint8Array): Result<PublicKey> {
  const spki = certificateSpki(attackerDer);
  return spki.ok ? parseSpki(spki.value) : spki;
}

/** K3. subjectPublicKeyInfo of a certificate, byte for byte; a view. NOT_CANONICAL, TOO_LARGE. */
export function certificateSpki(attackerDer: Uint8Array): Result<Uint8Array> {
  if (attackerDer.length > MAX_KEY_BYTES)
    return failure("TOO_LARGE", `A certificate has at most ${MAX_KEY_BYTES} bytes.`, {
      limit: MAX_KEY_BYTES,
    });
  const outer = new DerReader(attackerDer);
  const certificate = outer.sequence();
  const signed = certificate?.sequence();
  const algorithm = certificate?.value(DER_SEQUENCE);
  const signature = certificate?.value(DER_BIT_STRING);
  if (!signed || !algorithm || !signature || !certificate?.done || !outer.done) return malformed();
  if (signed.tag === VERSION) signed.value(VERSION);
  if (signed.value(DER_INTEGER) === undefined) return malformed();
  for (let i = 0; i < BEFORE_THE_KEY; i++)
    if (signed.value(DER_SEQUENCE) === undefined) return malformed();
  const spki = signed.element(DER_SEQUENCE);
  for (const tag of BEHIND_THE_KEY) if (signed.tag === tag) signed.value(tag);
  return spki !== undefined && signed.done ? success(spki) : malformed();
}

function malformed(): Failure {
  return failure("NOT_CANONICAL", "This is not the DER of an X.509 certificate.", {
    expected: "one certificate in DER (RFC 5280 §4.1), with nothing behind it",
  });
}
