/**
 * Sigstore's own client as an oracle: an envelope signed by `@sigstore/sign`, logged here, passes
 * `@sigstore/verify` with our proof, and no altered one does.
 *
 * It judges our leaf bytes, tree, proof and checkpoint. It is written by others, for another log.
 */
import { bundleFromJSON, bundleToJSON, type SerializedBundle } from "@sigstore/bundle";
import { DSSEBundleBuilder } from "@sigstore/sign";
import { toSignedEntity, type Verifier } from "@sigstore/verify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Signer } from "../../client/keys/signer.ts";
import { toBase64 } from "../../schema/bytes.ts";
import type { SubmitAnswer, TransparencyLogEntry } from "../../schema/http/messages.ts";
import { encodeSpki } from "../../schema/key/spki.ts";
import { newSigner } from "../client/test-log.ts";
import { startTestLog, type TestLog } from "../server/http/harness.ts";
import { verifierOf } from "./sigstore-verifier.ts";

const STATEMENT = Buffer.from(
  JSON.stringify({
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "a", digest: { sha256: "00".repeat(32) } }],
    predicateType: "https://example.com/oracle/v1",
    predicate: {},
  }),
);
const TYPE = "application/vnd.in-toto+json";

async function signedBySigstore(signer: Signer, pem: string): Promise<SerializedBundle> {
  const builder = new DSSEBundleBuilder({
    signer: {
      sign: async (data) => {
        const signature = await signer.signRaw?.("ecdsa-p256-sha256", data);
        if (signature === undefined) throw new Error("the key does not sign plainly");
        return {
          signature: Buffer.from(signature),
          key: { $case: "publicKey", publicKey: pem, hint: signer.ssh?.fingerprint ?? "" },
        };
      },
    },
    witnesses: [],
  });
  return bundleToJSON(await builder.create({ data: STATEMENT, type: TYPE }));
}

describe("Sigstore's verifier", () => {
  let log: TestLog;
  const signer = newSigner("p256");
  const spki = encodeSpki(signer.publicKey);
  const pem = `-----BEGIN PUBLIC KEY-----\n${toBase64(spki)}\n-----END PUBLIC KEY-----\n`;
  let bundle: SerializedBundle;
  let entry: TransparencyLogEntry;
  let verifier: Verifier;

  beforeAll(async () => {
    log = await startTestLog("memory");
    bundle = await signedBySigstore(signer, pem);
    if (bundle.dsseEnvelope === undefined) throw new Error("no envelope was made");
    const answer = await fetch(`${log.url}/v1/entries`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        kind: "dsse",
        envelope: bundle.dsseEnvelope,
        verifiers: [{ publicKey: toBase64(spki), keyDetails: "PKIX_ECDSA_P256_SHA_256" }],
      }),
    });
    const { entries }: SubmitAnswer = JSON.parse(await answer.text());
    const first = entries[0];
    if (first === undefined) throw new Error("nothing was logged");
    entry = first;
    verifier = verifierOf(log.parts.key.vkey, pem);
  });
  afterAll(async () => log.end());

  const verify = (tle: object): void => {
    const whole = structuredClone(bundle);
    const material: { tlogEntries: object[] } = whole.verificationMaterial;
    material.tlogEntries = [tle];
    verifier.verify(toSignedEntity(bundleFromJSON(whole)));
  };

  test("accepts the leaf, proof and checkpoint of our log for its own envelope", () => {
    expect(entry.kindVersion).toEqual({ kind: "hashedrekord", version: "0.0.2" });
    expect(() => verify(entry)).not.toThrow();
  });

  test("refuses them with another hash, index, checkpoint or leaf", () => {
    const { inclusionProof: proof } = entry;
    const other = toBase64(new Uint8Array(32).fill(1));
    const leaf = Buffer.from(entry.canonicalizedBody, "base64").toString();
    const altered: object[] = [
      { ...entry, inclusionProof: { ...proof, hashes: [other] } },
      { ...entry, inclusionProof: { ...proof, hashes: [] } },
      { ...entry, inclusionProof: { ...proof, logIndex: "0" } },
      {
        ...entry,
        inclusionProof: {
          ...proof,
          checkpoint: { envelope: proof.checkpoint.envelope.replace("\n2\n", "\n3\n") },
        },
      },
      {
        ...entry,
        canonicalizedBody: Buffer.from(leaf.replace("SHA2_256", "SHA2_255")).toString("base64"),
      },
    ];
    for (const tle of altered) expect(() => verify(tle), JSON.stringify(tle)).toThrow();
  });
});
