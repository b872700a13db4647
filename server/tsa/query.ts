/**
 * What a client asks a time stamp for: RFC 3161 in DER, or the JSON that Sigstore's own client
 * posts. Both become the same four values, and each way of being wrong has its RFC 3161 name.
 *
 * The bytes are a stranger's: at most {@link MAX_TIMESTAMP_QUERY_BYTES} of them, and a refusal is
 * data. The library reads BER as well; that is harmless, since nothing of a query is echoed but
 * the imprint and the nonce, and these are written anew.
 *
 * Spec: RFC 3161 §2.4.1; the JSON is that of Sigstore's timestamp-authority.
 *
 * @module
 */

import { AsnConvert } from "@peculiar/asn1-schema";
import { TimeStampReq } from "@peculiar/asn1-tsp";
import { fromBase64 } from "../../schema/bytes.ts";
import { DER_INTEGER, DER_SEQUENCE, DerReader, derUnsigned } from "../../schema/der.ts";
import { isJsonObject, parseJson } from "../../schema/json.ts";
import { isSize, sizeToBytes } from "../../schema/tlog/size.ts";

/** A query holds a digest, a nonce and two names of algorithms. */
export const MAX_TIMESTAMP_QUERY_BYTES = 4_096;
/** Nonces are 64 bits in practice; the answer echoes them. */
const MAX_NONCE_BYTES = 64;

/** The digests that an imprint may have, by Sigstore's names. */
export const IMPRINTS = [
  { name: "sha256", oid: "2.16.840.1.101.3.4.2.1", bytes: 32 },
  { name: "sha384", oid: "2.16.840.1.101.3.4.2.2", bytes: 48 },
  { name: "sha512", oid: "2.16.840.1.101.3.4.2.3", bytes: 64 },
] as const;

export interface TimestampQuery {
  readonly imprint: {
    readonly oid: string;
    /** The client wrote a NULL behind the name of the algorithm, and gets it back. */
    readonly withNull: boolean;
    readonly digest: Uint8Array;
  };
  /** The body of an INTEGER, echoed as it came. */
  readonly nonce?: Uint8Array;
  readonly certReq: boolean;
}

/** RFC 3161's names for what is wrong, as far as a query can be wrong. */
export type QueryFault =
  | "badAlg"
  | "badRequest"
  | "badDataFormat"
  | "unacceptedPolicy"
  | "unacceptedExtension";

export type ParsedQuery =
  | { readonly ok: true; readonly query: TimestampQuery }
  | {
      readonly ok: false;
      readonly fault: QueryFault;
      readonly field: string;
      readonly message: string;
    };

/** A DER `TimeStampReq`. `policy` is the only one that may be asked for. */
export function parseDerQuery(attackerBytes: Uint8Array, policy: string): ParsedQuery {
  const outer = new DerReader(attackerBytes);
  if (outer.value(DER_SEQUENCE) === undefined || !outer.done)
    return fault("badDataFormat", "query", "the query is not one DER sequence");
  let request: TimeStampReq;
  try {
    request = AsnConvert.parse(attackerBytes, TimeStampReq);
  } catch {
    return fault("badDataFormat", "query", "the query is not a TimeStampReq");
  }
  if (request.version !== 1) return fault("badRequest", "version", "the version is not 1");
  if (request.extensions !== undefined)
    return fault("unacceptedExtension", "extensions", "no extension is known here");
  if (request.reqPolicy !== undefined && request.reqPolicy !== policy)
    return fault("unacceptedPolicy", "reqPolicy", `the only policy is ${policy}`);
  const { hashAlgorithm, hashedMessage } = request.messageImprint;
  // The library reads a NULL as null, and no parameters at all as nothing.
  const { parameters } = hashAlgorithm;
  if (parameters !== undefined && parameters !== null)
    return fault("badAlg", "messageImprint.hashAlgorithm", "the digest has no parameters");
  const withNull = parameters === null;
  const nonce = request.nonce === undefined ? undefined : new Uint8Array(request.nonce);
  if (nonce !== undefined && !isShortInteger(nonce))
    return fault(
      "badDataFormat",
      "nonce",
      `the nonce is no DER integer of at most ${MAX_NONCE_BYTES} bytes`,
    );
  return checked(hashAlgorithm.algorithm, withNull, new Uint8Array(hashedMessage.buffer), {
    certReq: request.certReq,
    ...(nonce === undefined ? {} : { nonce }),
  });
}

/** Sigstore's JSON. Its client asks for no certificates, and none are sent unless asked for. */
export function parseJsonQuery(attackerBytes: Uint8Array, policy: string): ParsedQuery {
  const value = parseJson(attackerBytes);
  if (!value.ok || !isJsonObject(value.value))
    return fault("badDataFormat", "query", "the query is not a JSON object");
  const { artifactHash, hashAlgorithm, certificates = false, nonce, tsaPolicyOID } = value.value;
  if (typeof certificates !== "boolean")
    return fault("badDataFormat", "certificates", "certificates is true or false");
  if (tsaPolicyOID !== undefined && tsaPolicyOID !== "" && tsaPolicyOID !== policy)
    return fault("unacceptedPolicy", "tsaPolicyOID", `the only policy is ${policy}`);
  const known = IMPRINTS.find(({ name }) => name === hashAlgorithm);
  if (known === undefined) return badAlgorithm("hashAlgorithm");
  const digest = typeof artifactHash === "string" ? fromBase64(artifactHash) : undefined;
  if (digest === undefined)
    return fault("badDataFormat", "artifactHash", "artifactHash is standard base64");
  if (nonce !== undefined && (typeof nonce !== "number" || !isSize(nonce)))
    return fault("badDataFormat", "nonce", "the nonce is a whole number from 0 to 2^53 − 1");
  return checked(known.oid, false, digest, {
    certReq: certificates,
    ...(nonce === undefined ? {} : { nonce: integerOf(nonce) }),
  });
}

function checked(
  oid: string,
  withNull: boolean,
  digest: Uint8Array,
  rest: Pick<TimestampQuery, "nonce" | "certReq">,
): ParsedQuery {
  const known = IMPRINTS.find((imprint) => imprint.oid === oid);
  if (known === undefined) return badAlgorithm("messageImprint.hashAlgorithm");
  if (digest.length !== known.bytes)
    return fault(
      "badDataFormat",
      "messageImprint.hashedMessage",
      `a digest of ${known.name} has ${known.bytes} bytes`,
    );
  return { ok: true, query: { imprint: { oid, withNull, digest }, ...rest } };
}

/** The body of a DER INTEGER in its shortest form. */
function isShortInteger(body: Uint8Array): boolean {
  const [first, second] = body;
  if (first === undefined || body.length > MAX_NONCE_BYTES) return false;
  if (second === undefined) return true;
  return !(first === 0 && second < 0x80) && !(first === 0xff && second >= 0x80);
}

function integerOf(number: number): Uint8Array {
  return new DerReader(derUnsigned(sizeToBytes(number))).value(DER_INTEGER) ?? new Uint8Array(1);
}

function badAlgorithm(field: string): ParsedQuery {
  const names = IMPRINTS.map(({ name }) => name).join(", ");
  return fault("badAlg", field, `the digest is one of ${names}`);
}

function fault(name: QueryFault, field: string, message: string): ParsedQuery {
  return { ok: false, fault: name, field, message };
}
