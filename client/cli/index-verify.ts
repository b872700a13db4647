/**
 * `index verify`: executes the index of a log again, leaf by leaf, and cosigns nothing.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { INDEX_PREFIX } from "../../schema/http/lookup-request.ts";
import { CHECKPOINT_PATH } from "../../schema/http/paths.ts";
import { MAPFN_V1 } from "../../schema/index/mapfn.ts";
import { initialState } from "../../schema/index/re-execute.ts";
import { MAX_NOTE_BYTES } from "../../schema/limits.ts";
import { openSigned, type SignedHead } from "../head.ts";
import { followIndex } from "../lookup/follow-index.ts";
import { indexLogOf } from "../lookup/index-log.ts";
import type { LogPorts } from "../update.ts";
import type { Arguments, Command } from "./command.ts";
import type { ExitStatus, Io } from "./io.ts";
import { openLog } from "./logs.ts";
import { LOG_OPTIONS, wholeNumber } from "./options.ts";
import { print, printJson } from "./output.ts";

export const indexVerify: Command = {
  name: "index verify",
  summary: "Execute the index of a log again, and say whether every leaf is right.",
  about: [
    "Reads every entry with its content, applies the index's rules to it, and holds each leaf of the index log against the result. Each leaf must name a head of the log that meets the trust file. It holds no map: what it needs of the old one comes with proof.",
    "Exit status 0: every leaf is what the log gives. 1: a leaf cannot be accepted. 2: could not ask. 3: the log or its index misbehaved; the leaf is named.",
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
    const head = await fetchIndexHead(ports);
    return follow(args, io, ports, head);
  },
};

/** By the log's signature alone: index verifiers are whom this is done in place of. */
async function fetchIndexHead({ crypto, log, transport }: LogPorts): Promise<SignedHead> {
  const path = `${INDEX_PREFIX}${CHECKPOINT_PATH}`;
  const note = await transport.get(path, MAX_NOTE_BYTES);
  return unwrap(await openSigned(crypto, indexLogOf(crypto.sha256, log, []), note));
}

async function follow(
  args: Arguments,
  io: Io,
  ports: LogPorts,
  { tree }: SignedHead,
): Promise<ExitStatus> {
  const { origin } = ports.log;
  const to = args.value("to") === undefined ? tree.size : wholeNumber(args, "to");
  if (to < 1 || to > tree.size)
    throw new LogError("USAGE", `--to is ${to}`, {
      field: "--to",
      expected: `1 to ${tree.size}, the leaves of the index`,
    });
  let state = initialState(ports.crypto.sha256, MAPFN_V1, origin);
  for await (const followed of followIndex(ports, state, to)) {
    if (followed.state === "accepted") {
      state = followed.next;
      for (const index of followed.taken)
        io.stderr.write(
          `entry ${index} was erased: its postings are the log's, under leaf ${followed.leaf}\n`,
        );
      continue;
    }
    const { leaf, reason } = followed;
    return refuse(args, io, origin, `leaf ${leaf}: ${reason.message}`, reason.code);
  }
  if (to === tree.size && !equal(state.index.root(), tree.root))
    return refuse(
      args,
      io,
      origin,
      "its signed head is not the root over its leaves",
      "LOG_MISBEHAVED",
    );
  const { main } = state.leaf;
  if (args.json) printJson(io, { verdict: "accepted", origin, leaves: to, entries: main.size });
  else
    print(
      io,
      `${origin}: all ${to} leaves of the index are right, over ${main.size} entries of the log.`,
    );
  return 0;
}

function refuse(args: Arguments, io: Io, origin: string, what: string, code: string): ExitStatus {
  if (args.json) printJson(io, { verdict: "refused", origin, code, reason: what });
  else print(io, `${origin}: the index is refused at ${what}`);
  return code === "LOG_MISBEHAVED" ? 3 : 1;
}
