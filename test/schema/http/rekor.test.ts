import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toBase64, toHex, utf8 } from "../../../schema/bytes.ts";
import { ERRORS, unwrap } from "../../../schema/error.ts";
import { parseRekorRequest, rekorCode } from "../../../schema/http/rekor.ts";
import { MAX_BODY_BYTES } from "../../../schema/limits.ts";
import { describeRealData } from "../../data.ts";
import { certified } from "../../vectors/certificates.ts";
import { digestRequest, dsseRequest } from "../../vectors/rekor.ts";
import * as made from "../../vectors/signers.ts";
import { reason } from "../entry/support.ts";

const p256 = made.p256Signer("p256");
const content = utf8("what was signed\n");
const digest = digestRequest(content, p256);
const dsse = dsseRequest("application/example", content, p256);

const parse = (value: unknown) => parseRekorRequest(utf8(JSON.stringify(value)));
const text = (value: unknown): string => JSON.stringify(value);
/** The same text with a part of it replaced; it must be there. */
const changed = (value: unknown, from: string, to: string) => {
  const before = text(value);
  expect(before).toContain(from);
  return parseRekorRequest(utf8(before.replace(from, to)));
};

describe("a request to Rekor's interface", () => {
  test("with a digest is read", () => {
    const request = unwrap(parse(digest));
    if (request.kind !== "hashedrekord") throw new Error(request.kind);
    expect(toBase64(request.digest)).toBe(digest.hashedRekordRequestV002.digest);
    expect(request.verifier.key).toEqual({ container: "publicKey", bytes: p256.spki });
    expect(request.verifier.claimedDetails).toBe("PKIX_ECDSA_P256_SHA_256");
  });

  test("with an envelope is read", () => {
    const request = unwrap(parse(dsse));
    if (request.kind !== "dsse") throw new Error(request.kind);
    expect(request.payloadType).toBe("application/example");
    expect(toHex(request.payload)).toBe(toHex(content));
  });

  test("with a certificate is read", () => {
    const signer = certified(p256, "ada@example.org");
    const request = unwrap(parse(digestRequest(content, signer)));
    expect(request.verifier.key).toEqual({
      container: "x509Certificate",
      bytes: signer.certificate,
    });
    expect(request.verifier.field).toBe(
      "hashedRekordRequestV002.signature.verifier.x509Certificate.rawBytes",
    );
  });

  test.each([
    ["a digest", digest],
    ["an envelope", dsse],
    ["a certificate", digestRequest(content, certified(p256, "a@example.org"))],
  ])("may have the snake_case names of protobuf: %s", (_, value) => {
    const snake = text(value)
      .replace(/"(\w+)":/g, (_whole, name: string) => `"${snakeCase(name)}":`)
      .replace("hashed_rekord_request_v002", "hashed_rekord_request_v002");
    expect(snake).not.toBe(text(value));
    const { verifier: ours, ...rest } = unwrap(parseRekorRequest(utf8(snake)));
    const { verifier: theirs, ...expected } = unwrap(parse(value));
    expect(rest).toEqual(expected);
    expect(ours.key).toEqual(theirs.key);
  });

  test("may have null for what is not there, other base64, and a number for an enum", () => {
    const name = '"keyDetails":"PKIX_ECDSA_P256_SHA_256"';
    for (const claim of ['"keyDetails":5', '"keyDetails":null', '"key_details":0'])
      expect(changed(digest, name, claim).ok).toBe(true);
    expect(changed(digest, `${name}`, `${name},"x509Certificate":null`).ok).toBe(true);
    expect(changed(digest, "{", '{"dsseRequestV002":null,').ok).toBe(true);
    expect(changed(dsse, '"keyid":""', '"keyid":null').ok).toBe(true);
    const urlSafe = digest.hashedRekordRequestV002.digest
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "");
    const other = changed(digest, digest.hashedRekordRequestV002.digest, urlSafe);
    expect(unwrap(other)).toEqual(unwrap(parse(digest)));
  });

  test("an empty payload is a payload", () => {
    const empty = dsseRequest("application/example", new Uint8Array(0), p256);
    expect(unwrap(parse(empty))).toMatchObject({ payload: new Uint8Array(0) });
    expect(unwrap(changed(empty, '"payload":"",', ""))).toMatchObject({
      payload: new Uint8Array(0),
    });
  });

  const V = "hashedRekordRequestV002";
  const E = "dsseRequestV002";
  test.each([
    ["nothing in it", {}, V],
    ["both requests", { ...digest, ...dsse }, V],
    ["another request", { entry: {} }, "entry"],
    ["a request that is none", { [V]: 1 }, V],
    ["a field more", { ...digest, extra: 1 }, "extra"],
    ["no digest", { [V]: { signature: digest[V].signature } }, `${V}.digest`],
    ["an empty digest", { [V]: { ...digest[V], digest: "" } }, `${V}.digest`],
    ["no signature", { [V]: { digest: digest[V].digest } }, `${V}.signature`],
    [
      "no verifier",
      { [V]: { ...digest[V], signature: { content: "AA==" } } },
      `${V}.signature.verifier`,
    ],
    [
      "no signatures",
      { [E]: { ...dsse[E], envelope: { ...dsse[E].envelope, signatures: [] } } },
      `${E}.envelope.signatures`,
    ],
    [
      "no payload type",
      { [E]: { ...dsse[E], envelope: { ...dsse[E].envelope, payloadType: "" } } },
      `${E}.envelope.payloadType`,
    ],
    ["no verifiers", { [E]: { ...dsse[E], verifiers: [] } }, `${E}.verifiers`],
    [
      "a field more in the envelope",
      { [E]: { ...dsse[E], envelope: { ...dsse[E].envelope, more: 1 } } },
      `${E}.envelope.more`,
    ],
  ])("is refused with %s, naming the field", (_, value, field) => {
    const [code, named] = reason(parse(value));
    expect(code).toBe("FIELD_INVALID");
    expect(named).toBe(field);
  });

  test.each([
    [
      "a key and a certificate",
      '"publicKey":',
      '"x509Certificate":{"rawBytes":"AA=="},"publicKey":',
    ],
    ["a field under both its names", '"keyDetails":', '"key_details":1,"keyDetails":'],
    ["a field of the key that is not known", '"rawBytes":', '"raw":1,"rawBytes":'],
    ["base64 of both alphabets", '"content":"', '"content":"+-'],
    ["an enum that is no name", '"PKIX_ECDSA_P256_SHA_256"', "true"],
    ["an enum that is no whole number", '"PKIX_ECDSA_P256_SHA_256"', "1.5"],
  ])("is refused with %s", (_, from, to) => {
    expect(reason(changed(digest, from, to))[0]).toBe("FIELD_INVALID");
  });

  test("with several signatures or verifiers is refused with the place that takes them", () => {
    const { envelope, verifiers } = dsse.dsseRequestV002;
    const signatures = [...envelope.signatures, ...envelope.signatures];
    for (const value of [
      { dsseRequestV002: { envelope: { ...envelope, signatures }, verifiers } },
      { dsseRequestV002: { envelope, verifiers: [...verifiers, ...verifiers] } },
    ]) {
      const refused = parse(value);
      expect(reason(refused)[0]).toBe("KIND_UNSUPPORTED");
      expect(!refused.ok && refused.message).toContain("POST /v1/entries");
    }
  });

  test("longer than a body may be is not looked at", () => {
    expect(reason(parseRekorRequest(new Uint8Array(MAX_BODY_BYTES + 1)))).toEqual([
      "TOO_LARGE",
      "body",
    ]);
  });

  test("any bytes, and any one byte changed, give a request or a refusal, never a throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(parseRekorRequest(bytes).ok).toBe(false);
      }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(digest, dsse),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (value, at, mask) => {
          const bytes = utf8(text(value));
          bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ mask;
          expect([true, false]).toContain(parseRekorRequest(bytes).ok);
        },
      ),
    );
  });
});

test("every error of the log has a code of gRPC and a status that Rekor's clients know", () => {
  const known = [400, 403, 404, 408, 410, 413, 415, 429, 500, 501, 502, 503, 507];
  for (const { http: own } of Object.values(ERRORS)) {
    const { grpc, http } = rekorCode(own);
    expect(known).toContain(http);
    expect(grpc).toBeGreaterThan(0);
    expect(grpc).toBeLessThan(17);
  }
  expect(rekorCode(ERRORS.SIGNATURE_INVALID.http)).toEqual({ http: 400, grpc: 3 });
  expect(rekorCode(ERRORS.OVERLOADED.http)).toEqual({ http: 503, grpc: 14 });
  expect(rekorCode(ERRORS.STOPPING.http)).toEqual({ http: 503, grpc: 14 });
  expect(rekorCode(ERRORS.METHOD_NOT_ALLOWED.http)).toEqual({ http: 501, grpc: 12 });
});

describeRealData("rekor-samples", (read) => {
  test.each(["rekor-hashedrekord-request.json", "rekor-dsse-request.json"])(
    "%s is read",
    (file) => {
      expect(parseRekorRequest(read(file)).ok).toBe(true);
    },
  );
});

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
