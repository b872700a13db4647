/**
 * `update`: fetch the newest head of each log and hold it against what is remembered.
 *
 * @module
 */
import { toBase64 } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import type { Evidence } from "../../schema/evidence.ts";
import { type SignedHead, tooFewWitnesses } from "../head.ts";
import { type Freshness, freshness } from "../quorum.ts";
import { timeText } from "../time-text.ts";
import { type LogPorts, type Observed, observe, update as updateLog } from "../update.ts";
import { tooOld, witnessText } from "../verify/explain.ts";
import { receiptHead } from "../verify/receipt.ts";
import type { Arguments, Command } from "./command.ts";
import { saveEvidence } from "./evidence-file.ts";
import {
  type Gossip,
  gossipData,
  gossipLines,
  gossipStatus,
  hearWitnesses,
  holdAgainst,
} from "./gossip.ts";
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
    "Where the trust file names witnesses, a head without a quorum of them is neither believed nor remembered, and one that no quorum has seen within `fresh_seconds` is too old (both exit status 1).",
    "With --gossip each witness is asked which head it shows of the log. Two heads that the log has signed and that contradict one another are a fork, whoever shows them. A witness that lags is only behind; one that answers with anything else is reported and accused of nothing (exit status 1), and so is one that does not answer (2 where none of them could be compared).",
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
    gossip: {
      type: "boolean",
      help: "also ask each witness of the trust file which head of the log it has seen",
    },
  },
  examples: [
    { what: "the log that the trust file names", line: "countersign update --trust trust.toml" },
    {
      what: "and every head that an offline check could not compare",
      line: "countersign update --trust trust.toml --receipts receipts",
    },
    {
      what: "do the witnesses see the same log?",
      line: "countersign update --trust trust.toml --gossip",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const ports = await openLog(args, io);
    const heard = args.flag("gossip") ? await hearWitnesses(ports) : undefined;
    const before = await ports.memory.load(ports.log.vkeyTexts);
    const observed = await updateLog(ports);
    const heads = observed.state === "forked" ? [] : await receiptHeads(args, io, ports);
    const forked = await firstFork(ports, observed, heads);
    if (forked !== undefined) return reportFork(args, io, ports.log.origin, forked.evidence);
    if (observed.state === "forked") throw new LogError("INTERNAL", "a fork was passed over");
    const own = observed.state === "unwitnessed" ? observed.shown : observed.newest;
    const gossip = heard === undefined ? undefined : await holdAgainst(ports, own, heard);
    for (const { server, says } of gossip ?? [])
      if (says.state === "forked")
        return reportFork(args, io, ports.log.origin, says.evidence, server.name);
    const report: Report = { gossip, before: before?.size, receiptHeads: heads.length };
    const status =
      observed.state === "unwitnessed"
        ? reportUnwitnessed(args, io, observed, report)
        : reportNewest(args, io, observed, report);
    return status === 0 && gossip !== undefined ? gossipStatus(gossip) : status;
  },
};

/** What is told beside the head itself. */
interface Report {
  readonly gossip: readonly Gossip[] | undefined;
  readonly before: number | undefined;
  readonly receiptHeads: number;
}

async function reportFork(
  args: Arguments,
  io: Io,
  origin: string,
  evidence: Evidence,
  witness?: string,
): Promise<ExitStatus> {
  const file = await saveEvidence(io, args.value("evidence"), evidence);
  const by = witness === undefined ? {} : { witness };
  if (args.json) printJson(io, { state: "forked", origin, evidence: file, ...by });
  else
    print(
      io,
      witness === undefined
        ? `FORKED: ${origin} has signed two histories. Nothing of it was believed.`
        : `FORKED: ${origin} has signed two histories; ${witness} shows the other one.`,
      `evidence: ${file}`,
      `anybody can check it: countersign evidence verify ${file} --trust TRUST`,
    );
  return 3;
}

function reportUnwitnessed(
  args: Arguments,
  io: Io,
  { shown, tooFew }: Unwitnessed,
  { gossip }: Report,
): ExitStatus {
  const { have, need } = tooFew;
  const { origin } = shown.log;
  const { size } = shown.tree;
  if (args.json)
    printJson(io, { state: "unwitnessed", origin, size, have, need, ...gossiped(gossip) });
  else
    print(
      io,
      `no: ${tooFewWitnesses(shown, tooFew).message} Nothing was remembered.`,
      ...gossipLines(gossip ?? []),
    );
  return 1;
}

/** What is known of the newest head. It is remembered whatever its age; the status tells of it. */
function reportNewest(
  args: Arguments,
  io: Io,
  { state, newest }: Believed,
  { gossip, before, receiptHeads }: Report,
): ExitStatus {
  const { log, tree, witnessed, cosigned } = newest;
  const age = freshness(log, tree.size, cosigned, Math.floor(io.now() / 1000));
  if (args.json)
    printJson(io, {
      state,
      origin: log.origin,
      size: tree.size,
      root: toBase64(tree.root),
      before: before ?? null,
      witnessed,
      age,
      ...(args.value("receipts") === undefined ? {} : { receiptHeads }),
      ...gossiped(gossip),
    });
  else {
    print(io, `${log.origin}: ${WORDS[state](tree.size, before ?? 0)}`);
    print(io, `  ${witnessText(witnessed)}${ageText(age)}`);
    if (receiptHeads > 0) print(io, `heads of receipts that are of this history: ${receiptHeads}`);
    for (const line of gossipLines(gossip ?? [])) print(io, line);
  }
  return age.state === "too old" ? 1 : 0;
}

function gossiped(gossip: readonly Gossip[] | undefined): object {
  return gossip === undefined ? {} : { witnesses: gossipData(gossip) };
}

function ageText(age: Freshness): string {
  switch (age.state) {
    case "not asked":
      return "";
    case "fresh":
      return `, last seen ${timeText(age.seenAt)}`;
    case "too old":
      return `\nno: the newest head ${tooOld(age.seenAt, age.boundSeconds)}`;
  }
}

/** Each head of this log that the receipts of the folder are under, once. */
async function receiptHeads(args: Arguments, io: Io, ports: LogPorts): Promise<SignedHead[]> {
  const folder = args.value("receipts");
  if (folder === undefined) return [];
  const trust = { logs: [ports.log], people: [], rules: [] };
  const heads = new Map<string, SignedHead>();
  for (const file of await readReceipts(io, folder)) {
    const head = await receiptHead({ crypto: ports.crypto, trust }, file);
    if (head !== undefined) heads.set(`${head.tree.size} ${toBase64(head.tree.root)}`, head);
  }
  return [...heads.values()];
}

type Fork = Extract<Observed, { state: "forked" }>;
type Unwitnessed = Extract<Observed, { state: "unwitnessed" }>;
type Believed = Exclude<Observed, Fork | Unwitnessed>;

/** The fork that the log's own head shows, or the first of the receipts' heads that does not fit. */
async function firstFork(
  ports: LogPorts,
  observed: Observed,
  heads: readonly SignedHead[],
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
