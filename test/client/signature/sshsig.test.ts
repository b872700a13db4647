import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { browserCrypto } from "../../../client/crypto/browser.ts";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { generateKey } from "../../../client/keys/key-file.ts";
import { privateKeySigner } from "../../../client/keys/private-key.ts";
import { signSshsig } from "../../../client/keys/signer.ts";
import { verifyEntrySignature, verifySignature } from "../../../client/signature/registry.ts";
import { sshsigKind } from "../../../client/signature/sshsig.ts";
import { concat, fromUtf8, utf8 } from "../../../schema/bytes.ts";
import { dearmor, parseSshsig } from "../../../schema/entry/sshsig.ts";
import { unwrap } from "../../../schema/error.ts";
import { parseGitObject } from "../../../schema/git/object.ts";
import { parseSshKeyLine } from "../../../schema/key/ssh-key.ts";
import { sshString, sshU32, sshUnsigned } from "../../../schema/key/ssh-wire.ts";
import { flipped } from "../../contract/crypto.ts";
import { describeRealData } from "../../data.ts";
import { sshEntry, withContent, withKey, withSignature } from "./entries.ts";

const drivers = [
  ["node", nodeCrypto],
  ["browser", browserCrypto(globalThis.crypto.subtle)],
] as const;

describeRealData("openssh-sshsig", (read) => {
  const message = read("signed-data");
  const blobOf = (name: string): Uint8Array => unwrap(dearmor(read(`${name}.sig`)));
  const known = ["ed25519", "ecdsa", "rsa", "ed25519_sk", "ecdsa_sk"];

  test.each(known.flatMap((name) => drivers.map(([driver]) => [name, driver] as const)))(
    "OpenSSH's vector %s verifies with the %s driver under its published key",
    async (name, driver) => {
      const crypto = driver === "node" ? nodeCrypto : browserCrypto(globalThis.crypto.subtle);
      const blob = blobOf(name);
      const published = unwrap(parseSshKeyLine(fromUtf8(read(`${name}.pub`)) ?? ""));
      const { leaf, content } = sshEntry(message, blob);
      expect(leaf.signature.key.value).toEqual(published.wire);
      const result = await verifyEntrySignature(crypto, leaf, content);
      expect(result).toMatchObject({
        ok: true,
        evidence: {
          keyType: published.algorithm,
          namespace: (fromUtf8(read("namespace")) ?? "").trim(),
        },
      });
      expect(result.ok && result.evidence.hardware !== undefined).toBe(name.endsWith("_sk"));
    },
  );

  test.each(known)("one changed byte of OpenSSH's vector %s refuses it", async (name) => {
    const blob = blobOf(name);
    const good = sshEntry(message, blob);
    expect((await ask(withContent(good, flipped(message, 3, 1)))).ok).toBe(false);
    const accepted: number[] = [];
    for (let i = 0; i < blob.length; i++)
      if ((await ask(withSignature(good, { value: flipped(blob, i, 1) }))).ok) accepted.push(i);
    expect(accepted).toEqual([]);
  });

  test.each([
    ["ecdsa_sk_webauthn", "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"],
    ["mldsa44-ed25519", "ssh-mldsa44-ed25519@openssh.com"],
  ])("%s is refused as an unsupported kind", async (name, algorithm) => {
    const result = await sshsigKind.verify(nodeCrypto, {
      algorithm: undefined,
      key: new Uint8Array(0),
      signature: blobOf(name),
      content: message,
    });
    expect(result).toMatchObject({ ok: false, reason: "unsupported kind" });
    expect(!result.ok && result.message).toContain(algorithm);
  });
});

describeRealData("git-commits", (read, path) => {
  const files = readdirSync(path).filter((file) => file.endsWith(".commit"));
  const plain = files.filter((file) => file.startsWith("ssh-") && !file.includes("-cert-v01"));
  const objects = (names: readonly string[]) =>
    names.map((name) => ({ name, object: unwrap(parseGitObject(read(name))) }));

  test("there are 75 commits, 47 of them with plain SSH signatures", () => {
    expect(files).toHaveLength(75);
    expect(plain).toHaveLength(47);
  });

  test("the 47 verify with both drivers, and one changed byte of payload, signature or key refuses each", async () => {
    const wrong: string[] = [];
    const hardware: number[] = [];
    for (const { name, object } of objects(plain)) {
      const blob = unwrap(dearmor(object.signature?.armored ?? ""));
      const good = sshEntry(object.payload, blob);
      for (const [driver, crypto] of drivers) {
        const result = await verifyEntrySignature(crypto, good.leaf, good.content);
        if (!result.ok || result.evidence.namespace !== "git") wrong.push(`${name} ${driver}`);
        if (result.ok && result.evidence.hardware) hardware.push(result.evidence.hardware.flags);
      }
      const { value: wire = new Uint8Array(0) } = good.leaf.signature.key;
      const middle = object.payload.length >> 1;
      if ((await ask(withContent(good, flipped(object.payload, middle, 1)))).ok)
        wrong.push(`${name} payload`);
      const { blob: inner } = unwrap(parseSshsig(blob)).signature;
      const at = Buffer.from(blob).lastIndexOf(inner) + (inner.length >> 1);
      if ((await ask(withSignature(good, { value: flipped(blob, at, 1) }))).ok)
        wrong.push(`${name} signature`);
      const keyAt = Buffer.from(blob).indexOf(wire) + (wire.length >> 1);
      if ((await ask(withSignature(good, { value: flipped(blob, keyAt, 1) }))).ok)
        wrong.push(`${name} key in the blob`);
      if ((await ask(withKey(good, { value: flipped(wire, wire.length >> 1, 1) }))).ok)
        wrong.push(`${name} key`);
    }
    expect(wrong).toEqual([]);
    expect(hardware).toHaveLength(22);
  });

  test("every other kind is refused as unsupported", async () => {
    const others = objects(files.filter((file) => !plain.includes(file)));
    expect(others).toHaveLength(28);
    for (const { object } of others) {
      const kind = object.signature?.kind ?? "unknown";
      const input = {
        algorithm: undefined,
        key: new Uint8Array(0),
        signature: object.signature?.armored ?? new Uint8Array(0),
        content: object.payload,
      };
      const result =
        kind === "ssh"
          ? await sshsigKind.verify(nodeCrypto, {
              ...input,
              signature: unwrap(dearmor(input.signature)),
            })
          : await verifySignature(nodeCrypto, kind, input);
      expect(result).toMatchObject({ ok: false, reason: "unsupported kind" });
    }
  });
});

const ask = ({
  leaf,
  content,
}: {
  leaf: Parameters<typeof verifyEntrySignature>[1];
  content: Uint8Array;
}) => verifyEntrySignature(nodeCrypto, leaf, content);

/** An SSHSIG by a FIDO key that is kept in this test instead of in a token. */
function fidoSshsig(flags: number, counter: number, message: Uint8Array, application = "ssh:") {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = new Uint8Array(publicKey.export({ type: "spki", format: "der" })).subarray(-32);
  const name = "sk-ssh-ed25519@openssh.com";
  const wire = concat(sshString(name), sshString(raw), sshString(application));
  const digest = createHash("sha512").update(message).digest();
  const tbs = concat(
    utf8("SSHSIG"),
    sshString("file"),
    sshString(""),
    sshString("sha512"),
    sshString(digest),
  );
  const hash = (data: Uint8Array): Uint8Array => createHash("sha256").update(data).digest();
  const tail = concat(Uint8Array.of(flags), sshU32(counter));
  const signature = sign(null, concat(hash(utf8(application)), tail, hash(tbs)), privateKey);
  return concat(
    utf8("SSHSIG"),
    sshU32(1),
    sshString(wire),
    sshString("file"),
    sshString(""),
    sshString("sha512"),
    sshString(concat(sshString(name), sshString(signature), tail)),
  );
}

describe("FIDO keys", () => {
  const message = utf8("touched");

  test.each([
    [0x01, true, false],
    [0x05, true, true],
    [0x00, false, false],
    [0x04, false, true],
  ])("flags %i are evidence, not a reason to refuse", async (flags, userPresent, userVerified) => {
    const { leaf, content } = sshEntry(message, fidoSshsig(flags, 0xfffffffe, message));
    expect(await ask({ leaf, content })).toMatchObject({
      ok: true,
      evidence: {
        keyType: "sk-ssh-ed25519@openssh.com",
        algorithm: "ed25519",
        hardware: { application: "ssh:", flags, userPresent, userVerified, counter: 0xfffffffe },
      },
    });
  });

  test("flags, counter and application are signed: none can be changed afterwards", async () => {
    const blob = fidoSshsig(0x01, 7, message);
    const good = sshEntry(message, blob);
    expect((await ask(good)).ok).toBe(true);
    for (const fromEnd of [5, 4, 3, 2, 1])
      expect(
        await ask(withSignature(good, { value: flipped(blob, blob.length - fromEnd, 4) })),
      ).toMatchObject({ reason: "signature does not verify" });
    const other = fidoSshsig(0x01, 7, message, "ssh:other");
    expect((await ask(sshEntry(message, other))).ok).toBe(true);
  });
});

describe("an SSHSIG and its leaf", () => {
  const message = utf8("a file");

  test("must be by the key that the leaf names", async () => {
    const one = privateKeySigner(await generateKey("ed25519"), "one");
    const two = privateKeySigner(await generateKey("ed25519"), "two");
    const entry = sshEntry(message, await signSshsig(one, "file", message));
    const { wire = new Uint8Array(0) } = two.ssh ?? {};
    expect(await ask(withKey(entry, { value: wire }))).toMatchObject({
      reason: "key is refused",
      message: "the SSHSIG is by another key than is named",
    });
  });

  test("must not name an algorithm in the leaf beside its own", async () => {
    const signer = privateKeySigner(await generateKey("ed25519"), "one");
    const entry = sshEntry(message, await signSshsig(signer, "file", message));
    expect(await ask(withSignature(entry, { algorithm: "PKIX_ED25519" }))).toMatchObject({
      reason: "signature is malformed",
    });
  });

  test("the namespace is signed", async () => {
    const signer = privateKeySigner(await generateKey("p256"), "one");
    const blob = await signSshsig(signer, "file", message);
    const renamed = new Uint8Array(blob);
    const at = Buffer.from(blob).indexOf("file");
    renamed.set(utf8("tile"), at);
    expect(await ask(sshEntry(message, renamed))).toMatchObject({
      reason: "signature does not verify",
    });
  });

  test("RSA with SHA-1 is an unsupported kind", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const jwk = publicKey.export({ format: "jwk" });
    const bytes = (text: string | undefined): Uint8Array => Buffer.from(text ?? "", "base64url");
    const wire = concat(sshString("ssh-rsa"), sshUnsigned(bytes(jwk.e)), sshUnsigned(bytes(jwk.n)));
    const digest = createHash("sha512").update(message).digest();
    const tbs = concat(
      utf8("SSHSIG"),
      sshString("file"),
      sshString(""),
      sshString("sha512"),
      sshString(digest),
    );
    const blob = concat(
      utf8("SSHSIG"),
      sshU32(1),
      ...[wire, "file", "", "sha512"].map(sshString),
      sshString(concat(sshString("ssh-rsa"), sshString(sign("sha1", tbs, privateKey)))),
    );
    const input = { algorithm: undefined, key: wire, signature: blob, content: message };
    expect(await sshsigKind.verify(nodeCrypto, input)).toMatchObject({
      reason: "unsupported kind",
    });
  });

  test("whatever the bytes, the answer is data", async () => {
    const signer = privateKeySigner(await generateKey("ed25519"), "one");
    const blob = await signSshsig(signer, "file", message);
    const { wire = new Uint8Array(0) } = signer.ssh ?? {};
    const junk = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat({ max: blob.length }).map((length) => blob.slice(0, length)),
      fc
        .record({ at: fc.nat({ max: blob.length - 1 }), byte: fc.integer({ min: 1, max: 255 }) })
        .map(({ at, byte }) => flipped(blob, at, byte)),
    );
    await fc.assert(
      fc.asyncProperty(junk, async (signature) => {
        const input = { algorithm: undefined, key: wire, signature, content: message };
        const result = await sshsigKind.verify(nodeCrypto, input);
        expect(result.ok).toBe(Buffer.from(signature).equals(blob));
      }),
      { numRuns: 500 },
    );
  });
});
