/**
 * The one block that an RSA PKCS #1 v1.5 signature over a SHA-256 digest opens to.
 *
 * Whoever opened a signature compares the whole block with this one. Nothing of the opened block
 * is parsed, so there is no second form that a parser could be talked into.
 *
 * Spec: RFC 8017 §8.2.2 and §9.2 (EMSA-PKCS1-v1_5).
 *
 * @module
 */
import { concat, fromHex, toHex } from "../../schema/bytes.ts";
import type { RsaKey } from "../../schema/key/spki.ts";

/** DigestInfo of SHA-256 with its NULL, up to the digest itself. */
const SHA256_INFO = fromHex("3031300d060960864801650304020105000420") ?? new Uint8Array(0);

/** 00 01 FF … FF 00 ‖ DigestInfo, as long as the modulus. */
export function pkcs1Block(digest: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const end = concat(Uint8Array.of(0), SHA256_INFO, digest);
  const block = new Uint8Array(length).fill(0xff);
  block.set([0, 1]);
  block.set(end, length - end.length);
  return block;
}

/**
 * signature^e mod n, as long as the modulus, for engines whose cryptography cannot be asked for
 * it. `undefined` where the signature is not as long as the modulus, or not below it.
 */
export function openRsa(key: RsaKey, strangersSignature: Uint8Array): Uint8Array | undefined {
  const length = key.modulus.length;
  if (strangersSignature.length !== length) return undefined;
  const modulus = BigInt(`0x${toHex(key.modulus)}`);
  let base = BigInt(`0x${toHex(strangersSignature)}`);
  if (base >= modulus) return undefined;
  let result = 1n;
  // An exponent has at most 31 bits (K1), so at most 62 multiplications.
  for (let rest = BigInt(`0x${toHex(key.exponent)}`); rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * base) % modulus;
    base = (base * base) % modulus;
  }
  return fromHex(result.toString(16).padStart(2 * length, "0"));
}
