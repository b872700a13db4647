/**
 * A look-up that was not answered: what is printed, and the exit status.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import type { Asked, AskPorts, IndexedLogPorts } from "../lookup/ask.ts";
import { convict } from "../lookup/convict.ts";
import { explainLookupRefusal } from "../lookup/explain.ts";
import { falsehoodOf, type LookupRefusal } from "../lookup/verdict.ts";
import type { Refusal } from "../verify/verdict.ts";
import type { Arguments } from "./command.ts";
import { saveEvidence } from "./evidence-file.ts";
import type { ExitStatus, Io } from "./io.ts";
import { lookupStatus } from "./lookup-status.ts";
import { print, printJson } from "./output.ts";

/** The file with evidence against an index that leaves out or makes up, where there is some. */
export async function evidenceOf(
  io: Io,
  log: IndexedLogPorts,
  refusal: Extract<Refusal, { readonly code: "INDEX_OMITS" }> | LookupRefusal,
): Promise<string | undefined> {
  const shown = refusal.code === "INDEX_OMITS" ? refusal : falsehoodOf(refusal);
  if (shown === undefined) return undefined;
  const evidence = await convict(log, shown.key, shown.index);
  return evidence === undefined ? undefined : saveEvidence(io, undefined, evidence);
}

/** `log` is the one that was asked; absent for a bundle out of a file. Throws `NOT_FOUND` where the index is older than one that was seen: ask again. */
export async function reportFailure(
  args: Arguments,
  io: Io,
  failed: Exclude<Asked, { readonly state: "answered" }>,
  log?: IndexedLogPorts & Pick<AskPorts, "bundle">,
): Promise<ExitStatus> {
  if (failed.state === "forked") {
    const { origin } = failed;
    const evidence = await saveEvidence(io, undefined, failed.evidence);
    if (args.json) printJson(io, { ok: false, state: "forked", origin, evidence });
    else
      print(
        io,
        `FORKED: ${origin} has signed two histories. Nothing of the answer was believed.`,
        `evidence: ${evidence}`,
      );
    return 3;
  }
  if (failed.state === "stale") {
    const { shown, remembered } = failed;
    throw new LogError(
      "NOT_FOUND",
      `The index is shown with ${shown} leaves, fewer than the ${remembered} that this machine has seen.`,
      {
        field: "index.checkpoint",
        expected: `a head of at least ${remembered} leaves`,
        hint: "It may lag: ask again later, or another mirror. What came since would be missing.",
      },
    );
  }
  const { refusal } = failed;
  const why = explainLookupRefusal(refusal);
  // Evidence is asked for by the key: who does not tell it goes without, and may ask again.
  const isTold = log !== undefined && log.bundle === undefined;
  const evidence = isTold ? await evidenceOf(io, log, refusal) : undefined;
  if (args.json)
    printJson(io, { ok: false, refusal, ...(evidence === undefined ? {} : { evidence }) });
  else
    print(
      io,
      `${log === undefined ? "no" : "REFUSED"}: ${why}`,
      ...(evidence === undefined ? [] : [`evidence: ${evidence}`]),
    );
  return lookupStatus(refusal, log === undefined);
}
