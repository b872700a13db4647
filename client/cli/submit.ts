/**
 * `submit`: log what was signed before.
 *
 * @module
 */
import { toBase64 } from "../../schema/bytes.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { gitTypeOf } from "../../schema/git/object.ts";
import type { Submission } from "../../schema/http/messages.ts";
import { parseSubmission } from "../../schema/http/submission.ts";
import { MAX_BODY_BYTES } from "../../schema/limits.ts";
import { printable } from "../printable.ts";
import { submitOrPromise } from "../submit.ts";
import type { Arguments, Command } from "./command.ts";
import { readBytes } from "./files.ts";
import type { ExitStatus, Io } from "./io.ts";
import { type Kept, keep, keptText } from "./kept.ts";
import { openLog } from "./logs.ts";
import { LOG_OPTIONS } from "./options.ts";
import { print, printJson } from "./output.ts";
import { DEFAULT_RECEIPTS } from "./receipts.ts";

export const submit: Command = {
  name: "submit",
  summary: "Log what was signed, and keep the receipts.",
  about: [
    "A file is a submission file (made by `sign` or `attest`), or a signed git commit, tag or push certificate as git stores it. Submitting twice is safe: the entry keeps its index, and a full receipt comes again. One that is logged and not yet witnessed has no receipt yet (exit status 2): the log's promise is kept beside where the receipt will be. Submit it again, or `countersign redeem` the promise.",
  ],
  positionals: [{ name: "FILE", help: "what was signed", required: true, many: true }],
  options: {
    ...LOG_OPTIONS,
    receipts: { type: "string", value: "DIR", help: "folder for the receipts (default: receipts)" },
    promise: {
      type: "boolean",
      help: "do not wait for the log's witnesses: a promise is enough for now",
    },
  },
  examples: [
    {
      what: "everything in the outbox",
      line: "countersign submit review.submission.json build.submission.json --trust trust.toml --receipts receipts",
    },
  ],
  run,
};

interface Answer {
  readonly file: string;
  readonly entries?: readonly Kept[];
  readonly error?: { readonly code: string; readonly message: string };
}

/** A file that is refused does not keep the others from being logged; it decides the status. */
async function run(args: Arguments, io: Io): Promise<ExitStatus> {
  const ports = await openLog(args, io);
  const folder = args.value("receipts") ?? DEFAULT_RECEIPTS;
  const answers: Answer[] = [];
  for (const file of args.positionals) {
    try {
      const submission = readSubmissionFile(await readBytes(io, file, MAX_BODY_BYTES));
      const entries: Kept[] = [];
      for (const one of await submitOrPromise(ports, submission, args.flag("promise")))
        entries.push(await keep(io, folder, one));
      answers.push({ file, entries });
      if (!args.json) for (const one of entries) print(io, `${file}: ${keptText(one)}`);
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      const { code, message } = error;
      if (code !== LATER && !REFUSALS.has(code)) throw error;
      answers.push({ file, error: { code, message } });
      const what = code === LATER ? "no receipt yet, submit it again" : "refused";
      if (!args.json) print(io, `${file}: ${what}: ${printable(message)} [${code}]`);
    }
  }
  if (args.json) printJson(io, { submitted: answers });
  const errors = answers.flatMap(({ error }) => (error === undefined ? [] : [error]));
  const promised = answers.some(({ entries = [] }) => entries.some((one) => "promise" in one));
  if (errors.length === 0) return promised ? 2 : 0;
  return errors.every(({ code }) => code === LATER) ? 2 : 1;
}

/** Logged, and its head waits for witnesses. The entry keeps its index. */
const LATER = "NOT_WITNESSED";

/** What is wrong with one file, and says nothing about the next. */
const REFUSALS: ReadonlySet<string> = new Set([
  "JSON_MALFORMED",
  "FIELD_INVALID",
  "TOO_LARGE",
  "NOT_CANONICAL",
  "KIND_UNSUPPORTED",
  "KEY_REFUSED",
  "SIGNATURE_INVALID",
  "STATEMENT_INVALID",
  "CONTENT_REFUSED",
]);

function readSubmissionFile(bytes: Uint8Array): Submission {
  if (gitTypeOf(bytes) !== undefined) return { kind: "git", object: toBase64(bytes) };
  return unwrap(parseSubmission(bytes));
}
