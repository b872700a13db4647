/**
 * OpenSSH's own private key files (`openssh-key-v1`), as `ssh-keygen` writes them by default.
 *
 * Unencrypted ones are read. Encrypted ones use bcrypt_pbkdf, for which there is no well-kept
 * small library, and FIDO ones hold only a handle; for both the ssh-agent is the way, and the
 * public half, which is always readable, says which key of the agent it is.
 *
 * Spec: OpenSSH PROTOCOL.key.
 *
 * @module
 */
import { createPrivateKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { equal, fromBase64, utf8 } from "../../schema/bytes.ts";
import { type Failure, failure, type Result, success } from "../../schema/error.ts";
import { isHardwareAlgorithm, parseSshKey, type SshPublicKey } from "../../schema/key/ssh-key.ts";
import { SshReader } from "../../schema/key/ssh-wire.ts";

export const OPENSSH_HEADER = "-----BEGIN OPENSSH PRIVATE KEY-----";
const OPENSSH_FOOTER = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC = utf8("openssh-key-v1\0");
const MAX_PADDING = 255;

export interface OpensshKeyFile {
  readonly publicKey: SshPublicKey;
  /** Absent where only the agent can use the key, and then why. */
  readonly privateKey?: KeyObject;
  readonly agentOnly?: "it is encrypted" | "it lives in a FIDO authenticator";
}

/** Read the text of a key file. Fails with `FIELD_INVALID`, `KIND_UNSUPPORTED` or `KEY_REFUSED`. */
export function parseOpensshKey(text: string): Result<OpensshKeyFile> {
  const start = text.indexOf(OPENSSH_HEADER);
  const end = text.indexOf(OPENSSH_FOOTER);
  if (start < 0 || end < start) return malformed("its armor is not complete");
  const body = fromBase64(text.slice(start + OPENSSH_HEADER.length, end).replace(/\s/g, ""));
  if (body === undefined || !equal(body.subarray(0, MAGIC.length), MAGIC))
    return malformed("it is not openssh-key-v1");
  const reader = new SshReader(body.subarray(MAGIC.length));
  const cipher = reader.text();
  const kdf = reader.text();
  const kdfOptions = reader.string();
  const count = reader.u32();
  const publicWire = reader.string();
  const secret = reader.string();
  if (cipher === undefined || kdf === undefined || !kdfOptions || !publicWire || !secret)
    return malformed("it ends too soon");
  if (count !== 1 || !reader.done) return malformed("it must hold one key");
  const publicKey = parseSshKey(publicWire);
  if (!publicKey.ok) return publicKey;
  if (isHardwareAlgorithm(publicKey.value.algorithm))
    return success({ publicKey: publicKey.value, agentOnly: "it lives in a FIDO authenticator" });
  if (cipher !== "none" || kdf !== "none")
    return success({ publicKey: publicKey.value, agentOnly: "it is encrypted" });
  const privateKey = parseSecret(publicKey.value, secret);
  return privateKey.ok
    ? success({ publicKey: publicKey.value, privateKey: privateKey.value })
    : privateKey;
}

function parseSecret(publicKey: SshPublicKey, secret: Uint8Array): Result<KeyObject> {
  const reader = new SshReader(secret);
  const check = reader.u32();
  if (check === undefined || check !== reader.u32()) return malformed("its check numbers differ");
  if (reader.text() !== publicKey.algorithm) return malformed("its halves are of different types");
  const jwk = readJwk(publicKey, reader);
  if (jwk === undefined || reader.string() === undefined) return malformed("it ends too soon");
  const padding = secret.subarray(reader.offset);
  if (padding.length > MAX_PADDING || padding.some((byte, i) => byte !== i + 1))
    return malformed("its padding is wrong");
  try {
    return success(createPrivateKey({ key: jwk, format: "jwk" }));
  } catch {
    return failure("KEY_REFUSED", "the numbers of the OpenSSH private key do not fit together");
  }
}

function readJwk({ key }: SshPublicKey, reader: SshReader): JsonWebKey | undefined {
  if (key.type === "ed25519") {
    const raw = reader.string();
    const seedAndKey = reader.string();
    if (!raw || !equal(raw, key.raw) || seedAndKey?.length !== 64) return undefined;
    if (!equal(seedAndKey.subarray(32), raw)) return undefined;
    return { kty: "OKP", crv: "Ed25519", x: url(raw), d: url(seedAndKey.subarray(0, 32)) };
  }
  if (key.type === "ecdsa") {
    const point = reader.string() && reader.string();
    const d = reader.unsigned();
    if (!point || !d || !equal(point, key.point)) return undefined;
    const width = (point.length - 1) / 2;
    if (d.length > width) return undefined;
    const scalar = new Uint8Array(width);
    scalar.set(d, width - d.length);
    return {
      kty: "EC",
      crv: `P-${key.curve.slice(1)}`,
      x: url(point.subarray(1, 1 + width)),
      y: url(point.subarray(1 + width)),
      d: url(scalar),
    };
  }
  return key.type === "rsa" ? readRsa(key.modulus, key.exponent, reader) : undefined;
}

/** SSH leaves out the two exponents that a JWK must have; they are d modulo p − 1 and q − 1. */
function readRsa(
  modulus: Uint8Array,
  exponent: Uint8Array,
  reader: SshReader,
): JsonWebKey | undefined {
  const [n, e, d, qi, p, q] = Array.from({ length: 6 }, () => reader.unsigned());
  if (!n || !e || !d || !qi || !p || !q) return undefined;
  if (!equal(n, modulus) || !equal(e, exponent) || p.length === 0 || q.length === 0)
    return undefined;
  const reduced = (prime: Uint8Array): string | undefined => {
    const order = number(prime) - 1n;
    if (order <= 0n) return undefined;
    const digits = (number(d) % order).toString(16);
    return Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex").toString(
      "base64url",
    );
  };
  const dp = reduced(p);
  const dq = reduced(q);
  if (dp === undefined || dq === undefined) return undefined;
  return { kty: "RSA", n: url(n), e: url(e), d: url(d), qi: url(qi), p: url(p), q: url(q), dp, dq };
}

function number(magnitude: Uint8Array): bigint {
  return BigInt(`0x0${Buffer.from(magnitude).toString("hex")}`);
}

function url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

function malformed(reason: string): Failure {
  return failure("FIELD_INVALID", `this is not an OpenSSH private key: ${reason}`);
}
