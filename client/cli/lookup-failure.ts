/**
 * A look-up that was not answered: what is printed, and the exit status.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import type { Asked } from "../lookup/ask.ts";
import { explainLookupRefusal } from "../lookup/explain.ts";
import type { Arguments } from "./command.ts";
import { saveEvidence } from "./evidence-file.ts";
import type { ExitStatus, Io } from "./io.ts";
import { lookupStatus } from "./lookup-status.ts";
import { print, printJson } from "./output.ts";

/** Throws `NOT_FOUND` where the index is older than one that was seen: ask again. */
export async function reportFailure(
  args: Arguments,
  io: Io,
  failed: Exclude<Asked, { readonly state: "answered" }>,
  fromFile = false,
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
  if (args.json) printJson(io, { ok: false, refusal });
  else print(io, `${fromFile ? "no" : "REFUSED"}: ${why}`);
  return lookupStatus(refusal, fromFile);
}
