/**
 * `verify --complete` and `verify --lookup`: the logs, or saved look-up bundles, say what else there
 * is about the question.
 *
 * @module
 */
import { join } from "node:path";
import { CURRENT_INDEX } from "../../schema/index/generation.ts";
import { LOOKUP_SUFFIX, MAX_LOOKUP_BYTES, MAX_LOOKUP_KEYS } from "../../schema/index/lookup.ts";
import type { Asked } from "../lookup/ask.ts";
import { openLookup } from "../lookup/offline.ts";
import { askPatiently } from "../lookup/wait.ts";
import type { TrustedLog } from "../trust.ts";
import { type CompletePorts, type Subject, verifyComplete } from "../verify/complete.ts";
import type { ReceiptFile, VerifyPorts } from "../verify/receipt.ts";
import type { Verdict } from "../verify/verdict.ts";
import type { Arguments } from "./command.ts";
import { readBytes, writeWhole } from "./files.ts";
import type { Io } from "./io.ts";
import { openEach } from "./logs.ts";
import { patienceOf } from "./patience.ts";

/** A question, and how it is judged over whatever receipts there are. */
export interface Inquiry {
  readonly subject: Subject;
  readonly files: readonly ReceiptFile[];
  readonly judge: (ports: VerifyPorts, files: readonly ReceiptFile[]) => Promise<Verdict>;
}

export async function askComplete(
  args: Arguments,
  io: Io,
  verify: VerifyPorts,
  { subject, files, judge }: Inquiry,
): Promise<Verdict> {
  const named = args.list("lookup");
  const lookUp =
    named.length > 0 ? await fromFiles(io, verify, named) : await fromLogs(args, io, verify);
  const now = (): number => Math.floor(io.now() / 1000);
  return verifyComplete({ verify, lookUp, now }, subject, files, judge);
}

async function fromLogs(
  args: Arguments,
  io: Io,
  { trust }: VerifyPorts,
): Promise<CompletePorts["lookUp"]> {
  const open = await openEach(args, io, trust);
  const folder = args.value("save-lookups");
  const patience = patienceOf(args);
  return async (log, keys) => {
    const ports = { ...open(log), generation: CURRENT_INDEX };
    const answers: Asked[] = [];
    for (let at = 0; at < keys.length; at += MAX_LOOKUP_KEYS) {
      const part = keys.slice(at, at + MAX_LOOKUP_KEYS);
      const asked = await askPatiently(
        ports,
        { keys: part, entries: true, summaries: false },
        patience,
      );
      answers.push(asked);
      if (folder !== undefined && "bytes" in asked)
        await writeWhole(io, join(folder, fileName(log, at / MAX_LOOKUP_KEYS)), asked.bytes);
    }
    return answers;
  };
}

/** One name for one log, so that the last answer takes the place of the one before. */
function fileName({ origin }: TrustedLog, part: number): string {
  const name = origin.replace(/[^A-Za-z0-9._-]+/g, "_");
  return `${name}${part === 0 ? "" : `-${part + 1}`}${LOOKUP_SUFFIX}`;
}

/** The files that are a log's, whatever keys are asked: what they lack counts against the answer. */
async function fromFiles(
  io: Io,
  verify: VerifyPorts,
  names: readonly string[],
): Promise<CompletePorts["lookUp"]> {
  const opened: Asked[] = [];
  for (const name of names) {
    const bytes = await readBytes(io, name, MAX_LOOKUP_BYTES);
    opened.push(await openLookup(verify, bytes));
  }
  return async (log) =>
    opened.filter((one) => one.state !== "answered" || one.answer.origin === log.origin);
}
