/**
 * What becomes of something that was signed: a submission file for later, or entries in the log
 * now, or both.
 *
 * @module
 */

import { prepareSubmission } from "../../schema/entry/prepare.ts";
import { LogError, type Result, unwrap } from "../../schema/error.ts";
import type { Submission } from "../../schema/http/messages.ts";
import type { Receipt } from "../../schema/receipt.ts";
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
  const receipts = wantsLog(args) ? await logNow(args, io, submission) : [];
  const logged = receipts.map(
    ({ receipt, path }): Logged => ({
      index: receipt.entry.index,
      receipt: path,
    }),
  );
  const bundle = await writeBundle(args, io, receipts);
  if (args.json)
    printJson(io, {
      ...(file === undefined ? {} : { submission: file }),
      logged,
      ...(bundle === undefined ? {} : { bundle: bundle.ok ? bundle.value : null }),
      ...(bundle?.ok === false ? { noBundle: bundle.message } : {}),
    });
  else {
    if (file !== undefined) print(io, `wrote ${file}; log it with: countersign submit ${file}`);
    for (const { index, receipt } of logged) print(io, `logged as entry ${index}: ${receipt}`);
    if (bundle?.ok === true) print(io, `bundle: ${bundle.value}`);
    if (bundle?.ok === false)
      print(io, `no bundle: ${bundle.message}; needed: ${bundle.detail.expected ?? ""}`);
  }
  return bundle?.ok === false ? 1 : 0;
}

/** The proof as Sigstore's clients read it. What they would not verify is logged, and no bundle. */
async function writeBundle(
  args: Arguments,
  io: Io,
  receipts: readonly Delivered[],
): Promise<Result<string> | undefined> {
  const path = args.value("bundle");
  const [only] = receipts;
  if (path === undefined || only === undefined) return undefined;
  const { bundleOfReceipt } = await import("../sigstore/from-receipt.ts");
  const text = bundleOfReceipt(nodeCrypto.sha256, only.receipt);
  if (!text.ok) return text;
  await writeNew(io, path, text.value);
  return { ok: true, value: path };
}

function wantsLog(args: Arguments): boolean {
  return ["log", "trust", "vkey"].some((option) => args.value(option) !== undefined);
}

interface Delivered {
  readonly receipt: Receipt;
  /** Of its file. */
  readonly path: string;
}

async function logNow(args: Arguments, io: Io, submission: Submission): Promise<Delivered[]> {
  const { submit } = await import("../submit.ts");
  const ports = await openLog(args, io);
  const folder = args.value("receipts") ?? DEFAULT_RECEIPTS;
  const delivered: Delivered[] = [];
  for (const receipt of await submit(ports, submission))
    delivered.push({ receipt, path: await saveReceipt(io, folder, receipt) });
  return delivered;
}
