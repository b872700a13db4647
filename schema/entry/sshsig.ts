/**
 * SSHSIG, the signature format of `ssh-keygen -Y sign` and of git.
 *
 *     "SSHSIG" u32 1 · string key · string namespace · string reserved · string hash · string signature
 *     signed:  "SSHSIG" · string namespace · string reserved · string hash · string H(message)
 *
 * Read strictly: one version, no byte after the end, the reserved field empty (what it would
 * mean is not known, so nothing can be said about such a signature), the signature of the
 * algorithm of its key. RSA signs with SHA-2 only. The armor is read as ssh-keygen reads it.
 *
 * Spec: OpenSSH PROTOCOL.sshsig, PROTOCOL.u2f. Vectors: test/vectors/sshsig/.
 *
 * @module
 */
import { concat, fromBase64, fromUtf8, latin1, toBase64, utf8 } from "../bytes.ts";
import { type Failure, failure, type Result, success } from "../error.ts";
import { parseSshKey, type SshPublicKey } from "../key/ssh-key.ts";
import { SshReader, sshString, sshU32 } from "../key/ssh-wire.ts";
import { MAX_SSHSIG_BYTES } from "../limits.ts";
import { formatSshSignature, parseSshSignature, type SshSignature } from "./ssh-signature.ts";

export type SshsigHash = "sha256" | "sha512";

export interface Sshsig {
  readonly publicKey: SshPublicKey;
  /** What the signature is for: `git`, `file`, `name@domain`. Never empty. */
  readonly namespace: string;
  /** How the message was hashed before it was signed. */
  readonly hashAlgorithm: SshsigHash;
  readonly signature: SshSignature;
}

const MAGIC = utf8("SSHSIG");
const VERSION = 1;
const BEGIN = "-----BEGIN SSH SIGNATURE-----";
const END = "-----END SSH SIGNATURE-----";
const ARMOR_COLUMNS = 70;

/**
 * Read a binary SSHSIG. Fails with `FIELD_INVALID`, `KIND_UNSUPPORTED` (version, algorithm,
 * hash, reserved), `KEY_REFUSED` or `SIGNATURE_INVALID` (numbers out of range).
 */
export function parseSshsig(attackerBlob: Uint8Array): Result<Sshsig> {
  if (attackerBlob.length > MAX_SSHSIG_BYTES)
    return failure("TOO_LARGE", `An SSHSIG has at most ${MAX_SSHSIG_BYTES} bytes.`, {
      limit: MAX_SSHSIG_BYTES,
    });
  if (!MAGIC.every((byte, i) => attackerBlob[i] === byte)) return malformed(0);
  const reader = new SshReader(attackerBlob.subarray(MAGIC.length));
  const here = (): number => MAGIC.length + reader.offset;
  const version = reader.u32();
  if (version === undefined) return malformed(here());
  if (version !== VERSION)
    return failure("KIND_UNSUPPORTED", `SSHSIG version ${version} is not supported.`, {
      expected: "version 1",
    });
  const key = reader.string();
  const namespace = reader.text();
  const reserved = reader.string();
  const hash = reader.text();
  const signature = reader.string();
  if (!key || !namespace || !reserved || hash === undefined || !signature || !reader.done)
    return malformed(here());
  if (reserved.length > 0)
    return failure("KIND_UNSUPPORTED", "An SSHSIG with a reserved field is not supported.");
  if (hash !== "sha256" && hash !== "sha512")
    return failure("KIND_UNSUPPORTED", "The hash of an SSHSIG must be sha256 or sha512.");
  const publicKey = parseSshKey(key);
  if (!publicKey.ok) return publicKey;
  const parsed = parseSshSignature(publicKey.value, signature);
  if (!parsed.ok) return parsed;
  return success({
    publicKey: publicKey.value,
    namespace,
    hashAlgorithm: hash,
    signature: parsed.value,
  });
}

/** The binary SSHSIG. Equal to what was parsed, where mpints were in their shortest form. */
export function formatSshsig(sshsig: Sshsig): Uint8Array<ArrayBuffer> {
  return concat(
    MAGIC,
    sshU32(VERSION),
    sshString(sshsig.publicKey.wire),
    sshString(sshsig.namespace),
    sshString(""),
    sshString(sshsig.hashAlgorithm),
    sshString(formatSshSignature(sshsig.signature)),
  );
}

/** The bytes that the key signs; `digest` is H(message) under `hashAlgorithm`. */
export function signedData(
  namespace: string,
  hashAlgorithm: SshsigHash,
  digest: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return concat(
    MAGIC,
    sshString(namespace),
    sshString(""),
    sshString(hashAlgorithm),
    sshString(digest),
  );
}

/** The armor that ssh-keygen writes: lines of 70 columns, a line feed after the last. */
export function armor(blob: Uint8Array): string {
  const base64 = toBase64(blob);
  let lines = "";
  for (let at = 0; at < base64.length; at += ARMOR_COLUMNS)
    lines += `${base64.slice(at, at + ARMOR_COLUMNS)}\n`;
  return `${BEGIN}\n${lines}${END}\n`;
}

/**
 * The binary SSHSIG in an armor, as ssh-keygen finds it: the first line is the header, alone
 * up to its line end; white space inside the base64 is skipped; what follows the footer is not
 * looked at. Fails with `FIELD_INVALID`.
 */
export function dearmor(attackerArmor: Uint8Array | string): Result<Uint8Array> {
  const text = typeof attackerArmor === "string" ? attackerArmor : latin1(attackerArmor);
  const head = /^-----BEGIN SSH SIGNATURE-----\r?\n/.exec(text.slice(0, BEGIN.length + 2));
  if (head === null) return notArmor("its first line must be the header");
  const start = head[0].length;
  const end = text.indexOf(`\n${END}`, start);
  if (end < 0) return notArmor("its footer is missing");
  if (end - start > 2 * MAX_SSHSIG_BYTES)
    return failure("TOO_LARGE", `An SSHSIG has at most ${MAX_SSHSIG_BYTES} bytes.`, {
      limit: MAX_SSHSIG_BYTES,
    });
  const blob = fromBase64(text.slice(start, end).replace(/[ \t\n\v\f\r]/g, ""));
  return blob ? success(blob) : notArmor("its body must be base64");
}

/** Whether bytes begin as an armored SSH signature does. */
export function isSshsigArmor(attackerBytes: Uint8Array): boolean {
  return fromUtf8(attackerBytes.subarray(0, BEGIN.length)) === BEGIN;
}

function malformed(at: number): Failure {
  return failure("FIELD_INVALID", "The bytes are not an SSHSIG.", { at: `${at}` });
}

function notArmor(reason: string): Failure {
  return failure("FIELD_INVALID", `This is not an armored SSH signature: ${reason}.`, {
    expected: BEGIN,
  });
}
