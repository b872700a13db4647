import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { p256 } from "@noble/curves/nist.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { browserCrypto } from "../../../client/crypto/browser.ts";
import type { DigestAlgorithm } from "../../../client/crypto/crypto.ts";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { openRsa, pkcs1Block } from "../../../client/crypto/pkcs1.ts";
import { concat, fromHex } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { encodeEcdsaDer } from "../../../schema/key/signature.ts";
import { encodeSpki, parseSpki } from "../../../schema/key/spki.ts";
import { flipped, makeKeys, spkiOf } from "../../contract/crypto.ts";
import { jsonOf, vector } from "../../data.ts";
import { files } from "../../vectors/make-ecdsa.ts";

const browser = browserCrypto();
const N = p256.Point.Fn.ORDER;

test.each([...files()])("%s is what its generator makes", (file, text) => {
  expect(new TextDecoder().decode(vector(file))).toBe(text);
});

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
/** Any number of 32 bytes, and more often than chance would one at an edge. */
const number = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
  fc.constantFrom(0n, 1n, 2n, N - 2n, N - 1n, N, N + 1n, 2n ** 255n, 2n ** 256n - 1n),
);
const bytesOf = (value: bigint): Uint8Array =>
  fromHex(value.toString(16).padStart(64, "0")) ?? new Uint8Array(0);

describe("C1 ECDSA over a digest agrees with @noble/curves", () => {
  test("on good signatures, either S, and on any changed bit", async () => {
    await fc.assert(
      fc.asyncProperty(
        number.filter((secret) => secret > 0n && secret < N),
        number,
        fc.nat(),
        fc.nat({ max: 7 }),
        fc.boolean(),
        async (secret, z, at, bit, high) => {
          const digest = bytesOf(z);
          const made = p256.Signature.fromBytes(
            p256.sign(digest, bytesOf(secret), { prehash: false, format: "compact", lowS: true }),
            "compact",
          );
          const s = high ? N - made.s : made.s;
          const signature = encodeEcdsaDer({ r: bytesOf(made.r), s: bytesOf(s) });
          const point = p256.getPublicKey(bytesOf(secret), false);
          const spki = encodeSpki({ type: "ecdsa", curve: "p256", point });
          const ask = (changedDigest: Uint8Array, changedSignature: Uint8Array) =>
            Promise.all(
              [nodeCrypto, browser].map(async (crypto) =>
                crypto.verifyDigest("ecdsa-p256-sha256", spki, changedDigest, changedSignature),
              ),
            );
          expect(await ask(digest, signature)).toEqual([true, true]);
          const [one, two] = await ask(flipped(digest, at % 32, 1 << bit), signature);
          // Digests z and z + n are one number, so that a changed bit may give the same.
          expect(one).toBe(two);
          const other = flipped(signature, at % signature.length, 1 << bit);
          expect(await ask(digest, other)).toEqual([false, false]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("on any numbers for r, s and digest", async () => {
    const keys = [1n, 2n, N - 1n, 0xabcdefn].map((secret) =>
      encodeSpki({
        type: "ecdsa",
        curve: "p256",
        point: p256.getPublicKey(bytesOf(secret), false),
      }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...keys),
        number,
        number,
        number,
        async (spki, digest, r, s) => {
          const signature = encodeEcdsaDer({ r: bytesOf(r), s: bytesOf(s) });
          const [ours, theirs] = await Promise.all(
            [nodeCrypto, browser].map(async (crypto) =>
              crypto.verifyDigest("ecdsa-p256-sha256", spki, bytesOf(digest), signature),
            ),
          );
          expect(ours).toBe(theirs);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe("RSA over a digest", () => {
  const { "rsa-pkcs1-sha256": made } = makeKeys();
  const odd = generateKeyPairSync("rsa", { modulusLength: 2049, publicExponent: 3 });

  test.each([
    ["2048 bits", made.pair],
    ["2049 bits and the exponent 3", odd],
  ])("%s: OpenSSL and the arithmetic here open a signature alike", async (_, pair) => {
    const spki = spkiOf(pair.publicKey);
    const key = unwrap(parseSpki(spki));
    if (key.type !== "rsa") throw new Error(key.type);
    await fc.assert(
      fc.asyncProperty(bytes32, fc.nat(), async (message, at) => {
        const signature = new Uint8Array(sign("sha256", message, pair.privateKey));
        const digest = createHash("sha256").update(message).digest();
        expect(openRsa(key, signature)).toEqual(pkcs1Block(digest, key.modulus.length));
        const changed = flipped(signature, at % signature.length, 1);
        for (const crypto of [nodeCrypto, browser]) {
          const ask = (value: Uint8Array): Promise<boolean> =>
            crypto.verifyDigest("rsa-pkcs1-sha256", spki, digest, value);
          expect(await ask(signature)).toBe(true);
          expect(await ask(changed)).toBe(false);
          expect(await ask(concat(new Uint8Array(1), signature))).toBe(false);
          expect(await ask(signature.subarray(1))).toBe(false);
        }
      }),
      { numRuns: 10 },
    );
  });
});

interface Wycheproof {
  readonly testGroups: readonly {
    readonly publicKeyDer: string;
    readonly tests: readonly {
      readonly tcId: number;
      readonly comment: string;
      readonly flags: readonly string[];
      readonly msg: string;
      readonly sig: string;
      readonly result: "valid" | "invalid" | "acceptable";
    }[];
  }[];
}

/**
 * Where this log refuses what the vectors call acceptable: an RSA signature whose DigestInfo lacks
 * the NULL. RFC 8017 §9.2 lets a verifier take it; one encoding is enough.
 */
const STRICTER = new Set(["MissingNull"]);

describe("Project Wycheproof", () => {
  const folder = env["COUNTERSIGN_WYCHEPROOF"];
  if (folder === undefined || !existsSync(folder)) {
    test.skip("skipped: COUNTERSIGN_WYCHEPROOF names no folder with its vectors (testvectors_v1)");
    return;
  }
  test.each([
    ["ecdsa_secp256r1_sha256_test.json", "ecdsa-p256-sha256"],
    ["rsa_signature_2048_sha256_test.json", "rsa-pkcs1-sha256"],
    ["rsa_signature_3072_sha256_test.json", "rsa-pkcs1-sha256"],
    ["rsa_signature_4096_sha256_test.json", "rsa-pkcs1-sha256"],
  ] satisfies [string, DigestAlgorithm][])(
    "%s, over the message and over its digest",
    async (file, algorithm) => {
      const { testGroups } = jsonOf<Wycheproof>(new Uint8Array(readFileSync(join(folder, file))));
      const wrong: string[] = [];
      let count = 0;
      for (const group of testGroups)
        for (const { tcId, comment, flags, msg, sig, result } of group.tests) {
          count++;
          const spki = Buffer.from(group.publicKeyDer, "hex");
          const message = Buffer.from(msg, "hex");
          const signature = Buffer.from(sig, "hex");
          const digest = createHash("sha256").update(message).digest();
          const expected = result === "valid";
          if (result === "acceptable") expect(flags.some((flag) => STRICTER.has(flag))).toBe(true);
          for (const crypto of [nodeCrypto, browserCrypto(globalThis.crypto.subtle)])
            for (const answer of [
              await crypto.verify(algorithm, spki, message, signature),
              await crypto.verifyDigest(algorithm, spki, digest, signature),
            ])
              if (answer !== expected) wrong.push(`${tcId} ${comment}: ${answer}`);
        }
      expect(wrong).toEqual([]);
      expect(count).toBeGreaterThan(200);
    },
    120_000,
  );
});
