import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, utf8 } from "../../../schema/bytes.ts";
import {
  encodeSshEcdsa,
  formatSshSignature,
  parseSshSignature,
  sshSignedMessage,
} from "../../../schema/entry/ssh-signature.ts";
import { unwrap } from "../../../schema/error.ts";
import { parseEcdsaDer } from "../../../schema/key/signature.ts";
import { encodeSpki, parseSpki } from "../../../schema/key/spki.ts";
import { encodeSshKey, parseSshKey, type SshPublicKey } from "../../../schema/key/ssh-key.ts";
import { sshString, sshU32, sshUnsigned } from "../../../schema/key/ssh-wire.ts";
import { containing, flipped, sha256 } from "../support.ts";

const message = Buffer.from("what is signed");

const sshKeyOf = (key: KeyObject): SshPublicKey => {
  const spki = unwrap(parseSpki(new Uint8Array(key.export({ type: "spki", format: "der" }))));
  return unwrap(parseSshKey(encodeSshKey(spki) ?? new Uint8Array(0)));
};

const ed = generateKeyPairSync("ed25519");
const edKey = sshKeyOf(ed.publicKey);
const edBlob = new Uint8Array(sign(null, message, ed.privateKey));
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ecKey = sshKeyOf(ec.publicKey);
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const rsaKey = sshKeyOf(rsa.publicKey);

const wire = (algorithm: string, blob: Uint8Array): Uint8Array =>
  concat(sshString(algorithm), sshString(blob));

describe("the signature of an agent", () => {
  test("Ed25519 is read and written alike, and is ready for a verifier", () => {
    const input = wire("ssh-ed25519", edBlob);
    const signature = unwrap(parseSshSignature(edKey, input));
    expect(signature.verification).toEqual({ algorithm: "ed25519", signature: edBlob });
    expect(formatSshSignature(signature)).toEqual(input);
    expect(sshSignedMessage(sha256, edKey, signature, message)).toBe(message);
  });

  test("Ed25519 with S not below the order is refused", () => {
    const malleated = flipped(edBlob, 63, 0x80);
    expect(parseSshSignature(edKey, wire("ssh-ed25519", malleated))).toMatchObject({
      code: "SIGNATURE_INVALID",
    });
  });

  test("ECDSA is turned into the DER the platform verifies", () => {
    for (let i = 0; i < 20; i++) {
      const der = new Uint8Array(sign("sha256", message, ec.privateKey));
      const numbers = unwrap(parseEcdsaDer("p256", der));
      const input = wire("ecdsa-sha2-nistp256", encodeSshEcdsa(numbers));
      const signature = unwrap(parseSshSignature(ecKey, input));
      expect(signature.verification).toEqual({ algorithm: "ecdsa-p256-sha256", signature: der });
      expect(formatSshSignature(signature)).toEqual(input);
    }
  });

  test("ECDSA numbers may have the zeros a fixed-width writer makes, and no more", () => {
    const numbers = unwrap(
      parseEcdsaDer("p256", new Uint8Array(sign("sha256", message, ec.privateKey))),
    );
    const padded = (number: Uint8Array, length: number): Uint8Array =>
      sshString(concat(new Uint8Array(length - number.length), number));
    const input = (length: number): Uint8Array =>
      wire("ecdsa-sha2-nistp256", concat(padded(numbers.r, length), sshUnsigned(numbers.s)));
    const { verification } = unwrap(parseSshSignature(ecKey, input(33)));
    expect(verify("sha256", message, ec.publicKey, verification.signature)).toBe(true);
    expect(parseSshSignature(ecKey, input(34))).toMatchObject({ code: "SIGNATURE_INVALID" });
  });

  test.each([
    ["zero", Uint8Array.of()],
    ["negative", Uint8Array.of(0x80)],
  ])("an ECDSA number that is %s is refused", (_name, r) => {
    const blob = concat(sshString(r), sshString(Uint8Array.of(1)));
    expect(parseSshSignature(ecKey, wire("ecdsa-sha2-nistp256", blob))).toMatchObject({
      code: "SIGNATURE_INVALID",
    });
  });

  test("RSA without its leading zeros is filled up to the length of the modulus", () => {
    const blob = Uint8Array.of(1, 2, 3);
    const signature = unwrap(parseSshSignature(rsaKey, wire("rsa-sha2-256", blob)));
    expect(signature.verification.signature).toEqual(concat(new Uint8Array(253), blob));
    expect(signature.blob).toEqual(blob);
    expect(parseSshSignature(rsaKey, wire("rsa-sha2-256", new Uint8Array(257)))).toMatchObject({
      code: "SIGNATURE_INVALID",
    });
  });

  test.each([
    ["ssh-rsa", rsaKey],
    ["rsa-sha2-384", rsaKey],
    ["webauthn-sk-ecdsa-sha2-nistp256@openssh.com", ecKey],
    ["ssh-ed25519-cert-v01@openssh.com", edKey],
  ])("a signature of algorithm %s is unsupported, and the message names it", (algorithm, key) => {
    expect(parseSshSignature(key, wire(algorithm, edBlob))).toMatchObject({
      code: "KIND_UNSUPPORTED",
      message: containing(algorithm),
    });
  });

  test("a signature of another algorithm than its key is refused", () => {
    expect(parseSshSignature(ecKey, wire("ssh-ed25519", edBlob))).toMatchObject({
      code: "FIELD_INVALID",
    });
  });

  test("a byte more or less is refused", () => {
    const input = wire("ssh-ed25519", edBlob);
    for (let length = 0; length < input.length; length++)
      expect(parseSshSignature(edKey, input.subarray(0, length)).ok).toBe(false);
    expect(parseSshSignature(edKey, concat(input, Uint8Array.of(0))).ok).toBe(false);
  });

  test("no bytes make it throw", () => {
    fc.assert(
      fc.property(fc.constantFrom(edKey, ecKey, rsaKey), fc.uint8Array(), (key, bytes) => {
        expect(parseSshSignature(key, bytes).ok).toBe(false);
      }),
    );
  });
});

describe("the signature of a FIDO key", () => {
  const point = edKey.key.type === "ed25519" ? edKey.key.raw : new Uint8Array(0);
  const skKey = unwrap(
    parseSshKey(
      concat(sshString("sk-ssh-ed25519@openssh.com"), sshString(point), sshString("ssh:")),
    ),
  );
  const flags = 0x05;
  const counter = 4_000_000_001;
  const data = utf8("data");

  const signed = (): Uint8Array => {
    const message = concat(
      sha256(utf8("ssh:")),
      Uint8Array.of(flags),
      sshU32(counter),
      sha256(data),
    );
    const blob = new Uint8Array(sign(null, message, ed.privateKey));
    return concat(wire("sk-ssh-ed25519@openssh.com", blob), Uint8Array.of(flags), sshU32(counter));
  };

  test("has flags and a counter, which are signed", () => {
    const input = signed();
    const signature = unwrap(parseSshSignature(skKey, input));
    expect(signature.fido).toEqual({ flags, counter });
    expect(formatSshSignature(signature)).toEqual(input);
    const message = sshSignedMessage(sha256, skKey, signature, data);
    const spki = createPublicKey({
      key: Buffer.from(encodeSpki(skKey.key)),
      format: "der",
      type: "spki",
    });
    expect(verify(null, message, spki, signature.verification.signature)).toBe(true);
    for (const fido of [
      { flags: flags ^ 4, counter },
      { flags, counter: counter + 1 },
    ]) {
      const other = sshSignedMessage(sha256, skKey, { ...signature, fido }, data);
      expect(verify(null, other, spki, signature.verification.signature)).toBe(false);
    }
  });

  test("is refused without them, or with more behind them", () => {
    const input = signed();
    for (let cut = 1; cut <= 5; cut++)
      expect(parseSshSignature(skKey, input.subarray(0, -cut)).ok).toBe(false);
    expect(parseSshSignature(skKey, concat(input, Uint8Array.of(0))).ok).toBe(false);
    expect(parseSshSignature(edKey, input).ok).toBe(false);
  });
});
