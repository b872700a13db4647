/** A certificate of a server on this machine, by itself: nobody trusts it who was not told to. */
import { generateKeyPairSync, sign } from "node:crypto";
import { concat, utf8 } from "../../../../schema/bytes.ts";
import { DER_INTEGER, DER_SEQUENCE, der, derBits, derUnsigned } from "../../../../schema/der.ts";
import {
  ED25519,
  EXTENSIONS,
  named,
  OCTETS,
  SUBJECT_ALT_NAME,
  VERSION,
} from "../../../vectors/certificates.ts";

const GENERALIZED_TIME = 0x18;
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;

/** Key and certificate in PEM, for `localhost` and 127.0.0.1. */
export function ownCertificate(): { readonly key: string; readonly cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const names = der(
    DER_SEQUENCE,
    der(DNS_NAME, utf8("localhost")),
    der(IP_ADDRESS, Uint8Array.of(127, 0, 0, 1)),
  );
  const signed = der(
    DER_SEQUENCE,
    der(VERSION, der(DER_INTEGER, Uint8Array.of(2))),
    derUnsigned(Uint8Array.of(1)),
    ED25519,
    named("localhost"),
    der(
      DER_SEQUENCE,
      der(GENERALIZED_TIME, utf8("20200101000000Z")),
      der(GENERALIZED_TIME, utf8("22000101000000Z")),
    ),
    named("localhost"),
    new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    der(EXTENSIONS, der(DER_SEQUENCE, der(DER_SEQUENCE, SUBJECT_ALT_NAME, der(OCTETS, names)))),
  );
  const signature = new Uint8Array(sign(null, signed, privateKey));
  const certificate = der(DER_SEQUENCE, concat(signed, ED25519, derBits(signature)));
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${Buffer.from(certificate).toString("base64")}\n-----END CERTIFICATE-----\n`,
  };
}
