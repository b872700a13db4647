/**
 * The judge: does this file convict a log, with nothing at hand but the file and the trust file?
 *
 * Evidence convicts by the log's own signatures. Whatever is in the file besides signed notes is
 * believed only as far as they commit to it: a path must fold to the root of the larger note, an
 * entry must be included under its own checkpoint. A path that folds to neither, or that shows
 * that all is well, proves nothing; whoever made it may have lied. Witnesses are not asked for: a
 * log answers for what it signed, whoever else did.
 *
 * Spec: docs/formats.md §Evidence.
 *
 * @module
 */
import { equal, utf8 } from "../schema/bytes.ts";
import { checkLeaf } from "../schema/entry/check.ts";
import { parseLeaf } from "../schema/entry/leaf.ts";
import { type Evidence, type EvidenceKind, parseEvidence } from "../schema/evidence.ts";
import type { LogEntry } from "../schema/receipt.ts";
import type { Hash } from "../schema/tlog/hash.ts";
import { foldConsistency } from "../schema/tlog/proof.ts";
import { rangeNodes } from "../schema/tlog/tree.ts";
import type { Crypto } from "./crypto/crypto.ts";
import { claimedLog, openSigned, type SignedHead } from "./head.ts";
import { verifyEntrySignature } from "./signature/registry.ts";
import type { Trust } from "./trust.ts";
import { checkInclusion } from "./verify/inclusion.ts";

type Logs = Pick<Trust, "logs">;

/** Why a file convicts nobody. */
export type EvidenceRefusal =
  | { readonly code: "EVIDENCE_MALFORMED"; readonly message: string; readonly field?: string }
  /** A note in it is of a log that the trust file does not name, or the two are of two logs. */
  | { readonly code: "LOG_UNKNOWN"; readonly message: string }
  /** A note in it was not signed by the log: somebody else made it. */
  | { readonly code: "NOT_SIGNED"; readonly message: string }
  /** All of it may be true of an honest log. */
  | { readonly code: "PROVES_NOTHING"; readonly message: string };

export type EvidenceVerdict =
  | {
      readonly ok: true;
      readonly kind: EvidenceKind;
      /** The log that is convicted. */
      readonly origin: string;
      /** What it did, in one sentence. */
      readonly charge: string;
    }
  | { readonly ok: false; readonly refusal: EvidenceRefusal };

/**
 * Check an evidence file.
 *
 * @param strangersBytes the file; anybody may have made it
 * @returns whether it convicts, and of what. Never throws for what is in the file.
 */
export async function verifyEvidence(
  crypto: Crypto,
  trust: Logs,
  strangersBytes: Uint8Array,
): Promise<EvidenceVerdict> {
  const parsed = parseEvidence(strangersBytes);
  if (!parsed.ok) {
    const { field } = parsed.detail;
    const where = field === undefined ? {} : { field };
    return refuse({ code: "EVIDENCE_MALFORMED", message: parsed.message, ...where });
  }
  return judge(crypto, trust, parsed.value);
}

async function judge(crypto: Crypto, trust: Logs, evidence: Evidence): Promise<EvidenceVerdict> {
  switch (evidence.kind) {
    case "fork-same-size":
    case "fork-inconsistent": {
      const [first, second] = evidence.notes;
      const a = await openNote(crypto, trust, first);
      if (!a.ok) return a;
      const b = await openNote(crypto, trust, second);
      if (!b.ok) return b;
      if (a.head.log !== b.head.log)
        return refuse({ code: "LOG_UNKNOWN", message: "The two notes are of two logs." });
      return evidence.kind === "fork-same-size"
        ? judgeSameSize(a.head, b.head)
        : judgeInconsistent(crypto, a.head, b.head, evidence.path);
    }
    case "wrong-entry":
    case "duplicate-leaf":
      return judgeEntries(crypto, trust, evidence.kind, evidence.entries);
    case "bad-admission":
      return judgeAdmission(crypto, trust, evidence);
  }
}

function judgeSameSize(a: SignedHead, b: SignedHead): EvidenceVerdict {
  if (a.tree.size !== b.tree.size) return nothing("The notes are of different sizes.");
  if (equal(a.tree.root, b.tree.root)) return nothing("The notes have the same root.");
  return convict("fork-same-size", a, `signed two roots for the size ${a.tree.size}`);
}

/**
 * Where the smaller size is a power of two a consistency proof leaves out the root it starts
 * from; evidence puts that root first.
 */
function judgeInconsistent(
  crypto: Crypto,
  older: SignedHead,
  newer: SignedHead,
  path: readonly Hash[],
): EvidenceVerdict {
  const { size } = older.tree;
  if (size < 1 || size >= newer.tree.size)
    return nothing("The first note must be of the smaller tree, and not of an empty one.");
  const whole = rangeNodes(0, size).length === 1;
  const [start] = path;
  if (start === undefined) return nothing("The path is empty.");
  const rest = whole ? path.slice(1) : path;
  const folded = foldConsistency(crypto.sha256, size, newer.tree.size, rest, start);
  if (folded === undefined || !equal(folded.newer, newer.tree.root))
    return nothing("The path does not lead to the root of the larger tree.");
  if (equal(folded.older, older.tree.root))
    return nothing("The path shows that the larger tree extends the smaller one.");
  const charge = `signed a tree of ${newer.tree.size} that does not extend the one of ${size} it signed`;
  return convict("fork-inconsistent", newer, charge);
}

async function judgeEntries(
  crypto: Crypto,
  trust: Logs,
  kind: "wrong-entry" | "duplicate-leaf",
  [first, second]: readonly [LogEntry, LogEntry],
): Promise<EvidenceVerdict> {
  const a = await openEntry(crypto, trust, first);
  if (!a.ok) return a;
  const b = await openEntry(crypto, trust, second);
  if (!b.ok) return b;
  if (a.head.log !== b.head.log)
    return refuse({ code: "LOG_UNKNOWN", message: "The two entries are of two logs." });
  const sameIndex = first.index === second.index;
  const sameLeaf = equal(first.leafBytes, second.leafBytes);
  if (kind === "wrong-entry")
    return sameIndex && !sameLeaf
      ? convict(kind, a.head, `has two different entries at index ${first.index}`)
      : nothing("The entries do not contradict one another.");
  return sameLeaf && !sameIndex
    ? convict(kind, a.head, `has one leaf at the indexes ${first.index} and ${second.index}`)
    : nothing("The entries are not one leaf at two indexes.");
}

/**
 * A log answers for what it admits. What this program merely does not understand is no charge:
 * a newer version may.
 */
async function judgeAdmission(
  crypto: Crypto,
  trust: Logs,
  evidence: Extract<Evidence, { kind: "bad-admission" }>,
): Promise<EvidenceVerdict> {
  const { entry, content, key } = evidence;
  const opened = await openEntry(crypto, trust, entry);
  if (!opened.ok) return opened;
  const charge = (what: string): EvidenceVerdict =>
    convict(evidence.kind, opened.head, `admitted entry ${entry.index}: ${what}`);
  const leaf = parseLeaf(entry.leafBytes);
  if (!leaf.ok)
    return leaf.code === "KIND_UNSUPPORTED" ? nothing(leaf.message) : charge(leaf.message);
  if (content === undefined) return nothing("The content is not given.");
  const signature = await verifyEntrySignature(crypto, leaf.value, content, key);
  if (!signature.ok)
    switch (signature.reason) {
      case "signature does not verify":
      case "signature is malformed":
      case "key has another id":
      case "key is refused":
        return charge(signature.message);
      case "unsupported kind":
      case "unsupported by this platform":
      case "content is not held":
      case "content has another digest":
      case "key is not given":
        return nothing(signature.message);
    }
  const rules = checkLeaf(crypto.sha256, leaf.value, content, key);
  if (rules.ok) return nothing("The entry keeps the rules.");
  return rules.code === "KIND_UNSUPPORTED" ? nothing(rules.message) : charge(rules.message);
}

type Opened =
  | { readonly ok: true; readonly head: SignedHead }
  | Extract<EvidenceVerdict, { ok: false }>;

async function openNote(crypto: Crypto, trust: Logs, strangersNote: string): Promise<Opened> {
  const note = utf8(strangersNote);
  const log = claimedLog(trust, note);
  if (!log.ok)
    return log.code === "NOT_FOUND"
      ? refuse({ code: "LOG_UNKNOWN", message: log.message })
      : refuse({ code: "EVIDENCE_MALFORMED", message: log.message, field: "notes" });
  const head = await openSigned(crypto, log.value, note);
  return head.ok
    ? { ok: true, head: head.value }
    : refuse({ code: "NOT_SIGNED", message: head.message });
}

async function openEntry(crypto: Crypto, trust: Logs, entry: LogEntry): Promise<Opened> {
  const included = await checkInclusion(crypto, trust, entry);
  if (included.ok) return { ok: true, head: included.head };
  const { refusal } = included;
  if (refusal.code === "LOG_UNKNOWN")
    return refuse({ code: "LOG_UNKNOWN", message: refusal.message });
  if (refusal.code === "CHECKPOINT_REFUSED")
    return refuse({ code: "NOT_SIGNED", message: refusal.message });
  return nothing(`The entry at index ${entry.index} is not shown to be in the log.`);
}

function convict(kind: EvidenceKind, { log }: SignedHead, charge: string): EvidenceVerdict {
  return { ok: true, kind, origin: log.origin, charge: `${log.origin} ${charge}` };
}

function nothing(message: string): Extract<EvidenceVerdict, { ok: false }> {
  return refuse({ code: "PROVES_NOTHING", message });
}

function refuse(refusal: EvidenceRefusal): Extract<EvidenceVerdict, { ok: false }> {
  return { ok: false, refusal };
}
