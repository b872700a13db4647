/**
 * What a kind of signature is: a name and a verifier. One file for each kind, one table of
 * them in `registry.ts`; shared code never asks which kind it has before it.
 *
 * A verifier answers with data. It never throws for what a stranger sent, and a "no" has a
 * reason out of a closed set.
 *
 * @module
 */
import type { PublicKey } from "../../schema/key/spki.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import type { Crypto, SignatureAlgorithm } from "../crypto/crypto.ts";

/** One signature by one key over one content, as a leaf has them. All of it is a stranger's. */
export interface SignatureInput {
  /** Sigstore's keyDetails name, where the leaf has one. */
  readonly algorithm: string | undefined;
  /** SPKI or certificate in DER, or the SSH wire form: whichever the kind carries. */
  readonly key: Uint8Array;
  readonly signature: Uint8Array;
  /** The exact bytes that were signed (for DSSE the PAE), at most `MAX_CONTENT_BYTES`. */
  readonly content: Uint8Array;
}

/** Why a signature is not accepted. */
export type SignatureReason =
  | "unsupported kind"
  | "unsupported by this platform"
  | "content is not held"
  | "content has another digest"
  | "key is not given"
  | "key is refused"
  | "key has another id"
  | "signature is malformed"
  | "signature does not verify";

/**
 * What a FIDO authenticator says of itself, inside what it signed. Without an attestation
 * of the key it is a claim of the key's owner that the key is in hardware.
 */
export interface HardwareEvidence {
  /** `ssh:` or another relying party. */
  readonly application: string;
  /** The flags byte as signed. */
  readonly flags: number;
  /** Flag 0x01: somebody touched the authenticator. */
  readonly userPresent: boolean;
  /** Flag 0x04: the authenticator checked a PIN or a fingerprint. */
  readonly userVerified: boolean;
  /** Never goes back for one device; 0 where the authenticator does not count. */
  readonly counter: number;
}

/** Who signed, and with what. Everything here was covered by the check. */
export interface SignerEvidence {
  /** SHA-256 of the canonical SPKI, computed here from the key, not taken from the leaf. */
  readonly signerId: Hash;
  readonly publicKey: PublicKey;
  /** The key's type by name: `ed25519`, `ecdsa-p256`, `rsa-3072`, or the SSH name. */
  readonly keyType: string;
  readonly algorithm: SignatureAlgorithm;
  /** The namespace of an SSHSIG. */
  readonly namespace?: string;
  readonly hardware?: HardwareEvidence;
}

export interface SignatureRefusal {
  readonly ok: false;
  readonly reason: SignatureReason;
  /** Which part of the entry is at fault: `content`, or a path below `spec` of a countersign leaf. */
  readonly field: string;
  /** One sentence more, for a person. */
  readonly message: string;
}

export type SignatureResult =
  | { readonly ok: true; readonly evidence: SignerEvidence }
  | SignatureRefusal;

/** A kind of signature. A new kind is one new file with one of these, and a line in the registry. */
export interface SignatureKind {
  /** `spec.signature.format` of a countersign leaf. */
  readonly format: string;
  readonly verify: (crypto: Crypto, input: SignatureInput) => Promise<SignatureResult>;
}

export function refuse(reason: SignatureReason, field: string, message: string): SignatureRefusal {
  return { ok: false, reason, field, message };
}
