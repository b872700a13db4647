/**
 * A verdict about a bundle in words, for a terminal. Texts of strangers are shown without control
 * characters.
 *
 * @module
 */
import { toBase64, toHex } from "../../schema/bytes.ts";
import { printable } from "../printable.ts";
import type { BundleEntry, BundleRefusal, BundleTimestamp, BundleVerdict } from "./verdict.ts";

/** Lines without a final LF. The first begins with "yes" or "no". */
export function explainBundle(verdict: BundleVerdict): string {
  if (!verdict.ok) return `no: ${explainBundleRefusal(verdict.refusal)}`;
  const { signer, digest } = verdict;
  const who =
    signer.material === "certificate"
      ? `${printable(signer.identity)} (by ${printable(signer.issuer)})`
      : "the key that was asked for";
  return [
    `yes: sha256:${toHex(digest)} is signed and logged`,
    `  signed by ${who}, signer id ${toHex(signer.signerId)}`,
    ...verdict.entries.map(entryLine),
    ...verdict.timestamps.map(timestampLine),
  ].join("\n");
}

function entryLine({ origin, index, tree, witnesses }: BundleEntry): string {
  const seen = witnesses.length === 0 ? "" : `, witnessed by ${witnesses.join(", ")}`;
  return `  logged    entry ${index} of ${printable(origin)}, at ${tree.size} entries${seen}`;
}

function timestampLine({ seconds, authority, independent }: BundleTimestamp): string {
  const whose = independent ? "" : " (the log's own word, not counted beside it)";
  return `  time      ${timeText(seconds)} by ${printable(authority)}${whose}`;
}

/** Why the answer is no, in one sentence without its full stop. */
export function explainBundleRefusal(refusal: BundleRefusal): string {
  switch (refusal.code) {
    case "BUNDLE_MALFORMED":
      return `the bundle is malformed: ${printable(refusal.message)}`;
    case "OTHER_MATERIAL":
      return `the bundle is signed with a ${refusal.found}, and a ${refusal.asked} was asked for`;
    case "KEY_REFUSED":
      return `the signer's key is refused: ${printable(refusal.message)}`;
    case "OTHER_ARTIFACT":
      return `the bundle is about something else than sha256:${toHex(refusal.asked)} (${refusal.field})`;
    case "SIGNATURE_REFUSED":
      return `the signature is refused: ${printable(refusal.message)}`;
    case "LOG_UNKNOWN":
      return `the entry is of a log that is not trusted (log id ${toBase64(refusal.logId)})`;
    case "LOG_KEY_UNDATED":
      return `the trusted root does not say since when the key of ${printable(refusal.log)} counts (validFor.start)`;
    case "LOG_KEY_NOT_VALID":
      return `the key of ${printable(refusal.log)} does not count at ${timeText(refusal.seconds)}`;
    case "ENTRY_UNSUPPORTED":
      return `entries of kind ${printable(refusal.kind)} ${printable(refusal.version)} cannot be held against a bundle`;
    case "PROOF_MISSING":
      return `${refusal.field} is missing: a promise of the log is no proof`;
    case "RECORD_CONTRADICTS":
      return `${refusal.field} is not what the signed checkpoint says`;
    case "CHECKPOINT_REFUSED":
      return `the checkpoint is not one of ${printable(refusal.log)}: ${printable(refusal.message)}`;
    case "NOT_INCLUDED":
      return `the log's tree of ${refusal.tree.size} entries does not have this leaf at index ${refusal.index}`;
    case "OTHER_ENTRY":
      return `the logged entry is of another signature: ${printable(refusal.message)} (${refusal.field})`;
    case "WITNESSES_TOO_FEW":
      return `the checkpoint of ${printable(refusal.log)} is witnessed by ${refusal.have.join(", ") || "nobody"}; needed: ${refusal.need}`;
    case "LOGS_TOO_FEW":
      return `${refusal.need} distinct logs needed; there ${names(refusal.have)}`;
    case "SIGSTORE_REFUSED":
      return `Sigstore's verifier refuses it: ${printable(refusal.message)} (${refusal.reason})`;
    case "TIMESTAMPS_TOO_FEW":
      return `${refusal.need} distinct timestamp authorities other than the log needed; there ${names(refusal.have)}`;
    case "OTHER_IDENTITY":
      return `the certificate's ${refusal.field} is ${printable(refusal.found ?? "missing")}, not ${printable(refusal.asked)}`;
  }
}

/** A log may promise any number as a time. */
function timeText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds} seconds since 1970` : date.toISOString();
}

function names(have: readonly string[]): string {
  const shown = have.map(printable);
  if (shown.length === 0) return "is none";
  return shown.length === 1 ? `is ${shown.join("")}` : `are ${shown.join(", ")}`;
}
