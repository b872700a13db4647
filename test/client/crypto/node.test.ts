import { expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { cryptoContract, MESSAGE, makeKeys, signWith, spkiOf } from "../../contract/crypto.ts";

cryptoContract("the node driver", nodeCrypto);

test("a key that was good once does not make another signature good", async () => {
  const made = makeKeys().ed25519;
  const spki = spkiOf(made.pair.publicKey);
  const signature = signWith(made, MESSAGE);
  expect(await nodeCrypto.verify("ed25519", spki, MESSAGE, signature)).toBe(true);
  expect(await nodeCrypto.verify("ecdsa-p256-sha256", spki, MESSAGE, signature)).toBe(false);
  expect(await nodeCrypto.verify("ed25519", spki, MESSAGE, signature.toReversed())).toBe(false);
});

test("many verifications at once are all answered, each for its own question", async () => {
  const made = makeKeys()["ecdsa-p256-sha256"];
  const spki = spkiOf(made.pair.publicKey);
  const signature = signWith(made, MESSAGE);
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      nodeCrypto.verify(
        "ecdsa-p256-sha256",
        spki,
        i % 3 === 0 ? MESSAGE.toReversed() : MESSAGE,
        signature,
      ),
    ),
  );
  expect(answers).toEqual(Array.from({ length: 200 }, (_, i) => i % 3 !== 0));
});

test("bytes that change after the question do not change the answer", async () => {
  const made = makeKeys().ed25519;
  const message = new Uint8Array(MESSAGE);
  const signature = signWith(made, message);
  const answer = nodeCrypto.verify("ed25519", spkiOf(made.pair.publicKey), message, signature);
  message.fill(0);
  signature.fill(0);
  expect(await answer).toBe(true);
});
