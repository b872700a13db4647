/**
 * What a refused look-up bundle means for the exit status.
 *
 * @module
 */
import type { LookupRefusal } from "../lookup/verify.ts";
import type { ExitStatus } from "./io.ts";

/**
 * 3 where a log or its index misbehaved, else 1. Too few witnesses or index verifiers accuse
 * nobody. A file may come from anybody: only a posting that its own entry denies, under signed
 * heads, convicts the index.
 */
export function lookupStatus({ code }: LookupRefusal, fromFile: boolean): ExitStatus {
  if (code === "VERIFIERS_TOO_FEW" || code === "WITNESSES_TOO_FEW") return 1;
  return fromFile && code !== "FALSE_POSTING" ? 1 : 3;
}
