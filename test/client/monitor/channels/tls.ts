/** A certificate of a server on this machine, by itself: nobody trusts it who was not told to. */
import { generateKeyPairSync, sign } from "node:crypto";
import { concat, fromHex, utf8 } from "../../../../schema/bytes.ts";
import {
  DER_INTEGER,
  DER_OID,
  DER_SEQUENCE,
  der,
  derBits,
  derUnsigned,
} from "../../../../schema/der.ts";

const SET = 0x31;
const UTF8_STRING = 0x0c;
const GENERALIZED_TIME = 0x18;
const OCTETS = 0x04;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;

const oid = (hex: string): Uint8Array => der(DER_OID, fromHex(hex) ?? new Uint8Array(0));

/** Key and certificate in PEM, for `localhost` and 127.0.0.1. */
export function ownCertificate(): { readonly key: string; readonly cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const ed25519 = der(DER_SEQUENCE, oid("2b6570"));
  const commonName = der(DER_SEQUENCE, oid("550403"), der(UTF8_STRING, utf8("localhost")));
  const name = der(DER_SEQUENCE, der(SET, commonName));
  const names = der(
    DER_SEQUENCE,
    der(DNS_NAME, utf8("localhost")),
    der(IP_ADDRESS, Uint8Array.of(127, 0, 0, 1)),
  );
  const signed = der(
    DER_SEQUENCE,
    der(VERSION, der(DER_INTEGER, Uint8Array.of(2))),
    derUnsigned(Uint8Array.of(1)),
    ed25519,
    name,
    der(
      DER_SEQUENCE,
      der(GENERALIZED_TIME, utf8("20200101000000Z")),
      der(GENERALIZED_TIME, utf8("22000101000000Z")),
    ),
    name,
    new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    der(EXTENSIONS, der(DER_SEQUENCE, der(DER_SEQUENCE, oid("551d11"), der(OCTETS, names)))),
  );
  const certificate = der(
    DER_SEQUENCE,
    concat(signed, ed25519, derBits(new Uint8Array(sign(null, signed, privateKey)))),
  );
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${Buffer.from(certificate).toString("base64")}\n-----END CERTIFICATE-----\n`,
  };
}
