import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { browserCrypto } from "../../../client/crypto/browser.ts";
import type { SignatureAlgorithm } from "../../../client/crypto/crypto.ts";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import {
  ALGORITHM_NAMES,
  cryptoContract,
  flipped,
  makeKeys,
  signWith,
  spkiOf,
} from "../../contract/crypto.ts";

/** An engine whose WebCrypto refuses every key, as one without the curve does. */
const barren: SubtleCrypto = new Proxy(globalThis.crypto.subtle, {
  get: (target, name): unknown =>
    name === "importKey"
      ? () => Promise.reject(new DOMException("unrecognized curve", "NotSupportedError"))
      : Reflect.get(target, name),
});

const isRsa = (algorithm: SignatureAlgorithm): boolean => algorithm.startsWith("rsa");
const full = browserCrypto(globalThis.crypto.subtle);
const bare = browserCrypto();

cryptoContract("the browser driver with WebCrypto", full);
cryptoContract("the browser driver without WebCrypto", bare, (algorithm) => !isRsa(algorithm));

test("where WebCrypto has not the curve, ECDSA is checked all the same", async () => {
  const made = makeKeys()["ecdsa-p521-sha512"];
  const message = Uint8Array.of(1, 2, 3);
  const spki = spkiOf(made.pair.publicKey);
  const signature = signWith(made, message);
  const driver = browserCrypto(barren);
  expect(await driver.verify("ecdsa-p521-sha512", spki, message, signature)).toBe(true);
  expect(await driver.verify("ecdsa-p521-sha512", spki, message.toReversed(), signature)).toBe(
    false,
  );
});

describe("both drivers agree", () => {
  const keys = makeKeys();
  const algorithm = fc.constantFrom(...ALGORITHM_NAMES);

  test("on random messages and mutated signatures and keys", async () => {
    const mutation = fc.record({
      what: fc.constantFrom("none", "flip", "cut", "insert", "key"),
      at: fc.nat({ max: 3_000 }),
      bit: fc.nat({ max: 7 }),
    });
    await fc.assert(
      fc.asyncProperty(
        algorithm,
        fc.uint8Array({ maxLength: 200 }),
        mutation,
        async (name, message, { what, at, bit }) => {
          const made = keys[name];
          const good = signWith(made, message);
          const key = spkiOf(made.pair.publicKey);
          const i = at % good.length;
          const signature =
            what === "flip"
              ? flipped(good, i, 1 << bit)
              : what === "cut"
                ? good.slice(0, i)
                : what === "insert"
                  ? Uint8Array.of(...good.subarray(0, i), bit, ...good.subarray(i))
                  : good;
          const spki = what === "key" ? flipped(key, at % key.length, 1 << bit) : key;
          const expected = await nodeCrypto.verify(name, spki, message, signature);
          expect(await full.verify(name, spki, message, signature)).toBe(expected);
          if (!isRsa(name))
            expect(await bare.verify(name, spki, message, signature)).toBe(expected);
          if (what === "none") expect(expected).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });

  test("on bytes that are nothing at all", async () => {
    const junk = fc.uint8Array({ maxLength: 150 });
    await fc.assert(
      fc.asyncProperty(algorithm, junk, junk, junk, async (name, spki, message, signature) => {
        expect(await nodeCrypto.verify(name, spki, message, signature)).toBe(false);
        expect(await full.verify(name, spki, message, signature)).toBe(false);
        expect(await bare.verify(name, spki, message, signature)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});
