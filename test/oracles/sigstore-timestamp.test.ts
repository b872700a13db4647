/**
 * Sigstore's clients as an oracle for the whole of what a log gives them: an unmodified
 * `TSAWitness` gets a time stamp and an unmodified `RekorWitness` the entry, and an unmodified
 * `Verifier` with its default thresholds accepts the bundle under the trusted root that the log
 * serves.
 */
import { createPublicKey } from "node:crypto";
import { bundleFromJSON, bundleToJSON, type SerializedBundle } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import {
  DSSEBundleBuilder,
  MessageSignatureBundleBuilder,
  RekorWitness,
  TSAWitness,
  type Witness,
} from "@sigstore/sign";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toBase64 } from "../../schema/bytes.ts";
import { encodeSpki } from "../../schema/key/spki.ts";
import { newSigner } from "../client/test-log.ts";
import { startTestLog, type TestLog } from "../server/http/harness.ts";

const DATA = Buffer.from("what is signed\n");
const signer = newSigner("p256");
const spki = toBase64(encodeSpki(signer.publicKey));
const pem = `-----BEGIN PUBLIC KEY-----\n${spki}\n-----END PUBLIC KEY-----\n`;

const sigstoreSigner = {
  async sign(data: Buffer) {
    const signature = await signer.signRaw?.("ecdsa-p256-sha256", data);
    if (signature === undefined) throw new Error("the key does not sign plainly");
    const hint = signer.ssh?.fingerprint ?? "";
    return {
      signature: Buffer.from(signature),
      key: { $case: "publicKey" as const, publicKey: pem, hint },
    };
  },
};

describe("Sigstore's clients at their defaults", () => {
  let log: TestLog;
  let verifier: Verifier;
  beforeAll(async () => {
    log = await startTestLog("memory");
    verifier = await verifierOf(log);
  });
  afterAll(async () => log.end());

  /** By what the log serves, as an operator's client pins it. */
  async function verifierOf({ url }: TestLog): Promise<Verifier> {
    const served: unknown = await (await fetch(`${url}/trusted_root.json`)).json();
    const publicKey = createPublicKey(pem);
    const keys = (): { publicKey: typeof publicKey; validFor: () => boolean } => ({
      publicKey,
      validFor: () => true,
    });
    // `ctlogThreshold` counts for certificates only: these bundles have a bare key.
    return new Verifier(toTrustMaterial(TrustedRoot.fromJSON(served), keys));
  }

  const witnesses = (): Witness[] => [
    new TSAWitness({ tsaBaseURL: log.url }),
    new RekorWitness({ rekorBaseURL: log.url, majorApiVersion: 2 }),
  ];

  async function envelope(): Promise<SerializedBundle> {
    const builder = new DSSEBundleBuilder({ signer: sigstoreSigner, witnesses: witnesses() });
    return bundleToJSON(await builder.create({ data: DATA, type: "text/plain" }));
  }

  test("accept an envelope with the log's time stamp and proof", async () => {
    const bundle = await envelope();
    expect(() => verifier.verify(toSignedEntity(bundleFromJSON(bundle)))).not.toThrow();
  });

  test("accept a message with the log's time stamp and proof", async () => {
    const builder = new MessageSignatureBundleBuilder({
      signer: sigstoreSigner,
      witnesses: witnesses(),
    });
    const whole = await builder.create({ data: DATA });
    expect(() => verifier.verify(toSignedEntity(whole, DATA))).not.toThrow();
    expect(() => verifier.verify(toSignedEntity(whole, Buffer.from("other")))).toThrow();
  });

  test("refuse a bundle without the stamp, with an altered one, or with another signature's", async () => {
    const bundle = await envelope();
    const stamps = (list: readonly string[]): SerializedBundle => ({
      ...bundle,
      verificationMaterial: {
        ...bundle.verificationMaterial,
        timestampVerificationData: {
          rfc3161Timestamps: list.map((signedTimestamp) => ({ signedTimestamp })),
        },
      },
    });
    const [stamp] = bundle.verificationMaterial.timestampVerificationData?.rfc3161Timestamps ?? [];
    const bytes = Buffer.from(stamp?.signedTimestamp ?? "", "base64");
    const verify = (list: readonly string[]) => () =>
      verifier.verify(toSignedEntity(bundleFromJSON(stamps(list))));
    expect(verify([bytes.toString("base64")])).not.toThrow();
    expect(verify([])).toThrow(/timestamp/);
    // The last byte is the signature's, the other one a digit of the time.
    for (const at of [bytes.length - 1, bytes.indexOf("202609") + 3]) {
      const altered = Buffer.from(bytes);
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(verify([altered.toString("base64")])).toThrow();
    }
    const other = await envelope();
    const [foreign] = other.verificationMaterial.timestampVerificationData?.rfc3161Timestamps ?? [];
    expect(verify([foreign?.signedTimestamp ?? ""])).toThrow();
  });

  test("refuse the stamp of an authority that is not pinned", async () => {
    const other = await startTestLog("memory");
    try {
      const bundle = bundleFromJSON(await envelope());
      const stranger = await verifierOf(other);
      expect(() => stranger.verify(toSignedEntity(bundle))).toThrow();
    } finally {
      await other.end();
    }
  });
});
