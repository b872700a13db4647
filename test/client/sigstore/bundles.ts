/**
 * Sigstore bundles with proofs of a real log in this process, and every lie that a log with its
 * own key could tell about them.
 */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { privateKeySigner } from "../../../client/keys/private-key.ts";
import { dsseSubmission, fileSubmission, type Signer } from "../../../client/keys/signer.ts";
import type { Asked } from "../../../client/sigstore/about.ts";
import type { BundleVerdict } from "../../../client/sigstore/verdict.ts";
import { type BundleTrust, verifyBundle } from "../../../client/sigstore/verify-bundle.ts";
import { toBase64, toHex, utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import type {
  Submission,
  SubmitAnswer,
  TransparencyLogEntry,
} from "../../../schema/http/messages.ts";
import { encodeSpki } from "../../../schema/key/spki.ts";
import { formatCheckpoint } from "../../../schema/tlog/checkpoint.ts";
import { cosignatureMessage, formatCosignature } from "../../../schema/tlog/cosignature.ts";
import { leafHash, nodeHash } from "../../../schema/tlog/hash.ts";
import {
  formatNote,
  formatSignatures,
  formatVkey,
  keyHash,
  makeVkey,
  parseVkey,
  SIGNATURE_TYPES,
} from "../../../schema/tlog/note.ts";
import { startTestLog, submit, type TestLog } from "../../server/http/harness.ts";

const { sha256 } = nodeCrypto;
const { ed25519 } = SIGNATURE_TYPES;

/** When the tests ask, in seconds. */
export const NOW = 1_800_000_000;

/** A type, not an interface: members are changed and compared as plain data. */
export type Bundle = {
  mediaType: string;
  verificationMaterial: {
    publicKey?: { hint: string };
    certificate?: { rawBytes: string };
    tlogEntries: TransparencyLogEntry[];
    timestampVerificationData?: { rfc3161Timestamps: { signedTimestamp: string }[] };
  };
  messageSignature?: {
    messageDigest: { algorithm: string; digest: string };
    signature: string;
  };
  dsseEnvelope?: {
    payloadType: string;
    payload: string;
    signatures: { sig: string; keyid?: string }[];
  };
};

export function rsaSigner(): Signer {
  return privateKeySigner(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey, "test");
}

export function spkiOf(signer: Signer): Uint8Array {
  return encodeSpki(signer.publicKey);
}

/** What the log answers to a submission of one entry. */
export async function logged(log: TestLog, submission: Submission): Promise<TransparencyLogEntry> {
  const answer = await submit(log, submission);
  if (answer.status !== 201) throw new Error(answer.body.toString());
  const { entries }: SubmitAnswer = JSON.parse(answer.body.toString());
  const [entry] = entries;
  if (entry === undefined) throw new Error("nothing was logged");
  return entry;
}

const MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";

export async function messageBundle(
  log: TestLog,
  signer: Signer,
  artifact: Uint8Array,
): Promise<Bundle> {
  const submission = await fileSubmission(signer, artifact);
  return {
    mediaType: MEDIA_TYPE,
    verificationMaterial: {
      publicKey: { hint: signer.ssh?.fingerprint ?? "" },
      tlogEntries: [await logged(log, submission)],
    },
    messageSignature: {
      messageDigest: { algorithm: "SHA2_256", digest: toBase64(sha256(artifact)) },
      signature: submission.signature,
    },
  };
}

export async function envelopeBundle(
  log: TestLog,
  signer: Signer,
  payloadType: string,
  payload: Uint8Array,
): Promise<Bundle> {
  const submission = await dsseSubmission(signer, payloadType, payload);
  return {
    mediaType: MEDIA_TYPE,
    verificationMaterial: {
      publicKey: { hint: signer.ssh?.fingerprint ?? "" },
      tlogEntries: [await logged(log, submission)],
    },
    dsseEnvelope: { ...submission.envelope, signatures: [...submission.envelope.signatures] },
  };
}

/** An in-toto statement about some bytes. */
export function statementAbout(artifact: Uint8Array, digests: object = {}): Uint8Array {
  return utf8(
    JSON.stringify({
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ name: "a", digest: { sha256: toHex(sha256(artifact)), ...digests } }],
      predicateType: "https://example.test/said/v1",
      predicate: {},
    }),
  );
}

export interface RootOptions {
  readonly validFor?: { readonly start?: string; readonly end?: string };
  readonly baseUrl?: string;
  readonly operator?: string;
}

/** One log, as a trusted root has it. */
export function tlogOf(log: TestLog, options: RootOptions = {}): object {
  const vkey = unwrap(parseVkey(sha256, log.parts.key.vkey));
  return {
    baseUrl: options.baseUrl ?? `https://${vkey.name}`,
    hashAlgorithm: "SHA2_256",
    publicKey: {
      rawBytes: toBase64(encodeSpki({ type: "ed25519", raw: vkey.publicKey })),
      keyDetails: "PKIX_ED25519",
      validFor: options.validFor ?? { start: "2026-01-01T00:00:00Z" },
    },
    logId: { keyId: toBase64(keyHash(sha256, vkey.name, ed25519, vkey.publicKey)) },
    ...(options.operator === undefined ? {} : { operator: options.operator }),
  };
}

export function rootOf(tlogs: readonly object[], more: object = {}): Uint8Array {
  return utf8(
    JSON.stringify({
      mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
      tlogs,
      certificateAuthorities: [],
      ctlogs: [],
      timestampAuthorities: [],
      ...more,
    }),
  );
}

/** An entry that the log itself forges: any leaf, in a tree of two, under its own good signature. */
export async function forged(
  log: TestLog,
  leaf: Uint8Array,
  origin: string = log.parts.key.origin,
): Promise<TransparencyLogEntry> {
  const first = leafHash(sha256, utf8("first"));
  const root = nodeHash(sha256, first, leafHash(sha256, leaf));
  const head = { size: 2, root };
  // Another origin line is signed by the same key, under the key's own name.
  const note =
    origin === log.parts.key.origin
      ? await log.parts.key.checkpoints.sign(head)
      : await signedUnderOtherOrigin(log, formatCheckpoint({ origin, ...head }));
  return {
    logIndex: "1",
    logId: { keyId: toBase64(log.parts.key.logId) },
    kindVersion: { kind: "hashedrekord", version: "0.0.2" },
    integratedTime: "0",
    inclusionPromise: null,
    inclusionProof: {
      logIndex: "1",
      rootHash: toBase64(root),
      treeSize: "2",
      hashes: [toBase64(first)],
      checkpoint: { envelope: new TextDecoder().decode(note) },
    },
    canonicalizedBody: toBase64(leaf),
  };
}

/** The keys with which tests sign as a log under names of their choice. */
const logKeys = new WeakMap<TestLog, KeyObject>();

async function signedUnderOtherOrigin(log: TestLog, text: string): Promise<Uint8Array> {
  const key = logKeys.get(log);
  if (key === undefined) throw new Error("this log was not started here");
  const { name, keyId } = unwrap(parseVkey(sha256, log.parts.key.vkey));
  return formatNote({
    text,
    signatures: [{ name, keyId, signature: sign(null, utf8(text), key) }],
  });
}

/** A live log whose private key the test has, to lie with. */
export async function startLyingLog(): Promise<TestLog> {
  const { privateKey } = generateKeyPairSync("ed25519");
  const log = await startTestLog("memory", { signer: privateKeySigner(privateKey, "test") });
  logKeys.set(log, privateKey);
  return log;
}

/** Somebody who cosigns checkpoints. */
export interface TestWitness {
  readonly name: string;
  readonly vkey: string;
  /** One more signature line below the note. */
  readonly cosign: (note: string, timestamp: number) => string;
}

export function newWitness(name: string): TestWitness {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = new Uint8Array(publicKey.export({ type: "spki", format: "der" }).subarray(-32));
  const { keyId } = makeVkey(sha256, name, SIGNATURE_TYPES.cosignature, raw);
  return {
    name,
    vkey: formatVkey(sha256, name, SIGNATURE_TYPES.cosignature, raw),
    cosign: (note, timestamp) => {
      const text = note.slice(0, note.lastIndexOf("\n\n") + 1);
      const signed = sign(null, cosignatureMessage(timestamp, text), privateKey);
      const signature = formatCosignature({ timestamp, signature: signed });
      return note + formatSignatures([{ name, keyId, signature }]);
    },
  };
}

/** A bundle with one thing changed in its first entry. */
export function withEntry(
  bundle: Bundle,
  change: (entry: TransparencyLogEntry) => TransparencyLogEntry,
): Bundle {
  const whole = structuredClone(bundle);
  const [first, ...rest] = whole.verificationMaterial.tlogEntries;
  if (first === undefined) throw new Error("the bundle has no entry");
  whole.verificationMaterial.tlogEntries = [change(first), ...rest];
  return whole;
}

/** Change of what stands in the inclusion proof. */
export function withProof(
  bundle: Bundle,
  change: Partial<TransparencyLogEntry["inclusionProof"]>,
): Bundle {
  return withEntry(bundle, (entry) => ({
    ...entry,
    inclusionProof: { ...entry.inclusionProof, ...change },
  }));
}

export function withNote(bundle: Bundle, change: (note: string) => string): Bundle {
  const note = bundle.verificationMaterial.tlogEntries[0]?.inclusionProof.checkpoint.envelope ?? "";
  return withProof(bundle, { checkpoint: { envelope: change(note) } });
}

export async function askBundle(
  trust: BundleTrust,
  bundle: Bundle | Uint8Array,
  asked: Asked,
): Promise<BundleVerdict> {
  const bytes = bundle instanceof Uint8Array ? bundle : utf8(JSON.stringify(bundle));
  return verifyBundle({ crypto: nodeCrypto, now: () => NOW }, trust, bytes, asked);
}

/** "yes", or the code of the refusal. */
export async function answerTo(
  trust: BundleTrust,
  bundle: Bundle | Uint8Array,
  asked: Asked,
): Promise<string> {
  const verdict = await askBundle(trust, bundle, asked);
  return verdict.ok ? "yes" : verdict.refusal.code;
}
