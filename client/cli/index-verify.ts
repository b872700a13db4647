/**
 * `index verify`: executes the index of a log again, leaf by leaf, and cosigns nothing.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { MAPFN_V1 } from "../../schema/index/mapfn.ts";
import { initialState } from "../../schema/index/re-execute.ts";
import type { SignedHead } from "../head.ts";
import { indexPorts } from "../lookup/ask.ts";
import { convictLeaf } from "../lookup/convict.ts";
import { committedLeaves, unannounced } from "../lookup/erased.ts";
import { followIndex } from "../lookup/follow-index.ts";
import { fetchSigned, type LogPorts, observe } from "../update.ts";
import type { Arguments, Command } from "./command.ts";
import { saveEvidence } from "./evidence-file.ts";
import type { ExitStatus, Io } from "./io.ts";
import { openLog } from "./logs.ts";
import { reportFailure } from "./lookup-failure.ts";
import { LOG_OPTIONS, wholeNumber } from "./options.ts";
import { print, printJson } from "./output.ts";

export const indexVerify: Command = {
  name: "index verify",
  summary: "Execute the index of a log again, and say whether every leaf is right.",
  about: [
    "Reads every entry with its content, applies the index's rules to it, and holds each leaf of the index log against the result. Each leaf must name a head of the log that meets the trust file. It holds no map: what it needs of the old one comes with proof.",
    "Of an entry whose content was erased it takes the postings from the log, under the root that the leaf has, and names the entry. One that is called erased although no statement of the log says so is refused.",
    "Exit status 0: every leaf is what the log gives. 1: a leaf cannot be accepted. 2: could not ask. 3: the log or its index misbehaved; the leaf is named, and evidence is written to a file where the leaf contradicts the one before it, or the index another one that this machine has seen.",
  ],
  positionals: [],
  options: {
    to: { type: "string", value: "M", help: "stop before this leaf (default: the newest head)" },
    ...LOG_OPTIONS,
  },
  examples: [
    {
      what: "the whole index of a log",
      line: "countersign index verify --log https://log.example.org --trust trust.toml",
    },
  ],
  run: async (args, io) => {
    const ports = await openLog(args, io);
    const index = indexPorts(ports);
    // By the log's signature alone: index verifiers are whom this is done in place of.
    const head = await fetchSigned(index);
    const observed = await observe(index, head);
    return observed.state === "forked"
      ? reportFailure(args, io, { ...observed, origin: index.log.origin }, ports)
      : follow(args, io, ports, head);
  },
};

async function follow(
  args: Arguments,
  io: Io,
  ports: LogPorts,
  head: SignedHead,
): Promise<ExitStatus> {
  const { origin } = ports.log;
  const { tree } = head;
  const to = args.value("to") === undefined ? tree.size : wholeNumber(args, "to");
  if (to < 1 || to > tree.size)
    throw new LogError("USAGE", `--to is ${to}`, {
      field: "--to",
      expected: `1 to ${tree.size}, the leaves of the index`,
    });
  let state = initialState(ports.crypto.sha256, MAPFN_V1, origin);
  const erased: number[] = [];
  // Where index verifiers are asked for, only they vouch for what an erased content posted.
  const asked = (ports.log.index ?? []).length > 0;
  const committed = asked ? { committed: async () => committedLeaves(ports) } : {};
  for await (const followed of followIndex({ ...ports, ...committed }, state, to)) {
    if (followed.state === "accepted") {
      state = followed.next;
      erased.push(...followed.taken);
      for (const index of followed.taken)
        io.stderr.write(
          `entry ${index} was erased: its postings are the log's, under leaf ${followed.leaf}\n`,
        );
      continue;
    }
    const { leaf, reason } = followed;
    const evidence = await convictLeaf(ports, head, leaf);
    const file = evidence === undefined ? undefined : await saveEvidence(io, undefined, evidence);
    return refuse(args, io, origin, `leaf ${leaf}: ${reason.message}`, reason.code, file);
  }
  if (to === tree.size && !equal(state.index.root(), tree.root))
    return refuse(
      args,
      io,
      origin,
      "its signed head is not the root over its leaves",
      "LOG_MISBEHAVED",
    );
  const lost = await unannounced(ports, erased);
  if (lost.length > 0) return refuse(args, io, origin, lostText(lost), "CONTENT_ERASED");
  const { main } = state.leaf;
  if (args.json)
    printJson(io, { verdict: "accepted", origin, leaves: to, entries: main.size, erased });
  else
    print(
      io,
      `${origin}: all ${to} leaves of the index are right, over ${main.size} entries of the log.`,
    );
  return 0;
}

function lostText(entries: readonly number[]): string {
  return `entry ${entries.join(", ")}: called erased, and no statement of the log says so`;
}

function refuse(
  args: Arguments,
  io: Io,
  origin: string,
  what: string,
  code: string,
  evidence?: string,
): ExitStatus {
  const file = evidence === undefined ? {} : { evidence };
  if (args.json) printJson(io, { verdict: "refused", origin, code, reason: what, ...file });
  else
    print(
      io,
      `${origin}: the index is refused at ${what}`,
      ...(evidence === undefined ? [] : [`evidence: ${evidence}`]),
    );
  return code === "LOG_MISBEHAVED" ? 3 : 1;
}
