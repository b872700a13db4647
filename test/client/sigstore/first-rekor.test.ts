/**
 * Entries of the first Rekor, as Sigstore's public instance wrote them: other kinds of leaves, an
 * ECDSA log key, a number behind the origin, and a promise that signs index and time. The log is
 * one of this test's own, so that it can lie.
 */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import type { BundleTrust } from "../../../client/sigstore/verify-bundle.ts";
import { concat, toBase64, toHex, utf8 } from "../../../schema/bytes.ts";
import { pae } from "../../../schema/entry/dsse.ts";
import { leafHash, nodeHash } from "../../../schema/tlog/hash.ts";
import { newSigner } from "../test-log.ts";
import { answerTo, askBundle, rootOf, spkiOf, statementAbout } from "./bundles.ts";

const { sha256 } = nodeCrypto;
const ARTIFACT = utf8("what is released\n");
const asked = { artifact: ARTIFACT };
const HOST = "rekor.example.test";
const TIME = Date.UTC(2026, 5, 1) / 1000;
const TYPE = "application/vnd.in-toto+json";
const logKeys = generateKeyPairSync("ec", { namedCurve: "P-256" });
const logSpki = new Uint8Array(logKeys.publicKey.export({ type: "spki", format: "der" }));
const ada = newSigner("p256");
const eve = newSigner("p256");

function pem(spki: Uint8Array): string {
  return `-----BEGIN PUBLIC KEY-----\n${toBase64(spki)}\n-----END PUBLIC KEY-----\n`;
}

function root(validFor: object = { start: "2026-01-01T00:00:00Z" }): Uint8Array {
  return rootOf([
    {
      baseUrl: `https://${HOST}`,
      hashAlgorithm: "SHA2_256",
      publicKey: {
        rawBytes: toBase64(logSpki),
        keyDetails: "PKIX_ECDSA_P256_SHA_256",
        validFor,
      },
      logId: { keyId: toBase64(sha256(logSpki)) },
    },
  ]);
}

const trust: BundleTrust = { root: root(), signer: { material: "key", key: ada.publicKey } };

interface Lies {
  readonly origin?: string;
  readonly key?: KeyObject;
  /** At the top of the entry; the promise signs another one. */
  readonly logIndex?: string;
  readonly promise?: boolean;
}

/** An entry of this log, with everything that its kind of log signs. */
function entryOf(kind: string, version: string, body: object, lies: Lies = {}): object {
  const leaf = utf8(JSON.stringify(body));
  const key = lies.key ?? logKeys.privateKey;
  const first = leafHash(sha256, utf8("first"));
  const rootHash = nodeHash(sha256, first, leafHash(sha256, leaf));
  const text = `${lies.origin ?? `${HOST} - 2605736670972794746`}\n2\n${toBase64(rootHash)}\nTimestamp: 1\n`;
  const line = toBase64(concat(sha256(logSpki).slice(0, 4), sign("sha256", utf8(text), key)));
  const promised = {
    body: toBase64(leaf),
    integratedTime: TIME,
    logID: toHex(sha256(logSpki)),
    logIndex: 1001,
  };
  const signedEntryTimestamp = sign("sha256", utf8(JSON.stringify(promised)), key);
  return {
    logIndex: lies.logIndex ?? "1001",
    logId: { keyId: toBase64(sha256(logSpki)) },
    kindVersion: { kind, version },
    integratedTime: String(TIME),
    ...(lies.promise === false
      ? {}
      : { inclusionPromise: { signedEntryTimestamp: toBase64(signedEntryTimestamp) } }),
    inclusionProof: {
      logIndex: "1",
      rootHash: toBase64(rootHash),
      treeSize: "2",
      hashes: [toBase64(first)],
      checkpoint: { envelope: `${text}\n\u2014 ${HOST} ${line}\n` },
    },
    canonicalizedBody: toBase64(leaf),
  };
}

interface Claims {
  readonly signature: Uint8Array;
  readonly digest: string;
  readonly spki: Uint8Array;
}

const hash = (value: string): object => ({ algorithm: "sha256", value });

/** What each kind of leaf says; `claims` are those of the bundle unless something is forged. */
const BODIES: Readonly<Record<string, (claims: Claims) => object>> = {
  "hashedrekord 0.0.1": ({ signature, digest, spki }) => ({
    data: { hash: hash(digest) },
    signature: {
      content: toBase64(signature),
      publicKey: { content: toBase64(utf8(pem(spki))) },
    },
  }),
  "dsse 0.0.1": ({ signature, digest, spki }) => ({
    envelopeHash: hash("00".repeat(32)),
    payloadHash: hash(digest),
    signatures: [{ signature: toBase64(signature), verifier: toBase64(utf8(pem(spki))) }],
  }),
  "intoto 0.0.2": ({ signature, digest, spki }) => ({
    content: {
      envelope: {
        payloadType: TYPE,
        signatures: [
          {
            publicKey: toBase64(utf8(pem(spki))),
            sig: toBase64(utf8(toBase64(signature))),
          },
        ],
      },
      hash: hash("00".repeat(32)),
      payloadHash: hash(digest),
    },
  }),
};

async function signed(kind: string): Promise<{ claims: Claims; content: object }> {
  const payload = statementAbout(ARTIFACT);
  const message = kind.startsWith("hashedrekord") ? ARTIFACT : pae(TYPE, payload);
  const signature = await ada.signRaw?.("ecdsa-p256-sha256", message);
  if (signature === undefined) throw new Error("the key does not sign plainly");
  const sig = toBase64(signature);
  return kind.startsWith("hashedrekord")
    ? {
        claims: { signature, digest: toHex(sha256(ARTIFACT)), spki: spkiOf(ada) },
        content: {
          messageSignature: {
            messageDigest: { algorithm: "SHA2_256", digest: toBase64(sha256(ARTIFACT)) },
            signature: sig,
          },
        },
      }
    : {
        claims: { signature, digest: toHex(sha256(payload)), spki: spkiOf(ada) },
        content: {
          dsseEnvelope: {
            payloadType: TYPE,
            payload: toBase64(payload),
            signatures: [{ sig }],
          },
        },
      };
}

async function bundleOf(kind: string, forge: Partial<Claims> = {}, lies: Lies = {}) {
  const { claims, content } = await signed(kind);
  const [name = "", apiVersion = ""] = kind.split(" ");
  const spec = BODIES[kind]?.({ ...claims, ...forge });
  const entry = entryOf(name, apiVersion, { apiVersion, kind: name, spec }, lies);
  return utf8(
    JSON.stringify({
      mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
      verificationMaterial: { publicKey: { hint: "" }, tlogEntries: [entry] },
      ...content,
    }),
  );
}

describe.each(Object.keys(BODIES))("an entry of kind %s", (kind) => {
  test("is yes, with the time that its promise signs, which is the log's own word", async () => {
    const verdict = await askBundle(trust, await bundleOf(kind), asked);
    expect(verdict).toMatchObject({
      ok: true,
      entries: [{ index: 1 }],
      timestamps: [{ seconds: TIME, independent: false }],
    });
  });

  test("B1 of another signature, digest or key is refused, however well proven", async () => {
    const lies: Partial<Claims>[] = [
      { signature: new Uint8Array(70).fill(1) },
      { digest: "11".repeat(32) },
      { spki: spkiOf(eve) },
    ];
    for (const lie of lies)
      expect(await answerTo(trust, await bundleOf(kind, lie), asked)).toBe("OTHER_ENTRY");
  });
});

describe("what the first Rekor signs", () => {
  const kind = "hashedrekord 0.0.1";
  const answer = async (lies: Lies, under: BundleTrust = trust): Promise<string> =>
    answerTo(under, await bundleOf(kind, {}, lies), asked);

  test("is its name and a number, and nothing else, in the origin line", async () => {
    expect(await answer({ origin: HOST })).toBe("yes");
    for (const origin of [`${HOST} - `, `${HOST} - x`, `${HOST}.evil - 1`, `evil ${HOST} - 1`])
      expect(await answer({ origin })).toBe("CHECKPOINT_REFUSED");
  });

  test("is index and time, in a promise that must verify", async () => {
    expect(await answer({ logIndex: "1002" })).toBe("SIGSTORE_REFUSED");
    expect(await answer({ promise: false })).toBe("RECORD_CONTRADICTS");
    expect(await answer({ promise: false, logIndex: "1" })).toBe("yes");
  });

  test("is refused by another key, and at a time when the key did not count", async () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    expect(await answer({ key: privateKey })).toBe("CHECKPOINT_REFUSED");
    const over = { start: "2026-01-01T00:00:00Z", end: "2026-05-31T23:59:59Z" };
    expect(await answer({}, { ...trust, root: root(over) })).not.toBe("yes");
    const last = { ...over, end: new Date(TIME * 1000).toISOString() };
    expect(await answer({}, { ...trust, root: root(last) })).toBe("yes");
  });
});
