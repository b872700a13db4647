/**
 * What a client keeps of a fork: evidence that convicts before anybody who knows the log's key.
 *
 * Spec: docs/formats.md §Evidence. The check of such evidence is `evidence.ts`.
 *
 * @module
 */
import { fromUtf8 } from "../schema/bytes.ts";
import { LogError } from "../schema/error.ts";
import { type Evidence, formatEvidence } from "../schema/evidence.ts";
import type { SignedHead } from "./head.ts";

/** Two notes of one size and different roots. Their order says nothing. */
export function sameSizeEvidence(a: SignedHead, b: SignedHead): Evidence {
  return { kind: "fork-same-size", notes: [noteText(a), noteText(b)] };
}

/** `LOG_MISBEHAVED`, with the bytes of an evidence file in its detail. */
export function forkError(origin: string, evidence: Evidence): LogError {
  return new LogError("LOG_MISBEHAVED", `The log ${origin} has signed two histories.`, {
    evidence: formatEvidence(evidence),
    hint: "Keep the evidence file; anybody can check it with `countersign evidence verify`.",
  });
}

/** A signed note as evidence holds it. */
export function noteText(head: SignedHead): string {
  const text = fromUtf8(head.note);
  if (text === undefined) throw new LogError("INTERNAL", "a note that was opened is UTF-8");
  return text;
}
