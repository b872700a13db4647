import { createHash, createPublicKey, verify } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, fromUtf8, toBase64, utf8 } from "../../../schema/bytes.ts";
import { sshSignedMessage } from "../../../schema/entry/ssh-signature.ts";
import {
  armor,
  dearmor,
  formatSshsig,
  isSshsigArmor,
  parseSshsig,
  type Sshsig,
  signedData,
} from "../../../schema/entry/sshsig.ts";
import { unwrap } from "../../../schema/error.ts";
import type { SignatureAlgorithm } from "../../../schema/key/key-details.ts";
import { encodeSpki } from "../../../schema/key/spki.ts";
import { parseSshKeyLine } from "../../../schema/key/ssh-key.ts";
import { sshString, sshU32 } from "../../../schema/key/ssh-wire.ts";
import { describeRealData, vector, vectorJson } from "../../data.ts";
import { containing, flipped, sha256 } from "../support.ts";

interface Row {
  readonly file: string;
  readonly key: string;
  readonly namespace: string;
  readonly hash: string;
}

const rows = vectorJson<Row[]>("sshsig/index.json");
const message = vector("sshsig/message");
const blobOf = (file: string): Uint8Array => unwrap(dearmor(vector(`sshsig/${file}`)));
const sample = blobOf("ed25519-sha512-file.sig");

const HASHES: Partial<Record<SignatureAlgorithm, string>> = {
  "ecdsa-p256-sha256": "sha256",
  "ecdsa-p384-sha384": "sha384",
  "ecdsa-p521-sha512": "sha512",
  "rsa-pkcs1-sha256": "sha256",
  "rsa-pkcs1-sha512": "sha512",
};

/** Verified by the platform, from the fields this file's parser gives. */
function verifies(sshsig: Sshsig, signedBytes: Uint8Array): boolean {
  const { algorithm, signature } = sshsig.signature.verification;
  const key = createPublicKey({
    key: Buffer.from(encodeSpki(sshsig.publicKey.key)),
    format: "der",
    type: "spki",
  });
  const digest = createHash(sshsig.hashAlgorithm).update(signedBytes).digest();
  const data = signedData(sshsig.namespace, sshsig.hashAlgorithm, digest);
  return verify(
    HASHES[algorithm] ?? null,
    sshSignedMessage(sha256, sshsig.publicKey, sshsig.signature, data),
    key,
    signature,
  );
}

describe("signatures that ssh-keygen made", () => {
  test.each(rows)("$file is read, written alike, and verifies", (row) => {
    const blob = blobOf(row.file);
    const sshsig = unwrap(parseSshsig(blob));
    expect(sshsig).toMatchObject({ namespace: row.namespace, hashAlgorithm: row.hash });
    const line = fromUtf8(vector(`sshsig/${row.key}`)) ?? "";
    expect(sshsig.publicKey.wire).toEqual(unwrap(parseSshKeyLine(line)).wire);
    expect(formatSshsig(sshsig)).toEqual(blob);
    expect(armor(blob)).toBe(fromUtf8(vector(`sshsig/${row.file}`)));
    expect(verifies(sshsig, message)).toBe(true);
    expect(verifies(sshsig, flipped(message, 0))).toBe(false);
    expect(verifies({ ...sshsig, namespace: "other" }, message)).toBe(false);
  });

  test.each(rows)("$file with any byte changed is refused or no longer verifies", (row) => {
    const blob = blobOf(row.file);
    fc.assert(
      fc.property(fc.nat(blob.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const result = parseSshsig(flipped(blob, at, mask));
        if (result.ok) expect(verifies(result.value, message)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test("cut short anywhere, or with a byte more, it is refused", () => {
    for (let length = 0; length < sample.length; length++)
      expect(parseSshsig(sample.subarray(0, length)).ok).toBe(false);
    expect(parseSshsig(concat(sample, Uint8Array.of(0)))).toMatchObject({ code: "FIELD_INVALID" });
  });
});

describe("other signatures", () => {
  const { publicKey, signature } = unwrap(parseSshsig(sample));
  const build = (parts: Partial<Record<string, Uint8Array>>): Uint8Array =>
    concat(
      parts["magic"] ?? utf8("SSHSIG"),
      parts["version"] ?? sshU32(1),
      sshString(publicKey.wire),
      parts["namespace"] ?? sshString("git"),
      parts["reserved"] ?? sshString(""),
      parts["hash"] ?? sshString("sha512"),
      sshString(concat(sshString(signature.algorithm), sshString(signature.blob))),
    );

  test("the builder of these tests builds what is accepted", () => {
    expect(parseSshsig(build({})).ok).toBe(true);
  });

  test.each<[string, Partial<Record<string, Uint8Array>>, string]>([
    ["another magic", { magic: utf8("SSHSIH") }, "FIELD_INVALID"],
    ["version 2", { version: sshU32(2) }, "KIND_UNSUPPORTED"],
    ["an empty namespace", { namespace: sshString("") }, "FIELD_INVALID"],
    ["a NUL in the namespace", { namespace: sshString("git\0x") }, "FIELD_INVALID"],
    [
      "a namespace that is not UTF-8",
      { namespace: sshString(Uint8Array.of(255)) },
      "FIELD_INVALID",
    ],
    ["something reserved", { reserved: sshString("x") }, "KIND_UNSUPPORTED"],
    ["SHA-1", { hash: sshString("sha1") }, "KIND_UNSUPPORTED"],
    ["SHA-384", { hash: sshString("sha384") }, "KIND_UNSUPPORTED"],
    ["a length beyond the end", { namespace: sshU32(0xffffffff) }, "FIELD_INVALID"],
  ])("refused: %s", (_name, parts, code) => {
    expect(parseSshsig(build(parts))).toMatchObject({ ok: false, code });
  });

  test("more bytes than any signature has are refused by their number", () => {
    expect(parseSshsig(new Uint8Array(65_537))).toMatchObject({
      code: "TOO_LARGE",
      detail: { limit: 65_536 },
    });
  });

  test("no bytes make it throw", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(), (bytes, seed) => {
        const at = seed % sample.length;
        parseSshsig(bytes);
        parseSshsig(concat(utf8("SSHSIG"), sshU32(1), bytes));
        parseSshsig(concat(sample.subarray(0, at), bytes, sample.subarray(at + bytes.length)));
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the armor", () => {
  const text = armor(sample);
  const body = text.split("\n").slice(1, -2).join("\n");
  const begin = "-----BEGIN SSH SIGNATURE-----";
  const end = "-----END SSH SIGNATURE-----";

  test.each([
    ["CR LF line ends", text.replaceAll("\n", "\r\n")],
    ["one long line", `${begin}\n${body.replaceAll("\n", "")}\n${end}`],
    [
      "spaces, tabs and empty lines",
      `${begin}\n\n ${body.replaceAll("\n", " \t\n\n")}\n\n${end}\n`,
    ],
    ["text behind the footer", `${text}and more\n`],
  ])("is read as ssh-keygen reads it: %s", (_name, input) => {
    expect(unwrap(dearmor(input))).toEqual(sample);
    expect(unwrap(dearmor(utf8(input)))).toEqual(sample);
  });

  test.each([
    ["text before the header", `x${text}`],
    ["an empty line before the header", `\n${text}`],
    ["more in the header's line", text.replace(begin, `${begin} `)],
    ["no footer", text.replace(end, "")],
    ["a footer inside a line", `${begin}\n${body} ${end}\n`],
    ["no body", `${begin}\n${end}\n`],
    ["no padding", armor(Uint8Array.of(1)).replace(/=+\n/, "\n")],
    ["a character that is not base64", text.replace("U1NI", "U1N*")],
    ["a header in the body", `${begin}\nComment: x\n${body}\n${end}\n`],
    ["another armor", text.replaceAll("SSH", "PGP")],
    ["nothing", ""],
  ])("is refused: %s", (_name, input) => {
    expect(dearmor(input)).toMatchObject({ ok: false, code: "FIELD_INVALID" });
  });

  test("is known by its first bytes", () => {
    expect(isSshsigArmor(utf8(text))).toBe(true);
    expect(isSshsigArmor(utf8(text.slice(1)))).toBe(false);
    expect(isSshsigArmor(utf8("-----BEGIN SSH"))).toBe(false);
  });

  test("is written for any bytes so that it is read back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
        expect(unwrap(dearmor(armor(bytes)))).toEqual(bytes);
      }),
    );
  });

  test("never throws", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        dearmor(bytes);
        dearmor(concat(utf8(`${begin}\n`), bytes, utf8(`\n${end}`)));
      }),
    );
  });

  test("a body that is too long is refused by its limit", () => {
    expect(dearmor(armor(new Uint8Array(200_000)))).toMatchObject({ code: "TOO_LARGE" });
    expect(toBase64(unwrap(dearmor(armor(new Uint8Array(60_000)))))).toHaveLength(80_000);
  });
});

describeRealData("openssh-sshsig", (read) => {
  const data = read("signed-data");
  const namespace = (fromUtf8(read("namespace")) ?? "").trim();

  test.each(["ecdsa", "ed25519", "rsa", "ecdsa_sk", "ed25519_sk"])(
    "OpenSSH's signature %s verifies, and not over other bytes",
    (name) => {
      const sshsig = unwrap(parseSshsig(unwrap(dearmor(read(`${name}.sig`)))));
      expect(sshsig.namespace).toBe(namespace);
      expect(sshsig.signature.fido !== undefined).toBe(name.endsWith("_sk"));
      expect(verifies(sshsig, data)).toBe(true);
      expect(verifies(sshsig, flipped(data, 0))).toBe(false);
    },
  );

  test.each([
    ["ecdsa_sk_webauthn", "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"],
    ["mldsa44-ed25519", "mldsa44-ed25519"],
  ])("OpenSSH's signature %s is unsupported, and the message names it", (name, algorithm) => {
    expect(parseSshsig(unwrap(dearmor(read(`${name}.sig`))))).toMatchObject({
      code: "KIND_UNSUPPORTED",
      message: containing(algorithm),
    });
  });
});
