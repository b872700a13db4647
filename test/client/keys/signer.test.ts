import { generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { signFileLikeSshKeygen } from "../../../client/keys/git-sign.ts";
import { generateKey, KEY_TYPES } from "../../../client/keys/key-file.ts";
import { privateKeySigner } from "../../../client/keys/private-key.ts";
import {
  dsseSubmission,
  fileSubmission,
  gitSign,
  type Signer,
  signSshsig,
} from "../../../client/keys/signer.ts";
import { fromBase64, utf8 } from "../../../schema/bytes.ts";
import { pae } from "../../../schema/entry/dsse.ts";
import { parseSshsig } from "../../../schema/entry/sshsig.ts";
import { unwrap } from "../../../schema/error.ts";
import { detailsFor } from "../../../schema/key/key-details.ts";
import { encodeSpki } from "../../../schema/key/spki.ts";
import { formatSshKeyLine } from "../../../schema/key/ssh-key.ts";
import { MAX_CONTENT_BYTES } from "../../../schema/limits.ts";
import { folder, has, run } from "./tools.ts";

const PAYLOAD = utf8('{"_type":"https://in-toto.io/Statement/v1"}');
const NAMES = {
  ed25519: "PKIX_ED25519",
  p256: "PKIX_ECDSA_P256_SHA_256",
  p384: "PKIX_ECDSA_P384_SHA_384",
  "rsa-3072": "PKIX_RSA_PKCS1V15_3072_SHA256",
  "ml-dsa-44": "ML_DSA_44",
} as const;

const SSH_TYPES = ["ed25519", "p256", "p384", "rsa-3072"] as const;

async function make(type: (typeof KEY_TYPES)[number]): Promise<Signer> {
  return privateKeySigner(await generateKey(type), "a key");
}

function bytes(base64: string): Uint8Array {
  return fromBase64(base64) ?? new Uint8Array(0);
}

describe("submissions by a plain key", () => {
  test.each(KEY_TYPES)("%s signs the PAE under its keyDetails name", async (type) => {
    const signer = await make(type);
    const { envelope, verifiers } = await dsseSubmission(
      signer,
      "application/vnd.in-toto+json",
      PAYLOAD,
    );
    const [verifier] = verifiers;
    if (verifier === undefined || "sshsig" in verifier) throw new Error("not a plain signature");
    expect(verifier).toEqual({
      keyDetails: NAMES[type],
      publicKey: Buffer.from(encodeSpki(signer.publicKey)).toString("base64"),
    });
    if (!("publicKey" in verifier)) throw new Error("not a plain key");
    const { algorithm } = unwrap(detailsFor(verifier.keyDetails));
    const [signature] = envelope.signatures;
    const message = pae(envelope.payloadType, bytes(envelope.payload));
    expect(bytes(envelope.payload)).toEqual(PAYLOAD);
    expect(
      await nodeCrypto.verify(
        algorithm,
        bytes(verifier.publicKey),
        message,
        bytes(signature?.sig ?? ""),
      ),
    ).toBe(true);
    expect(signature?.keyid).toBe(signer.ssh?.fingerprint);
  });

  test.each(KEY_TYPES)("%s signs a file as it is", async (type) => {
    const submission = await fileSubmission(await make(type), PAYLOAD);
    if (submission.kind !== "raw") throw new Error("not raw");
    const { verifier } = submission;
    if (!("publicKey" in verifier)) throw new Error("not a plain key");
    const { algorithm } = unwrap(detailsFor(verifier.keyDetails));
    const key = bytes(verifier.publicKey);
    expect(bytes(submission.content)).toEqual(PAYLOAD);
    expect(await nodeCrypto.verify(algorithm, key, PAYLOAD, bytes(submission.signature))).toBe(
      true,
    );
  });

  test.each([
    ["P-521", () => generateKeyPairSync("ec", { namedCurve: "P-521" })],
    ["RSA of 2056 bits", () => generateKeyPairSync("rsa", { modulusLength: 2056 })],
  ] as const)("%s has no keyDetails name, so it signs SSH's way", async (_name, pair) => {
    const signer = privateKeySigner(pair().privateKey, "a key");
    const { envelope, verifiers } = await dsseSubmission(signer, "text/plain", PAYLOAD);
    expect(verifiers).toEqual([{ sshsig: true }]);
    const sshsig = unwrap(parseSshsig(bytes(envelope.signatures[0]?.sig ?? "")));
    expect(sshsig.namespace).toBe("dsse@countersign");
  });

  test("a content over the limit is refused before it is signed", async () => {
    const signer = await make("ed25519");
    const refusal = { code: "TOO_LARGE", detail: { field: "content", limit: MAX_CONTENT_BYTES } };
    const large = new Uint8Array(MAX_CONTENT_BYTES + 1);
    await expect(fileSubmission(signer, large)).rejects.toMatchObject(refusal);
    await expect(dsseSubmission(signer, "a", large.subarray(10))).rejects.toMatchObject(refusal);
  });

  test("ML-DSA-44 makes no SSH signature, and the error says which keys do", async () => {
    await expect(gitSign(await make("ml-dsa-44"), PAYLOAD)).rejects.toMatchObject({
      code: "SIGNER_FAILED",
      message: "a key (ml-dsa-44) cannot make SSH signatures",
      detail: { expected: "an Ed25519, ECDSA or RSA key" },
    });
  });

  test("a key does not sign by another key's algorithm", async () => {
    const signer = await make("p256");
    await expect(signer.signRaw?.("ecdsa-p384-sha384", PAYLOAD)).rejects.toMatchObject({
      code: "FIELD_INVALID",
      detail: { field: "algorithm" },
    });
  });

  test.each(["", "a\0b"])("the namespace %j is refused", async (namespace) => {
    await expect(signSshsig(await make("ed25519"), namespace, PAYLOAD)).rejects.toMatchObject({
      code: "FIELD_INVALID",
      detail: { field: "namespace" },
    });
  });
});

describe.skipIf(!has("ssh-keygen"))("stock ssh-keygen", () => {
  test.each(SSH_TYPES)("accepts a signature by %s, and not over another file", async (type) => {
    const directory = folder();
    const file = join(directory, "file");
    const signers = join(directory, "allowed_signers");
    writeFileSync(file, "content");
    const signer = await make(type);
    if (signer.ssh === undefined) throw new Error("no SSH key");
    writeFileSync(signers, `ann@example.test ${formatSshKeyLine(signer.ssh)}\n`);
    const written = await signFileLikeSshKeygen(signer, "file", file);
    expect(written).toBe(`${file}.sig`);
    const args = [
      "-Y",
      "verify",
      "-f",
      signers,
      "-I",
      "ann@example.test",
      "-n",
      "file",
      "-s",
      written,
    ];
    expect(run("ssh-keygen", args, { input: "content" })).toMatch(
      /^Good "file" signature for ann@example.test/,
    );
    expect(() => run("ssh-keygen", args, { input: "other content" })).toThrow(
      /incorrect signature/i,
    );
    await expect(signFileLikeSshKeygen(signer, "file", file)).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
    });
    expect(readFileSync(written, "utf8")).toMatch(/^-----BEGIN SSH SIGNATURE-----\n/);
  });
});
