import { expect, test } from "vitest";
import { toHex, utf8 } from "../../../schema/bytes.ts";
import { inField, readSigner } from "../../../schema/entry/signer.ts";
import { unwrap } from "../../../schema/error.ts";
import { MAX_KEY_BYTES } from "../../../schema/limits.ts";
import { certified } from "../../vectors/certificates.ts";
import * as made from "../../vectors/signers.ts";
import { sha256 } from "../support.ts";
import { reason, refusalOf } from "./support.ts";

const FIELDS = { key: "the key", algorithm: "the algorithm", signature: "the signature" };
const value = Uint8Array.of(1);
const plainKey = (bytes: Uint8Array) => ({ container: "publicKey", bytes }) as const;

test.each([
  made.ed25519Signer("a"),
  made.p256Signer("a"),
  made.p384Signer("a"),
  made.rsaSigner(),
  made.mlDsaSigner("a"),
])("$keyDetails: the signer id is SHA-256 of the canonical SPKI", ({ spki, keyDetails }) => {
  const key = plainKey(spki);
  const signer = unwrap(readSigner(sha256, { by: "key", keyDetails, key, value }, FIELDS));
  expect(toHex(signer.id)).toBe(toHex(sha256(spki)));
  expect(signer.key).toEqual(spki);
  expect(signer.algorithm).toBe(keyDetails);
});

test("a key in a certificate has the id of the key; the leaf carries the certificate whole", () => {
  const plain = made.p256Signer("a");
  const { certificate, keyDetails } = certified(plain, "ada@example.org");
  const key = { container: "x509Certificate", bytes: certificate } as const;
  const signer = unwrap(readSigner(sha256, { by: "key", keyDetails, key, value }, FIELDS));
  expect(toHex(signer.id)).toBe(toHex(sha256(plain.spki)));
  expect(signer.key).toEqual(certificate);
  for (const swapped of [plainKey(certificate), { ...key, bytes: plain.spki }])
    expect(
      reason(readSigner(sha256, { by: "key", keyDetails, key: swapped, value }, FIELDS)),
    ).toEqual(["NOT_CANONICAL", "the key"]);
});

test("an SSHSIG brings its key; the leaf carries the wire form, the id names the inner key", () => {
  const bob = made.sshSigner("bob");
  const blob = bob.sign("file", utf8("x"));
  const signer = unwrap(readSigner(sha256, { by: "sshsig", value: blob }, FIELDS));
  expect(signer.key).toEqual(bob.key.wire);
  expect(toHex(signer.id)).toBe(toHex(sha256(made.ed25519Signer("bob").spki)));
  expect(signer.context).toEqual({ signedBy: "sshsig", namespace: "file" });
});

test("refusals name the field they were given for", () => {
  const { spki, keyDetails } = made.ed25519Signer("a");
  const key = plainKey(spki);
  const plain = (change: object) =>
    reason(readSigner(sha256, { by: "key", key, keyDetails, value, ...change }, FIELDS));
  expect(plain({ key: plainKey(new Uint8Array(0)) })[1]).toBe("the key");
  expect(plain({ key: plainKey(new Uint8Array(MAX_KEY_BYTES + 1)) })).toEqual([
    "TOO_LARGE",
    "the key",
  ]);
  expect(plain({ keyDetails: "constructor" })).toEqual(["KIND_UNSUPPORTED", "the algorithm"]);
  expect(plain({ keyDetails: "PKIX_ECDSA_P256_SHA_256" })).toEqual([
    "KEY_REFUSED",
    "the algorithm",
  ]);
  expect(plain({ value: new Uint8Array(0) })).toEqual(["FIELD_INVALID", "the signature"]);
  const blob = readSigner(sha256, { by: "sshsig", value: utf8("SSHSIG") }, FIELDS);
  expect(reason(blob)[1]).toBe("the signature");
});

test("an Ed25519 key of small order is refused", () => {
  const { spki, keyDetails } = made.ed25519Signer("a");
  const key = plainKey(new Uint8Array([...spki.slice(0, -32), 1, ...new Uint8Array(31)]));
  expect(reason(readSigner(sha256, { by: "key", key, keyDetails, value }, FIELDS))).toEqual([
    "KEY_REFUSED",
    "the key",
  ]);
});

test("a field that the parser named stays", () => {
  const named = refusalOf({ ok: false, code: "TOO_LARGE", message: "", detail: { field: "a" } });
  expect(inField(named, "b").detail.field).toBe("a");
});
