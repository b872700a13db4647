/**
 * Who spoke: SHA-256 of the canonical SPKI, whatever container the key came in.
 *
 * @module
 */
import type { Hash, Sha256 } from "../tlog/hash.ts";
import { encodeSpki, type PublicKey } from "./spki.ts";

/** The signer id of a key. Equal for the plain, SSH and FIDO form of one key. */
export function signerId(sha256: Sha256, key: PublicKey): Hash {
  return sha256(encodeSpki(key));
}
