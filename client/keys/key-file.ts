/**
 * Key files: PKCS#8 in PEM, with or without a passphrase, and OpenSSH's own format.
 *
 * - K2  A key that others may read is not used: on systems with modes the file must be 0600 or
 *       stricter, judged on the open file and not on its name. A new one is made so, and an
 *       existing file is never written over.
 *
 * @module
 */
import { createPrivateKey, generateKeyPair, type KeyObject } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { LogError, unwrap } from "../../schema/error.ts";
import { OPENSSH_HEADER, type OpensshKeyFile, parseOpensshKey } from "./openssh-key.ts";
import { privateKeyPem } from "./pkcs8.ts";
import { privateKeySigner } from "./private-key.ts";
import type { Signer } from "./signer.ts";

/** Asks a person for the passphrase of the key at `path`. Called at most once for each opening. */
export type AskPassphrase = (path: string) => Promise<string>;

export const KEY_TYPES = ["ed25519", "p256", "p384", "rsa-3072", "ml-dsa-44"] as const;
export type KeyType = (typeof KEY_TYPES)[number];

const MAX_KEY_FILE_BYTES = 65_536;
const OTHERS = 0o077;
const PLAIN_HEADER = "-----BEGIN PRIVATE KEY-----";
const ENCRYPTED_HEADER = "-----BEGIN ENCRYPTED PRIVATE KEY-----";

/** The signer of a key file. Throws `SIGNER_FAILED`, `FILE_UNREADABLE` or `KEY_REFUSED`. */
export async function openKeyFile(path: string, askPassphrase?: AskPassphrase): Promise<Signer> {
  const found = await readKeyFile(path, askPassphrase);
  if (found.privateKey !== undefined) return privateKeySigner(found.privateKey, path);
  throw agentOnly(path, found.file);
}

/** What a key file holds: a usable key, or one that only the agent can use. */
export type KeyFileContent =
  | { readonly privateKey: KeyObject }
  | { readonly privateKey?: undefined; readonly file: OpensshKeyFile };

export async function readKeyFile(
  path: string,
  askPassphrase?: AskPassphrase,
): Promise<KeyFileContent> {
  const text = await readSecret(path);
  if (text.includes(OPENSSH_HEADER)) {
    const file = unwrap(parseOpensshKey(text));
    return file.privateKey === undefined ? { file } : { privateKey: file.privateKey };
  }
  if (text.includes(PLAIN_HEADER)) return { privateKey: decode(path, text) };
  if (!text.includes(ENCRYPTED_HEADER)) throw notAKey(path, text);
  if (askPassphrase === undefined)
    throw new LogError("SIGNER_FAILED", `the key ${path} is encrypted and nobody can be asked`, {
      field: "key",
      hint: "run this in a terminal, or give the passphrase in a file",
    });
  return { privateKey: decode(path, text, await askPassphrase(path)) };
}

/** Make a new key at `path` (mode 0600), encrypted where there is a passphrase, and open it. */
export async function generateKeyFile(
  path: string,
  type: KeyType,
  passphrase?: string,
): Promise<Signer> {
  if (passphrase === "")
    throw new LogError("FIELD_INVALID", "the passphrase is empty", { field: "passphrase" });
  const key = await generateKey(type);
  await writeNew(path, await privateKeyPem(key, passphrase));
  return privateKeySigner(key, path);
}

/** A new private key, in memory only. */
export async function generateKey(type: KeyType): Promise<KeyObject> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, _publicKey: KeyObject, privateKey: KeyObject): void => {
      if (error === null) resolve(privateKey);
      else reject(error);
    };
    switch (type) {
      case "ed25519":
        return generateKeyPair("ed25519", {}, done);
      case "p256":
        return generateKeyPair("ec", { namedCurve: "P-256" }, done);
      case "p384":
        return generateKeyPair("ec", { namedCurve: "P-384" }, done);
      case "rsa-3072":
        return generateKeyPair("rsa", { modulusLength: 3072 }, done);
      case "ml-dsa-44":
        return generateKeyPair("ml-dsa-44", {}, done);
    }
  });
}

/** Why a file's key cannot be used without an agent, and what to type. */
export function agentOnly(path: string, file: OpensshKeyFile): LogError {
  const reason = file.agentOnly ?? "it holds no private key";
  return new LogError("SIGNER_FAILED", `the key ${path} needs a running ssh-agent: ${reason}`, {
    field: "key",
    hint: `ssh-add ${path}`,
  });
}

async function readSecret(path: string): Promise<string> {
  let handle: FileHandle | undefined;
  try {
    // A pipe would be waited for before it could be told from a file.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const { mode, size } = await handle.stat();
    const kind = mode & 0o170000;
    if (kind !== 0o100000) throw unreadable(path, "it is not a file");
    if (size > MAX_KEY_FILE_BYTES)
      throw new LogError("TOO_LARGE", `${path} is too large for a key file`, {
        field: "key",
        limit: MAX_KEY_FILE_BYTES,
      });
    const text = await handle.readFile("utf8");
    if (process.platform !== "win32" && (mode & OTHERS) !== 0 && text.includes("PRIVATE KEY-----"))
      throw new LogError(
        "SIGNER_FAILED",
        `others may read the key ${path} (mode 0${(mode & 0o777).toString(8)})`,
        { field: "key", expected: "mode 0600 or stricter", hint: `chmod 600 ${path}` },
      );
    return text;
  } catch (error) {
    throw error instanceof LogError ? error : unreadable(path, "it cannot be read", error);
  } finally {
    await handle?.close();
  }
}

function decode(path: string, text: string, passphrase?: string): KeyObject {
  try {
    return createPrivateKey({
      key: text,
      format: "pem",
      ...(passphrase === undefined ? {} : { passphrase }),
    });
  } catch (error) {
    const message =
      passphrase === undefined
        ? `the private key in ${path} is damaged or of an unknown type`
        : `the passphrase does not open the key ${path}`;
    throw new LogError("SIGNER_FAILED", message, { field: "key", cause: error });
  }
}

function notAKey(path: string, text: string): LogError {
  const old = /-----BEGIN (?:RSA|EC|DSA) PRIVATE KEY-----/.test(text);
  const open = /^(?:ssh|ecdsa|sk)-|-----BEGIN PUBLIC KEY-----/.test(text);
  return new LogError("SIGNER_FAILED", `${path} holds no private key that can be used`, {
    field: "key",
    expected: "a PKCS#8 key in PEM, or an OpenSSH private key",
    hint: old
      ? `openssl pkcs8 -topk8 -scrypt -in ${path} -out ${path}.pem`
      : open
        ? "this is the public half; name the private key file, or use the ssh-agent"
        : "countersign key generate",
  });
}

/** Nothing is left behind where writing fails. */
async function writeNew(path: string, text: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(path, "wx", 0o600);
  } catch (error) {
    const exists = error instanceof Error && "code" in error && error.code === "EEXIST";
    throw exists
      ? new LogError("FILE_UNREADABLE", `${path} exists already and is not written over`, {
          field: "key",
          hint: "choose another name",
          cause: error,
        })
      : unreadable(path, "it cannot be written", error);
  }
  try {
    await handle.writeFile(text);
    await handle.sync();
    await handle.close();
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlink(path);
    throw unreadable(path, "it cannot be written", error);
  }
}

function unreadable(path: string, reason: string, cause?: unknown): LogError {
  return new LogError("FILE_UNREADABLE", `the key file ${path} is of no use: ${reason}`, {
    field: "key",
    cause,
  });
}
