/**
 * From checked receipts to claims: what a known person says about a commit or an artifact.
 *
 * A receipt becomes a claim when its signer is a person of the trust file, its statement is of a
 * kind that rules speak about, and it is meant for the log it stands in. Everything else is set
 * aside with its reason, and nothing is dropped in silence.
 *
 * `supersedes` takes a statement away: from anybody when the same key signed both. A person's
 * other key may only take away what would have helped (an approval, a build, a release), never a
 * rejection: whoever steals one of two keys must not be able to unsay a "no" of the other.
 *
 * @module
 */
import { equal, toHex } from "../../schema/bytes.ts";
import { gitObjectId, parseGitObject } from "../../schema/git/object.ts";
import { inputsDigest } from "../../schema/predicate/build-result.ts";
import type { DigestSet } from "../../schema/predicate/forms.ts";
import type { KnownPredicate } from "../../schema/predicate/registry.ts";
import type { SlsaProvenance } from "../../schema/predicate/slsa-provenance.ts";
import type { LogEntry } from "../../schema/receipt.ts";
import type { Crypto } from "../crypto/crypto.ts";
import { sameSizeEvidence } from "../fork.ts";
import { gitHashOf } from "../git/hash.ts";
import type { Head } from "../head.ts";
import { type Person, personOf, type Trust } from "../trust.ts";
import { checkReceipt, type ReceiptFile, type VerifyPorts } from "./receipt.ts";
import type {
  CheckedReceipt,
  ComparedHead,
  CompletenessReason,
  NotCounted,
  NotCountedReason,
  ReceiptRefusal,
} from "./verdict.ts";

interface Said {
  readonly receipt: CheckedReceipt;
  readonly person: Person;
  /** Content digest (hex) of the statement that this one takes away. */
  readonly supersedes: string | undefined;
  /** Why it helps nobody, by the log's index. What it says against something still counts. */
  readonly against?: CompletenessReason;
}

export interface CommitClaim extends Said {
  readonly kind: "commit";
  readonly commit: string;
  readonly tree: string;
  /** The whole object. */
  readonly object: Uint8Array;
}

export interface ReviewClaim extends Said {
  readonly kind: "review";
  readonly commit: string;
  readonly tree: string;
  readonly verdict: "approve" | "reject" | "abstain" | "withdraw";
}

export interface Output {
  readonly name: string;
  /** Hex. */
  readonly sha256: string;
}

export interface BuildClaim extends Said {
  readonly kind: "build";
  readonly commit: string | undefined;
  readonly inputsDigest: string;
  readonly system: string;
  readonly outputs: readonly Output[];
}

export interface ReleaseClaim extends Said {
  readonly kind: "release";
  readonly commit: string;
  readonly outputs: readonly Output[];
}

export type Claim = CommitClaim | ReviewClaim | BuildClaim | ReleaseClaim;

/** Everything that a set of receipts says. */
export interface Claims {
  readonly claims: readonly Claim[];
  readonly notCounted: readonly NotCounted[];
  readonly heads: readonly ComparedHead[];
  /**
   * A log that signed two heads of one size, or two entries at one place, in these very receipts or
   * against the memory.
   */
  readonly forked: Extract<ReceiptRefusal, { code: "LOG_FORKED" }> | undefined;
}

/** Check every receipt, and sort what they say. */
export async function readClaims(
  ports: VerifyPorts,
  files: readonly ReceiptFile[],
): Promise<Claims> {
  const claims: Claim[] = [];
  const notCounted: NotCounted[] = [];
  const heads = new Map<string, { compared: ComparedHead; head: Head }>();
  const places = new Map<string, LogEntry>();
  let forked: Claims["forked"];
  for (const file of files) {
    const checked = await checkReceipt(ports, file);
    if (!checked.ok) {
      notCounted.push({ file: file.name, reason: checked.refusal });
      if (checked.refusal.code === "LOG_FORKED") forked = checked.refusal;
      continue;
    }
    const { receipt, head, entry } = checked;
    const name = `${head.log.origin} ${head.tree.size}`;
    const before = heads.get(name);
    if (before === undefined) heads.set(name, { compared: receipt.head, head });
    else if (!equal(before.head.tree.root, head.tree.root)) {
      const evidence = sameSizeEvidence(before.head, head);
      forked = { code: "LOG_FORKED", origin: head.log.origin, evidence };
    }
    const place = `${head.log.origin} ${entry.index}`;
    const there = places.get(place) ?? entry;
    places.set(place, there);
    if (!equal(there.leafBytes, entry.leafBytes)) {
      const evidence = { kind: "wrong-entry", entries: [there, entry] } as const;
      forked ??= { code: "LOG_FORKED", origin: head.log.origin, evidence };
    }
    const claim = readClaim(ports.crypto, ports.trust, receipt);
    if ("code" in claim) notCounted.push({ file: file.name, reason: claim });
    else {
      const against = ports.complete?.against(receipt);
      claims.push(against === undefined ? claim : { ...claim, against });
    }
  }
  return { claims, notCounted, heads: [...heads.values()].map(({ compared }) => compared), forked };
}

/** The claim of a receipt, or why it is none that counts. */
function readClaim(
  crypto: Crypto,
  trust: Trust,
  receipt: CheckedReceipt,
): Claim | NotCountedReason {
  const { reading, signer, vkeys } = receipt;
  const person = personOf(trust, signer.signerId);
  if (person === undefined) return { code: "SIGNER_UNKNOWN", signerId: signer.signerId };
  if (person.platform) return { code: "PLATFORM_KEY", person: person.name };
  if (reading.kind === "git-commit")
    return readCommit(crypto, { receipt, person, supersedes: undefined });
  const known = reading.kind === "statement" ? reading.statement.known : undefined;
  if (known === undefined) return { code: "NO_CLAIM" };
  const log = known.kind === "slsa-provenance" ? undefined : known.value.log;
  if (log !== undefined && !vkeys.includes(log)) return { code: "OTHER_LOG" };
  const supersedes = known.kind === "slsa-provenance" ? undefined : known.value.supersedes;
  return readStatement(crypto, { receipt, person, supersedes }, known);
}

function readCommit(crypto: Crypto, said: Said): CommitClaim | NotCountedReason {
  const object = said.receipt.gitObject;
  const commit = object === undefined ? undefined : readCommitObject(crypto, object);
  if (object === undefined || commit === undefined) return { code: "NO_CLAIM" };
  return { kind: "commit", ...said, commit: commit.id, tree: commit.tree, object };
}

/** The id and tree of a raw commit object; `undefined` where it is none. */
export function readCommitObject(
  crypto: Crypto,
  strangersObject: Uint8Array,
): { readonly id: string; readonly tree: string } | undefined {
  const parsed = parseGitObject(strangersObject);
  if (!parsed.ok || parsed.value.type !== "commit") return undefined;
  const id = gitObjectId(gitHashOf(crypto), parsed.value, strangersObject);
  return { id, tree: parsed.value.tree };
}

function readStatement(
  crypto: Crypto,
  said: Said,
  known: KnownPredicate,
): Claim | NotCountedReason {
  switch (known.kind) {
    case "commit-review": {
      const { head, verdict } = known.value;
      return { kind: "review", ...said, commit: head.gitCommit, tree: head.gitTree, verdict };
    }
    case "build-result": {
      const { input, system, output } = known.value;
      const commit = Object.hasOwn(input, "gitCommit") ? input["gitCommit"] : undefined;
      const digest = known.value.inputsDigest;
      const outputs = outputsOf(output);
      return { kind: "build", ...said, commit, inputsDigest: digest, system, outputs };
    }
    case "slsa-provenance":
      return readProvenance(crypto, said, known.value);
    case "release": {
      const { gitCommit, artifacts } = known.value;
      return { kind: "release", ...said, commit: gitCommit, outputs: outputsOf(artifacts) };
    }
    case "ref-update":
    case "added":
      return { code: "NO_CLAIM" };
  }
}

/** SLSA provenance says what was built when it names exactly one commit. */
function readProvenance(
  crypto: Crypto,
  said: Said,
  provenance: SlsaProvenance,
): BuildClaim | NotCountedReason {
  const commits = new Set(
    provenance.buildDefinition.resolvedDependencies
      .map(({ digest }) => digest?.["gitCommit"])
      .filter((commit) => commit !== undefined),
  );
  const [commit, ...more] = commits;
  const { reading } = said.receipt;
  if (commit === undefined || more.length > 0 || reading.kind !== "statement")
    return { code: "NO_CLAIM" };
  const outputs = outputsOf(
    reading.statement.subject.map(({ name, digest }) => ({ name: name ?? "", digest })),
  );
  const digest = inputsDigest(crypto.sha256, { gitCommit: commit });
  return { kind: "build", ...said, commit, inputsDigest: digest, system: "", outputs };
}

function outputsOf(artifacts: readonly { name: string; digest: DigestSet }[]): Output[] {
  return artifacts.flatMap(({ name, digest }) => {
    const sha256 = digest["sha256"];
    return sha256 === undefined ? [] : [{ name, sha256 }];
  });
}

/** Which statements were taken away, and how far. */
export class Retired {
  readonly #bySigner = new Set<string>();
  readonly #byPerson = new Set<string>();

  constructor(claims: readonly Claim[]) {
    for (const { receipt, person, supersedes } of claims) {
      if (supersedes === undefined) continue;
      this.#bySigner.add(`${toHex(receipt.signer.signerId)} ${supersedes}`);
      this.#byPerson.add(`${person.name} ${supersedes}`);
    }
  }

  /** Taken away by the key that signed it: it was never said. */
  unsaid({ receipt }: Claim): boolean {
    const digest = toHex(receipt.contentDigest);
    return this.#bySigner.has(`${toHex(receipt.signer.signerId)} ${digest}`);
  }

  /** Taken away by any key of its signer: it helps nobody any more. */
  spent(claim: Claim): boolean {
    const digest = toHex(claim.receipt.contentDigest);
    return this.unsaid(claim) || this.#byPerson.has(`${claim.person.name} ${digest}`);
  }
}
