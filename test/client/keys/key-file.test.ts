import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { generateKeyFile, KEY_TYPES, openKeyFile } from "../../../client/keys/key-file.ts";
import { plainDetails, type Signer } from "../../../client/keys/signer.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { LogError } from "../../../schema/error.ts";
import { KEY_DETAILS } from "../../../schema/key/key-details.ts";
import { encodeSpki } from "../../../schema/key/spki.ts";
import { folder, has, run } from "./tools.ts";

const MESSAGE = utf8("a message");

async function signs(signer: Signer): Promise<boolean> {
  const name = plainDetails(signer.publicKey);
  if (name === undefined || signer.signRaw === undefined) return false;
  const { algorithm } = KEY_DETAILS[name];
  const signature = await signer.signRaw(algorithm, MESSAGE);
  return nodeCrypto.verify(algorithm, encodeSpki(signer.publicKey), MESSAGE, signature);
}

describe("generated key files", () => {
  test.each(KEY_TYPES)("%s: written with mode 0600, opened again, signs", async (type) => {
    const path = join(folder(), "key");
    const made = await generateKeyFile(path, type);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const opened = await openKeyFile(path);
    expect(opened.publicKey).toEqual(made.publicKey);
    expect(opened.describe()).toBe(made.describe());
    expect(await signs(opened)).toBe(true);
  });

  test.each(["ed25519", "ml-dsa-44"] as const)(
    "%s with a passphrase: encrypted on disk, opened by it and by nothing else",
    async (type) => {
      const path = join(folder(), "key");
      const made = await generateKeyFile(path, type, "correct horse");
      const text = readFileSync(path, "utf8");
      expect(text).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
      expect(await signs(await openKeyFile(path, async () => "correct horse"))).toBe(true);
      const asked: string[] = [];
      const wrong = async (name: string): Promise<string> => {
        asked.push(name);
        return "wrong horse";
      };
      await expect(openKeyFile(path, wrong)).rejects.toMatchObject({
        code: "SIGNER_FAILED",
        message: `the passphrase does not open the key ${path}`,
      });
      expect(asked).toEqual([path]);
      await expect(openKeyFile(path)).rejects.toMatchObject({
        message: `the key ${path} is encrypted and nobody can be asked`,
      });
      const key = createPrivateKey({ key: text, passphrase: "correct horse" });
      expect(key.asymmetricKeyType).toBe(made.publicKey.type);
    },
  );

  test.skipIf(!has("openssl"))("openssl opens an encrypted key file of ours", async () => {
    const path = join(folder(), "key");
    await generateKeyFile(path, "p256", "correct horse");
    const shown = run("openssl", [
      "pkey",
      "-in",
      path,
      "-passin",
      "pass:correct horse",
      "-noout",
      "-text",
    ]);
    expect(shown).toContain("P-256");
  });

  test("an empty passphrase is refused, and nothing is written", async () => {
    const path = join(folder(), "key");
    await expect(generateKeyFile(path, "ed25519", "")).rejects.toMatchObject({
      code: "FIELD_INVALID",
    });
    expect(existsSync(path)).toBe(false);
  });

  test("K2 an existing file is never written over", async () => {
    const path = join(folder(), "key");
    writeFileSync(path, "precious");
    await expect(generateKeyFile(path, "ed25519")).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
      message: `${path} exists already and is not written over`,
    });
    expect(readFileSync(path, "utf8")).toBe("precious");
  });
});

describe("opening", () => {
  test("K2 a key that others may read is refused, with the command that mends it", async () => {
    const directory = folder();
    const path = join(directory, "key");
    await generateKeyFile(path, "ed25519");
    symlinkSync(path, join(directory, "link"));
    for (const mode of [0o640, 0o604, 0o620, 0o602, 0o610, 0o777]) {
      chmodSync(path, mode);
      for (const name of [path, join(directory, "link")])
        await expect(openKeyFile(name)).rejects.toMatchObject({
          code: "SIGNER_FAILED",
          message: `others may read the key ${name} (mode 0${mode.toString(8)})`,
          detail: { hint: `chmod 600 ${name}` },
        });
    }
    for (const mode of [0o600, 0o400, 0o700]) {
      chmodSync(path, mode);
      expect(await signs(await openKeyFile(path))).toBe(true);
    }
  });

  test("a pipe, a folder and a device are refused at once, and nobody waits for them", async () => {
    const directory = folder();
    const pipe = join(directory, "pipe");
    run("mkfifo", [pipe]);
    for (const path of [pipe, directory, "/dev/null"])
      await expect(openKeyFile(path)).rejects.toThrow(/it is not a file/);
  });

  test("a file of PKCS#8 made by others opens", async () => {
    const path = join(folder(), "key");
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = privateKey.export({
      type: "pkcs8",
      format: "pem",
      cipher: "aes-128-cbc",
      passphrase: "p",
    });
    writeFileSync(path, pem, { mode: 0o600 });
    expect(await signs(await openKeyFile(path, async () => "p"))).toBe(true);
  });

  test("what is no key is refused, and the hint says what to do", async () => {
    const path = join(folder(), "key");
    const sec1 = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    for (const [text, hint] of [
      ["", "countersign key generate"],
      ["hello\n", "countersign key generate"],
      ["ssh-ed25519 AAAA comment\n", "this is the public half"],
      ["-----BEGIN PUBLIC KEY-----\n", "this is the public half"],
      [sec1.export({ type: "sec1", format: "pem" }).toString(), "openssl pkcs8 -topk8"],
    ] as const) {
      writeFileSync(path, text, { mode: 0o600 });
      const error: unknown = await openKeyFile(path).catch((refusal: unknown) => refusal);
      expect(error).toMatchObject({ code: "SIGNER_FAILED" });
      expect(error instanceof LogError && error.detail.hint).toContain(hint);
    }
  });

  test("a damaged key, a folder, a missing and an oversized file are refused with their name", async () => {
    const directory = folder();
    const path = join(directory, "key");
    const text = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    writeFileSync(path, text, { mode: 0o600 });
    await expect(openKeyFile(path)).rejects.toMatchObject({ code: "SIGNER_FAILED" });
    mkdirSync(join(directory, "folder"));
    await expect(openKeyFile(join(directory, "folder"))).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
    });
    await expect(openKeyFile(join(directory, "none"))).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
      message: `the key file ${join(directory, "none")} is of no use: it cannot be read`,
    });
    writeFileSync(join(directory, "big"), "x".repeat(65_537), { mode: 0o600 });
    await expect(openKeyFile(join(directory, "big"))).rejects.toMatchObject({
      code: "TOO_LARGE",
      detail: { limit: 65_536 },
    });
  });

  test.each([
    [
      "an RSA key of 1024 bits",
      () => generateKeyPairSync("rsa", { modulusLength: 1024 }),
      "KEY_REFUSED",
    ],
    [
      "a key on secp256k1",
      () => generateKeyPairSync("ec", { namedCurve: "secp256k1" }),
      "KIND_UNSUPPORTED",
    ],
    ["an X25519 key", () => generateKeyPairSync("x25519"), "KIND_UNSUPPORTED"],
    [
      "an RSASSA-PSS key",
      () => generateKeyPairSync("rsa-pss", { modulusLength: 2048 }),
      "KIND_UNSUPPORTED",
    ],
  ] as const)("%s is refused", async (_name, make, code) => {
    const path = join(folder(), "key");
    const { privateKey } = make();
    writeFileSync(path, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
    await expect(openKeyFile(path)).rejects.toMatchObject({ code });
  });
});
