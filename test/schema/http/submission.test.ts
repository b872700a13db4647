import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { parseSubmission, readSubmission } from "../../../schema/http/submission.ts";
import type { JsonObject } from "../../../schema/json.ts";
import { MAX_BODY_BYTES } from "../../../schema/limits.ts";
import { reason, SUBMISSIONS } from "../entry/support.ts";

const parse = (value: unknown) => parseSubmission(utf8(JSON.stringify(value)));
const verifier = { publicKey: "AA==", keyDetails: "PKIX_ED25519" };
const raw: JsonObject = { kind: "raw", content: "", signature: "AA==", verifier };
const envelope: JsonObject = {
  payloadType: "text/plain",
  payload: "",
  signatures: [{ sig: "AA==" }],
};
const dsse: JsonObject = { kind: "dsse", envelope, verifiers: [verifier] };

test.each(SUBMISSIONS)("%s is read back whole", (_name, _what, submission) => {
  expect(unwrap(parse(submission))).toEqual(submission);
});

describe("a submission", () => {
  test.each([
    ["of no kind", {}, "kind"],
    ["that is a list", [], undefined],
    ["git without an object", { kind: "git" }, "object"],
    ["git with more", { kind: "git", object: "", repo: "x" }, "repo"],
    ["sshsig without a signature", { kind: "sshsig", content: "" }, "signature"],
    ["raw without a content", { ...raw, content: null }, "content"],
    ["raw without a verifier", { ...raw, verifier: undefined }, "verifier"],
    ["raw with an sshsig verifier", { ...raw, verifier: { sshsig: true } }, "verifier.sshsig"],
    ["raw with half a verifier", { ...raw, verifier: { publicKey: "" } }, "verifier.keyDetails"],
    ["raw with more in its verifier", { ...raw, verifier: { ...verifier, x: 1 } }, "verifier.x"],
    ["dsse without an envelope", { ...dsse, envelope: "x" }, "envelope"],
    [
      "dsse without a payload",
      { ...dsse, envelope: { ...envelope, payload: 1 } },
      "envelope.payload",
    ],
    [
      "dsse without signatures",
      { ...dsse, envelope: { ...envelope, signatures: [] } },
      "envelope.signatures",
    ],
    ["dsse without verifiers", { ...dsse, verifiers: [] }, "verifiers"],
    [
      "dsse with a signature that is text",
      { ...dsse, envelope: { ...envelope, signatures: ["x"] } },
      "envelope.signatures[0]",
    ],
    [
      "dsse with another sshsig",
      { ...dsse, verifiers: [{ sshsig: false }] },
      "verifiers[0].sshsig",
    ],
    [
      "dsse with sshsig and key",
      { ...dsse, verifiers: [{ sshsig: true, ...verifier }] },
      "verifiers[0].publicKey",
    ],
  ])("%s is refused, naming the field", (_, value, field) => {
    const [code, named] = reason(parse(value));
    expect(code).toBe("FIELD_INVALID");
    if (field !== undefined) expect(named).toBe(field);
  });

  test("of a kind that is not known is refused as unsupported", () => {
    expect(reason(parse({ kind: "openpgp" }))).toEqual(["KIND_UNSUPPORTED", "kind"]);
  });

  test("has a certificate or a key in each verifier, not both", () => {
    const verifier = { x509Certificate: "AA==", keyDetails: "PKIX_ECDSA_P256_SHA_256" };
    expect(unwrap(parse({ ...raw, verifier }))).toMatchObject({ verifier });
    expect(unwrap(parse({ ...dsse, verifiers: [verifier] }))).toMatchObject({
      verifiers: [verifier],
    });
    expect(reason(parse({ ...raw, verifier: { ...verifier, publicKey: "AA==" } }))).toEqual([
      "FIELD_INVALID",
      "verifier.publicKey",
    ]);
  });

  test("with unknown fields inside its envelope is taken, as DSSE asks", () => {
    const signatures = [{ sig: "AA==", keyid: "k", extension: { a: 1 } }];
    const other = { ...dsse, envelope: { ...envelope, signatures, more: true } };
    expect(unwrap(parse(other))).toMatchObject({
      envelope: { signatures: [{ sig: "AA==", keyid: "k" }] },
    });
  });

  test("with a name twice, or above 4 MiB, is refused", () => {
    expect(reason(parseSubmission(utf8('{"kind":"git","kind":"git","object":""}')))[0]).toBe(
      "JSON_MALFORMED",
    );
    expect(reason(parseSubmission(new Uint8Array(MAX_BODY_BYTES + 1)))).toEqual([
      "TOO_LARGE",
      "body",
    ]);
  });

  test("of any bytes and any JSON never throws", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 99 }),
        fc.json(),
        fc.constantFrom("kind", "envelope", "verifiers", "content"),
        (bytes, text, name) => {
          parseSubmission(bytes);
          parseSubmission(utf8(text));
          parseSubmission(utf8(`{"${name === "kind" ? "x" : "kind"}":"dsse","${name}":${text}}`));
        },
      ),
      { numRuns: 1000 },
    );
    expect(readSubmission(null).ok).toBe(false);
  });
});
