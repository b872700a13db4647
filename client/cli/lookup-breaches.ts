/**
 * A look-up whose answer shows what the log should not have admitted: files, and what is printed.
 *
 * @module
 */
import type { Evidence } from "../../schema/evidence.ts";
import { breaches } from "../lookup/breaches.ts";
import type { LookupReport } from "../lookup/report.ts";
import type { LookupYes } from "../lookup/verdict.ts";
import type { VerifyPorts } from "../verify/receipt.ts";
import { saveEvidence } from "./evidence-file.ts";
import type { Io } from "./io.ts";

interface Saved {
  readonly kind: Evidence["kind"];
  /** The file. */
  readonly evidence: string;
}

export async function saveBreaches(
  io: Io,
  ports: VerifyPorts,
  answer: LookupYes,
  { entries }: LookupReport,
): Promise<readonly Saved[]> {
  const saved: Saved[] = [];
  for (const one of await breaches(ports, answer, entries))
    saved.push({ kind: one.kind, evidence: await saveEvidence(io, undefined, one) });
  return saved;
}

export function breachData(breached: readonly Saved[]): object {
  return breached.length === 0 ? {} : { breaches: breached };
}

export function breachLines(breached: readonly Saved[]): string[] {
  return breached.flatMap(({ kind, evidence }) => [
    `THE LOG MISBEHAVED: the answer shows ${kind}, which it promises never to do`,
    `evidence: ${evidence}`,
  ]);
}
