/**
 * What becomes of something that was signed: a submission file for later, or entries in the log
 * now, or both.
 *
 * @module
 */

import { prepareSubmission } from "../../schema/entry/prepare.ts";
import { LogError, type Result, unwrap } from "../../schema/error.ts";
import type { Submission } from "../../schema/http/messages.ts";
import { nodeCrypto } from "../crypto/node.ts";
import type { Submitted } from "../submit.ts";
import type { Arguments } from "./command.ts";
import { writeNew } from "./files.ts";
import type { ExitStatus, Io } from "./io.ts";
import { type Kept, keep, keptText } from "./kept.ts";
import { openLog } from "./logs.ts";
import { print, printJson } from "./output.ts";
import { DEFAULT_RECEIPTS } from "./receipts.ts";

/** Before anybody is asked to sign. Throws USAGE where neither a log nor a file is named. */
export function checkDelivery(args: Arguments): void {
  if (args.value("output") === undefined && !wantsLog(args))
    throw new LogError("USAGE", "nothing would come of the signature", {
      field: "--output",
      expected: "-o FILE to log it later, or --trust FILE to log it now",
    });
  if (args.value("bundle") !== undefined && !wantsLog(args))
    throw new LogError("USAGE", "a bundle holds the log's proof, and no log is named", {
      field: "--bundle",
      expected: "--trust FILE (or --log URL and --vkey VKEY), to log it now",
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
  const submitted = wantsLog(args) ? await logNow(args, io, submission) : [];
  const folder = args.value("receipts") ?? DEFAULT_RECEIPTS;
  const logged: Kept[] = [];
  for (const one of submitted) logged.push(await keep(io, folder, one));
  const bundle = await writeBundle(args, io, submitted);
  if (args.json)
    printJson(io, {
      ...(file === undefined ? {} : { submission: file }),
      logged,
      ...(bundle === undefined ? {} : { bundle: bundle.ok ? bundle.value : null }),
      ...(bundle?.ok === false ? { noBundle: bundle.message } : {}),
    });
  else {
    if (file !== undefined) print(io, `wrote ${file}; log it with: countersign submit ${file}`);
    for (const one of logged) print(io, `logged as ${keptText(one)}`);
    if (bundle?.ok === true) print(io, `bundle: ${bundle.value}`);
    if (bundle?.ok === false)
      print(io, `no bundle: ${bundle.message}; needed: ${bundle.detail.expected ?? ""}`);
  }
  if (bundle?.ok === false) return 1;
  return logged.some((one) => "promise" in one) ? 2 : 0;
}

/** The proof as Sigstore's clients read it. What they would not verify is logged, and no bundle. */
async function writeBundle(
  args: Arguments,
  io: Io,
  submitted: readonly Submitted[],
): Promise<Result<string> | undefined> {
  const path = args.value("bundle");
  const [only] = submitted;
  if (path === undefined || only?.kind !== "receipt") return undefined;
  const { bundleOfReceipt } = await import("../sigstore/from-receipt.ts");
  const text = bundleOfReceipt(nodeCrypto.sha256, only.receipt);
  if (!text.ok) return text;
  await writeNew(io, path, text.value);
  return { ok: true, value: path };
}

function wantsLog(args: Arguments): boolean {
  return ["log", "trust", "vkey"].some((option) => args.value(option) !== undefined);
}

async function logNow(
  args: Arguments,
  io: Io,
  submission: Submission,
): Promise<readonly Submitted[]> {
  const { submitOrPromise } = await import("../submit.ts");
  return submitOrPromise(await openLog(args, io), submission);
}
