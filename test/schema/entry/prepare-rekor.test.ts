import { describe, expect, test } from "vitest";
import { concat, latin1, toBase64, utf8 } from "../../../schema/bytes.ts";
import { pae } from "../../../schema/entry/dsse.ts";
import { parseLeaf } from "../../../schema/entry/leaf.ts";
import type { PreparedLeaf } from "../../../schema/entry/prepare.ts";
import { prepareRekor } from "../../../schema/entry/prepare-rekor.ts";
import { type Result, unwrap } from "../../../schema/error.ts";
import { parseRekorRequest } from "../../../schema/http/rekor.ts";
import { parseJson } from "../../../schema/json.ts";
import { MAX_CONTENT_BYTES } from "../../../schema/limits.ts";
import { parseLogEntry } from "../../../schema/receipt.ts";
import { describeRealData } from "../../data.ts";
import { certified } from "../../vectors/certificates.ts";
import { digestRequest, dsseRequest } from "../../vectors/rekor.ts";
import * as made from "../../vectors/signers.ts";
import * as say from "../../vectors/statements.ts";
import { sha256 } from "../support.ts";
import { only, reason } from "./support.ts";

const IN_TOTO = "application/vnd.in-toto+json";
const p256 = made.p256Signer("p256");
const rsa = made.rsaSigner();
const review = say.payload(say.review());
const content = utf8("what was signed\n");

function prepare(value: unknown, kind?: "countersign"): Result<PreparedLeaf> {
  const bytes = typeof value === "string" ? utf8(value) : utf8(JSON.stringify(value));
  return prepareRekor(sha256, unwrap(parseRekorRequest(bytes)), kind);
}

/** What a verifier that is not a certificate looks like when @sigstore/sign sends it. */
function mislabelled(value: unknown): string {
  return JSON.stringify(value)
    .replace('"publicKey"', '"x509Certificate"')
    .replace(/"PKIX_RSA\w+"/, '"PKIX_ECDSA_P256_SHA_256"');
}

describe("one statement has one leaf through either door", () => {
  test.each([
    ["P-256", p256],
    ["RSA", rsa],
    ["P-256 in a certificate", certified(p256, "ada@example.org")],
    ["RSA in a certificate", certified(rsa, "ada@example.org")],
  ])("%s: a digest, an envelope, and the log's own interface", (_, signer) => {
    const whole = pae(IN_TOTO, review);
    const native = only(made.dsseSubmission(IN_TOTO, review, signer));
    const byDigest = unwrap(prepare(digestRequest(whole, signer)));
    const byEnvelope = unwrap(prepare(dsseRequest(IN_TOTO, review, signer)));
    expect(native.leaf.kind).toBe("hashedrekord");
    for (const entry of [byDigest, byEnvelope]) {
      expect(latin1(entry.leafBytes)).toBe(latin1(native.leafBytes));
      expect(entry.signerId).toEqual(native.signerId);
      expect(entry.contentDigest).toEqual(native.contentDigest);
    }
    expect(byEnvelope.content).toEqual(whole);
    expect(byEnvelope.reading?.kind).toBe("statement");
    expect(byDigest.content).toBeUndefined();
    expect(byDigest.reading).toBeUndefined();
  });

  test("the twin is the countersign leaf with the same signature and key", () => {
    const { leaf } = unwrap(prepare(dsseRequest(IN_TOTO, review, p256), "countersign"));
    if (leaf.kind !== "countersign") throw new Error(leaf.kind);
    const plain = unwrap(prepare(dsseRequest(IN_TOTO, review, p256)));
    if (plain.leaf.kind !== "hashedrekord") throw new Error(plain.leaf.kind);
    expect(leaf.signature).toMatchObject({
      format: "dsse",
      value: plain.leaf.signature,
      key: { id: plain.signerId, value: plain.leaf.verifier.bytes },
    });
  });
});

describe("what Sigstore's clients get wrong is put right", () => {
  test.each([
    ["P-256", p256],
    ["RSA", rsa],
  ])("%s: a plain key that is called a certificate, under the name of another key", (_, signer) => {
    for (const request of [digestRequest(content, signer), dsseRequest(IN_TOTO, review, signer)]) {
      const { leaf } = unwrap(prepare(mislabelled(request)));
      expect(latin1(unwrap(prepare(request)).leafBytes)).toBe(
        latin1(unwrap(prepare(mislabelled(request))).leafBytes),
      );
      expect(leaf).toMatchObject({
        keyDetails: signer.keyDetails,
        verifier: { container: "publicKey", bytes: signer.spki },
      });
    }
  });

  test("the name of key and hash follows from the key, whatever is claimed", () => {
    for (const claim of ['"PKIX_ED25519"', '"no such name"', "5", "0", "null"]) {
      const request = JSON.stringify(digestRequest(content, rsa));
      const claimed = request.replace(`"${rsa.keyDetails}"`, claim);
      expect(unwrap(prepare(claimed)).leaf).toMatchObject({ keyDetails: rsa.keyDetails });
    }
  });
});

describe("what a hashedrekord cannot hold is refused with the place that takes it", () => {
  test.each([
    ["Ed25519", made.ed25519Signer("ada")],
    ["P-384", made.p384Signer("p384")],
    ["ML-DSA-44", made.mlDsaSigner("ml")],
    ["Ed25519 in a certificate", certified(made.ed25519Signer("ada"), "ada@example.org")],
    ["RSA-PSS", { ...rsa, keyDetails: "PKIX_RSA_PSS_2048_SHA256" as const }],
  ])("%s", (_, signer) => {
    for (const request of [digestRequest(content, signer), dsseRequest(IN_TOTO, review, signer)]) {
      const refused = prepare(request);
      expect(reason(refused)[0]).toBe("KIND_UNSUPPORTED");
      expect(reason(refused)[1]).toContain("rawBytes");
      expect(!refused.ok && refused.message).toContain("POST /v1/entries");
    }
  });
});

describe("refusals name the field of the request", () => {
  const V = "hashedRekordRequestV002";
  const ask = (change: object) =>
    prepare({ [V]: { ...digestRequest(content, p256)[V], ...change } });
  const verifier = (key: Uint8Array, container = "publicKey") =>
    ask({ signature: { content: "AA==", verifier: { [container]: { rawBytes: toBase64(key) } } } });

  test.each([31, 33, 48, 64])("a digest of %i bytes", (length) => {
    expect(reason(ask({ digest: toBase64(new Uint8Array(length)) }))).toEqual([
      "FIELD_INVALID",
      `${V}.digest`,
    ]);
  });

  test("a key that is none, or not canonical, or a certificate called a key", () => {
    const field = `${V}.signature.verifier.publicKey.rawBytes`;
    for (const key of [
      utf8("no key"),
      concat(p256.spki, new Uint8Array(1)),
      certified(p256, "a@example.org").certificate,
    ])
      expect(reason(verifier(key))).toEqual(["NOT_CANONICAL", field]);
    const { certificate } = certified(p256, "a@example.org");
    expect(reason(verifier(concat(certificate, new Uint8Array(1)), "x509Certificate"))).toEqual([
      "NOT_CANONICAL",
      field.replace("publicKey", "x509Certificate"),
    ]);
  });

  test("an envelope whose statement breaks its schema, or whose content is too large", () => {
    const wrong = say.payload({ ...say.unknownStatement(), subject: [] });
    expect(reason(prepare(dsseRequest(IN_TOTO, wrong, p256)))[0]).toBe("STATEMENT_INVALID");
    const large = dsseRequest("text/plain", new Uint8Array(MAX_CONTENT_BYTES), p256);
    expect(reason(prepare(large))).toEqual(["TOO_LARGE", "dsseRequestV002.envelope.payload"]);
  });
});

describeRealData("rekor-samples", (read) => {
  test("the leaf is byte for byte the one that Rekor v2 made of the same request", () => {
    const request = unwrap(parseRekorRequest(read("rekor-hashedrekord-request.json")));
    const answer = unwrap(parseJson(read("rekor-hashedrekord-response.json")));
    const theirs = unwrap(parseLogEntry(answer, ""));
    expect(latin1(unwrap(prepareRekor(sha256, request)).leafBytes)).toBe(latin1(theirs.leafBytes));
    expect(parseLeaf(theirs.leafBytes).ok).toBe(true);
  });

  test("an envelope becomes a hashedrekord over its PAE", () => {
    const request = unwrap(parseRekorRequest(read("rekor-dsse-request.json")));
    if (request.kind !== "dsse") throw new Error(request.kind);
    const { leaf } = unwrap(prepareRekor(sha256, request));
    const digest = sha256(pae(request.payloadType, request.payload));
    expect(leaf).toMatchObject({ kind: "hashedrekord", digest });
  });
});
