/**
 * `update`: fetch the newest head of each log and hold it against what is remembered.
 *
 * @module
 */
import { toBase64 } from "../../schema/bytes.ts";
import { update as updateLog } from "../update.ts";
import type { Arguments, Command } from "./command.ts";
import { saveEvidence } from "./evidence-file.ts";
import type { ExitStatus, Io } from "./io.ts";
import { openLog } from "./logs.ts";
import { LOG_OPTIONS } from "./options.ts";
import { print, printJson } from "./output.ts";

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
  },
  examples: [
    { what: "the log that the trust file names", line: "countersign update --trust trust.toml" },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const ports = await openLog(args, io);
    const before = await ports.memory.load(ports.log.vkeyTexts);
    const observed = await updateLog(ports);
    if (observed.state === "forked") {
      const file = await saveEvidence(io, args.value("evidence"), observed.evidence);
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
    const { size, root } = observed.newest.tree;
    if (args.json)
      printJson(io, {
        state: observed.state,
        origin: ports.log.origin,
        size,
        root: toBase64(root),
        before: before?.size ?? null,
      });
    else print(io, `${ports.log.origin}: ${WORDS[observed.state](size, before?.size ?? 0)}`);
    return 0;
  },
};

const WORDS = {
  first: (size: number) => `remembered for the first time, ${size} entries`,
  advanced: (size: number, before: number) => `grew from ${before} to ${size} entries, consistent`,
  same: (size: number) => `unchanged, ${size} entries`,
  stale: (size: number, before: number) =>
    `shows an older head that is consistent (${before} entries are remembered, ${size} hold)`,
} as const;
