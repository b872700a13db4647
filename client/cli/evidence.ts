/**
 * `evidence verify`: does a file convict a log?
 *
 * @module
 */
import { MAX_EVIDENCE_BYTES } from "../../schema/evidence.ts";
import { nodeCrypto } from "../crypto/node.ts";
import { verifyEvidence } from "../evidence.ts";
import type { Arguments, Command } from "./command.ts";
import { readBytes } from "./files.ts";
import type { ExitStatus, Io } from "./io.ts";
import { readTrust } from "./logs.ts";
import { TRUST_OPTIONS } from "./options.ts";
import { print, printJson } from "./output.ts";

export const evidenceVerify: Command = {
  name: "evidence verify",
  summary: "Check a file that says a log misbehaved.",
  about: [
    "Nothing is asked but the file and the log's key: what convicts a log are its own signatures. Exit status 0 means that the evidence holds and the log has misbehaved, 1 that the file proves nothing.",
  ],
  positionals: [{ name: "FILE", help: "an evidence file (*.evidence.json)", required: true }],
  options: TRUST_OPTIONS,
  examples: [
    {
      what: "with nothing but the file and the trust file",
      line: "countersign evidence verify fork-0123456789abcdef.evidence.json --trust trust.toml",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const [file = ""] = args.positionals;
    const trust = await readTrust(args, io);
    const answer = await verifyEvidence(
      nodeCrypto,
      trust,
      await readBytes(io, file, MAX_EVIDENCE_BYTES),
    );
    if (args.json) printJson(io, answer);
    else if (answer.ok)
      print(io, `the evidence holds: ${answer.origin} misbehaved (${answer.kind})`, answer.charge);
    else print(io, `no: ${answer.refusal.message} [${answer.refusal.code}]`);
    return answer.ok ? 0 : 1;
  },
};
