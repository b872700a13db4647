import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, test } from "vitest";
import { unwrap } from "../../../schema/error.ts";
import {
  checkKeyDetails,
  detailsFor,
  KEY_DETAILS,
  keyDetailsNames,
} from "../../../schema/key/key-details.ts";
import { type PublicKey, parseSpki } from "../../../schema/key/spki.ts";

const key = (pair: { publicKey: KeyObject }): PublicKey =>
  unwrap(parseSpki(new Uint8Array(pair.publicKey.export({ type: "spki", format: "der" }))));

const keys: Record<string, PublicKey> = {
  ed25519: key(generateKeyPairSync("ed25519")),
  p256: key(generateKeyPairSync("ec", { namedCurve: "P-256" })),
  p384: key(generateKeyPairSync("ec", { namedCurve: "P-384" })),
  p521: key(generateKeyPairSync("ec", { namedCurve: "P-521" })),
  rsa2048: key(generateKeyPairSync("rsa", { modulusLength: 2048 })),
  rsa2056: key(generateKeyPairSync("rsa", { modulusLength: 2056 })),
  rsa3072: key(generateKeyPairSync("rsa", { modulusLength: 3072 })),
  mlDsa: key(generateKeyPairSync("ml-dsa-44")),
};

describe("Sigstore's names of keys", () => {
  test.each([
    ["ed25519", ["PKIX_ED25519"]],
    ["p256", ["PKIX_ECDSA_P256_SHA_256"]],
    ["p384", ["PKIX_ECDSA_P384_SHA_384"]],
    ["p521", []],
    ["rsa2048", ["PKIX_RSA_PKCS1V15_2048_SHA256", "PKIX_RSA_PSS_2048_SHA256"]],
    ["rsa2056", []],
    ["rsa3072", ["PKIX_RSA_PKCS1V15_3072_SHA256", "PKIX_RSA_PSS_3072_SHA256"]],
    ["mlDsa", ["ML_DSA_44"]],
  ])("the key %s signs under %j and no other name", (name, expected) => {
    const value = keys[name];
    if (value === undefined) throw new Error(name);
    expect(keyDetailsNames(value)).toEqual(expected);
    for (const candidate of Object.keys(KEY_DETAILS))
      expect(checkKeyDetails(candidate, value)).toMatchObject(
        expected.some((allowed) => allowed === candidate)
          ? { ok: true }
          : { ok: false, code: "KEY_REFUSED" },
      );
  });

  test.each([
    "PKIX_ED25519_PH",
    "PKIX_ECDSA_P521_SHA_512",
    "PKIX_RSA_PSS_2048_SHA512",
    "",
    "toString",
  ])("%s is not in the table", (name) =>
    expect(detailsFor(name)).toMatchObject({ code: "KIND_UNSUPPORTED" }),
  );

  test("a name fixes hash and padding", () => {
    expect(unwrap(detailsFor("PKIX_RSA_PSS_4096_SHA256"))).toEqual({
      algorithm: "rsa-pss-sha256",
      type: "rsa",
      bits: 4096,
    });
  });
});
