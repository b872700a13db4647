/**
 * The chain file: certificates in PEM, the authority's own first, the root last. Not a secret.
 *
 * `init` writes one; an operator may bring one of another root. Either way it is held against the
 * rules that clients will hold it against, before the first token.
 *
 * Spec: RFC 3161 §2.3, RFC 5280 §4.2.
 *
 * @module
 */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { AsnConvert } from "@peculiar/asn1-schema";
import {
  Certificate,
  ExtendedKeyUsage,
  id_ce_extKeyUsage,
  id_kp_timeStamping,
} from "@peculiar/asn1-x509";
import type { Signer } from "../../client/keys/signer.ts";
import { equal, toBase64 } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { encodeSpki } from "../../schema/key/spki.ts";

/** A root, a leaf, and what may lie between them. */
const MIN_CERTIFICATES = 2;
const MAX_CERTIFICATES = 8;

export interface Chain {
  /** DER, leaf first, root last. */
  readonly certificates: readonly [Uint8Array, ...Uint8Array[]];
  readonly organization: string;
  readonly commonName: string;
  /** Seconds since 1970: when all of them are valid. */
  readonly from: number;
  readonly until: number;
}

/** @throws LogError FILE_UNREADABLE, CONFIG_INVALID */
export function readChain(path: string): Chain {
  return parseChain(path, readText(path));
}

export function formatChain(certificates: readonly Uint8Array[]): string {
  return certificates
    .map((bytes) => {
      const lines = toBase64(bytes).match(/.{1,64}/g) ?? [];
      return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
    })
    .join("");
}

/** @throws LogError CONFIG_INVALID where a client would refuse it */
export function parseChain(path: string, text: string): Chain {
  const refuse = (message: string, cause?: unknown): never => {
    throw new LogError("CONFIG_INVALID", `The timestamp chain ${path}: ${message}.`, {
      field: "timestamp.chain",
      expected: "PEM certificates: the authority's first, then its issuer's, the root last",
      cause,
    });
  };
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length < MIN_CERTIFICATES || blocks.length > MAX_CERTIFICATES)
    return refuse(
      `${blocks.length} certificates instead of ${MIN_CERTIFICATES} to ${MAX_CERTIFICATES}`,
    );
  let parsed: readonly X509Certificate[];
  try {
    parsed = blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    return refuse("a certificate cannot be read", cause);
  }
  const [leaf, ...issuers] = parsed;
  const root = issuers.at(-1);
  if (leaf === undefined || root === undefined) return refuse("it is empty");
  for (const [i, certificate] of parsed.entries()) {
    const issuer = parsed[i + 1] ?? root;
    if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey))
      return refuse(`certificate ${i + 1} is not issued by the next one`);
    if (certificate.ca !== i > 0)
      return refuse(`certificate ${i + 1} ${i > 0 ? "is no authority" : "is one of an authority"}`);
  }
  if (!isForTimestamps(leaf.raw))
    return refuse(
      "the first certificate's extended key usage is not timeStamping, critical and alone",
    );
  return {
    certificates: [new Uint8Array(leaf.raw), ...issuers.map(({ raw }) => new Uint8Array(raw))],
    organization: nameIn(leaf.subject, "O"),
    commonName: nameIn(leaf.subject, "CN"),
    from: Math.max(...parsed.map(({ validFrom }) => secondsOf(validFrom))),
    until: Math.min(...parsed.map(({ validTo }) => secondsOf(validTo))),
  };
}

/** @throws LogError KEY_MISMATCH where the chain is of another key */
export function mustBeKeyOf(chain: Chain, { publicKey, describe }: Signer): void {
  const leaf = AsnConvert.parse(chain.certificates[0], Certificate).tbsCertificate;
  const inLeaf = new Uint8Array(AsnConvert.serialize(leaf.subjectPublicKeyInfo));
  if (equal(inLeaf, encodeSpki(publicKey))) return;
  throw new LogError("KEY_MISMATCH", `The timestamp chain is not of the key ${describe()}.`, {
    field: "timestamp.key",
    hint: "key and chain were made together; bring back the one that is missing",
  });
}

function isForTimestamps(der: Uint8Array): boolean {
  const { extensions } = AsnConvert.parse(der, Certificate).tbsCertificate;
  const found = extensions?.find(({ extnID }) => extnID === id_ce_extKeyUsage);
  if (found?.critical !== true) return false;
  const usages = AsnConvert.parse(found.extnValue.buffer, ExtendedKeyUsage);
  return usages.length === 1 && usages[0] === id_kp_timeStamping;
}

/** A part of a name, as node:crypto writes names: a line for each part. */
function nameIn(subject: string, part: string): string {
  const line = subject.split("\n").find((one) => one.startsWith(`${part}=`));
  return line?.slice(part.length + 1) ?? "";
}

function secondsOf(openssl: string): number {
  return Math.floor(Date.parse(openssl) / 1000);
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new LogError("FILE_UNREADABLE", `The timestamp chain ${path} cannot be read.`, {
      field: "timestamp.chain",
      hint: "`countersign timestamp init` makes one where there is none",
      cause,
    });
  }
}
