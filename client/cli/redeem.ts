/**
 * `redeem`: was a promise of the log kept?
 *
 * @module
 */
import { basename, dirname } from "node:path";
import { unwrap } from "../../schema/error.ts";
import type { Evidence } from "../../schema/evidence.ts";
import { MAX_PROMISE_BYTES } from "../../schema/tlog/promise.ts";
import { nodeCrypto } from "../crypto/node.ts";
import { openPromise, type SignedPromise } from "../promise.ts";
import { redeem as redeemOne, twoPromises } from "../redeem.ts";
import { timeText } from "../time-text.ts";
import type { Arguments, Command } from "./command.ts";
import { saveEvidence } from "./evidence-file.ts";
import { readBytes } from "./files.ts";
import type { ExitStatus, Io } from "./io.ts";
import { openEach, readTrust } from "./logs.ts";
import { LOG_OPTIONS } from "./options.ts";
import { print, printJson } from "./output.ts";
import { PROMISE_SUFFIX, saveReceipt } from "./receipts.ts";

export const redeem: Command = {
  name: "redeem",
  summary: "Ask the log to keep its promises: receipts, or evidence that it broke them.",
  about: [
    "A promise (`submit --promise`, or a log whose witnesses are late) says where an entry will be, and by when. Kept: the entry is there, and its receipt is written. Pending: not yet. Late: a whole quorum of the trust file's witnesses still saw the log without it, more than 60 s after the deadline. Lost: another entry has its place, whatever the time. Two files that promise one place to two entries convict the log without asking it.",
    "Exit status 0: all were kept, 2: some are pending, 3: the log broke one, and an evidence file shows it to others.",
  ],
  positionals: [{ name: "FILE", help: "a promise (*.promise)", required: true, many: true }],
  options: {
    ...LOG_OPTIONS,
    receipts: {
      type: "string",
      value: "DIR",
      help: "folder for receipts (default: the promise's)",
    },
    evidence: { type: "string", value: "DIR", help: "folder for evidence files (default: here)" },
  },
  examples: [
    {
      what: "everything that was promised",
      line: "countersign redeem receipts/*.promise --trust trust.toml",
    },
  ],
  run,
};

interface Answer {
  readonly file: string;
  readonly index: number;
  readonly state: "kept" | "pending" | "late" | "lost" | "promised twice";
  readonly deadline: string;
  readonly receipt?: string;
  readonly evidence?: string;
}

interface Opened {
  readonly file: string;
  readonly promise: SignedPromise;
}

async function run(args: Arguments, io: Io): Promise<ExitStatus> {
  const trust = await readTrust(args, io);
  const portsOf = await openEach(args, io, trust);
  const opened: Opened[] = [];
  for (const file of args.positionals) {
    const bytes = await readBytes(io, file, MAX_PROMISE_BYTES);
    opened.push({ file, promise: unwrap(await openPromise(nodeCrypto, trust, bytes)) });
  }
  const answers: Answer[] = [];
  for (const { file, promise } of opened) {
    const about = { file, index: promise.index, deadline: timeText(promise.deadline) };
    const save = async (evidence: Evidence): Promise<string> =>
      saveEvidence(io, args.value("evidence"), evidence);
    const twice = firstTwin(opened, promise);
    if (twice !== undefined) {
      answers.push({ ...about, state: "promised twice", evidence: await save(twice) });
      continue;
    }
    const redeemed = await redeemOne(portsOf(promise.log), promise);
    const { state } = redeemed;
    if (state === "kept") {
      const chosen = args.value("receipts");
      // Beside its promise under the same name: `import git` names both after the object.
      const receipt =
        chosen === undefined
          ? await saveReceipt(io, dirname(file), redeemed.receipt, basename(file, PROMISE_SUFFIX))
          : await saveReceipt(io, chosen, redeemed.receipt);
      answers.push({ ...about, state, receipt });
    } else if (state === "pending") answers.push({ ...about, state });
    else answers.push({ ...about, state, evidence: await save(redeemed.evidence) });
  }
  if (args.json) printJson(io, { redeemed: answers });
  else for (const one of answers) print(io, `${one.file}: ${textOf(one)}`);
  if (answers.some(({ evidence }) => evidence !== undefined)) return 3;
  return answers.every(({ state }) => state === "kept") ? 0 : 2;
}

function firstTwin(opened: readonly Opened[], promise: SignedPromise): Evidence | undefined {
  for (const other of opened) {
    const evidence = twoPromises(promise, other.promise);
    if (evidence !== undefined) return evidence;
  }
  return undefined;
}

function textOf({ state, index, deadline, receipt, evidence }: Answer): string {
  switch (state) {
    case "kept":
      return `kept: entry ${index}, ${receipt}`;
    case "pending":
      return `pending: entry ${index} is promised by ${deadline}`;
    case "late":
      return `LATE: entry ${index} was promised by ${deadline}, and its witnesses have not seen it; it may still come. evidence: ${evidence}`;
    case "lost":
      return `LOST: index ${index} was promised, and another entry is there. evidence: ${evidence}`;
    case "promised twice":
      return `BROKEN: index ${index} was promised to two entries. evidence: ${evidence}`;
  }
}
