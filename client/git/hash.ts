/**
 * The hash functions of git's object ids, out of the cryptography port.
 *
 * @module
 */
import { toHex } from "../../schema/bytes.ts";
import type { GitHash } from "../../schema/git/object.ts";
import type { Crypto } from "../crypto/crypto.ts";

/** SHA-1 or SHA-256 in hex. SHA-1 only names objects; what is signed is bound by SHA-256. */
export function gitHashOf(crypto: Pick<Crypto, "sha1" | "sha256">): GitHash {
  return (algorithm, bytes) => toHex(crypto[algorithm](bytes));
}
