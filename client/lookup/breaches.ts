/**
 * What an answer shows of its log besides what was asked: entries that should not be there.
 *
 * An index has every entry under its keys, also one with a signature that does not verify, and one
 * that is there twice; index verifiers check neither. Whoever reads the answer does, and then the
 * answer itself is the evidence: nobody has to be asked again.
 *
 * Spec: docs/evidence.md, duplicate-leaf and bad-admission.
 *
 * @module
 */
import { toHex } from "../../schema/bytes.ts";
import { type Evidence, formatEvidence } from "../../schema/evidence.ts";
import type { LookupEntry } from "../../schema/index/lookup.ts";
import { verifyEvidence } from "../evidence.ts";
import type { VerifyPorts } from "../verify/receipt.ts";
import { type LookedUp, logEntryOf } from "./entries.ts";
import type { LookupYes } from "./verdict.ts";

/** Refusals of an entry that can be the fault of whoever admitted it. */
const SUSPECT: ReadonlySet<string> = new Set(["SIGNATURE_REFUSED", "LEAF_REFUSED"]);

/** Evidence against the log, one file for each breach; each of them holds. */
export async function breaches(
  { crypto, trust }: VerifyPorts,
  answer: LookupYes,
  entries: readonly LookedUp[],
): Promise<readonly Evidence[]> {
  const found: Evidence[] = [];
  for (const evidence of [...duplicates(crypto, answer), ...admissions(crypto, answer, entries)]) {
    const verdict = await verifyEvidence(crypto, trust, formatEvidence(evidence));
    if (verdict.ok) found.push(evidence);
  }
  return found;
}

type Hashes = VerifyPorts["crypto"];

/** Each leaf that is there again, with the first place that it has. */
function duplicates(crypto: Hashes, { main, entries }: LookupYes): Evidence[] {
  const first = new Map<string, LookupEntry>();
  const found: Evidence[] = [];
  for (const entry of entries) {
    const leaf = toHex(crypto.sha256(entry.leaf));
    const before = first.get(leaf);
    if (before === undefined) first.set(leaf, entry);
    else if (before.index !== entry.index) {
      const pair = [logEntryOf(crypto, main, before), logEntryOf(crypto, main, entry)] as const;
      found.push({ kind: "duplicate-leaf", entries: pair });
    }
  }
  return found;
}

function admissions(
  crypto: Hashes,
  { main, entries }: LookupYes,
  lookedUp: readonly LookedUp[],
): Evidence[] {
  return lookedUp.flatMap(({ index, refusal }) => {
    const shown = entries.find((one) => one.index === index);
    if (shown === undefined || refusal === undefined || !SUSPECT.has(refusal.code)) return [];
    const { content, key } = shown;
    return {
      kind: "bad-admission",
      entry: logEntryOf(crypto, main, shown),
      ...(content === undefined ? {} : { content }),
      ...(key === undefined ? {} : { key }),
    };
  });
}
