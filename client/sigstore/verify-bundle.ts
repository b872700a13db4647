/**
 * A Sigstore bundle: is this artifact signed by whom I ask for, and logged where I trust?
 *
 * Sigstore's own verifier answers for what Sigstore defines: certificates, their transparency,
 * timestamps, promises. Around it stand the checks that it leaves out, and those come first: what
 * the bundle is about (`about.ts`), the signature itself, also where only a digest is at hand,
 * and for every entry its leaf, key, place, origin and witnesses (`entry.ts`). After it: whose
 * certificate it is, compared as a whole and never as a pattern; when each log's key counted; and
 * how many *distinct* logs and authorities there are.
 *
 * The answer is data. It throws `USAGE` where Sigstore's packages are not installed, and
 * `TRUST_INVALID` for a trusted root that cannot be read.
 *
 * Spec: docs/formats.md §Bundles.
 *
 * @module
 */
import type { Bundle } from "@sigstore/bundle";
import { signerId } from "../../schema/key/signer-id.ts";
import { encodeSpki, type PublicKey } from "../../schema/key/spki.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import type { Policy } from "../../schema/tlog/quorum.ts";
import type { Crypto } from "../crypto/crypto.ts";
import type { TrustedLog } from "../trust.ts";
import { type Asked, checkAbout } from "./about.ts";
import { readBundle, type Signed, type SignerKey, signedBy, signerKey } from "./bundle.ts";
import { type CheckedEntry, checkEntry, type EntryTrust } from "./entry.ts";
import { verifyPackages } from "./packages.ts";
import { checkSignature } from "./signature.ts";
import { type Accepted, askSigstore } from "./sigstore-verifier.ts";
import { type Root, readRoot, rootOfLogs, voiceOf } from "./trusted-root.ts";
import {
  type BundleSigner,
  type BundleTimestamp,
  type BundleVerdict,
  type BundleYes,
  pass,
  refuse,
  type Step,
} from "./verdict.ts";

export interface BundlePorts {
  readonly crypto: Crypto;
  /** Seconds since 1970: when a log's key must count where nothing in the bundle states a time. */
  readonly now: () => number;
}

/** Who must have signed. Both come from whoever asks, never from the bundle. */
export type AskedSigner =
  /** As `Signer` has it, or SPKI DER. */
  | { readonly material: "key"; readonly key: PublicKey | Uint8Array }
  | { readonly material: "certificate"; readonly identity: string; readonly issuer: string };

export interface BundleTrust {
  /** Bytes of a `trusted_root.json`. May be left out where `logs` is given and a key signs. */
  readonly root?: Uint8Array | undefined;
  /** Logs of a trust file: an entry then counts only in one of these. */
  readonly logs?: readonly TrustedLog[] | undefined;
  readonly policy?: Policy | undefined;
  readonly signer: AskedSigner;
  /** Distinct logs that must have the entry; 1 where nothing is said. */
  readonly minLogs?: number | undefined;
  /** Distinct timestamp authorities, other than the log's own, that must state a time; else 0. */
  readonly minAuthorities?: number | undefined;
}

/** Verify a bundle about an artifact, or about a digest alone. */
export async function verifyBundle(
  ports: BundlePorts,
  trust: BundleTrust,
  strangersBundle: Uint8Array,
  asked: Asked,
): Promise<BundleVerdict> {
  const answer = await judge(ports, trust, strangersBundle, asked);
  return answer.ok ? answer.value : { ...answer, question: "bundle" };
}

async function judge(
  ports: BundlePorts,
  trust: BundleTrust,
  strangersBundle: Uint8Array,
  asked: Asked,
): Promise<Step<BundleYes>> {
  const { crypto } = ports;
  const packages = await verifyPackages();
  const root = readRoot(
    packages.specs,
    crypto.sha256,
    trust.root ?? rootOfLogs(crypto.sha256, trust.logs ?? []),
  );
  const read = readBundle(packages, strangersBundle);
  if (!read.ok) return read;
  const bundle = read.value;
  const key = signerKey(bundle, askedSpki(trust.signer));
  if (!key.ok) return key;
  const artifact = "artifact" in asked ? asked.artifact : undefined;
  const signed = signedBy(crypto.sha256, bundle, packages.specs.HashAlgorithm.SHA2_256, artifact);
  if (!signed.ok) return signed;
  const about = checkAbout(crypto, signed.value, asked);
  if (!about.ok) return about;
  const signature = await checkSignature(crypto, signed.value, key.value);
  if (!signature.ok) return signature;
  const entries = await checkEntries(
    crypto,
    entryTrust(root, trust),
    bundle,
    signed.value,
    key.value,
  );
  if (!entries.ok) return entries;
  const enough = distinctLogs(entries.value, trust.minLogs ?? 1);
  if (!enough.ok) return enough;
  const logs = entries.value.map(({ log }) => log);
  const accepted = askSigstore(packages, { root, bundle, signer: key.value, artifact, logs });
  if (!accepted.ok) return accepted;
  const whose = checkIdentity(trust.signer, accepted.value, signerId(crypto.sha256, key.value.key));
  if (!whose.ok) return whose;
  const dated = checkKeyTimes(ports, entries.value, accepted.value.timestamps);
  if (!dated.ok) return dated;
  const stamped = distinctAuthorities(accepted.value.timestamps, trust.minAuthorities ?? 0);
  if (!stamped.ok) return stamped;
  return pass({
    ok: true,
    question: "bundle",
    digest: about.value,
    signer: whose.value,
    entries: entries.value.map(({ entry }) => entry),
    timestamps: accepted.value.timestamps,
  });
}

function askedSpki(signer: AskedSigner): Uint8Array | undefined {
  if (signer.material === "certificate") return undefined;
  return signer.key instanceof Uint8Array ? signer.key : encodeSpki(signer.key);
}

function entryTrust(root: Root, { logs, policy }: BundleTrust): EntryTrust {
  return {
    logs: root.logs,
    ...(logs === undefined ? {} : { only: logs }),
    ...(policy === undefined ? {} : { policy }),
  };
}

async function checkEntries(
  crypto: Crypto,
  trust: EntryTrust,
  bundle: Bundle,
  signed: Signed,
  signer: SignerKey,
): Promise<Step<readonly CheckedEntry[]>> {
  const entries: CheckedEntry[] = [];
  for (const [i, entry] of bundle.verificationMaterial.tlogEntries.entries()) {
    const checked = await checkEntry(crypto, trust, { signed, signer }, entry, `tlogEntries[${i}]`);
    if (!checked.ok) return checked;
    entries.push(checked.value);
  }
  return pass(entries);
}

/** Logs are counted by who runs them: neither a second entry nor a second key is a second voice. */
function distinctLogs(entries: readonly CheckedEntry[], need: number): Step<true> {
  const have = [...new Set(entries.map(({ log }) => voiceOf(log)))];
  return have.length >= need ? pass(true) : refuse({ code: "LOGS_TOO_FEW", have, need });
}

function distinctAuthorities(timestamps: readonly BundleTimestamp[], need: number): Step<true> {
  const others = timestamps.filter(({ independent }) => independent);
  const have = [...new Set(others.map(({ authority }) => authority))];
  return have.length >= need ? pass(true) : refuse({ code: "TIMESTAMPS_TOO_FEW", have, need });
}

/** Sigstore's verifier takes an identity as a pattern; here it is the whole of it. */
function checkIdentity(asked: AskedSigner, accepted: Accepted, id: Hash): Step<BundleSigner> {
  if (asked.material === "key") return pass({ material: "key", signerId: id });
  const { identity, issuer } = accepted;
  if (identity !== asked.identity)
    return refuse({
      code: "OTHER_IDENTITY",
      field: "identity",
      asked: asked.identity,
      found: identity,
    });
  if (issuer !== asked.issuer)
    return refuse({ code: "OTHER_IDENTITY", field: "issuer", asked: asked.issuer, found: issuer });
  return pass({ material: "certificate", signerId: id, identity, issuer });
}

/**
 * A log's key counts from its first to its last second, at every time that somebody states for
 * the entry. Where nobody states one, it must count now.
 */
function checkKeyTimes(
  { now }: BundlePorts,
  entries: readonly CheckedEntry[],
  timestamps: readonly BundleTimestamp[],
): Step<true> {
  for (const { log, times } of entries) {
    const stated = [...times, ...timestamps.map(({ seconds }) => seconds)];
    for (const seconds of stated.length === 0 ? [now()] : stated)
      if (!(seconds >= (log.start ?? Number.POSITIVE_INFINITY)) || seconds > (log.end ?? seconds))
        return refuse({ code: "LOG_KEY_NOT_VALID", log: log.baseUrl, seconds });
  }
  return pass(true);
}
