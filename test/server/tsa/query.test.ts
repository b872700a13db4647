import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import { MessageImprint, TimeStampReq } from "@peculiar/asn1-tsp";
import { AlgorithmIdentifier, Extension, Extensions } from "@peculiar/asn1-x509";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, toBase64, utf8 } from "../../../schema/bytes.ts";
import { der } from "../../../schema/der.ts";
import {
  IMPRINTS,
  MAX_TIMESTAMP_QUERY_BYTES,
  type ParsedQuery,
  parseDerQuery,
  parseJsonQuery,
  type TimestampQuery,
} from "../../../server/tsa/query.ts";

const POLICY = "1.3.6.1.4.1.99999.1";
const SHA256 = IMPRINTS[0].oid;

interface Asked {
  readonly oid?: string;
  readonly parameters?: ArrayBuffer | null;
  readonly bytes?: number;
  readonly rest?: Partial<TimeStampReq>;
}

function derQuery({ oid = SHA256, parameters, bytes = 32, rest = {} }: Asked = {}): Uint8Array {
  const hashAlgorithm = new AlgorithmIdentifier({
    algorithm: oid,
    ...(parameters === undefined ? {} : { parameters }),
  });
  const hashedMessage = new OctetString(new Uint8Array(bytes).fill(7));
  const messageImprint = new MessageImprint({ hashAlgorithm, hashedMessage });
  return new Uint8Array(AsnConvert.serialize(new TimeStampReq({ messageImprint, ...rest })));
}

function read(parsed: ParsedQuery): TimestampQuery {
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.query;
}

function faultOf(parsed: ParsedQuery): string {
  return parsed.ok ? "none" : parsed.fault;
}

function json(value: object): ParsedQuery {
  return parseJsonQuery(utf8(JSON.stringify(value)), POLICY);
}

describe("a query in DER", () => {
  test("gives imprint, nonce and whether certificates are wanted", () => {
    const nonce = Uint8Array.of(0, 200, 1, 2).buffer;
    const query = read(
      parseDerQuery(derQuery({ rest: { nonce, certReq: true, reqPolicy: POLICY } }), POLICY),
    );
    expect(query.imprint).toEqual({
      oid: SHA256,
      withNull: false,
      digest: new Uint8Array(32).fill(7),
    });
    expect(query.nonce).toEqual(Uint8Array.of(0, 200, 1, 2));
    expect(query.certReq).toBe(true);
    const plain = read(parseDerQuery(derQuery({ parameters: null }), POLICY));
    expect(plain.imprint.withNull).toBe(true);
    expect(plain.nonce).toBeUndefined();
    expect(plain.certReq).toBe(false);
  });

  test("takes the three digests, each of its own length and no other", () => {
    for (const { oid, bytes } of IMPRINTS)
      for (const length of [0, 20, 31, 32, 33, 48, 64, 65])
        expect(faultOf(parseDerQuery(derQuery({ oid, bytes: length }), POLICY))).toBe(
          length === bytes ? "none" : "badDataFormat",
        );
  });

  test("is refused under RFC 3161's name for what is wrong", () => {
    const extension = new Extension({ extnID: "1.2.3", extnValue: new OctetString([5, 0]) });
    const ofVersion2 = derQuery();
    ofVersion2[4] = 2;
    const cases: readonly (readonly [string, Uint8Array])[] = [
      ["badAlg", derQuery({ oid: "1.3.14.3.2.26", bytes: 20 })],
      ["badAlg", derQuery({ parameters: der(0x0c, utf8("x")).buffer })],
      ["unacceptedPolicy", derQuery({ rest: { reqPolicy: "1.2.3" } })],
      ["unacceptedExtension", derQuery({ rest: { extensions: new Extensions([extension]) } })],
      ["badRequest", ofVersion2],
      ["badDataFormat", derQuery({ rest: { nonce: new Uint8Array(65).fill(1).buffer } })],
      ["badDataFormat", derQuery({ rest: { nonce: Uint8Array.of(0, 1).buffer } })],
      ["badDataFormat", derQuery({ rest: { nonce: Uint8Array.of(0xff, 0x80).buffer } })],
      ["badDataFormat", concat(derQuery(), Uint8Array.of(0))],
      ["badDataFormat", derQuery().subarray(0, -1)],
      ["badDataFormat", new Uint8Array(0)],
      ["badDataFormat", utf8("{}")],
    ];
    for (const [name, bytes] of cases) expect(faultOf(parseDerQuery(bytes, POLICY))).toBe(name);
  });

  test("of other bytes never throws, however deep they nest", () => {
    let nested = new Uint8Array(0);
    while (nested.length < MAX_TIMESTAMP_QUERY_BYTES - 8) nested = der(0x30, nested);
    expect(faultOf(parseDerQuery(nested, POLICY))).toBe("badDataFormat");
    const good = derQuery({ rest: { nonce: Uint8Array.of(1).buffer, certReq: true } });
    fc.assert(
      fc.property(
        fc.array(fc.record({ at: fc.nat(good.length - 1), to: fc.nat(255) }), { maxLength: 4 }),
        (edits) => {
          const attackerBytes = good.slice();
          for (const { at, to } of edits) attackerBytes[at] = to;
          const parsed = parseDerQuery(attackerBytes, POLICY);
          if (parsed.ok) expect(parsed.query.imprint.digest.length).toBeGreaterThanOrEqual(32);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("a query in Sigstore's JSON", () => {
  const artifactHash = toBase64(new Uint8Array(32).fill(7));
  const good = { artifactHash, hashAlgorithm: "sha256" };

  test("gives the same as the one in DER", () => {
    const rest = { nonce: Uint8Array.of(0, 200).buffer, certReq: true };
    expect(read(json({ ...good, certificates: true, nonce: 200 }))).toEqual(
      read(parseDerQuery(derQuery({ rest }), POLICY)),
    );
    expect(read(json(good))).toEqual(read(parseDerQuery(derQuery(), POLICY)));
    expect(read(json({ ...good, nonce: 0 })).nonce).toEqual(Uint8Array.of(0));
    expect(read(json({ ...good, tsaPolicyOID: POLICY })).certReq).toBe(false);
  });

  test("is refused with the field that is wrong", () => {
    const cases: readonly (readonly [string, string, object])[] = [
      ["badAlg", "hashAlgorithm", { ...good, hashAlgorithm: "sha1" }],
      ["badAlg", "hashAlgorithm", { artifactHash }],
      ["badDataFormat", "artifactHash", { ...good, artifactHash: "===" }],
      ["badDataFormat", "artifactHash", { hashAlgorithm: "sha256" }],
      ["badDataFormat", "messageImprint.hashedMessage", { ...good, hashAlgorithm: "sha512" }],
      ["badDataFormat", "nonce", { ...good, nonce: -1 }],
      ["badDataFormat", "nonce", { ...good, nonce: "5" }],
      ["badDataFormat", "certificates", { ...good, certificates: "yes" }],
      ["unacceptedPolicy", "tsaPolicyOID", { ...good, tsaPolicyOID: "1.2.3" }],
      ["badDataFormat", "query", [good]],
    ];
    for (const [fault, field, value] of cases)
      expect(json(value), JSON.stringify(value)).toMatchObject({ ok: false, fault, field });
    expect(faultOf(parseJsonQuery(utf8('{"nonce":1e999}'), POLICY))).toBe("badDataFormat");
  });
});
