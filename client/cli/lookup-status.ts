/**
 * What a refused look-up bundle means for the exit status.
 *
 * @module
 */
import { falsehoodOf, type LookupRefusal, lacksQuorum } from "../lookup/verdict.ts";
import type { ExitStatus } from "./io.ts";

/**
 * 3 where a log or its index misbehaved, else 1. Too few witnesses or index verifiers accuse
 * nobody by themselves. A file may come from anybody: only a posting that its own entry denies,
 * under signed heads, convicts the index.
 */
export function lookupStatus(refusal: LookupRefusal, fromFile: boolean): ExitStatus {
  if (falsehoodOf(refusal) !== undefined) return 3;
  return fromFile || lacksQuorum(refusal) ? 1 : 3;
}
