/**
 * Signing without a key of one's own: `@sigstore/sign`'s Fulcio signer against a certificate
 * authority on loopback (Sigstore's mock), our log as the witness, and timestamps by the log's own
 * authority or by somebody else's.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { bundleFromJSON, bundleToJSON, type SerializedBundle } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import {
  DSSEBundleBuilder,
  FulcioSigner,
  MessageSignatureBundleBuilder,
  TSAWitness,
  type Witness,
} from "@sigstore/sign";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { explainBundle } from "../../../client/sigstore/explain.ts";
import type { BundleVerdict } from "../../../client/sigstore/verdict.ts";
import { type BundleTrust, verifyBundle } from "../../../client/sigstore/verify-bundle.ts";
import { CountersignWitness } from "../../../client/sigstore/witness.ts";
import { utf8 } from "../../../schema/bytes.ts";
import type { JsonObject } from "../../../schema/json.ts";
import { type Fulcio, ISSUER, identityToken, SUBJECT, startFulcio } from "../../interop/fulcio.ts";
import { ask, startTestLog, type TestLog } from "../../server/http/harness.ts";
import { newSigner } from "../test-log.ts";
import { spkiOf, statementAbout } from "./bundles.ts";

const ARTIFACT = Buffer.from("what is released\n");
const TYPE = "application/vnd.in-toto+json";
const asked = { artifact: ARTIFACT };
const signer = { material: "certificate", identity: SUBJECT, issuer: ISSUER } as const;
/** The authority makes certificates of the machine's own time. */
const now = (): number => Date.now();

interface Document {
  readonly tlogs: readonly JsonObject[];
  readonly timestampAuthorities: readonly JsonObject[];
}

let fulcio: Fulcio;
let log: TestLog;
let other: TestLog;
let root: Document;
/** The same, and somebody else's timestamp authority beside the log's. */
let withOther: Document;

beforeAll(async () => {
  fulcio = await startFulcio();
  log = await startTestLog("memory", { now });
  other = await startTestLog("memory", { now });
  root = await documentOf(log);
  const [elsewhere] = (await documentOf(other)).timestampAuthorities;
  const authority = { ...elsewhere, uri: "https://time.elsewhere.test/api/v1/timestamp" };
  withOther = { ...root, timestampAuthorities: [...root.timestampAuthorities, authority] };
});
afterAll(async () => {
  await log.end();
  await other.end();
  await fulcio.close();
});

/** What the log says of itself, with the certificate authority beside it. */
async function documentOf(one: TestLog): Promise<Document> {
  const answer = await ask(one, "/trusted_root.json");
  const document: Document = JSON.parse(answer.body.toString());
  return { ...document, ...fulcio.trust };
}

function trustIn(document: Document, more: Partial<BundleTrust> = {}): BundleTrust {
  return { root: utf8(JSON.stringify(document)), signer, ...more };
}

async function made(form: "message" | "envelope", stamps: readonly Witness[]) {
  const parts = {
    signer: new FulcioSigner({
      fulcioBaseURL: fulcio.url,
      identityProvider: { getToken: async () => identityToken() },
    }),
    witnesses: [
      new CountersignWitness({ url: log.url, log: log.parts.key.vkey, artifact: ARTIFACT }),
      ...stamps,
    ],
  };
  const bundle =
    form === "message"
      ? await new MessageSignatureBundleBuilder(parts).create({ data: ARTIFACT })
      : await new DSSEBundleBuilder(parts).create({
          data: Buffer.from(statementAbout(ARTIFACT)),
          type: TYPE,
        });
  return bundleToJSON(bundle);
}

const ownStamp = (): Witness => new TSAWitness({ tsaBaseURL: log.url });
const otherStamp = (): Witness => new TSAWitness({ tsaBaseURL: other.url });

async function answer(trust: BundleTrust, bundle: SerializedBundle): Promise<BundleVerdict> {
  const ports = { crypto: nodeCrypto, now: () => Math.floor(now() / 1000) };
  return verifyBundle(ports, trust, utf8(JSON.stringify(bundle)), asked);
}

async function codeOf(trust: BundleTrust, bundle: SerializedBundle): Promise<string> {
  const verdict = await answer(trust, bundle);
  return verdict.ok ? "yes" : verdict.refusal.code;
}

describe("a certificate of minutes, our log, and a timestamp", () => {
  test.each(["message", "envelope"] as const)(
    "of a %s is yes for both verifiers, at Sigstore's own defaults",
    async (form) => {
      const bundle = await made(form, [ownStamp()]);
      const verdict = await answer(trustIn(root), bundle);
      expect(verdict, explainBundle(verdict)).toMatchObject({
        ok: true,
        signer: { material: "certificate", identity: SUBJECT, issuer: ISSUER },
        entries: [{ origin: log.parts.key.origin }],
      });
      const material = toTrustMaterial(TrustedRoot.fromJSON(root));
      const theirs = new Verifier(material).verify(
        toSignedEntity(bundleFromJSON(bundle), ARTIFACT),
      );
      expect(theirs.identity?.subjectAlternativeName).toBe(SUBJECT);
    },
  );

  test("CVE-2022-36056: is nobody else's: the whole identity and its issuer are compared", async () => {
    const bundle = await made("message", [ownStamp()]);
    const names = [".*", `${SUBJECT}!`, SUBJECT.slice(0, -1), SUBJECT.toUpperCase(), ""];
    for (const identity of names)
      expect(
        await answer(trustIn(root, { signer: { ...signer, identity } }), bundle),
      ).toMatchObject({
        ok: false,
        refusal: { code: "OTHER_IDENTITY", field: "identity", found: SUBJECT },
      });
    const elsewhere = { ...signer, issuer: `${ISSUER}/` };
    expect(await answer(trustIn(root, { signer: elsewhere }), bundle)).toMatchObject({
      refusal: { code: "OTHER_IDENTITY", field: "issuer" },
    });
    const key = { material: "key", key: spkiOf(newSigner("p256")) } as const;
    expect(await codeOf(trustIn(root, { signer: key }), bundle)).toBe("OTHER_MATERIAL");
  });

  test("needs somebody who says when, and the authority that made the certificate", async () => {
    expect(await codeOf(trustIn(root), await made("message", []))).toBe("SIGSTORE_REFUSED");
    const bundle = await made("message", [ownStamp()]);
    for (const without of [
      { certificateAuthorities: [] },
      { ctlogs: [] },
      { timestampAuthorities: [] },
    ])
      expect(await codeOf(trustIn({ ...root, ...without }), bundle)).toBe("SIGSTORE_REFUSED");
  });

  test("B1 is refused with the entry of another certificate of the same person", async () => {
    const bundle = await made("message", [ownStamp()]);
    const second = await made("message", [ownStamp()]);
    const swapped = structuredClone(bundle);
    swapped.verificationMaterial.tlogEntries = second.verificationMaterial.tlogEntries;
    expect(await codeOf(trustIn(root), swapped)).toBe("OTHER_ENTRY");
  });
});

describe("a timestamp of the log's own authority", () => {
  test("is marked, and never counted as somebody else's word", async () => {
    const bundle = await made("envelope", [ownStamp()]);
    const verdict = await answer(trustIn(root), bundle);
    expect(verdict).toMatchObject({ timestamps: [{ independent: false }] });
    expect(explainBundle(verdict)).toContain("the log's own word");
    expect(await codeOf(trustIn(root, { minAuthorities: 1 }), bundle)).toBe("TIMESTAMPS_TOO_FEW");
  });

  test("beside that of another authority leaves one that counts", async () => {
    const bundle = await made("envelope", [ownStamp(), otherStamp()]);
    expect(await answer(trustIn(withOther, { minAuthorities: 1 }), bundle)).toMatchObject({
      ok: true,
      timestamps: [{ independent: false }, { independent: true, authority: "time.elsewhere.test" }],
    });
    expect(await codeOf(trustIn(withOther, { minAuthorities: 2 }), bundle)).toBe(
      "TIMESTAMPS_TOO_FEW",
    );
  });

  test("GHSA-9vcr-p3rj-q5q6: two stamps of one authority are one authority", async () => {
    const once = otherStamp();
    const twice: Witness = {
      testify: async (content, publicKey) => {
        const first = await once.testify(content, publicKey);
        // Stamps of one second would be refused as one stamp twice.
        await sleep(1_100);
        const second = await once.testify(content, publicKey);
        return {
          rfc3161Timestamps: [
            ...(first.rfc3161Timestamps ?? []),
            ...(second.rfc3161Timestamps ?? []),
          ],
        };
      },
    };
    const bundle = await made("envelope", [twice]);
    expect(await answer(trustIn(withOther, { minAuthorities: 1 }), bundle)).toMatchObject({
      ok: true,
      timestamps: [{ independent: true }, { independent: true }],
    });
    expect(await codeOf(trustIn(withOther, { minAuthorities: 2 }), bundle)).toBe(
      "TIMESTAMPS_TOO_FEW",
    );
  });

  test("where the root does not say where an authority is, it counts as the log's", async () => {
    const bundle = await made("envelope", [otherStamp()]);
    const nowhere = withOther.timestampAuthorities.map((one) => ({ ...one, uri: "" }));
    const trust = trustIn({ ...withOther, timestampAuthorities: nowhere }, { minAuthorities: 1 });
    expect(await codeOf(trust, bundle)).toBe("TIMESTAMPS_TOO_FEW");
    expect(await codeOf(trustIn(withOther, { minAuthorities: 1 }), bundle)).toBe("yes");
  });
});
