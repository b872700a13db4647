/**
 * Cryptography as a port. Two drivers: `node.ts` (node:crypto) and `browser.ts` (WebCrypto,
 * and @noble where it has no such algorithm). Both answer alike for every input; the suite
 * that holds them to it is `test/contract/crypto.ts`.
 *
 * @module
 */
import type { SignatureAlgorithm } from "../../schema/key/key-details.ts";
import type { Sha256 } from "../../schema/tlog/hash.ts";

export type { SignatureAlgorithm } from "../../schema/key/key-details.ts";

/** The algorithms whose signatures can be checked with nothing but a SHA-256 of the message. */
export type DigestAlgorithm = Extract<SignatureAlgorithm, "ecdsa-p256-sha256" | "rsa-pkcs1-sha256">;

export interface Crypto {
  readonly sha256: Sha256;
  readonly sha512: (data: Uint8Array) => Uint8Array;
  /** For the names of git objects only. Nothing here is proved by a SHA-1. */
  readonly sha1: (data: Uint8Array) => Uint8Array;
  /**
   * Whether this driver can check signatures of `algorithm` at all. Where it cannot, `verify`
   * answers `false`, and whoever reports that should say that the platform is at fault.
   */
  readonly supports: (algorithm: SignatureAlgorithm) => boolean;
  /**
   * Whether `signature` over `message` is by the key `spki` (canonical DER, as
   * `schema/key/spki.ts` accepts it). ECDSA signatures are strict DER and may have a high S;
   * RSA-PSS has MGF1 with the same hash and a salt as long as the hash; Ed25519 is RFC 8032
   * without the cofactor. Whatever a stranger put into the arguments, the answer is `false`,
   * not a throw.
   */
  readonly verify: (
    algorithm: SignatureAlgorithm,
    spki: Uint8Array,
    message: Uint8Array,
    signature: Uint8Array,
  ) => Promise<boolean>;
  /**
   * The same question where only SHA-256(message) is there: for every message the answer is that
   * of `verify`. A digest of another length is answered `false`. Every driver can do it.
   */
  readonly verifyDigest: (
    algorithm: DigestAlgorithm,
    spki: Uint8Array,
    digest: Uint8Array,
    signature: Uint8Array,
  ) => Promise<boolean>;
}
