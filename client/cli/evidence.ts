/**
 * `evidence verify`: what does a file show, and against whom?
 *
 * @module
 */
import { MAX_EVIDENCE_BYTES } from "../../schema/evidence.ts";
import { nodeCrypto } from "../crypto/node.ts";
import { type EvidenceVerdict, verifyEvidence } from "../evidence.ts";
import type { Arguments, Command } from "./command.ts";
import { readBytes } from "./files.ts";
import type { ExitStatus, Io } from "./io.ts";
import { readTrust } from "./logs.ts";
import { TRUST_OPTIONS } from "./options.ts";
import { print, printJson } from "./output.ts";

export const evidenceVerify: Command = {
  name: "evidence verify",
  summary: "Check a file that says a log or a signer misbehaved.",
  about: [
    "Nothing is asked but the file and the trust file: what convicts a log or a signer are their own signatures. Printed is what the file proves, against whom, and what it does not prove; docs/evidence.md explains every kind.",
    "Exit status 0 means that the evidence holds, whomever it is against, 1 that the file proves nothing. Some kinds report what is nobody's provable fault, and accuse nobody.",
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
    else if (answer.ok) print(io, ...report(answer));
    else print(io, `no: ${answer.refusal.message} [${answer.refusal.code}]`);
    return answer.ok ? 0 : 1;
  },
};

/** The first line says who did it; the others what a reader may conclude. */
function report(verdict: Holds): readonly string[] {
  const { accused, charge, kind, notProved, origin } = verdict;
  return [
    `the evidence holds: ${headline(verdict)} (${kind})`,
    charge,
    `against:    ${against(origin, accused)}`,
    `not proved: ${notProved}`,
  ];
}

type Holds = Extract<EvidenceVerdict, { readonly ok: true }>;

function headline({ accused, origin }: Holds): string {
  switch (accused.who) {
    case "log":
      return `${origin} misbehaved`;
    case "signer":
      return `signer ${accused.signer} contradicted itself`;
    case "nobody":
      return "reported, and nobody is accused";
  }
}

function against(origin: string, accused: Holds["accused"]): string {
  switch (accused.who) {
    case "log": {
      const { verifiers = [] } = accused;
      const also =
        verifiers.length === 0 ? "" : `, and the index verifiers ${verifiers.join(", ")}`;
      return `the log ${origin}${also}`;
    }
    case "signer":
      return `whoever holds the key with the signer id ${accused.signer}`;
    case "nobody":
      return "nobody";
  }
}
