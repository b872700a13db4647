/**
 * Certificates of the fixed keys, byte for byte the same each time: as an authority for keyless
 * signing issues them, with no subject and the identity in a critical extension.
 */
import { concat, fromHex, utf8 } from "../../schema/bytes.ts";
import {
  DER_INTEGER,
  DER_OID,
  DER_SEQUENCE,
  der,
  derBits,
  derUnsigned,
} from "../../schema/der.ts";
import { ed25519Signer, type PlainSigner } from "./signers.ts";

const SET = 0x31;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
export const OCTETS = 0x04;
const BOOLEAN = 0x01;
const EMAIL = 0x81;
export const VERSION = 0xa0;
export const EXTENSIONS = 0xa3;

const oid = (hex: string): Uint8Array => der(DER_OID, fromHex(hex) ?? new Uint8Array(0));
export const ED25519: Uint8Array = der(DER_SEQUENCE, oid("2b6570"));
const COMMON_NAME = oid("550403");
export const SUBJECT_ALT_NAME: Uint8Array = oid("551d11");

/** The signer with its key in a certificate instead of as it is. */
export interface CertifiedSigner extends PlainSigner {
  readonly certificate: Uint8Array;
}

/** A distinguished name of one part. */
export function named(commonName: string): Uint8Array {
  const part = der(DER_SEQUENCE, COMMON_NAME, der(UTF8_STRING, utf8(commonName)));
  return der(DER_SEQUENCE, der(SET, part));
}

/** A certificate of the signer's key, which names `email` as its owner: by the fixed authority. */
export function certified(
  signer: PlainSigner,
  email: string,
  authority: PlainSigner = ed25519Signer("authority"),
): CertifiedSigner {
  const san = der(
    DER_SEQUENCE,
    SUBJECT_ALT_NAME,
    der(BOOLEAN, Uint8Array.of(0xff)),
    der(OCTETS, der(DER_SEQUENCE, der(EMAIL, utf8(email)))),
  );
  const signed = der(
    DER_SEQUENCE,
    der(VERSION, der(DER_INTEGER, Uint8Array.of(2))),
    derUnsigned(Uint8Array.of(0x7f, 1)),
    ED25519,
    named("authority"),
    der(
      DER_SEQUENCE,
      der(UTC_TIME, utf8("261122100000Z")),
      der(UTC_TIME, utf8("261122101000Z")),
    ),
    der(DER_SEQUENCE),
    signer.spki,
    der(EXTENSIONS, der(DER_SEQUENCE, san)),
  );
  const certificate = der(DER_SEQUENCE, concat(signed, ED25519, derBits(authority.sign(signed))));
  return { ...signer, certificate };
}
