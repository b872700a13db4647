/**
 * The bytes of an RFC 3161 answer: a token, or why there is none.
 *
 * A token is a CMS SignedData over a TSTInfo. The library encodes the TSTInfo, and once for each
 * chain all that is equal in every token; these parts are put together here, because the library
 * takes two milliseconds of the main thread for a whole SignedData and this takes a twentieth.
 * What is signed are the attributes, as a DER SET OF. The bits of a failure are written here too:
 * the library's numbers for them are those of other bits than RFC 3161's.
 *
 * Spec: RFC 3161 §2.4.2, RFC 5652 §5, RFC 5816 (SHA-256 in the signing-certificate attribute).
 * Judged by: `openssl ts`, @sigstore/verify.
 *
 * @module
 */
import {
  DigestAlgorithmIdentifier,
  IssuerAndSerialNumber,
  id_contentType,
  id_messageDigest,
  id_signedData,
} from "@peculiar/asn1-cms";
import { AsnConvert, AsnObjectIdentifierConverter, OctetString } from "@peculiar/asn1-schema";
import {
  Accuracy,
  id_ct_tstInfo,
  MessageImprint,
  PKIFailureInfo,
  PKIFreeText,
  PKIStatus,
  PKIStatusInfo,
  TimeStampResp,
  TSTInfo,
} from "@peculiar/asn1-tsp";
import { AlgorithmIdentifier, Certificate } from "@peculiar/asn1-x509";
import { DER_OCTETS, DER_SEQUENCE, DER_SET, der, derUnsigned } from "../../schema/der.ts";
import type { Sha256 } from "../../schema/tlog/hash.ts";
import { ID_ECDSA_SHA256 } from "./certificates.ts";
import { IMPRINTS, type TimestampQuery } from "./query.ts";

/** RFC 5035: names the certificate that may verify this token, by its SHA-256. */
const ID_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47";
/** Whole seconds are cut off, and a clock one second behind repeats one. */
const ACCURACY_SECONDS = 1;
/** `[0]`, constructed: EXPLICIT content, and IMPLICIT sets. */
const CONTEXT_0 = 0xa0;

/** Bits of PKIFailureInfo (RFC 3161 §2.4.2), counted from the first. */
export const FAILURE_BITS = {
  badAlg: 0,
  badRequest: 2,
  badDataFormat: 5,
  timeNotAvailable: 14,
  unacceptedPolicy: 15,
  unacceptedExtension: 16,
  systemFailure: 25,
} as const;

/** What is equal in every token of one chain, encoded. */
export interface TokenFrame {
  readonly policy: string;
  /** Version of a SignedData whose content is no plain data, and its digest algorithms. */
  readonly head: readonly Uint8Array[];
  readonly certificates: Uint8Array;
  /** Version, signer and digest algorithm of the one SignerInfo. */
  readonly signer: readonly Uint8Array[];
  readonly contentType: Uint8Array;
  readonly signingCertificate: Uint8Array;
}

/** `chain`: leaf first, DER. */
export function tokenFrame(
  sha256: Sha256,
  policy: string,
  chain: readonly [Uint8Array, ...Uint8Array[]],
): TokenFrame {
  const { issuer, serialNumber } = AsnConvert.parse(chain[0], Certificate).tbsCertificate;
  const digestAlgorithm = encoded(new DigestAlgorithmIdentifier({ algorithm: IMPRINTS[0].oid }));
  const hash = der(DER_OCTETS, sha256(chain[0]));
  return {
    policy,
    head: [derUnsigned(Uint8Array.of(3)), der(DER_SET, digestAlgorithm)],
    // A SET OF in DER is sorted: sigstore-python takes no other.
    certificates: implicit(der(DER_SET, ...sorted(chain))),
    signer: [
      derUnsigned(Uint8Array.of(1)),
      encoded(new IssuerAndSerialNumber({ issuer, serialNumber })),
      digestAlgorithm,
    ],
    contentType: attribute(id_contentType, oid(id_ct_tstInfo)),
    // ESSCertIDv2 with its default, SHA-256: certs { certId { hash } }.
    signingCertificate: attribute(
      ID_SIGNING_CERTIFICATE_V2,
      der(DER_SEQUENCE, der(DER_SEQUENCE, der(DER_SEQUENCE, hash))),
    ),
  };
}

/** The moment of a token, and its number. */
export interface Stamp {
  /** Whole seconds since 1970. */
  readonly seconds: number;
  readonly serial: ArrayBuffer;
}

/** A `TimeStampResp` that grants. `sign` is over the attributes. */
export async function grantedReply(
  sha256: Sha256,
  frame: TokenFrame,
  { imprint, nonce, certReq }: TimestampQuery,
  { seconds, serial }: Stamp,
  sign: (message: Uint8Array) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const info = encoded(
    new TSTInfo({
      policy: frame.policy,
      messageImprint: new MessageImprint({
        hashAlgorithm: new AlgorithmIdentifier({
          algorithm: imprint.oid,
          ...(imprint.withNull ? { parameters: null } : {}),
        }),
        hashedMessage: new OctetString(imprint.digest),
      }),
      serialNumber: serial,
      genTime: new Date(seconds * 1000),
      accuracy: new Accuracy({ seconds: ACCURACY_SECONDS }),
      ...(nonce === undefined ? {} : { nonce: new Uint8Array(nonce).buffer }),
    }),
  );
  const digest = attribute(id_messageDigest, der(DER_OCTETS, sha256(info)));
  const signed = der(DER_SET, ...sorted([frame.contentType, digest, frame.signingCertificate]));
  const signature = await sign(signed);
  const signedData = der(
    DER_SEQUENCE,
    ...frame.head,
    der(DER_SEQUENCE, TSTINFO, der(CONTEXT_0, der(DER_OCTETS, info))),
    certReq ? frame.certificates : NOTHING,
    der(
      DER_SET,
      der(
        DER_SEQUENCE,
        ...frame.signer,
        implicit(signed),
        ECDSA_SHA256,
        der(DER_OCTETS, signature),
      ),
    ),
  );
  const token = der(DER_SEQUENCE, SIGNED_DATA, der(CONTEXT_0, signedData));
  return der(DER_SEQUENCE, GRANTED, token);
}

/** A `TimeStampResp` that refuses. */
export function rejectedReply(fault: keyof typeof FAILURE_BITS, message: string): Uint8Array {
  const bit = FAILURE_BITS[fault];
  const bits = new Uint8Array((bit >> 3) + 1);
  bits[bit >> 3] = 0x80 >> (bit & 7);
  const status = new PKIStatusInfo({
    status: PKIStatus.rejection,
    statusString: new PKIFreeText([message]),
    failInfo: new PKIFailureInfo(bits, 7 - (bit & 7)),
  });
  return new Uint8Array(AsnConvert.serialize(new TimeStampResp({ status })));
}

const NOTHING = new Uint8Array(0);
const TSTINFO = oid(id_ct_tstInfo);
const SIGNED_DATA = oid(id_signedData);
const ECDSA_SHA256 = encoded(new AlgorithmIdentifier({ algorithm: ID_ECDSA_SHA256 }));
const GRANTED = encoded(new PKIStatusInfo({ status: PKIStatus.granted }));

function encoded(value: object): Uint8Array<ArrayBuffer> {
  return new Uint8Array(AsnConvert.serialize(value));
}

function oid(text: string): Uint8Array {
  return new Uint8Array(AsnObjectIdentifierConverter.toASN(text).toBER());
}

/** A CMS attribute with its one value. */
function attribute(type: string, value: Uint8Array): Uint8Array {
  return der(DER_SEQUENCE, oid(type), der(DER_SET, value));
}

/** A SET under the tag `[0]`. */
function implicit(set: Uint8Array): Uint8Array {
  const tagged = set.slice();
  tagged[0] = CONTEXT_0;
  return tagged;
}

/** DER orders a SET OF by the bytes of its members (X.690 §11.6). */
function sorted(members: readonly Uint8Array[]): readonly Uint8Array[] {
  return members.toSorted((a, b) => Buffer.compare(a, b));
}
