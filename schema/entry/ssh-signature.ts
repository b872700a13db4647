/**
 * The innermost signature of SSH: `string algorithm · string bytes`, and for FIDO keys behind
 * it `u8 flags · u32 counter`. Agents answer with it, SSHSIG contains it.
 *
 * Spec: RFC 4253 §6.6, RFC 5656 §3.1.2, RFC 8332, RFC 8709, OpenSSH PROTOCOL.u2f.
 *
 * @module
 */
import { concat, utf8 } from "../bytes.ts";
import { type Failure, failure, type Result, success } from "../error.ts";
import { coordinateBytes } from "../key/curve.ts";
import type { SignatureAlgorithm } from "../key/key-details.ts";
import {
  type EcdsaNumbers,
  ecdsaNumbers,
  encodeEcdsaDer,
  isCanonicalEd25519,
} from "../key/signature.ts";
import type { EcdsaKey } from "../key/spki.ts";
import {
  isHardwareAlgorithm,
  isSshKeyAlgorithm,
  type SshPublicKey,
  unsupportedSsh,
} from "../key/ssh-key.ts";
import { SshReader, sshString, sshU32, sshUnsigned } from "../key/ssh-wire.ts";
import type { Sha256 } from "../tlog/hash.ts";

export interface SshSignature {
  /** The name in front of the signature, e.g. `rsa-sha2-512`. */
  readonly algorithm: string;
  /** The signature as it came: 64 bytes of Ed25519, two mpints of ECDSA, an RSA integer. */
  readonly blob: Uint8Array;
  /** What a verifier is given: the algorithm, and the signature with ECDSA as DER. */
  readonly verification: {
    readonly algorithm: SignatureAlgorithm;
    readonly signature: Uint8Array;
  };
  /** FIDO keys only: what the authenticator says about this signature. Signed by it. */
  readonly fido?: FidoEvidence;
}

interface FidoEvidence {
  /** The byte of flags: 0x01 somebody touched it, 0x04 it knew who. */
  readonly flags: number;
  /** How often the key has signed; some authenticators always say 0. */
  readonly counter: number;
}

export const FIDO_USER_PRESENT = 0x01;
export const FIDO_USER_VERIFIED = 0x04;

const ECDSA_ALGORITHMS = {
  p256: "ecdsa-p256-sha256",
  p384: "ecdsa-p384-sha384",
  p521: "ecdsa-p521-sha512",
} as const;

const RSA_ALGORITHMS = {
  "rsa-sha2-256": "rsa-pkcs1-sha256",
  "rsa-sha2-512": "rsa-pkcs1-sha512",
} as const;

/** Read a signature that is said to be by `key`, to its last byte. */
export function parseSshSignature(
  key: SshPublicKey,
  attackerWire: Uint8Array,
): Result<SshSignature> {
  const reader = new SshReader(attackerWire);
  const algorithm = reader.text();
  const blob = reader.string();
  if (algorithm === undefined || blob === undefined) return malformed();
  const verification = parseVerification(key, algorithm, blob);
  if (!verification.ok) return verification;
  const signature = { algorithm, blob, verification: verification.value };
  if (!isHardwareAlgorithm(key.algorithm)) return reader.done ? success(signature) : malformed();
  const flags = reader.u8();
  const counter = reader.u32();
  if (flags === undefined || counter === undefined || !reader.done) return malformed();
  return success({ ...signature, fido: { flags, counter } });
}

/** The wire form, as an agent or `ssh-keygen` would write it. */
export function formatSshSignature(signature: SshSignature): Uint8Array<ArrayBuffer> {
  const head = concat(sshString(signature.algorithm), sshString(signature.blob));
  const { fido } = signature;
  return fido ? concat(head, Uint8Array.of(fido.flags), sshU32(fido.counter)) : head;
}

/** The two numbers of an ECDSA signature as SSH writes them. */
export function encodeSshEcdsa({ r, s }: EcdsaNumbers): Uint8Array<ArrayBuffer> {
  return concat(sshUnsigned(r), sshUnsigned(s));
}

/**
 * What the key signs, given what SSH signs: the data itself, or for a FIDO key
 * SHA-256(application) ‖ flags ‖ counter ‖ SHA-256(data).
 */
export function sshSignedMessage(
  sha256: Sha256,
  key: SshPublicKey,
  signature: SshSignature,
  data: Uint8Array,
): Uint8Array {
  const { fido } = signature;
  if (fido === undefined) return data;
  return concat(
    sha256(utf8(key.application ?? "")),
    Uint8Array.of(fido.flags),
    sshU32(fido.counter),
    sha256(data),
  );
}

function parseVerification(
  { algorithm: keyAlgorithm, key }: SshPublicKey,
  algorithm: string,
  blob: Uint8Array,
): Result<SshSignature["verification"]> {
  if (key.type === "rsa") {
    if (algorithm !== "rsa-sha2-256" && algorithm !== "rsa-sha2-512")
      return unsupportedSsh("RSA signatures", algorithm);
    if (blob.length === 0 || blob.length > key.modulus.length) return outOfRange();
    // Some signers drop leading zeros; a verifier wants the length of the modulus.
    const signature = new Uint8Array(key.modulus.length);
    signature.set(blob, signature.length - blob.length);
    return success({ algorithm: RSA_ALGORITHMS[algorithm], signature });
  }
  if (algorithm !== keyAlgorithm && !isSshKeyAlgorithm(algorithm))
    return unsupportedSsh("signatures", algorithm);
  if (algorithm !== keyAlgorithm)
    return failure("FIELD_INVALID", "The SSH signature is of another algorithm than its key.", {
      expected: keyAlgorithm,
    });
  if (key.type === "ecdsa") return parseEcdsa(key, blob);
  if (!isCanonicalEd25519(blob)) return outOfRange();
  return success({ algorithm: "ed25519", signature: blob });
}

function parseEcdsa(key: EcdsaKey, blob: Uint8Array): Result<SshSignature["verification"]> {
  const reader = new SshReader(blob);
  const r = reader.string();
  const s = reader.string();
  if (!r || !s || !reader.done) return malformed();
  // As OpenSSH does, zeros in front are let pass, but no more than a fixed-width writer makes.
  const longest = coordinateBytes(key.curve) + 1;
  const negative = (r[0] ?? 0) >= 0x80 || (s[0] ?? 0) >= 0x80;
  if (negative || r.length > longest || s.length > longest) return outOfRange();
  const numbers = ecdsaNumbers(key.curve, r, s);
  if (!numbers.ok) return numbers;
  return success({
    algorithm: ECDSA_ALGORITHMS[key.curve],
    signature: encodeEcdsaDer(numbers.value),
  });
}

function malformed(): Failure {
  return failure("FIELD_INVALID", "The bytes are not an SSH signature.");
}

function outOfRange(): Failure {
  return failure("SIGNATURE_INVALID", "A number of the SSH signature is out of range.");
}
