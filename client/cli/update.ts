/**
 * `update`: fetch the newest head of each log and hold it against what is remembered.
 *
 * @module
 */
import { toBase64 } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import type { Head } from "../head.ts";
import { type LogPorts, type Observed, observe, update as updateLog } from "../update.ts";
import { receiptHead } from "../verify/receipt.ts";
import type { Arguments, Command } from "./command.ts";
import { saveEvidence } from "./evidence-file.ts";
import type { ExitStatus, Io } from "./io.ts";
import { openLog } from "./logs.ts";
import { LOG_OPTIONS } from "./options.ts";
import { print, printJson } from "./output.ts";
import { readReceipts } from "./receipts.ts";

export const update: Command = {
  name: "update",
  summary: "Fetch the log's newest head and check it against what this machine remembers.",
  about: [
    "A head that does not extend the remembered one is a fork: it is refused, the memory stays as it is, and an evidence file is written that convicts the log by its own signatures (exit status 3).",
  ],
  positionals: [],
  options: {
    ...LOG_OPTIONS,
    evidence: { type: "string", value: "DIR", help: "folder for evidence files (default: here)" },
    receipts: {
      type: "string",
      value: "DIR",
      help: "also hold the head of each receipt of this folder against the log, whatever its size",
    },
  },
  examples: [
    { what: "the log that the trust file names", line: "countersign update --trust trust.toml" },
    {
      what: "and every head that an offline check could not compare",
      line: "countersign update --trust trust.toml --receipts receipts",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const ports = await openLog(args, io);
    const before = await ports.memory.load(ports.log.vkeyTexts);
    const observed = await updateLog(ports);
    const heads = observed.state === "forked" ? [] : await receiptHeads(args, io, ports);
    const forked = await firstFork(ports, observed, heads);
    if (forked !== undefined) {
      const file = await saveEvidence(io, args.value("evidence"), forked.evidence);
      if (args.json) printJson(io, { state: "forked", origin: ports.log.origin, evidence: file });
      else
        print(
          io,
          `FORKED: ${ports.log.origin} has signed two histories. Nothing of it was believed.`,
          `evidence: ${file}`,
          `anybody can check it: countersign evidence verify ${file} --trust TRUST`,
        );
      return 3;
    }
    if (observed.state === "forked") throw new LogError("INTERNAL", "a fork was passed over");
    const { size, root } = observed.newest.tree;
    if (args.json)
      printJson(io, {
        state: observed.state,
        origin: ports.log.origin,
        size,
        root: toBase64(root),
        before: before?.size ?? null,
        ...(args.value("receipts") === undefined ? {} : { receiptHeads: heads.length }),
      });
    else {
      print(io, `${ports.log.origin}: ${WORDS[observed.state](size, before?.size ?? 0)}`);
      if (heads.length > 0)
        print(io, `heads of receipts that are of this history: ${heads.length}`);
    }
    return 0;
  },
};

/** Each head of this log that the receipts of the folder are under, once. */
async function receiptHeads(args: Arguments, io: Io, ports: LogPorts): Promise<Head[]> {
  const folder = args.value("receipts");
  if (folder === undefined) return [];
  const trust = { logs: [ports.log], people: [], rules: [] };
  const heads = new Map<string, Head>();
  for (const file of await readReceipts(io, folder)) {
    const head = await receiptHead({ crypto: ports.crypto, trust }, file);
    if (head !== undefined) heads.set(`${head.tree.size} ${toBase64(head.tree.root)}`, head);
  }
  return [...heads.values()];
}

type Fork = Extract<Observed, { state: "forked" }>;

/** The fork that the log's own head shows, or the first of the receipts' heads that does not fit. */
async function firstFork(
  ports: LogPorts,
  observed: Observed,
  heads: readonly Head[],
): Promise<Fork | undefined> {
  if (observed.state === "forked") return observed;
  for (const head of heads) {
    const seen = await observe(ports, head);
    if (seen.state === "forked") return seen;
  }
  return undefined;
}

const WORDS = {
  first: (size: number) => `remembered for the first time, ${size} entries`,
  advanced: (size: number, before: number) => `grew from ${before} to ${size} entries, consistent`,
  same: (size: number) => `unchanged, ${size} entries`,
  stale: (size: number, before: number) =>
    `shows an older head that is consistent (${before} entries are remembered, ${size} hold)`,
} as const;
