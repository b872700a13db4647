/**
 * Evidence: one file that shows, to anybody with a trust file, what somebody did.
 *
 * The file holds signed notes and entries, nothing that must be believed. What each kind shows
 * is checked by `client/evidence.ts` with keys out of a trust file:
 *
 * against a log (`evidence/log.ts`; an index log is a log too)
 * - `fork-same-size`     two notes of one size and different roots;
 * - `fork-inconsistent`  notes (m, r) and (n, s), m < n, and a path that folds to s, and at m
 *                        to r′ ≠ r. The path is the consistency proof; where m is a power of
 *                        two, which leaves r′ out of the proof, r′ stands before it. A path that
 *                        does not fold to s proves nothing;
 * - `wrong-entry`        two entries with one index and different leaves, both included;
 * - `duplicate-leaf`     one leaf, included at two indexes (I8);
 * - `bad-admission`      an included entry that breaks the rules of admission, for instance by a
 *                        signature that does not verify.
 *
 * against a log that promised (`evidence/promises.ts`)
 * - `two-promises`, `lost-promise`, `late-promise`.
 *
 * against an index, and whoever executed it (`evidence/map.ts`)
 * - `index-contradiction`, `omission`, `false-posting`.
 *
 * about what people have signed (`evidence/claims.ts`)
 * - `equivocation`, which convicts a signer;
 * - `irreproducible`, `builders-disagree`, `ref-moved`, `sha1-collision`, which accuse nobody.
 *
 * Spec: docs/formats.md §Evidence. What each proves and does not prove: docs/evidence.md.
 *
 * @module
 */
import { utf8 } from "./bytes.ts";
import { failure, type Result } from "./error.ts";
import {
  CLAIM_KINDS,
  type ClaimEvidence,
  claimMembers,
  readClaimEvidence,
} from "./evidence/claims.ts";
import { LOG_KINDS, type LogEvidence, logMembers, readLogEvidence } from "./evidence/log.ts";
import { MAP_KINDS, type MapEvidence, mapMembers, readMapEvidence } from "./evidence/map.ts";
import {
  PROMISE_KINDS,
  type PromiseEvidence,
  promiseMembers,
  readPromiseEvidence,
} from "./evidence/promises.ts";
import { type Fields, readFields } from "./fields.ts";
import { parseJson } from "./json.ts";
import { MAX_BODY_BYTES } from "./limits.ts";

export const EVIDENCE_MEDIA_TYPE = "application/vnd.countersign.evidence+json;version=1";
/** What the name of such a file ends with. */
export const EVIDENCE_SUFFIX = ".evidence.json";
/** Bytes of an evidence file. */
export const MAX_EVIDENCE_BYTES: number = MAX_BODY_BYTES;

export type Evidence = LogEvidence | PromiseEvidence | MapEvidence | ClaimEvidence;

export type EvidenceKind = Evidence["kind"];

export const EVIDENCE_KINDS: readonly EvidenceKind[] = [
  ...LOG_KINDS,
  ...PROMISE_KINDS,
  ...MAP_KINDS,
  ...CLAIM_KINDS,
];

/** An evidence file out of its bytes: its form. It convicts nobody before it is checked. */
export function parseEvidence(attackerBytes: Uint8Array): Result<Evidence> {
  if (attackerBytes.length > MAX_EVIDENCE_BYTES)
    return failure("TOO_LARGE", `an evidence file has at most ${MAX_EVIDENCE_BYTES} bytes`, {
      field: "evidence",
      limit: MAX_EVIDENCE_BYTES,
    });
  const json = parseJson(attackerBytes);
  return json.ok ? readFields(json.value, "", readEvidence) : json;
}

/** The bytes of an evidence file: JSON with two spaces and a final LF. */
export function formatEvidence(evidence: Evidence): Uint8Array<ArrayBuffer> {
  const file = { mediaType: EVIDENCE_MEDIA_TYPE, kind: evidence.kind, ...members(evidence) };
  return utf8(`${JSON.stringify(file, null, 2)}\n`);
}

function members(evidence: Evidence): object {
  switch (evidence.kind) {
    case "fork-same-size":
    case "fork-inconsistent":
    case "wrong-entry":
    case "duplicate-leaf":
    case "bad-admission":
      return logMembers(evidence);
    case "two-promises":
    case "lost-promise":
    case "late-promise":
      return promiseMembers(evidence);
    case "index-contradiction":
    case "omission":
    case "false-posting":
      return mapMembers(evidence);
    case "equivocation":
    case "irreproducible":
    case "builders-disagree":
    case "ref-moved":
    case "sha1-collision":
      return claimMembers(evidence);
  }
}

function readEvidence(root: Fields): Evidence {
  root.oneOf("mediaType", [EVIDENCE_MEDIA_TYPE]);
  const kind = root.oneOf("kind", EVIDENCE_KINDS);
  switch (kind) {
    case "fork-same-size":
    case "fork-inconsistent":
    case "wrong-entry":
    case "duplicate-leaf":
    case "bad-admission":
      return readLogEvidence(root, kind);
    case "two-promises":
    case "lost-promise":
    case "late-promise":
      return readPromiseEvidence(root, kind);
    case "index-contradiction":
    case "omission":
    case "false-posting":
      return readMapEvidence(root, kind);
    case "equivocation":
    case "irreproducible":
    case "builders-disagree":
    case "ref-moved":
    case "sha1-collision":
      return readClaimEvidence(root, kind);
  }
}
