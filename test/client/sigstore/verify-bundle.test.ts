/**
 * Bundles held against everything that others have been fooled with. The entries are those of a
 * real log in this process; where it takes a log that lies, the same log lies with its own key.
 *
 * The names of holes found in other verifiers stand in the titles of the tests that close them.
 */

import { createPublicKey } from "node:crypto";
import { p256 } from "@noble/curves/nist.js";
import { bundleFromJSON } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import type { Signer } from "../../../client/keys/signer.ts";
import { explainBundle } from "../../../client/sigstore/explain.ts";
import type { BundleTrust } from "../../../client/sigstore/verify-bundle.ts";
import { fromBase64, toBase64, utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { encodeSpki } from "../../../schema/key/spki.ts";
import type { Hash } from "../../../schema/tlog/hash.ts";
import { parseVkey } from "../../../schema/tlog/note.ts";
import { parsePolicy } from "../../../schema/tlog/tlog-policy.ts";
import { startTestLog, type TestLog } from "../../server/http/harness.ts";
import { newSigner } from "../test-log.ts";
import {
  answerTo,
  askBundle,
  type Bundle,
  envelopeBundle,
  forged,
  logged,
  messageBundle,
  NOW,
  newWitness,
  rootOf,
  rsaSigner,
  spkiOf,
  startLyingLog,
  statementAbout,
  tlogOf,
  withEntry,
  withNote,
  withProof,
} from "./bundles.ts";

const { sha256 } = nodeCrypto;
const ARTIFACT = utf8("what is released\n");
const asked = { artifact: ARTIFACT };
const digest: Hash = sha256(ARTIFACT);
const TYPE = "application/vnd.in-toto+json";

let log: TestLog;
let other: TestLog;
const ada: Signer = newSigner("p256");
const eve: Signer = newSigner("p256");
let message: Bundle;
let statement: Bundle;
let trust: BundleTrust;

beforeAll(async () => {
  log = await startLyingLog();
  other = await startTestLog("memory");
  message = await messageBundle(log, ada, ARTIFACT);
  statement = await envelopeBundle(log, ada, TYPE, statementAbout(ARTIFACT));
  trust = trusting(ada);
});
afterAll(async () => {
  await log.end();
  await other.end();
});

function trusting(signer: Signer, root: Uint8Array = rootOf([tlogOf(log)])): BundleTrust {
  return { root, signer: { material: "key", key: spkiOf(signer) } };
}

/** What Sigstore's own verifier says, with the same root and key. */
function sigstoreAccepts(bundle: Bundle): boolean {
  const root = TrustedRoot.fromJSON(JSON.parse(new TextDecoder().decode(trust.root)));
  const publicKey = createPublicKey({ key: Buffer.from(spkiOf(ada)), format: "der", type: "spki" });
  const material = toTrustMaterial(root, () => ({ publicKey, validFor: () => true }));
  const verifier = new Verifier(material, { timestampThreshold: 0, ctlogThreshold: 0 });
  try {
    verifier.verify(toSignedEntity(bundleFromJSON(bundle), Buffer.from(ARTIFACT)));
    return true;
  } catch {
    return false;
  }
}

function flipped(base64: string): string {
  const bytes = fromBase64(base64) ?? expect.fail();
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
  return toBase64(bytes);
}

describe("a bundle is yes", () => {
  test("for a message, by its bytes and by its digest alone", async () => {
    expect(await askBundle(trust, message, asked)).toMatchObject({
      ok: true,
      digest,
      signer: { material: "key" },
      entries: [{ origin: log.parts.key.origin, index: 1, witnesses: [] }],
      timestamps: [],
    });
    expect(await answerTo(trust, message, { digest })).toBe("yes");
  });

  test("for an RSA key, by bytes and by digest", async () => {
    const rsa = rsaSigner();
    const bundle = await messageBundle(log, rsa, ARTIFACT);
    expect(await answerTo(trusting(rsa), bundle, asked)).toBe("yes");
    expect(await answerTo(trusting(rsa), bundle, { digest })).toBe("yes");
  });

  test("for a statement about the artifact, and for an envelope that is the artifact", async () => {
    expect(await answerTo(trust, statement, asked)).toBe("yes");
    expect(await answerTo(trust, statement, { digest })).toBe("yes");
    const plain = await envelopeBundle(log, ada, "text/plain", ARTIFACT);
    expect(await answerTo(trust, plain, asked)).toBe("yes");
  });

  test("under a trust file alone, and no where the trust file names another log", async () => {
    const logs = [trustedLog(log)];
    const { signer } = trust;
    expect(await answerTo({ logs, signer }, message, asked)).toBe("yes");
    expect(await answerTo({ ...trust, logs }, message, asked)).toBe("yes");
    const elsewhere = [trustedLog(other)];
    expect(await answerTo({ logs: elsewhere, signer }, message, asked)).toBe("LOG_UNKNOWN");
    expect(await answerTo({ ...trust, logs: elsewhere }, message, asked)).toBe("LOG_UNKNOWN");
  });

  test("and the answer is words for people", async () => {
    const text = explainBundle(await askBundle(trust, message, asked));
    expect(text).toMatch(/^yes: sha256:[0-9a-f]{64} is signed and logged\n/);
    expect(text).toContain(`entry 1 of ${log.parts.key.origin}`);
    const no = explainBundle(await askBundle(trust, message, { artifact: utf8("other") }));
    expect(no).toMatch(/^no: the bundle is about something else/);
  });
});

function trustedLog(one: TestLog): NonNullable<BundleTrust["logs"]>[number] {
  const { origin, vkey } = one.parts.key;
  return { origin, vkeys: [unwrap(parseVkey(sha256, vkey))], vkeyTexts: [vkey] };
}

describe("what is signed is what is asked about", () => {
  test.each([
    ["a message", () => message],
    ["a statement", () => statement],
  ])("%s is not about another artifact", async (_, bundle) => {
    const artifact = utf8("what is not released\n");
    expect(await answerTo(trust, bundle(), { artifact })).toBe("OTHER_ARTIFACT");
    expect(await answerTo(trust, bundle(), { digest: sha256(artifact) })).toBe("OTHER_ARTIFACT");
  });

  test("a statement whose subject has one good and one other digest is refused", async () => {
    const payload = statementAbout(ARTIFACT, { sha512: "00".repeat(64) });
    const bundle = await envelopeBundle(log, ada, "application/vnd.in-toto+json", payload);
    expect(await answerTo(trust, bundle, asked)).toBe("OTHER_ARTIFACT");
  });

  test("a statement is not about its own bytes", async () => {
    expect(await answerTo(trust, statement, { artifact: statementAbout(ARTIFACT) })).toBe(
      "OTHER_ARTIFACT",
    );
  });

  test("CVE-2022-36056: a file that is no bundle, or has no entry, is never a yes", async () => {
    const empty = structuredClone(message);
    empty.verificationMaterial.tlogEntries = [];
    const { messageSignature: _, ...unsigned } = message;
    for (const bytes of ["", "{}", "null", "[]", JSON.stringify(empty), JSON.stringify(unsigned)])
      expect(await answerTo(trust, utf8(bytes), asked), bytes).toBe("BUNDLE_MALFORMED");
  });

  test("one member that stands twice is refused, for another reader would take the other", async () => {
    const text = JSON.stringify(message);
    const twice = `{"mediaType":"${message.mediaType}",${text.slice(1)}`;
    expect(await answerTo(trust, utf8(twice), asked)).toBe("BUNDLE_MALFORMED");
  });

  test("CVE-2024-45395: entries, timestamps and bytes without end are refused by their limits", async () => {
    const many = structuredClone(message);
    const [entry] = many.verificationMaterial.tlogEntries;
    many.verificationMaterial.tlogEntries = Array.from(
      { length: 33 },
      () => entry ?? expect.fail(),
    );
    expect(await answerTo(trust, many, asked)).toBe("BUNDLE_MALFORMED");
    const stamps = structuredClone(message);
    stamps.verificationMaterial.timestampVerificationData = {
      rfc3161Timestamps: Array.from({ length: 33 }, () => ({ signedTimestamp: "AAAA" })),
    };
    expect(await answerTo(trust, stamps, asked)).toBe("BUNDLE_MALFORMED");
    expect(await answerTo(trust, new Uint8Array(16_777_217), asked)).toBe("BUNDLE_MALFORMED");
  });
});

describe("the signature is by whom was asked for", () => {
  test("another key, or a certificate where a key signed, is refused", async () => {
    expect(await answerTo(trusting(eve), message, asked)).toBe("SIGNATURE_REFUSED");
    expect(await answerTo(trusting(eve), message, { digest })).toBe("SIGNATURE_REFUSED");
    const signer = { material: "certificate", identity: "a@example.test", issuer: "x" } as const;
    expect(await answerTo({ ...trust, signer }, message, asked)).toBe("OTHER_MATERIAL");
  });

  test("an altered signature is refused, by bytes and by digest", async () => {
    const altered = structuredClone(message);
    const signature = altered.messageSignature ?? expect.fail();
    signature.signature = flipped(signature.signature);
    expect(await answerTo(trust, altered, asked)).toBe("SIGNATURE_REFUSED");
    expect(await answerTo(trust, altered, { digest })).toBe("SIGNATURE_REFUSED");
  });

  test("an Ed25519 key is refused with the kinds that every Sigstore client verifies", async () => {
    const verdict = await askBundle(trusting(newSigner("ed25519")), message, asked);
    expect(verdict).toMatchObject({ ok: false, refusal: { code: "KEY_REFUSED" } });
    expect(explainBundle(verdict)).toContain("ECDSA P-256");
  });
});

describe("B1 the entry is the bundle's own", () => {
  test("CVE-2022-23649: the entry of another signature of the same key is refused", async () => {
    const elsewhere = await messageBundle(log, ada, utf8("something else"));
    const [entry] = elsewhere.verificationMaterial.tlogEntries;
    const swapped = withEntry(message, () => entry ?? expect.fail());
    expect(await answerTo(trust, swapped, asked)).toBe("OTHER_ENTRY");
    // A second signature over the very same bytes is another signature, too.
    const again = await messageBundle(log, ada, ARTIFACT);
    const [second] = again.verificationMaterial.tlogEntries;
    expect(
      await answerTo(
        trust,
        withEntry(message, () => second ?? expect.fail()),
        asked,
      ),
    ).toBe("OTHER_ENTRY");
  });

  test("CVE-2026-22703: a leaf of this signature and digest by another key is refused, which passes Sigstore's verifier", async () => {
    const signature = fromBase64(message.messageSignature?.signature ?? "") ?? expect.fail();
    const entry = await logged(log, {
      kind: "raw",
      content: toBase64(ARTIFACT),
      signature: toBase64(signature),
      verifier: {
        publicKey: toBase64(otherKeyFor(signature)),
        keyDetails: "PKIX_ECDSA_P256_SHA_256",
      },
    });
    const bundle = withEntry(message, () => entry);
    expect(sigstoreAccepts(bundle)).toBe(true);
    expect(await answerTo(trust, bundle, asked)).toBe("OTHER_ENTRY");
  });

  test("CVE-2026-22703: a proven leaf with another digest, signature, key or one field more is refused", async () => {
    const [entry] = message.verificationMaterial.tlogEntries;
    const leaf = new TextDecoder().decode(fromBase64(entry?.canonicalizedBody ?? ""));
    const signature = message.messageSignature?.signature ?? "";
    const lies = [
      leaf.replace(toBase64(digest), toBase64(sha256(utf8("other")))),
      leaf.replace(signature, flipped(signature)),
      leaf.replace(toBase64(spkiOf(ada)), toBase64(spkiOf(eve))),
      leaf.replace("PKIX_ECDSA_P256_SHA_256", "PKIX_ECDSA_P384_SHA_256"),
      leaf.replace('"kind":', '"extra":1,"kind":'),
      leaf.replace('"publicKey"', '"x509Certificate"'),
      `${leaf} `,
    ];
    for (const lie of lies) {
      expect(lie).not.toBe(leaf);
      const proven = await forged(log, utf8(lie));
      const bundle = withEntry(message, () => proven);
      expect(await answerTo(trust, bundle, asked), lie).toBe("OTHER_ENTRY");
    }
    const honest = await forged(log, utf8(leaf));
    expect(
      await answerTo(
        trust,
        withEntry(message, () => honest),
        asked,
      ),
    ).toBe("yes");
  });

  test("a kind that cannot be held against a bundle is refused", async () => {
    const dsse = withEntry(message, (entry) => ({
      ...entry,
      kindVersion: { kind: "dsse", version: "0.0.2" },
    }));
    expect(await answerTo(trust, dsse, asked)).toBe("ENTRY_UNSUPPORTED");
    const inherited = withEntry(message, (entry) => ({
      ...entry,
      kindVersion: { kind: "constructor", version: "" },
    }));
    expect(await answerTo(trust, inherited, asked)).toBe("ENTRY_UNSUPPORTED");
  });
});

/** ECDSA: every signature over a digest fits two keys. The one that is not the signer's. */
function otherKeyFor(signature: Uint8Array): Uint8Array {
  for (const bit of [0, 1]) {
    const recovered = p256.Signature.fromBytes(signature, "der")
      .addRecoveryBit(bit)
      .recoverPublicKey(digest)
      .toBytes(false);
    const spki = encodeSpki({ type: "ecdsa", curve: "p256", point: recovered });
    if (Buffer.compare(spki, spkiOf(ada)) !== 0) return spki;
  }
  throw new Error("both keys are the signer's");
}

describe("the entry is in the log", () => {
  const lies: [string, () => Bundle, string][] = [
    ["no proof", () => withNote(message, () => ""), "PROOF_MISSING"],
    [
      "another size in the checkpoint",
      () => withNote(message, (note) => note.replace(/\n(\d+)\n/, "\n9$1\n")),
      "CHECKPOINT_REFUSED",
    ],
    [
      "another root in the checkpoint",
      () =>
        withNote(message, (note) =>
          note.replace(/\n([\w+/]{43}=)\n/, (_, root) => `\n${flipped(root)}\n`),
        ),
      "CHECKPOINT_REFUSED",
    ],
    [
      "CVE-2026-56864: another size beside the signed text",
      () => withProof(message, { treeSize: "9" }),
      "RECORD_CONTRADICTS",
    ],
    [
      "CVE-2026-56864: another root beside the signed text",
      () => withProof(message, { rootHash: toBase64(new Uint8Array(32)) }),
      "RECORD_CONTRADICTS",
    ],
    [
      "another index in both places",
      () => withEntry(withProof(message, { logIndex: "0" }), (e) => ({ ...e, logIndex: "0" })),
      "NOT_INCLUDED",
    ],
    [
      "another index in the proof",
      () => withProof(message, { logIndex: "0" }),
      "RECORD_CONTRADICTS",
    ],
    [
      "another index at the top alone",
      () => withEntry(message, (entry) => ({ ...entry, logIndex: "7" })),
      "RECORD_CONTRADICTS",
    ],
    [
      "another hash",
      () => withProof(message, { hashes: [toBase64(new Uint8Array(32).fill(1))] }),
      "NOT_INCLUDED",
    ],
    ["one hash fewer", () => withProof(message, { hashes: [] }), "NOT_INCLUDED"],
    [
      "hashes without end",
      () => withProof(message, { hashes: Array.from({ length: 64 }, () => toBase64(digest)) }),
      "RECORD_CONTRADICTS",
    ],
    [
      "a signature of the log altered",
      () => withNote(message, (note) => note.replace(/.{5}\n$/, "AAAA=\n")),
      "CHECKPOINT_REFUSED",
    ],
  ];
  test.each(lies)("%s is refused", async (_, bundle, code) => {
    expect(await answerTo(trust, bundle(), asked)).toBe(code);
    expect(await answerTo(trust, bundle(), { digest })).toBe(code);
  });

  test("an index at the top that nobody signs passes Sigstore's verifier", () => {
    expect(sigstoreAccepts(withEntry(message, (entry) => ({ ...entry, logIndex: "7" })))).toBe(
      true,
    );
  });

  test("CVE-2023-47122: a log is known by the root alone, whatever the bundle or another log says", async () => {
    const foreign = await messageBundle(other, ada, ARTIFACT);
    expect(await answerTo(trust, foreign, asked)).toBe("LOG_UNKNOWN");
    const [entry] = message.verificationMaterial.tlogEntries;
    const renamed = withEntry(foreign, (theirs) => ({
      ...theirs,
      logId: entry?.logId ?? theirs.logId,
    }));
    expect(await answerTo(trust, renamed, asked)).toBe("CHECKPOINT_REFUSED");
    const theirNote = foreign.verificationMaterial.tlogEntries[0]?.inclusionProof ?? expect.fail();
    expect(await answerTo(trust, withProof(message, theirNote), asked)).toBe("CHECKPOINT_REFUSED");
  });

  test("the checkpoint's origin line is the log's own name, also where its key signed another", async () => {
    const [entry] = message.verificationMaterial.tlogEntries;
    const leaf = fromBase64(entry?.canonicalizedBody ?? "") ?? expect.fail();
    for (const origin of ["elsewhere.example.test", `${log.parts.key.origin} - 123`]) {
      const proven = await forged(log, leaf, origin);
      const bundle = withEntry(message, () => proven);
      expect(sigstoreAccepts(bundle)).toBe(true);
      expect(await answerTo(trust, bundle, asked)).toBe("CHECKPOINT_REFUSED");
    }
  });

  test("aicr#1754: the log's line is found wherever it stands, and never replaced by a first one", async () => {
    const stranger = newWitness("stranger.example.test");
    const first = withNote(message, (note) => {
      const [text = "", lines = ""] = note.split("\n\n");
      const [, line = ""] = stranger.cosign(note, NOW).split(lines);
      return `${text}\n\n${line}${lines}`;
    });
    expect(await answerTo(trust, first, asked)).toBe("yes");
    const alone = withNote(message, (note) => {
      const [text = "", lines = ""] = note.split("\n\n");
      return `${text}\n\n${stranger.cosign(note, NOW).split(lines)[1] ?? ""}`;
    });
    expect(await answerTo(trust, alone, asked)).toBe("CHECKPOINT_REFUSED");
  });
});

describe("the log's key counts when it was used", () => {
  const at = (validFor: { start?: string; end?: string }): Promise<string> =>
    answerTo(trusting(ada, rootOf([tlogOf(log, { validFor })])), message, asked);

  test("a root that does not say since when is refused, as is a key before and after its time", async () => {
    const now = new Date(NOW * 1000).toISOString();
    expect(await at({})).toBe("LOG_KEY_UNDATED");
    expect(await at({ start: "2030-01-01T00:00:00Z" })).toBe("LOG_KEY_NOT_VALID");
    expect(await at({ start: "2020-01-01T00:00:00Z", end: "2021-01-01T00:00:00Z" })).toBe(
      "LOG_KEY_NOT_VALID",
    );
    expect(await at({ start: now, end: now })).toBe("yes");
  });

  test("a root that cannot be read is no answer", async () => {
    for (const bytes of ["", "{}", JSON.stringify({ mediaType: "x" })])
      await expect(askBundle(trusting(ada, utf8(bytes)), message, asked)).rejects.toMatchObject({
        code: "TRUST_INVALID",
      });
    const nameless = rootOf([{ ...tlogOf(log), logId: undefined }]);
    await expect(askBundle(trusting(ada, nameless), message, asked)).rejects.toMatchObject({
      code: "TRUST_INVALID",
    });
  });
});

describe("witnesses", () => {
  const [one, two] = [newWitness("one.example.test"), newWitness("two.example.test")];
  const policyOf = (quorum: string): NonNullable<BundleTrust["policy"]> =>
    unwrap(
      parsePolicy(
        sha256,
        utf8(
          `witness one ${one.vkey}\nwitness two ${two.vkey}\ngroup both all one two\nquorum ${quorum}\n`,
        ),
      ),
    );
  const cosigned = (...by: (typeof one)[]): Bundle =>
    withNote(message, (note) => by.reduce((all, witness) => witness.cosign(all, NOW), note));

  test("a missing quorum is refused, a whole one is named", async () => {
    const policy = policyOf("both");
    expect(await answerTo({ ...trust, policy }, message, asked)).toBe("WITNESSES_TOO_FEW");
    expect(await answerTo({ ...trust, policy }, cosigned(one), asked)).toBe("WITNESSES_TOO_FEW");
    expect(await askBundle({ ...trust, policy }, cosigned(one, two), asked)).toMatchObject({
      ok: true,
      entries: [{ witnesses: ["one.example.test", "two.example.test"] }],
    });
  });

  test("the quorum of the trust file counts as that of a policy does", async () => {
    const logs = [{ ...trustedLog(log), witnesses: [{ policy: policyOf("both") }] }];
    expect(await answerTo({ ...trust, logs }, cosigned(one), asked)).toBe("WITNESSES_TOO_FEW");
    expect(await answerTo({ ...trust, logs }, cosigned(one, two), asked)).toBe("yes");
    const more = { ...trust, logs, policy: policyOf("one") };
    expect(await answerTo(more, cosigned(one), asked)).toBe("WITNESSES_TOO_FEW");
  });

  test("connaisseur#2150: a line that stands twice is one witness", async () => {
    const policy = policyOf("both");
    expect(await answerTo({ ...trust, policy }, cosigned(one, one), asked)).toBe(
      "WITNESSES_TOO_FEW",
    );
  });

  test("a cosignature over another checkpoint refuses the note", async () => {
    const policy = policyOf("both");
    const [line = ""] = one.cosign("x\n1\ny\n\n", NOW).match(/\u2014 one.*\n$/) ?? [];
    const bundle = withNote(cosigned(two), (note) => note + line);
    expect(await answerTo({ ...trust, policy }, bundle, asked)).toBe("CHECKPOINT_REFUSED");
  });

  test("a time of a witness at which the log's key did not count is held against it", async () => {
    const validFor = { start: "2026-01-01T00:00:00Z", end: "2026-12-31T00:00:00Z" };
    const dated = trusting(ada, rootOf([tlogOf(log, { validFor })]));
    const policy = policyOf("one");
    const stamped = (seconds: number): Bundle => withNote(message, (n) => one.cosign(n, seconds));
    const summer = Date.UTC(2026, 6, 1) / 1000;
    expect(await answerTo({ ...dated, policy }, stamped(summer), asked)).toBe("yes");
    expect(await answerTo({ ...dated, policy }, stamped(NOW), asked)).toBe("LOG_KEY_NOT_VALID");
  });
});

describe("GHSA-9vcr-p3rj-q5q6: distinct logs are counted, never entries", () => {
  const inBoth = async (): Promise<Bundle> => {
    const bundle = structuredClone(message);
    bundle.verificationMaterial.tlogEntries.push(
      await logged(other, {
        kind: "raw",
        content: toBase64(ARTIFACT),
        signature: message.messageSignature?.signature ?? "",
        verifier: {
          publicKey: toBase64(spkiOf(ada)),
          keyDetails: "PKIX_ECDSA_P256_SHA_256",
        },
      }),
    );
    return bundle;
  };
  // Both test logs have one origin; what sets two logs apart is their key.
  const elsewhere = { baseUrl: "https://http.example.test/", operator: "somebody else" };

  test("two entries of one log are one log", async () => {
    const twice = structuredClone(message);
    const [entry] = message.verificationMaterial.tlogEntries;
    const leaf = fromBase64(entry?.canonicalizedBody ?? "") ?? expect.fail();
    twice.verificationMaterial.tlogEntries.push(await forged(log, leaf));
    expect(await answerTo({ ...trust, minLogs: 2 }, twice, asked)).toBe("LOGS_TOO_FEW");
  });

  test("two logs of two operators are two, of one operator one", async () => {
    const bundle = await inBoth();
    const two = rootOf([tlogOf(log), tlogOf(other, elsewhere)]);
    const one = rootOf([tlogOf(log), tlogOf(other)]);
    expect(await answerTo({ ...trusting(ada, two), minLogs: 2 }, bundle, asked)).toBe("yes");
    expect(await answerTo({ ...trusting(ada, one), minLogs: 2 }, bundle, asked)).toBe(
      "LOGS_TOO_FEW",
    );
    expect(await answerTo(trust, bundle, asked)).toBe("LOG_UNKNOWN");
  });

  test("no timestamp is no authority", async () => {
    expect(await answerTo({ ...trust, minAuthorities: 1 }, message, asked)).toBe(
      "TIMESTAMPS_TOO_FEW",
    );
  });
});
