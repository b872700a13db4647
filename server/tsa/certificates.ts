/**
 * The certificates of the timestamp authority: a root that exists for one signature, and the leaf
 * under it that signs time stamps.
 *
 * The root's key is thrown away as soon as the leaf is signed, so nobody can ever make a second
 * leaf under a root that clients pin. Sigstore's clients want at least these two certificates, the
 * root among them, and RFC 3161 wants the leaf's extended key usage critical and alone.
 *
 * Spec: RFC 5280, RFC 3161 §2.3. Judged by: `openssl verify`, @sigstore/verify.
 *
 * @module
 */
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectKeyIdentifier,
  id_kp_timeStamping,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from "@peculiar/asn1-x509";
import type { Crypto } from "../../client/crypto/crypto.ts";
import type { Signer } from "../../client/keys/signer.ts";
import { LogError } from "../../schema/error.ts";
import { encodeSpki } from "../../schema/key/spki.ts";

/** Ten years: nothing renews the chain by itself, and `doctor` warns before it ends. */
const CHAIN_YEARS = 10;

export const ID_ECDSA_SHA256 = "1.2.840.10045.4.3.2";
const ID_ORGANIZATION = "2.5.4.10";
const ID_COMMON_NAME = "2.5.4.3";
/** RFC 5280, upper bound of both names. A host name may be longer. */
const MAX_NAME_CHARACTERS = 64;
/** 160 bits of a key identifier (RFC 7093 §2, method 1). */
const KEY_IDENTIFIER_BYTES = 20;

export interface ChainPorts {
  readonly crypto: Pick<Crypto, "sha256">;
  /** Sixteen random bytes, as a positive number. */
  readonly serial: () => ArrayBuffer;
}

/** What a leaf is made for. */
export interface NewChain {
  readonly origin: string;
  /** The authority's P-256 key. */
  readonly leaf: Signer;
  /** A new P-256 key, to be forgotten. */
  readonly root: Signer;
  /** Seconds since 1970. */
  readonly from: number;
}

/** Leaf first, both in DER. */
export async function makeChain(
  ports: ChainPorts,
  { origin, leaf, root, from }: NewChain,
): Promise<readonly [Uint8Array, Uint8Array]> {
  const issuer = nameOf(origin, "timestamp root");
  const rootId = keyIdentifier(ports, root);
  const common = { issuer, root, from };
  const rootCertificate = await certificate(ports, {
    ...common,
    subject: issuer,
    key: root,
    extensions: [
      extension(
        id_ce_basicConstraints,
        true,
        new BasicConstraints({ cA: true, pathLenConstraint: 0 }),
      ),
      extension(id_ce_keyUsage, true, new KeyUsage(KeyUsageFlags.keyCertSign)),
      extension(id_ce_subjectKeyIdentifier, false, new SubjectKeyIdentifier(rootId)),
    ],
  });
  const leafCertificate = await certificate(ports, {
    ...common,
    subject: nameOf(origin, "timestamp authority"),
    key: leaf,
    extensions: [
      extension(id_ce_basicConstraints, true, new BasicConstraints({ cA: false })),
      extension(id_ce_keyUsage, true, new KeyUsage(KeyUsageFlags.digitalSignature)),
      extension(id_ce_extKeyUsage, true, new ExtendedKeyUsage([id_kp_timeStamping])),
      extension(
        id_ce_subjectKeyIdentifier,
        false,
        new SubjectKeyIdentifier(keyIdentifier(ports, leaf)),
      ),
      extension(
        id_ce_authorityKeyIdentifier,
        false,
        new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(rootId) }),
      ),
    ],
  });
  return [leafCertificate, rootCertificate];
}

interface NewCertificate {
  readonly issuer: Name;
  readonly subject: Name;
  readonly root: Signer;
  readonly key: Signer;
  readonly from: number;
  readonly extensions: readonly Extension[];
}

async function certificate(
  { serial }: ChainPorts,
  { issuer, subject, root, key, from, extensions }: NewCertificate,
): Promise<Uint8Array> {
  const notBefore = new Date(from * 1000);
  const notAfter = new Date(notBefore);
  notAfter.setUTCFullYear(notBefore.getUTCFullYear() + CHAIN_YEARS);
  const algorithm = new AlgorithmIdentifier({ algorithm: ID_ECDSA_SHA256 });
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: serial(),
    signature: algorithm,
    issuer,
    subject,
    validity: new Validity({ notBefore, notAfter }),
    subjectPublicKeyInfo: AsnConvert.parse(encodeSpki(key.publicKey), SubjectPublicKeyInfo),
    extensions: new Extensions([...extensions]),
  });
  const signed = await signP256(root, new Uint8Array(AsnConvert.serialize(tbsCertificate)));
  return new Uint8Array(
    AsnConvert.serialize(
      new Certificate({
        tbsCertificate,
        signatureAlgorithm: algorithm,
        signatureValue: new Uint8Array(signed).buffer,
      }),
    ),
  );
}

/** An ECDSA signature in DER. @throws LogError KEY_REFUSED for any other kind of key */
export async function signP256(signer: Signer, message: Uint8Array): Promise<Uint8Array> {
  const { publicKey, signRaw } = signer;
  if (publicKey.type !== "ecdsa" || publicKey.curve !== "p256" || signRaw === undefined)
    throw new LogError(
      "KEY_REFUSED",
      `Time stamps are signed with P-256, not ${signer.describe()}.`,
      {
        field: "timestamp.key",
        expected: "a P-256 private key",
      },
    );
  return signRaw("ecdsa-p256-sha256", message);
}

function nameOf(origin: string, commonName: string): Name {
  return new Name([
    part(ID_ORGANIZATION, origin.slice(0, MAX_NAME_CHARACTERS)),
    part(ID_COMMON_NAME, commonName),
  ]);
}

function part(type: string, text: string): RelativeDistinguishedName {
  const value = new AttributeValue({ utf8String: text });
  return new RelativeDistinguishedName([new AttributeTypeAndValue({ type, value })]);
}

function extension(extnID: string, critical: boolean, value: object): Extension {
  return new Extension({
    extnID,
    critical,
    extnValue: new OctetString(AsnConvert.serialize(value)),
  });
}

function keyIdentifier({ crypto }: ChainPorts, { publicKey }: Signer): Uint8Array<ArrayBuffer> {
  if (publicKey.type !== "ecdsa") throw new LogError("KEY_REFUSED", "Not an ECDSA key.");
  return new Uint8Array(crypto.sha256(publicKey.point)).slice(0, KEY_IDENTIFIER_BYTES);
}
