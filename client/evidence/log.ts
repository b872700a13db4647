/**
 * Whether a file convicts a log of two histories, of entries that contradict each other, or of an
 * entry that it should not have admitted.
 *
 * A log answers for what it signed, whoever else did: witnesses are not asked for. An index log is
 * a log of its own, under the keys of the log that it belongs to.
 *
 * Spec: docs/formats.md §Evidence, docs/evidence.md.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import { checkLeaf } from "../../schema/entry/check.ts";
import { parseLeaf } from "../../schema/entry/leaf.ts";
import type { LogEvidence } from "../../schema/evidence/log.ts";
import type { LogEntry } from "../../schema/receipt.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import { foldConsistency } from "../../schema/tlog/proof.ts";
import { rangeNodes } from "../../schema/tlog/tree.ts";
import type { Crypto } from "../crypto/crypto.ts";
import type { SignedHead } from "../head.ts";
import { verifyEntrySignature } from "../signature/registry.ts";
import {
  convict,
  type EvidenceVerdict,
  type Logs,
  nothing,
  openEntry,
  openNote,
  refuse,
} from "./verdict.ts";

export async function judgeLog(
  crypto: Crypto,
  trust: Logs,
  evidence: LogEvidence,
): Promise<EvidenceVerdict> {
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
  evidence: Extract<LogEvidence, { kind: "bad-admission" }>,
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
