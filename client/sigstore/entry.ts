/**
 * Whether one log entry of a bundle is in a log that counts, and is the bundle's own.
 *
 * The order is: the log is one that the trust names; the leaf is of this signature, digest and
 * key; the log's key, under the name that its id pins, signed the checkpoint, whose origin line
 * has that name; what stands beside the checkpoint says the same as the checkpoint; the proof
 * leads from this leaf at this index to the signed root; and the witnesses of the policy have
 * seen that root. No step takes the log's word where it can compute.
 *
 * - B1  An entry counts only if its leaf is recomputed from the bundle's own signature, digest
 *       and key, and is in a tree that a trusted log has signed.
 *
 * Spec: docs/formats.md §Bundles; C2SP tlog-checkpoint, tlog-cosignature, tlog-policy.
 *
 * @module
 */
import type { TransparencyLogEntry } from "@sigstore/protobuf-specs";
import { equal, utf8 } from "../../schema/bytes.ts";
import { MAX_PROOF_HASHES } from "../../schema/limits.ts";
import { parseCheckpoint } from "../../schema/tlog/checkpoint.ts";
import { asHash, type Hash, leafHash } from "../../schema/tlog/hash.ts";
import { parseNote, type Vkey } from "../../schema/tlog/note.ts";
import { verifyInclusion } from "../../schema/tlog/proof.ts";
import type { Policy } from "../../schema/tlog/quorum.ts";
import { parseSize } from "../../schema/tlog/size.ts";
import { type OpenedCheckpoint, openCheckpoint } from "../cosignature.ts";
import type { Crypto } from "../crypto/crypto.ts";
import type { WitnessTrust } from "../quorum.ts";
import type { TrustedLog } from "../trust.ts";
import { type ClaimedKind, checkBody, type Expected, isFirstRekor } from "./leaf.ts";
import { noteKey, type RootLog } from "./trusted-root.ts";
import { type BundleEntry, pass, refuse, type Step } from "./verdict.ts";
import { checkWitnesses } from "./witnessed.ts";

/** What an entry is held against. */
export interface EntryTrust {
  readonly logs: readonly RootLog[];
  /** Of a trust file: then a log must be in both, under one of these keys. */
  readonly only?: readonly TrustedLog[];
  /** Which witnesses must have cosigned the checkpoint of every entry. */
  readonly policy?: Policy;
}

export interface CheckedEntry {
  readonly log: RootLog;
  readonly entry: BundleEntry;
  /** Seconds at which somebody states that the log's key was in use: promise and witnesses. */
  readonly times: readonly number[];
}

/** `at` is where the entry stands in the bundle, for refusals. */
export async function checkEntry(
  crypto: Crypto,
  trust: EntryTrust,
  expected: Expected,
  strangersEntry: TransparencyLogEntry,
  at: string,
): Promise<Step<CheckedEntry>> {
  const logId = new Uint8Array(strangersEntry.logId?.keyId ?? []);
  const log = trust.logs.find((known) => equal(known.logId, logId));
  if (log === undefined) return refuse({ code: "LOG_UNKNOWN", logId });
  const named = trust.only === undefined ? undefined : namedLog(log, trust.only);
  if (trust.only !== undefined && named === undefined)
    return refuse({ code: "LOG_UNKNOWN", logId });
  if (log.start === undefined) return refuse({ code: "LOG_KEY_UNDATED", log: log.baseUrl });
  const leaf = new Uint8Array(strangersEntry.canonicalizedBody);
  const body = checkBody(crypto.sha256, expected, kindOf(strangersEntry), leaf);
  if (!body.ok) return body;
  const opened = await checkpointOf(crypto, log, strangersEntry, at);
  if (!opened.ok) return opened;
  const place = placeOf(strangersEntry, opened.value, at);
  if (!place.ok) return place;
  const { index, hashes } = place.value;
  const { origin, size, root } = opened.value.checkpoint;
  const tree = { size, root };
  if (!verifyInclusion(crypto.sha256, tree, index, leafHash(crypto.sha256, leaf), hashes))
    return refuse({ code: "NOT_INCLUDED", index, tree });
  const checkpoint = { log: log.baseUrl, note: opened.value.note, size };
  const seen = await checkWitnesses(crypto, askedOf(trust, named), checkpoint);
  if (!seen.ok) return seen;
  const { by: witnesses, existedBefore } = seen.value;
  return pass({
    log,
    entry: { origin, logId, index, tree, witnesses },
    times: [...promisedTime(strangersEntry), ...existedBefore],
  });
}

function kindOf({ kindVersion }: TransparencyLogEntry): ClaimedKind {
  return kindVersion ?? { kind: "", version: "" };
}

/** The log of the trust file that has one of this log's keys. */
function namedLog(log: RootLog, only: readonly TrustedLog[]): TrustedLog | undefined {
  return only.find(({ vkeys }) =>
    log.vkeys.some((key) => vkeys.some((vkey) => sameVkey(vkey, key))),
  );
}

/** Whose witnesses are asked for: those of the policy, and those of the trust file. */
function askedOf({ policy }: EntryTrust, named: TrustedLog | undefined): readonly WitnessTrust[] {
  const given = policy === undefined ? [] : [{ witnesses: [{ policy }] }];
  return named === undefined ? given : [...given, named];
}

function sameVkey(a: Vkey, b: Vkey): boolean {
  return a.name === b.name && a.type === b.type && equal(a.publicKey, b.publicKey);
}

/** The checkpoint, signed by the log's own key, under an origin line that is the key's name. */
async function checkpointOf(
  crypto: Crypto,
  log: RootLog,
  strangersEntry: TransparencyLogEntry,
  at: string,
): Promise<Step<OpenedCheckpoint>> {
  const envelope = strangersEntry.inclusionProof?.checkpoint?.envelope ?? "";
  if (envelope === "")
    return refuse({ code: "PROOF_MISSING", field: `${at}.inclusionProof.checkpoint` });
  const bytes = utf8(envelope);
  const no = (message: string): Step<OpenedCheckpoint> =>
    refuse({ code: "CHECKPOINT_REFUSED", log: log.baseUrl, message });
  const note = parseNote(bytes);
  if (!note.ok) return no(note.message);
  const claimed = parseCheckpoint(note.value.text);
  if (!claimed.ok) return no(claimed.message);
  const key = noteKey(log, note.value.signatures);
  if (key === undefined) return no("no line names the log's key under the log's name");
  const { origin } = claimed.value;
  if (origin !== key.name && !isFirstRekorOrigin(origin, key.name, strangersEntry))
    return no(`its origin line is not ${key.name}`);
  const opened = await openCheckpoint(crypto, bytes, key, [], origin);
  return opened.ok ? pass(opened.value) : no(opened.message);
}

/** The first Rekor writes the number of its tree behind its name. */
function isFirstRekorOrigin(
  strangersOrigin: string,
  name: string,
  strangersEntry: TransparencyLogEntry,
): boolean {
  return (
    isFirstRekor(kindOf(strangersEntry)) &&
    strangersOrigin.startsWith(`${name} - `) &&
    /^\d{1,20}$/.test(strangersOrigin.slice(name.length + 3))
  );
}

/**
 * Index and hashes of the proof, when they and all that is beside the checkpoint agree with it.
 *
 * The entry's own index is another one in the first Rekor, which counts over all its trees, and
 * its promise signs that. Without a promise nobody signs it, so it must be the proof's.
 */
function placeOf(
  { inclusionProof, inclusionPromise, logIndex }: TransparencyLogEntry,
  { checkpoint }: OpenedCheckpoint,
  at: string,
): Step<{ readonly index: number; readonly hashes: readonly Hash[] }> {
  if (inclusionProof === undefined)
    return refuse({ code: "PROOF_MISSING", field: `${at}.inclusionProof` });
  const contradicts = (field: string): ReturnType<typeof refuse> =>
    refuse({ code: "RECORD_CONTRADICTS", field: `${at}.${field}` });
  const index = parseSize(inclusionProof.logIndex);
  if (!index.ok) return contradicts("inclusionProof.logIndex");
  if (inclusionPromise === undefined && logIndex !== inclusionProof.logIndex)
    return contradicts("logIndex");
  if (inclusionProof.treeSize !== String(checkpoint.size))
    return contradicts("inclusionProof.treeSize");
  if (!equal(inclusionProof.rootHash, checkpoint.root))
    return contradicts("inclusionProof.rootHash");
  if (inclusionProof.hashes.length > MAX_PROOF_HASHES) return contradicts("inclusionProof.hashes");
  const hashes: Hash[] = [];
  for (const bytes of inclusionProof.hashes) {
    const hash = asHash(new Uint8Array(bytes));
    if (hash === undefined) return contradicts("inclusionProof.hashes");
    hashes.push(hash);
  }
  return pass({ index: index.value, hashes });
}

/** The time that the log's promise signs, where there is one. */
function promisedTime({
  inclusionPromise,
  integratedTime,
}: TransparencyLogEntry): readonly number[] {
  return inclusionPromise === undefined ? [] : [Number(integratedTime)];
}
