/**
 * What a refused checkpoint proves against its log, as an evidence file: the log has signed both.
 *
 * Two roots for one size always convict. A longer history that does not continue the cosigned one
 * convicts where the log sent the proof of its own fork along, as an honest sequencer of a forked tree
 * does; where the cosigned size is a power of two that proof leaves the other root out, and nothing is
 * proven.
 *
 * One file for each log: more of them would prove no more, and a log could fill the disk.
 *
 * Spec: docs/formats.md §Evidence. Checked by `countersign evidence verify`.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { equal, fromUtf8, toHex } from "../../schema/bytes.ts";
import { EVIDENCE_SUFFIX, type Evidence, formatEvidence } from "../../schema/evidence.ts";
import type { Hash, Sha256 } from "../../schema/tlog/hash.ts";
import { foldConsistency, type TreeHead } from "../../schema/tlog/proof.ts";
import { originId, type WitnessedHead } from "./state-file.ts";

/** `note` is the refused checkpoint with the verified lines of its log. */
export function evidenceOf(
  sha256: Sha256,
  last: WitnessedHead,
  next: TreeHead,
  proof: readonly Hash[],
  note: Uint8Array,
): Evidence | undefined {
  const notes = [fromUtf8(last.note) ?? "", fromUtf8(note) ?? ""] as const;
  // A checkpoint of size 0 with a wrong root is no checkpoint; there is only one right one.
  if (last.size === 0 || next.size < last.size) return undefined;
  if (next.size === last.size)
    return equal(next.root, last.root) ? undefined : { kind: "fork-same-size", notes };
  const folded = foldConsistency(sha256, last.size, next.size, proof, last.root);
  if (folded === undefined || !equal(folded.newer, next.root) || equal(folded.older, last.root))
    return undefined;
  return { kind: "fork-inconsistent", notes, path: proof };
}

/** The path of the file; `undefined` where there is one of this log already. */
export function saveOnce(folder: string, origin: string, evidence: Evidence): string | undefined {
  const place = join(folder, "evidence");
  const file = join(place, `${toHex(originId(origin)).slice(0, 16)}${EVIDENCE_SUFFIX}`);
  mkdirSync(place, { recursive: true, mode: 0o700 });
  try {
    writeFileSync(file, formatEvidence(evidence), { flag: "wx", mode: 0o600, flush: true });
    return file;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return undefined;
    throw error;
  }
}
