/**
 * `index verify`: executes the index of a log again, leaf by leaf, and cosigns nothing.
 *
 * In parts, each a process of its own, where that is asked for: each begins behind any leaf and their
 * states must meet (index-range.ts).
 *
 * @module
 */

import { utf8 } from "../../schema/bytes.ts";
import { LogError, type Result, unwrap } from "../../schema/error.ts";
import { readFields } from "../../schema/fields.ts";
import { CURRENT_INDEX } from "../../schema/index/generation.ts";
import { parseJson } from "../../schema/json.ts";
import { indexPorts } from "../lookup/ask.ts";
import { fetchSigned, observe } from "../update.ts";
import type { Arguments, Command } from "./command.ts";
import {
  executeRange,
  joinRanges,
  type LeafRange,
  type RangeResult,
  splitRange,
} from "./index-range.ts";
import type { ExitStatus, Io } from "./io.ts";
import { openLog } from "./logs.ts";
import { reportFailure } from "./lookup-failure.ts";
import { LOG_OPTIONS, wholeNumber } from "./options.ts";
import { print, printJson } from "./output.ts";

const MAX_JOBS = 64;

export const indexVerify: Command = {
  name: "index verify",
  summary: "Execute the index of a log again, and say whether every leaf is right.",
  about: [
    "Reads every entry with its content, applies the index's rules to it, and holds each leaf of the index log against the result. Each leaf must name a head of the log that meets the trust file. It holds no map: what it needs of the old one comes with proof.",
    "Of an entry whose content was erased it takes the postings from the log, under the root that the leaf has, and names the entry. One that is called erased although no statement of the log says so is refused.",
    "With --from it begins at any leaf, out of the state that the leaf before it commits to: then it says that the leaves from there on follow, if that one is right. --json names the states in which it began and ended; where one range ends as the next one begins, they are one, so that a history is checked on several machines. --jobs does so with processes on this one.",
    "Exit status 0: every leaf is what the log gives. 1: a leaf cannot be accepted. 2: could not ask. 3: the log or its index misbehaved; the leaf is named, and evidence is written to a file where the leaf contradicts the one before it, or the index another one that this machine has seen.",
  ],
  positionals: [],
  options: {
    from: { type: "string", value: "N", help: "the first leaf to execute (default: 1)" },
    jobs: { type: "string", value: "K", help: "so many processes, each for a part (default: 1)" },
    to: { type: "string", value: "M", help: "stop before this leaf (default: the newest head)" },
    ...LOG_OPTIONS,
  },
  examples: [
    {
      what: "the whole index of a log",
      line: "countersign index verify --log https://log.example.org --trust trust.toml",
    },
    {
      what: "a part of it, on one of several machines",
      line: "countersign index verify --trust trust.toml --from 1000 --to 2000 --json",
    },
  ],
  run: async (args, io) => {
    const ports = { ...(await openLog(args, io)), generation: CURRENT_INDEX };
    const index = indexPorts(ports);
    // By the log's signature alone: index verifiers are whom this is done in place of.
    const head = await fetchSigned(index);
    const observed = await observe(index, head);
    if (observed.state === "forked")
      return reportFailure(args, io, { ...observed, origin: index.log.origin }, ports);
    const range = rangeOf(args, head.tree.size);
    const parts = splitRange(range, jobsOf(args));
    const [only] = parts;
    const result =
      parts.length === 1 && only !== undefined
        ? await executeRange(io, ports, head, only)
        : joinRanges(await Promise.all(parts.map((part) => inItsOwnProcess(args, io, part))));
    return report(args, io, ports.log.origin, result);
  },
};

function rangeOf(args: Arguments, leaves: number): LeafRange {
  const from = args.value("from") === undefined ? 1 : wholeNumber(args, "from");
  const to = args.value("to") === undefined ? leaves : wholeNumber(args, "to");
  if (to < 1 || to > leaves)
    throw new LogError("USAGE", `--to is ${to}`, {
      field: "--to",
      expected: `1 to ${leaves}, the leaves of the index`,
    });
  if (from >= 1 && from <= to) return { from, to };
  throw new LogError("USAGE", `--from is ${from}`, { field: "--from", expected: `1 to ${to}` });
}

function jobsOf(args: Arguments): number {
  const jobs = args.value("jobs") === undefined ? 1 : wholeNumber(args, "jobs");
  if (jobs >= 1 && jobs <= MAX_JOBS) return jobs;
  throw new LogError("USAGE", `--jobs is ${jobs}`, {
    field: "--jobs",
    expected: `1 to ${MAX_JOBS}`,
  });
}

/** This very command for one part of the leaves. */
async function inItsOwnProcess(args: Arguments, io: Io, part: LeafRange): Promise<RangeResult> {
  if (io.again === undefined)
    throw new LogError("USAGE", "this program cannot start itself", { field: "--jobs" });
  const same = ["log", "trust", "vkey", "memory"].flatMap((name) => {
    const value = args.value(name);
    return value === undefined ? [] : [`--${name}`, value];
  });
  const range = ["--from", String(part.from), "--to", String(part.to)];
  const { status, stdout } = await io.again(["index", "verify", ...same, ...range, "--json"]);
  if (status !== 2) return unwrap(readResult(stdout, part));
  throw new LogError("UNREACHABLE", `The leaves ${part.from} to ${part.to - 1} were not executed.`);
}

function readResult(stdout: string, { from, to }: LeafRange): Result<RangeResult> {
  const json = parseJson(utf8(stdout));
  if (!json.ok) return json;
  return readFields(json.value, "", (fields): RangeResult => {
    const verdict = fields.oneOf("verdict", ["accepted", "refused"]);
    if (verdict === "refused")
      return {
        verdict,
        code: fields.string("code"),
        reason: fields.string("reason"),
        evidence: fields.optional("evidence", (name) => fields.string(name)),
      };
    return {
      verdict,
      from,
      to,
      entries: fields.integer("entries"),
      erased: fields.array("erased").map(Number),
      before: fields.string("before"),
      after: fields.string("after"),
    };
  });
}

function report(args: Arguments, io: Io, origin: string, result: RangeResult): ExitStatus {
  if (result.verdict === "refused") {
    const { verdict, code, reason, evidence } = result;
    const file = evidence === undefined ? {} : { evidence };
    if (args.json) printJson(io, { verdict, origin, code, reason, ...file });
    else
      print(
        io,
        `${origin}: the index is refused at ${reason}`,
        ...(evidence === undefined ? [] : [`evidence: ${evidence}`]),
      );
    return code === "LOG_MISBEHAVED" ? 3 : 1;
  }
  const { from, to, entries, ...rest } = result;
  if (args.json) printJson(io, { origin, leaves: to, from, to, entries, ...rest });
  else if (from === 1)
    print(
      io,
      `${origin}: all ${to} leaves of the index are right, over ${entries} entries of the log.`,
    );
  else
    print(
      io,
      `${origin}: the leaves ${from} to ${to - 1} of the index are right, over ${entries} entries of the log, if leaf ${from - 1} is.`,
    );
  return 0;
}
