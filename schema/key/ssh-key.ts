/**
 * SSH public keys: wire form, text line and fingerprint.
 *
 * Read are `ssh-ed25519`, `ecdsa-sha2-nistp256/384/521`, `ssh-rsa` and the FIDO keys
 * `sk-ssh-ed25519@openssh.com` and `sk-ecdsa-sha2-nistp256@openssh.com`. Certificates and
 * everything newer are refused as unsupported, by name. The wire form must be the one its
 * numbers give, and the numbers must pass K1 of `spki.ts`.
 *
 * Spec: RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709, OpenSSH PROTOCOL.u2f.
 * Vectors: test/vectors/sshsig/.
 *
 * @module
 */
import { concat, fromBase64, latin1, toBase64 } from "../bytes.ts";
import { type Failure, failure, type Result, success } from "../error.ts";
import { MAX_KEY_BYTES } from "../limits.ts";
import type { Sha256 } from "../tlog/hash.ts";
import { type Curve, ecdsaKey, ed25519Key, type PublicKey, rsaKey } from "./spki.ts";
import { SshReader, sshString, sshUnsigned } from "./ssh-wire.ts";

export interface SshPublicKey {
  /** The name in front of the key, e.g. `ssh-ed25519`. */
  readonly algorithm: SshKeyAlgorithm;
  readonly key: PublicKey;
  /** FIDO keys only: the application the key was made for, usually `ssh:`. */
  readonly application?: string;
  /** The bytes as they came; they are the only encoding of this key. */
  readonly wire: Uint8Array;
}

interface SshKeyRow {
  readonly type: "ed25519" | "ecdsa" | "rsa";
  readonly curve?: Curve;
  readonly hardware: boolean;
}

export type SshKeyAlgorithm =
  | "ssh-ed25519"
  | `ecdsa-sha2-nistp${256 | 384 | 521}`
  | "ssh-rsa"
  | "sk-ssh-ed25519@openssh.com"
  | "sk-ecdsa-sha2-nistp256@openssh.com";

const ALGORITHMS: Readonly<Record<SshKeyAlgorithm, SshKeyRow>> = {
  "ssh-ed25519": { type: "ed25519", hardware: false },
  "ecdsa-sha2-nistp256": { type: "ecdsa", curve: "p256", hardware: false },
  "ecdsa-sha2-nistp384": { type: "ecdsa", curve: "p384", hardware: false },
  "ecdsa-sha2-nistp521": { type: "ecdsa", curve: "p521", hardware: false },
  "ssh-rsa": { type: "rsa", hardware: false },
  "sk-ssh-ed25519@openssh.com": { type: "ed25519", hardware: true },
  "sk-ecdsa-sha2-nistp256@openssh.com": { type: "ecdsa", curve: "p256", hardware: true },
};

const CURVE_NAMES = { p256: "nistp256", p384: "nistp384", p521: "nistp521" } as const;

export function isSshKeyAlgorithm(name: string): name is SshKeyAlgorithm {
  return Object.hasOwn(ALGORITHMS, name);
}

/** Whether keys of this algorithm live in a FIDO authenticator and sign flags and counter. */
export function isHardwareAlgorithm(name: SshKeyAlgorithm): boolean {
  return ALGORITHMS[name].hardware;
}

/**
 * Read a key in wire form, to its last byte. Fails with `FIELD_INVALID` (not a key),
 * `NOT_CANONICAL`, `KIND_UNSUPPORTED` (names the algorithm) or `KEY_REFUSED`.
 */
export function parseSshKey(attackerWire: Uint8Array): Result<SshPublicKey> {
  if (attackerWire.length > MAX_KEY_BYTES)
    return failure("TOO_LARGE", `A key has at most ${MAX_KEY_BYTES} bytes.`, {
      limit: MAX_KEY_BYTES,
    });
  const reader = new SshReader(attackerWire);
  const algorithm = reader.text();
  if (algorithm === undefined) return malformed();
  if (!isSshKeyAlgorithm(algorithm)) return unsupportedSsh("keys", algorithm);
  const key = parseNumbers(ALGORITHMS[algorithm], reader);
  if (!key.ok) return key;
  if (!ALGORITHMS[algorithm].hardware)
    return reader.done ? success({ algorithm, key: key.value, wire: attackerWire }) : malformed();
  const application = reader.text();
  if (application === undefined || !reader.done) return malformed();
  return success({ algorithm, key: key.value, application, wire: attackerWire });
}

/** The wire form of a key that is not a FIDO key; `undefined` for ML-DSA. */
export function encodeSshKey(key: PublicKey): Uint8Array<ArrayBuffer> | undefined {
  switch (key.type) {
    case "ed25519":
      return concat(sshString("ssh-ed25519"), sshString(key.raw));
    case "ecdsa": {
      const curve = CURVE_NAMES[key.curve];
      return concat(sshString(`ecdsa-sha2-${curve}`), sshString(curve), sshString(key.point));
    }
    case "rsa":
      return concat(sshString("ssh-rsa"), sshUnsigned(key.exponent), sshUnsigned(key.modulus));
    case "ml-dsa-44":
      return undefined;
  }
}

/** Read `algorithm base64 [comment]`, the line of a `.pub` file. Options in front are refused. */
export function parseSshKeyLine(
  attackerLine: string,
): Result<SshPublicKey & { readonly comment: string }> {
  const match = /^([^ \t\r\n]+)[ \t]+([^ \t\r\n]+)(?:[ \t]+([^\r\n]*))?\r?\n?$/.exec(attackerLine);
  if (match === null) return malformed();
  const [, name = "", base64 = "", comment = ""] = match;
  if (!isSshKeyAlgorithm(name)) return unsupportedSsh("keys", name);
  const wire = fromBase64(base64);
  if (wire === undefined) return malformed();
  const key = parseSshKey(wire);
  if (!key.ok) return key;
  if (key.value.algorithm !== name)
    return failure("FIELD_INVALID", "The SSH key line names another algorithm than its key.", {
      expected: key.value.algorithm,
    });
  return success({ ...key.value, comment: comment.trimEnd() });
}

/** The line of a `.pub` file, without a line feed. */
export function formatSshKeyLine(key: SshPublicKey, comment = ""): string {
  const line = `${key.algorithm} ${toBase64(key.wire)}`;
  return comment === "" ? line : `${line} ${comment}`;
}

/** `SHA256:` and the unpadded base64, as `ssh-keygen -l` prints it. */
export function sshFingerprint(sha256: Sha256, wire: Uint8Array): string {
  return `SHA256:${toBase64(sha256(wire)).replace(/=+$/, "")}`;
}

/** A refusal that names what is not supported, safe to print. */
export function unsupportedSsh(what: string, attackerName: string): Failure {
  const name = /^[\x21-\x7e]{1,80}$/.test(attackerName) ? attackerName : "of unknown name";
  return failure("KIND_UNSUPPORTED", `SSH ${what} of algorithm ${name} are not supported.`, {
    expected: Object.keys(ALGORITHMS).join(", "),
  });
}

function parseNumbers(row: SshKeyRow, reader: SshReader): Result<PublicKey> {
  if (row.type === "ed25519") {
    const raw = reader.string();
    return raw ? ed25519Key(raw) : malformed();
  }
  if (row.curve !== undefined) {
    const name = reader.string();
    const point = reader.string();
    if (!name || !point || latin1(name) !== CURVE_NAMES[row.curve]) return malformed();
    return ecdsaKey(row.curve, point);
  }
  const exponent = reader.unsigned();
  const modulus = reader.unsigned();
  return exponent && modulus ? rsaKey(modulus, exponent) : malformed();
}

function malformed(): Failure {
  return failure("FIELD_INVALID", "The bytes are not a canonical SSH public key.");
}
