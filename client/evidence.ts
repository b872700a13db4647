/**
 * The judge: what does this file show, and whom does it convict, with nothing at hand but the file
 * and the trust file?
 *
 * Evidence convicts by signatures: of a log, under its heads, or of a signer, under statements.
 * Whatever else is in the file is believed only as far as those commit to it: a path must fold to
 * the root of the larger note, an entry must be included under its own checkpoint, an absence must
 * be a walk in a signed map. What leads to neither, or shows that all is well, proves nothing;
 * whoever made it may have lied. A log answers for what it signed, whoever else did.
 *
 * One file for each group of kinds: `evidence/log.ts`, `evidence/promises.ts`, `evidence/map.ts`,
 * `evidence/claims.ts`.
 *
 * Spec: docs/formats.md §Evidence; docs/evidence.md.
 *
 * @module
 */
import { type Evidence, parseEvidence } from "../schema/evidence.ts";
import { GENERATIONS, type Generation } from "../schema/index/generation.ts";
import type { Crypto } from "./crypto/crypto.ts";
import { judgeClaims } from "./evidence/claims.ts";
import { judgeLog } from "./evidence/log.ts";
import { judgeMap } from "./evidence/map.ts";
import { judgePromises } from "./evidence/promises.ts";
import { type EvidenceVerdict, type Logs, refuse } from "./evidence/verdict.ts";
import { indexLogOf } from "./lookup/index-log.ts";

export type { Accused, EvidenceRefusal, EvidenceVerdict } from "./evidence/verdict.ts";

/**
 * Check an evidence file.
 *
 * @param strangersBytes the file; anybody may have made it
 * @param known mapfns by which it can be judged
 * @returns whether it holds, and against whom. Never throws for what is in the file.
 */
export async function verifyEvidence(
  crypto: Crypto,
  trust: Logs,
  strangersBytes: Uint8Array,
  known: readonly Generation[] = GENERATIONS,
): Promise<EvidenceVerdict> {
  const parsed = parseEvidence(strangersBytes);
  if (!parsed.ok) {
    const { field } = parsed.detail;
    const where = field === undefined ? {} : { field };
    return refuse({ code: "EVIDENCE_MALFORMED", message: parsed.message, ...where });
  }
  return judge(crypto, trust, parsed.value, known);
}

async function judge(
  crypto: Crypto,
  trust: Logs,
  evidence: Evidence,
  known: readonly Generation[],
): Promise<EvidenceVerdict> {
  const indexLogs = {
    logs: trust.logs.flatMap((log) => known.map((one) => indexLogOf(crypto.sha256, log, one, []))),
  };
  switch (evidence.kind) {
    case "fork-same-size":
    case "fork-inconsistent":
    case "wrong-entry":
    case "duplicate-leaf":
    case "bad-admission":
      return judgeLog(crypto, { logs: [...trust.logs, ...indexLogs.logs] }, evidence);
    case "two-promises":
    case "lost-promise":
    case "late-promise":
      return judgePromises(crypto, trust, evidence);
    case "index-contradiction":
    case "omission":
    case "false-posting":
      return judgeMap(crypto, { trust, indexLogs, known }, evidence);
    case "equivocation":
    case "irreproducible":
    case "builders-disagree":
    case "ref-moved":
    case "sha1-collision":
      return judgeClaims(crypto, { trust, known }, evidence);
  }
}
