/**
 * Cryptography as a port. Two drivers: `node.ts` (node:crypto) and `browser.ts` (WebCrypto,
 * and @noble where it has no such algorithm). Both answer alike for every input.
 *
 * @module
 */
import type { Sha256 } from "../../schema/tlog/hash.ts";

/** A signature algorithm with nothing left to guess: curve, hash and padding are in the name. */
export type SignatureAlgorithm =
  | "ed25519"
  | "ecdsa-p256-sha256"
  | "ecdsa-p384-sha384"
  | "ecdsa-p521-sha512"
  | "rsa-pkcs1-sha256"
  | "rsa-pkcs1-sha512"
  | "rsa-pss-sha256"
  | "ml-dsa-44";

export interface Crypto {
  readonly sha256: Sha256;
  readonly sha512: (data: Uint8Array) => Uint8Array;
  /**
   * Whether `signature` over `message` is by the key `spki` (canonical DER). ECDSA signatures
   * are DER. Whatever a stranger put into the arguments, the answer is `false`, not a throw.
   */
  readonly verify: (
    algorithm: SignatureAlgorithm,
    spki: Uint8Array,
    message: Uint8Array,
    signature: Uint8Array,
  ) => Promise<boolean>;
}
