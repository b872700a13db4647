/**
 * What a log offers to be trusted for: fetched, and held against itself. Nothing of it is trusted.
 *
 * A log that serves its own keys can serve any. So all that is decided here is whether the parts
 * agree with one another: the key in the trusted root is the one that signed the checkpoint, that
 * wrote the genesis, and that the witness policy is for, and the checkpoint carries the quorum of
 * that policy; so with the policy of index verifiers and the head of the index log. Whether they are the *right* parts is decided by fingerprints that came another
 * way: {@link Part} says what has to be compared.
 *
 * - O1  Nothing that a log serves about itself is trusted on fetch: each part is confirmed by a
 *       person, or by a fingerprint that was given.
 *
 * @module
 */
import { equal, toHex } from "../schema/bytes.ts";
import { speaksForItself } from "../schema/entry/log-statement.ts";
import { failure, LogError, type Result, success } from "../schema/error.ts";
import { verifierPolicyPath } from "../schema/http/lookup-request.ts";
import {
  CHECKPOINT_PATH,
  SIGNING_CONFIG_PATH,
  TRUSTED_ROOT_PATH,
  WITNESS_POLICY_PATH,
} from "../schema/http/paths.ts";
import { CURRENT_INDEX, indexPrefix } from "../schema/index/generation.ts";
import { MAX_NOTE_BYTES } from "../schema/limits.ts";
import { formatReceipt } from "../schema/receipt.ts";
import { parseCheckpoint } from "../schema/tlog/checkpoint.ts";
import type { Sha256 } from "../schema/tlog/hash.ts";
import { formatVkey, keyHash, parseNote } from "../schema/tlog/note.ts";
import type { Policy } from "../schema/tlog/quorum.ts";
import { MAX_POLICY_BYTES, parsePolicy } from "../schema/tlog/tlog-policy.ts";
import type { Crypto } from "./crypto/crypto.ts";
import {
  MAX_DOCUMENT_BYTES,
  readSigningConfig,
  readTrustedRoot,
  type ShownRoot,
} from "./documents.ts";
import type { Source } from "./fetch.ts";
import { openHead } from "./head.ts";
import { LogReader } from "./log.ts";
import { indexLogOf } from "./lookup/index-log.ts";
import type { TrustedLog } from "./trust.ts";
import { explainRefusal } from "./verify/explain.ts";
import { verifyReceipt } from "./verify/receipt.ts";

const VERIFIER_POLICY_PATH = verifierPolicyPath(CURRENT_INDEX);

/** The documents, byte for byte as they were served. */
export interface Documents {
  readonly trustedRoot: Uint8Array;
  readonly signingConfig: Uint8Array;
  readonly witnessPolicy: Uint8Array;
}

/** Something to be trusted, and the fingerprints (SHA-256, hex) that name it and all of it. */
export interface Part {
  readonly what: "log key" | "timestamp authority" | "witness policy" | "policy of index verifiers";
  readonly name: string;
  /** Any of these covers it; the first is the one to compare by eye. */
  readonly fingerprints: readonly [string, ...string[]];
}

export interface Offer {
  readonly log: TrustedLog;
  readonly vkeyText: string;
  /** The policy; its quorum is `undefined` where the log has no witnesses. */
  readonly policy: Policy;
  /** Who must have executed the index; `undefined` where the log asks nobody, or keeps none. */
  readonly verifiers: Policy | undefined;
  readonly documents: Documents;
  readonly root: ShownRoot;
  readonly parts: readonly Part[];
  /** Where the signing configuration sends what is signed. */
  readonly services: readonly string[];
}

/**
 * Fetch everything, and hold it against itself.
 *
 * @returns the offer, or `RESPONSE_INVALID` with what does not agree. Throws what the transport
 *   throws.
 */
export async function fetchOffer(crypto: Crypto, transport: Source): Promise<Result<Offer>> {
  const [note, trustedRoot, signingConfig, witnessPolicy, verifierPolicy] = await Promise.all([
    transport.get(CHECKPOINT_PATH, MAX_NOTE_BYTES),
    transport.get(TRUSTED_ROOT_PATH, MAX_DOCUMENT_BYTES),
    transport.get(SIGNING_CONFIG_PATH, MAX_DOCUMENT_BYTES),
    transport.get(WITNESS_POLICY_PATH, MAX_POLICY_BYTES),
    orNothing(transport.get(VERIFIER_POLICY_PATH, MAX_POLICY_BYTES)),
  ]);
  const documents = { trustedRoot, signingConfig, witnessPolicy };
  const read = readOffer(crypto, note, documents, verifierPolicy);
  if (!read.ok) return read;
  const index = await checkIndex(crypto, transport, read.value);
  if (!index.ok) return index;
  const genesis = await checkGenesis(crypto, transport, read.value, note);
  return genesis.ok ? read : genesis;
}

/** A log that keeps no index has nobody to verify it. */
async function orNothing(asked: Promise<Uint8Array>): Promise<Uint8Array | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof LogError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

function readOffer(
  crypto: Crypto,
  note: Uint8Array,
  documents: Documents,
  verifierPolicy: Uint8Array | undefined,
): Result<Offer> {
  const { sha256 } = crypto;
  const parsed = parseNote(note);
  const checkpoint = parsed.ok ? parseCheckpoint(parsed.value.text) : parsed;
  if (!checkpoint.ok) return disagrees(CHECKPOINT_PATH, checkpoint.message);
  const { origin } = checkpoint.value;
  const root = readTrustedRoot(sha256, origin, documents.trustedRoot);
  if (!root.ok) return disagrees(TRUSTED_ROOT_PATH, root.message);
  const services = readSigningConfig(documents.signingConfig);
  if (!services.ok) return disagrees(SIGNING_CONFIG_PATH, services.message);
  const policy = parsePolicy(sha256, documents.witnessPolicy);
  if (!policy.ok) return disagrees(WITNESS_POLICY_PATH, policy.message);
  const { vkey } = root.value;
  const vkeyText = formatVkey(sha256, vkey.name, vkey.type, vkey.publicKey);
  if (policy.value.logs.some((log) => log.vkeyText !== vkeyText))
    return disagrees(WITNESS_POLICY_PATH, "it is for another log than the trusted root");
  const bare = { origin, vkeys: [vkey], vkeyTexts: [vkeyText] };
  const verifiers = readVerifiers(sha256, bare, policy.value, verifierPolicy);
  if (!verifiers.ok) return verifiers;
  const asks = policy.value.quorum !== undefined;
  return success({
    log: {
      ...bare,
      ...(asks ? { witnesses: [{ policy: policy.value }] } : {}),
      ...(verifiers.value === undefined ? {} : { index: [{ policy: verifiers.value }] }),
    },
    vkeyText,
    policy: policy.value,
    verifiers: verifiers.value,
    documents,
    root: root.value,
    parts: [
      ...partsOf(crypto, root.value, documents, asks),
      ...(verifiers.value === undefined || verifierPolicy === undefined
        ? []
        : [policyPart(crypto, "policy of index verifiers", verifierPolicy)]),
    ],
    services: services.value,
  });
}

/** The policy of index verifiers; `undefined` where it asks for nobody. */
function readVerifiers(
  sha256: Sha256,
  log: TrustedLog,
  { witnesses }: Policy,
  text: Uint8Array | undefined,
): Result<Policy | undefined> {
  if (text === undefined) return success(undefined);
  const policy = parsePolicy(sha256, text);
  if (!policy.ok) return disagrees(VERIFIER_POLICY_PATH, policy.message);
  const { vkeyTexts } = indexLogOf(sha256, log, CURRENT_INDEX, []);
  if (policy.value.logs.some(({ vkeyText }) => !vkeyTexts.includes(vkeyText)))
    return disagrees(VERIFIER_POLICY_PATH, "it is for another log than the trusted root");
  const both = policy.value.witnesses.find(({ vkey }) =>
    witnesses.some((one) => equal(one.vkey.publicKey, vkey.publicKey)),
  );
  if (both !== undefined)
    return disagrees(VERIFIER_POLICY_PATH, `${both.name} is a witness of the log too`);
  return success(policy.value.quorum === undefined ? undefined : policy.value);
}

/** The head of the index log carries the quorum of those who are offered for it. */
async function checkIndex(
  crypto: Crypto,
  transport: Source,
  { log }: Offer,
): Promise<Result<undefined>> {
  if (log.index === undefined) return success(undefined);
  const path = `${indexPrefix(CURRENT_INDEX)}${CHECKPOINT_PATH}`;
  const note = await orNothing(transport.get(path, MAX_NOTE_BYTES));
  if (note === undefined) return disagrees(path, "its index verifiers have signed nothing yet");
  const head = await openHead(
    crypto,
    indexLogOf(crypto.sha256, log, CURRENT_INDEX, log.index),
    note,
  );
  return head.ok ? success(undefined) : disagrees(path, head.message);
}

function policyPart({ sha256 }: Crypto, what: Part["what"], text: Uint8Array): Part {
  return { what, name: "its text", fingerprints: [toHex(sha256(text))] };
}

function partsOf(
  crypto: Crypto,
  { vkey, authorities }: ShownRoot,
  { trustedRoot, witnessPolicy }: Documents,
  asks: boolean,
): Part[] {
  const { sha256 } = crypto;
  // The root is one file: its own fingerprint covers all that it names.
  const whole = toHex(sha256(trustedRoot));
  const key = toHex(keyHash(sha256, vkey.name, vkey.type, vkey.publicKey));
  const witnesses = asks ? [policyPart(crypto, "witness policy", witnessPolicy)] : [];
  return [
    { what: "log key", name: vkey.name, fingerprints: [key, whole] },
    ...authorities.map(
      ({ name, chain }): Part => ({
        what: "timestamp authority",
        name,
        // What ends the chain is what vouches for the rest of it.
        fingerprints: [chain.at(-1) ?? chain[0], whole],
      }),
    ),
    ...witnesses,
  ];
}

/** Entry 0, under a head that meets the offered trust, is the genesis of this very key. */
async function checkGenesis(
  crypto: Crypto,
  transport: Source,
  { log, vkeyText }: Offer,
  note: Uint8Array,
): Promise<Result<undefined>> {
  const head = await openHead(crypto, log, note);
  if (!head.ok) return disagrees(CHECKPOINT_PATH, head.message);
  const receipt = await new LogReader({ crypto, transport, log }, head.value).receipt(0);
  const trust = { logs: [log], people: [], rules: [] };
  const bytes = formatReceipt(receipt);
  const verdict = await verifyReceipt({ crypto, trust }, { name: "entry 0", bytes });
  if (!verdict.ok) return disagrees("entry 0", explainRefusal(verdict.refusal));
  const { reading, signer } = verdict.receipt;
  const statement = reading.kind === "log-statement" ? reading.statement : undefined;
  if (statement?.type !== "genesis" || !speaksForItself(crypto.sha256, statement, signer.signerId))
    return disagrees("entry 0", "it is not the genesis of a log by its own key");
  if (statement.log !== vkeyText || statement.origin !== log.origin)
    return disagrees("entry 0", `it is the genesis of ${statement.log}`);
  return success(undefined);
}

/** What was given to compare with, and what is left for a person to confirm. */
export interface Compared {
  /** Given fingerprints and keys that name nothing which the log offers. */
  readonly unmatched: readonly string[];
  readonly covered: readonly Part[];
  readonly open: readonly Part[];
}

/** Hold an offer against fingerprints and verifier keys that came another way. */
export function compareOffer(
  { parts, vkeyText }: Offer,
  given: { readonly fingerprints: readonly string[]; readonly vkeys: readonly string[] },
): Compared {
  const fingerprints = new Set(given.fingerprints);
  const isCovered = ({ what, fingerprints: own }: Part): boolean =>
    own.some((one) => fingerprints.has(one)) ||
    (what === "log key" && given.vkeys.includes(vkeyText));
  const known = new Set(parts.flatMap((part) => part.fingerprints));
  return {
    unmatched: [
      ...given.fingerprints.filter((one) => !known.has(one)),
      ...given.vkeys.filter((one) => one !== vkeyText),
    ],
    covered: parts.filter(isCovered),
    open: parts.filter((part) => !isCovered(part)),
  };
}

/** Which of the stored documents are not the served ones; a missing one differs. */
export function changedDocuments(
  { documents }: Offer,
  stored: { readonly [name in keyof Documents]: Uint8Array | undefined },
): (keyof Documents)[] {
  const names = ["trustedRoot", "signingConfig", "witnessPolicy"] as const;
  return names.filter((name) => {
    const before = stored[name];
    return before === undefined || !equal(before, documents[name]);
  });
}

function disagrees(field: string, message: string): Result<never> {
  return failure("RESPONSE_INVALID", `What the log serves does not agree: ${field}: ${message}`, {
    field,
  });
}
