/**
 * Sigstore's own signer as a client: `@sigstore/sign` with its `RekorWitness`, unmodified, logs
 * here what it signs, and `@sigstore/verify` accepts the bundle. Against Rekor v2 itself that
 * version of `@sigstore/sign` fails: it sends envelopes, and every key as a certificate of P-256.
 */
import { createPublicKey } from "node:crypto";
import { bundleFromJSON, bundleToJSON, type SerializedBundle } from "@sigstore/bundle";
import { DSSEBundleBuilder, MessageSignatureBundleBuilder, RekorWitness } from "@sigstore/sign";
import { toSignedEntity, type Verifier } from "@sigstore/verify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fromBase64, utf8 } from "../../schema/bytes.ts";
import { parseLeaf } from "../../schema/entry/leaf.ts";
import { unwrap } from "../../schema/error.ts";
import { startTestLog, type TestLog } from "../server/http/harness.ts";
import * as made from "../vectors/signers.ts";
import * as say from "../vectors/statements.ts";
import { verifierOf } from "./sigstore-verifier.ts";

const IN_TOTO = "application/vnd.in-toto+json";
const STATEMENT = Buffer.from(say.payload(say.provenance()));
const MESSAGE = Buffer.from(utf8("a file\n"));

const pemOf = ({ spki }: made.PlainSigner): string =>
  createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" })
    .export({ type: "spki", format: "pem" })
    .toString();

function options(log: TestLog, signer: made.PlainSigner) {
  return {
    signer: {
      sign: async (data: Buffer) => ({
        signature: Buffer.from(signer.sign(data)),
        key: { $case: "publicKey" as const, publicKey: pemOf(signer), hint: "" },
      }),
    },
    witnesses: [
      new RekorWitness({
        rekorBaseURL: log.url,
        majorApiVersion: 2,
        retry: false,
        timeout: 20_000,
      }),
    ],
  };
}

describe.each([
  ["P-256", made.p256Signer("p256")],
  ["RSA 2048", made.rsaSigner()],
])("@sigstore/sign with %s, its own RekorWitness and this log", (_, signer) => {
  let log: TestLog;
  let verifier: Verifier;
  beforeAll(async () => {
    log = await startTestLog("memory");
    verifier = verifierOf(log.vkey, pemOf(signer));
  });
  afterAll(async () => log.end());

  const accepted = (bundle: SerializedBundle, message?: Buffer): void => {
    verifier.verify(toSignedEntity(bundleFromJSON(bundle), message));
  };

  test("an envelope is logged, and its bundle verified", async () => {
    const builder = new DSSEBundleBuilder(options(log, signer));
    const bundle = bundleToJSON(await builder.create({ data: STATEMENT, type: IN_TOTO }));
    expect(() => accepted(bundle)).not.toThrow();
    const [entry] = bundle.verificationMaterial.tlogEntries;
    expect(entry?.kindVersion).toEqual({ kind: "hashedrekord", version: "0.0.2" });
    const leaf = unwrap(parseLeaf(fromBase64(entry?.canonicalizedBody ?? "") ?? new Uint8Array(0)));
    expect(leaf).toMatchObject({
      kind: "hashedrekord",
      keyDetails: signer.keyDetails,
      verifier: { container: "publicKey", bytes: signer.spki },
    });
  });

  test("a message is logged as a digest, and its bundle verified", async () => {
    const builder = new MessageSignatureBundleBuilder(options(log, signer));
    const bundle = bundleToJSON(await builder.create({ data: MESSAGE }));
    expect(() => accepted(bundle, MESSAGE)).not.toThrow();
    expect(() => accepted(bundle, Buffer.from("another file\n"))).toThrow();
  });

  test("signing the same twice gives one entry: a duplicate is no error", async () => {
    const builder = new DSSEBundleBuilder(options(log, signer));
    const bundles = [];
    for (let i = 0; i < 2; i++)
      bundles.push(bundleToJSON(await builder.create({ data: STATEMENT, type: IN_TOTO })));
    const [first, second] = bundles.map(
      (bundle) => bundle.verificationMaterial.tlogEntries[0]?.logIndex,
    );
    expect(second).toBe(first);
    for (const bundle of bundles) expect(() => accepted(bundle)).not.toThrow();
  });

  test("what the log refuses reaches whoever signs, in its own words", async () => {
    const ada = made.ed25519Signer("ada");
    const builder = new DSSEBundleBuilder(options(log, ada));
    await expect(builder.create({ data: STATEMENT, type: IN_TOTO })).rejects.toThrow(
      "error creating tlog entry - (400)",
    );
  });
});
