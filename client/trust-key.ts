/**
 * A key as a person writes it into the trust file, and the one id that all its forms share.
 *
 * Accepted: an OpenSSH public key line, a public key as PEM or base64 (SPKI DER), or the signer id
 * itself in hex or base64. All become the signer id of `docs/formats.md`, so that a key that signs
 * once through SSH and once through DSSE is one key.
 *
 * @module
 */
import { fromBase64, fromHex } from "../schema/bytes.ts";
import { failure, type Result, success } from "../schema/error.ts";
import { signerId } from "../schema/key/signer-id.ts";
import { parseSpki } from "../schema/key/spki.ts";
import { parseSshKeyLine } from "../schema/key/ssh-key.ts";
import { asHash, type Hash, type Sha256 } from "../schema/tlog/hash.ts";

const EXPECTED =
  'an OpenSSH line ("ssh-ed25519 AAAA…"), a public key in PEM or base64 (SPKI), or a signer id';

/** The signer id of a key in any of the forms above. The message completes "keys[0] …". */
export function readTrustedKey(sha256: Sha256, text: string): Result<Hash> {
  const trimmed = text.trim();
  if (/^[\w@.-]+ AAAA/.test(trimmed)) {
    const ssh = parseSshKeyLine(trimmed);
    return ssh.ok ? success(signerId(sha256, ssh.value.key)) : refused(ssh.message);
  }
  if (/PRIVATE KEY/.test(trimmed))
    return refused("is a PRIVATE key, which belongs nowhere but home");
  if (trimmed.startsWith("SHA256:"))
    return refused("is an SSH fingerprint, which hashes another encoding than a signer id does");
  const id = fromHex(trimmed);
  if (id !== undefined) return asId(id);
  const bytes = trimmed.startsWith("-----BEGIN") ? fromPem(trimmed) : fromBase64(trimmed);
  if (bytes === undefined) return refused("is no key");
  if (bytes.length === 32) return asId(bytes);
  const spki = parseSpki(bytes);
  return spki.ok ? success(signerId(sha256, spki.value)) : refused(spki.message);
}

function asId(bytes: Uint8Array): Result<Hash> {
  const id = asHash(bytes);
  return id === undefined
    ? refused(`is ${bytes.length} bytes long, a signer id has 32`)
    : success(id);
}

function fromPem(text: string): Uint8Array | undefined {
  const body =
    /^-----BEGIN PUBLIC KEY-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END PUBLIC KEY-----$/.exec(
      text,
    )?.[1];
  return body === undefined ? undefined : fromBase64(body.replace(/[\r\n]/g, ""));
}

function refused(message: string): Result<Hash> {
  return failure("KEY_REFUSED", message, { expected: EXPECTED });
}
