/**
 * A private key as encrypted PKCS#8: PBES2 with scrypt and AES-256-CBC.
 *
 * node:crypto reads this form but writes only PBKDF2 with 2,048 rounds, which a graphics card
 * tries by the million; scrypt with these costs takes 16 MiB and a quarter of a second a guess.
 * `openssl pkey` reads it too.
 *
 * Spec: RFC 8018 §6.2 and §B.2.5, RFC 7914 §7.
 *
 * @module
 */
import { createCipheriv, type KeyObject, randomBytes, scrypt } from "node:crypto";
import { concat, toBase64 } from "../../schema/bytes.ts";
import { DER_OID, DER_SEQUENCE, der, derUnsigned } from "../../schema/der.ts";

const DER_OCTET_STRING = 0x04;
const OID_PBES2 = Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d);
const OID_SCRYPT = Uint8Array.of(0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b);
const OID_AES_256_CBC = Uint8Array.of(0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a);

/** The most that OpenSSL's default limit of 32 MiB lets a reader repeat. */
const COST = { N: 16_384, r: 8, p: 5 } as const;

/** PEM of the key; encrypted where there is a passphrase. */
export async function privateKeyPem(key: KeyObject, passphrase?: string): Promise<string> {
  if (passphrase === undefined) return key.export({ type: "pkcs8", format: "pem" }).toString();
  const salt = randomBytes(16);
  const iv = randomBytes(16);
  const secret = await stretch(passphrase, salt);
  const cipher = createCipheriv("aes-256-cbc", secret, iv);
  const plain = key.export({ type: "pkcs8", format: "der" });
  const encrypted = concat(cipher.update(plain), cipher.final());
  const kdf = sequence(
    der(DER_OID, OID_SCRYPT),
    sequence(der(DER_OCTET_STRING, salt), integer(COST.N), integer(COST.r), integer(COST.p)),
  );
  const cipherId = sequence(der(DER_OID, OID_AES_256_CBC), der(DER_OCTET_STRING, iv));
  const algorithm = sequence(der(DER_OID, OID_PBES2), sequence(kdf, cipherId));
  return pem("ENCRYPTED PRIVATE KEY", sequence(algorithm, der(DER_OCTET_STRING, encrypted)));
}

function stretch(passphrase: string, salt: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase, salt, 32, COST, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(DER_SEQUENCE, ...parts);
}

function integer(value: number): Uint8Array {
  return derUnsigned(Uint8Array.of(value >> 24, value >> 16, value >> 8, value));
}

function pem(label: string, bytes: Uint8Array): string {
  const lines = toBase64(bytes).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
