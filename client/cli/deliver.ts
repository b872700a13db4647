/**
 * What becomes of something that was signed: a submission file for later, or entries in the log
 * now, or both.
 *
 * @module
 */

import { prepareSubmission } from "../../schema/entry/prepare.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import type { Submission } from "../../schema/http/messages.ts";
import { nodeCrypto } from "../crypto/node.ts";
import type { Arguments } from "./command.ts";
import { writeNew } from "./files.ts";
import type { ExitStatus, Io } from "./io.ts";
import { openLog } from "./logs.ts";
import { print, printJson } from "./output.ts";
import { DEFAULT_RECEIPTS, saveReceipt } from "./receipts.ts";

/** One entry that was logged, as `--json` prints it. */
interface Logged {
  readonly index: number;
  readonly receipt: string;
}

/** Before anybody is asked to sign. Throws USAGE where neither a log nor a file is named. */
export function checkDelivery(args: Arguments): void {
  if (args.value("output") === undefined && !wantsLog(args))
    throw new LogError("USAGE", "nothing would come of the signature", {
      field: "--output",
      expected: "-o FILE to log it later, or --trust FILE to log it now",
    });
}

/** Hand over what was signed, as the options say. */
export async function deliver(
  args: Arguments,
  io: Io,
  submission: Submission,
): Promise<ExitStatus> {
  // What a log would refuse is refused here, before it is written for a later day.
  unwrap(prepareSubmission(nodeCrypto.sha256, submission));
  const file = args.value("output");
  if (file !== undefined) await writeNew(io, file, `${JSON.stringify(submission, null, 2)}\n`);
  const logged = wantsLog(args) ? await logNow(args, io, submission) : [];
  if (args.json) printJson(io, { ...(file === undefined ? {} : { submission: file }), logged });
  else {
    if (file !== undefined) print(io, `wrote ${file}; log it with: countersign submit ${file}`);
    for (const { index, receipt } of logged) print(io, `logged as entry ${index}: ${receipt}`);
  }
  return 0;
}

function wantsLog(args: Arguments): boolean {
  return ["log", "trust", "vkey"].some((option) => args.value(option) !== undefined);
}

async function logNow(args: Arguments, io: Io, submission: Submission): Promise<Logged[]> {
  const { submit } = await import("../submit.ts");
  const ports = await openLog(args, io);
  const folder = args.value("receipts") ?? DEFAULT_RECEIPTS;
  const logged: Logged[] = [];
  for (const receipt of await submit(ports, submission))
    logged.push({ index: receipt.entry.index, receipt: await saveReceipt(io, folder, receipt) });
  return logged;
}
