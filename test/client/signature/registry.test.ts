import { generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { browserCrypto } from "../../../client/crypto/browser.ts";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { generateKey } from "../../../client/keys/key-file.ts";
import { privateKeySigner } from "../../../client/keys/private-key.ts";
import { plainDetails, type Signer, signSshsig } from "../../../client/keys/signer.ts";
import type { SignatureInput } from "../../../client/signature/kind.ts";
import {
  SIGNATURE_KINDS,
  verifyEntrySignature,
  verifySignature,
} from "../../../client/signature/registry.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { pae } from "../../../schema/entry/dsse.ts";
import type { HashedrekordLeaf } from "../../../schema/entry/leaf.ts";
import { unwrap } from "../../../schema/error.ts";
import { KEY_DETAILS } from "../../../schema/key/key-details.ts";
import { encodeSpki, parseSpki } from "../../../schema/key/spki.ts";
import { flipped } from "../../contract/crypto.ts";
import {
  type Entry,
  plainEntry,
  sshEntry,
  withContent,
  withKey,
  withSignature,
} from "./entries.ts";

const PAE = pae("application/vnd.in-toto+json", utf8("{}"));

async function signer(type: Parameters<typeof generateKey>[0]): Promise<Signer> {
  return privateKeySigner(await generateKey(type), "a test key");
}

async function plain(
  format: "dsse" | "raw",
  type: Parameters<typeof generateKey>[0],
  content: Uint8Array,
): Promise<Entry> {
  const { publicKey, signRaw } = await signer(type);
  const name = plainDetails(publicKey);
  if (name === undefined || signRaw === undefined) throw new Error("no plain signature");
  const signature = await signRaw(KEY_DETAILS[name].algorithm, content);
  return plainEntry(format, name, encodeSpki(publicKey), content, signature);
}

const ask = ({ leaf, content }: Entry, keyObject?: Uint8Array) =>
  verifyEntrySignature(nodeCrypto, leaf, content, keyObject);

describe("every kind and key type", () => {
  const types = ["ed25519", "p256", "p384", "rsa-3072", "ml-dsa-44"] as const;
  const names = {
    ed25519: "ed25519",
    p256: "ecdsa-p256",
    p384: "ecdsa-p384",
    "rsa-3072": "rsa-3072",
    "ml-dsa-44": "ml-dsa-44",
  };

  test.each(
    types.flatMap((type) => (["dsse", "raw"] as const).map((format) => [format, type] as const)),
  )(
    "%s with %s verifies, names its signer, and one changed byte of each part refuses it",
    async (format, type) => {
      const good = await plain(format, type, PAE);
      const { key, value } = good.leaf.signature;
      const result = await ask(good);
      expect(result).toMatchObject({
        ok: true,
        evidence: { keyType: names[type], signerId: key.id },
      });
      expect(await ask(withContent(good, flipped(PAE, PAE.length - 1, 1)))).toMatchObject({
        ok: false,
        reason: "signature does not verify",
      });
      expect(
        await ask(withSignature(good, { value: flipped(value, value.length - 1, 1) })),
      ).toMatchObject({
        ok: false,
        reason: "signature does not verify",
      });
      const spki = key.value ?? new Uint8Array(0);
      const other = await ask(withKey(good, { value: flipped(spki, spki.length - 2, 1) }));
      expect(other.ok).toBe(false);
    },
  );

  test.each(["ed25519", "p256", "p384", "rsa-3072"] as const)(
    "sshsig with %s verifies and carries its namespace",
    async (type) => {
      const key = await signer(type);
      const result = await ask(sshEntry(PAE, await signSshsig(key, "dsse@countersign", PAE)));
      expect(result).toMatchObject({
        ok: true,
        evidence: { namespace: "dsse@countersign", publicKey: { type: key.publicKey.type } },
      });
    },
  );

  test("an unknown kind is refused as unsupported, with the kinds that there are", async () => {
    const { leaf, content } = await plain("raw", "ed25519", PAE);
    const input: SignatureInput = {
      algorithm: undefined,
      key: leaf.signature.key.value ?? new Uint8Array(0),
      signature: leaf.signature.value,
      content,
    };
    for (const format of ["openpgp", "cms", "webauthn", "", "RAW", "__proto__"])
      expect(await verifySignature(nodeCrypto, format, input)).toEqual({
        ok: false,
        reason: "unsupported kind",
        field: "signature.format",
        message: "this program verifies dsse, raw, sshsig signatures",
      });
    expect(SIGNATURE_KINDS.map((kind) => kind.format)).toEqual(["dsse", "raw", "sshsig"]);
  });
});

describe("what a leaf binds", () => {
  test("without the content nothing is verified", async () => {
    const { leaf } = await plain("raw", "ed25519", PAE);
    expect(await verifyEntrySignature(nodeCrypto, leaf, undefined)).toMatchObject({
      reason: "content is not held",
    });
  });

  test("another content than the leaf names is refused before the signature is looked at", async () => {
    const good = await plain("raw", "ed25519", PAE);
    for (const content of [utf8(""), PAE.subarray(1), flipped(PAE, 0, 1)])
      expect(await ask({ ...good, content })).toMatchObject({
        reason: "content has another digest",
        field: "content",
      });
  });

  test("a wrong signer id in the leaf is refused although the signature is good", async () => {
    const good = await plain("raw", "p256", PAE);
    expect(
      await ask(withKey(good, { id: nodeCrypto.sha256(utf8("somebody else")) })),
    ).toMatchObject({
      reason: "key has another id",
      field: "signature.key.id",
    });
  });

  test("a key object is needed, and must be the one that the leaf names", async () => {
    const good = await plain("raw", "ml-dsa-44", PAE);
    const { id, value = new Uint8Array(0) } = good.leaf.signature.key;
    const named = withSignature(good, { key: { id, digest: nodeCrypto.sha256(value) } });
    expect(await ask(named)).toMatchObject({ reason: "key is not given" });
    expect(await ask(named, value)).toMatchObject({ ok: true });
    expect(await ask(named, flipped(value, 40, 1))).toMatchObject({ reason: "key is not given" });
  });

  test("a dsse signature over bytes that are no envelope is refused, a raw one is not", async () => {
    const content = utf8("DSSEv1 3 abc 9 ab");
    expect(await ask(await plain("raw", "ed25519", content))).toMatchObject({ ok: true });
    expect(await ask(await plain("dsse", "ed25519", content))).toMatchObject({
      reason: "signature is malformed",
      field: "content",
    });
  });

  test("the name of the algorithm must be there and fit the key exactly", async () => {
    const { leaf, content } = await plain("raw", "rsa-3072", PAE);
    const { algorithm, key, value: signature } = leaf.signature;
    const input = { key: key.value ?? new Uint8Array(0), signature, content };
    for (const [name, answer] of [
      [algorithm, { ok: true }],
      ["PKIX_RSA_PKCS1V15_4096_SHA256", { reason: "key is refused" }],
      ["PKIX_RSA_PSS_3072_SHA256", { reason: "signature does not verify" }],
      ["PKIX_ED25519", { reason: "key is refused" }],
      ["PKIX_ED25519_PH", { reason: "unsupported kind" }],
      ["toString", { reason: "unsupported kind" }],
      [undefined, { reason: "signature is malformed" }],
    ] as const)
      expect(await verifySignature(nodeCrypto, "raw", { ...input, algorithm: name })).toMatchObject(
        answer,
      );
  });

  test("a key that is not in canonical encoding is refused, even where its numbers are good", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa-pss", { modulusLength: 3072 });
    const input = {
      algorithm: "PKIX_RSA_PSS_3072_SHA256",
      key: new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
      signature: sign("sha256", PAE, { key: privateKey, saltLength: 32 }),
      content: PAE,
    };
    expect(await verifySignature(nodeCrypto, "raw", input)).toMatchObject({
      reason: "key is refused",
    });
    const key = encodeSpki(unwrap(parseSpki(input.key)));
    expect(await verifySignature(nodeCrypto, "raw", { ...input, key })).toMatchObject({ ok: true });
  });

  test("a hashedrekord is verified over the bytes behind its digest", async () => {
    const { leaf, content } = await plain("raw", "p256", PAE);
    const record: HashedrekordLeaf = {
      kind: "hashedrekord",
      digest: leaf.content.digest,
      keyDetails: "PKIX_ECDSA_P256_SHA_256",
      verifier: {
        container: "publicKey",
        bytes: leaf.signature.key.value ?? new Uint8Array(0),
      },
      signature: leaf.signature.value,
    };
    expect(await verifyEntrySignature(nodeCrypto, record, content)).toMatchObject({
      ok: true,
      evidence: { keyType: "ecdsa-p256", signerId: leaf.signature.key.id },
    });
    expect(await verifyEntrySignature(nodeCrypto, record, undefined)).toMatchObject({
      reason: "content is not held",
    });
    expect(await verifyEntrySignature(nodeCrypto, record, utf8("x"))).toMatchObject({
      reason: "content has another digest",
    });
    const bad = { ...record, signature: flipped(record.signature, 20, 1) };
    expect(await verifyEntrySignature(nodeCrypto, bad, content)).toMatchObject({
      reason: "signature does not verify",
    });
  });

  test("where the platform lacks the algorithm, that is the reason, not the signature", async () => {
    const { leaf, content } = await plain("raw", "rsa-3072", PAE);
    expect(await verifyEntrySignature(browserCrypto(), leaf, content)).toMatchObject({
      reason: "unsupported by this platform",
    });
    const ssh = sshEntry(PAE, await signSshsig(await signer("rsa-3072"), "file", PAE));
    expect(await verifyEntrySignature(browserCrypto(), ssh.leaf, PAE)).toMatchObject({
      reason: "unsupported by this platform",
    });
  });
});
