/** Whatever is done to the bytes of a bundle or a root: no exception of a parser, and no other yes. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BundleTrust } from "../../../client/sigstore/verify-bundle.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { LogError } from "../../../schema/error.ts";
import { startTestLog, type TestLog } from "../../server/http/harness.ts";
import { newSigner } from "../test-log.ts";
import {
  askBundle,
  envelopeBundle,
  messageBundle,
  rootOf,
  statementAbout,
  tlogOf,
} from "./bundles.ts";

const ARTIFACT = utf8("what is released\n");
const asked = { artifact: ARTIFACT };
const ada = newSigner("p256");
let log: TestLog;
let bundles: Uint8Array[];
let root: Uint8Array;
let trust: BundleTrust;

beforeAll(async () => {
  log = await startTestLog("memory");
  const statement = statementAbout(ARTIFACT);
  bundles = [
    await messageBundle(log, ada, ARTIFACT),
    await envelopeBundle(log, ada, "application/vnd.in-toto+json", statement),
  ].map((bundle) => utf8(JSON.stringify(bundle)));
  root = rootOf([tlogOf(log)]);
  trust = { root, signer: { material: "key", key: ada.publicKey } };
});
afterAll(async () => log.end());

/** One byte, at a place between 0 and 1, becomes another one. */
const change = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  byte: fc.integer({ min: 0, max: 255 }),
});
const changes = fc.array(change, { minLength: 1, maxLength: 3 });

function altered(bytes: Uint8Array, list: readonly { at: number; byte: number }[]): Uint8Array {
  const copy = new Uint8Array(bytes);
  for (const { at, byte } of list) copy[Math.floor(at * copy.length)] = byte;
  return copy;
}

describe("bytes of strangers", () => {
  test("of a bundle that were altered give a no with its reason, or the same yes", async () => {
    for (const bundle of bundles) {
      const honest = await askBundle(trust, bundle, asked);
      expect(honest.ok).toBe(true);
      await fc.assert(
        fc.asyncProperty(changes, async (list) => {
          const verdict = await askBundle(trust, altered(bundle, list), asked);
          if (verdict.ok) expect(verdict).toEqual(honest);
        }),
        { numRuns: 400 },
      );
    }
  });

  test("of a bundle that were cut off give a no", async () => {
    const [bundle = new Uint8Array(0)] = bundles;
    for (let length = 0; length < bundle.length; length += 37)
      expect(await askBundle(trust, bundle.subarray(0, length), asked)).toMatchObject({
        ok: false,
      });
  });

  test("of a root that were altered give an answer, or say that the root is no good", async () => {
    const [bundle = new Uint8Array(0)] = bundles;
    await fc.assert(
      fc.asyncProperty(changes, async (list) => {
        const asking = askBundle({ ...trust, root: altered(root, list) }, bundle, asked);
        const answer: unknown = await asking.catch((error: unknown) => error);
        if (answer instanceof Error) expect(answer).toBeInstanceOf(LogError);
        if (answer instanceof LogError) expect(answer.code).toBe("TRUST_INVALID");
      }),
      { numRuns: 300 },
    );
  });
});
