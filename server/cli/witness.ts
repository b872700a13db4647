/**
 * `witness init`, `witness serve` and `witness show`: the operator's side of a witness.
 *
 * Exit status of `serve`: 0 after a signal; 2 where a person has to look, for a refused start or a state
 * that forgot something (W2); 1 where the witness stopped for good while it ran (I5), which a new
 * start from the disk heals.
 *
 * @module
 */
import { resolve } from "node:path";
import type { Arguments, Command, OptionSpec } from "../../client/cli/command.ts";
import { readBytes } from "../../client/cli/files.ts";
import type { ExitStatus, Io } from "../../client/cli/io.ts";
import { print, printJson, reportError } from "../../client/cli/output.ts";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { httpTransport, type Source } from "../../client/fetch.ts";
import { fromUtf8, toHex } from "../../schema/bytes.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { parseVkey } from "../../schema/tlog/note.ts";
import { makeLogger } from "../observe/log.ts";
import { loadWitnessConfig, WITNESS_SETTINGS, type WitnessConfig } from "../witness/config.ts";
import { COSIGNER_TYPES, type CosignerType, initWitness } from "../witness/init.ts";
import { type RunningWitness, serveWitness } from "../witness/serve.ts";
import { peekState, type Role } from "../witness/state-file.ts";
import { nextSignal } from "./serve.ts";

const MAX_CONFIG_BYTES = 1_048_576;
/** A log that does not answer in this time is passed over. */
const ASK_MS = 3_000;

const FOLDER: OptionSpec = {
  type: "string",
  value: "DIR",
  help: "folder of the witness: its keys and its state",
  required: true,
};
const URL_OPTION: OptionSpec = {
  type: "string",
  value: "URL",
  help: "submission prefix, for the policy lines that are printed",
};

export const witnessInit: Command = {
  name: "witness init",
  summary: "Create a witness: its keys and an empty state.",
  about: [
    "With --index it is an index verifier: before it cosigns the index log of a log it executes every leaf. A folder, and a key, is one or the other for ever.",
    "The name is how the witness is called in every cosignature: a URL without scheme, under a domain of yours.",
    "Keys and state belong together and are made together. Neither is ever restored from a backup: a witness that forgot what it cosigned must not sign again. If one is lost, make a new witness.",
    "The printed lines go into the policy of a log (C2SP tlog-policy). Keys of one witness count as one voice: where there are two, they form a group.",
  ],
  positionals: [],
  options: {
    name: { type: "string", value: "NAME", help: "name of the witness", required: true },
    folder: FOLDER,
    type: {
      type: "string",
      value: "TYPE",
      help: `${COSIGNER_TYPES.join(" or ")}; without it, one key of each`,
    },
    index: { type: "boolean", help: "an index verifier, which is never a witness" },
    url: URL_OPTION,
  },
  examples: [
    {
      what: "a witness with both kinds of key",
      line: "countersign witness init --name witness.example.org/w1 --folder witness",
    },
    {
      what: "an index verifier",
      line: "countersign witness init --index --name witness.example.org/i1 --folder verifier",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const folder = resolve(io.cwd, args.need("folder"));
    const role = args.flag("index") ? "index verifier" : "witness";
    const name = args.need("name");
    const cosigners = await initWitness(nodeCrypto, folder, name, typesOf(args), role);
    show(
      args,
      io,
      folder,
      cosigners.map(({ vkeyText }) => vkeyText),
      role,
    );
    return 0;
  },
};

export const witnessShow: Command = {
  name: "witness show",
  summary: "Show the verifier keys of a witness, and the policy lines to paste.",
  positionals: [],
  options: { folder: FOLDER, url: URL_OPTION },
  examples: [
    {
      what: "with the address that logs reach it under",
      line: "countersign witness show --folder witness --url https://witness.example.org/w1",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const folder = resolve(io.cwd, args.need("folder"));
    const { vkeys, role } = peekState(folder);
    show(args, io, folder, vkeys, role);
    return 0;
  },
};

export const witnessServe: Command = {
  name: "witness serve",
  summary: "Serve a witness until told to stop.",
  about: [
    "Answers add-checkpoint of C2SP tlog-witness for the logs in the list, and shows what it cosigned. With --index it does so for the index logs of the logs in a trust file, after it has executed every leaf. The list, or the trust file, is read again when it changes, and on SIGHUP; a bad one changes nothing and is reported.",
    "SIGTERM or SIGINT ends it after the requests in flight. Exit status 2 means that the start was refused and a person has to look (docs/operate.md); 1 that the witness stopped while it ran, and that a new start heals it.",
    "Each option is a setting of the configuration file too: --max-connections is max_connections there.",
  ],
  positionals: [],
  options: {
    config: { type: "string", value: "FILE", help: "configuration in TOML" },
    ...Object.fromEntries(
      WITNESS_SETTINGS.map(({ flag, kind, description }) => [
        flag,
        kind === "switch"
          ? ({ type: "boolean", help: description } as const)
          : ({
              type: "string",
              value: kind === "number" ? "NUMBER" : kind === "list" ? "A,B,…" : "VALUE",
              help: description,
            } as const),
      ]),
    ),
  },
  examples: [
    {
      what: "on a small machine",
      line: "countersign witness serve --folder witness --logs logs.txt --listen 127.0.0.1:8081",
    },
    { what: "with a file", line: "countersign witness serve --config witness.toml" },
    {
      what: "an index verifier",
      line: "countersign witness serve --index --folder verifier --trust trust.toml",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const config = await configOf(args, io);
    const { cwd, now } = io;
    const logger = makeLogger(config.level, (line) => io.stderr.write(line), now);
    const signal = nextSignal();
    let witness: RunningWitness;
    try {
      witness = await serveWitness(config, { crypto: nodeCrypto, logger, now, cwd, reach });
    } catch (error) {
      reportError(io, error, args.json);
      return 2;
    }
    process.on("SIGHUP", () => void witness.reload());
    showStart(args, io, witness);
    const stopped = await Promise.race([signal, witness.stopped]);
    await witness.close();
    if (typeof stopped === "string") return 0;
    io.stderr.write(`countersign: the witness stopped: ${stopped.message} [${stopped.code}]\n`);
    // A state that forgot something does not remember it after another start (W2).
    return stopped.code === "OUTCOME_UNKNOWN" ? 1 : 2;
  },
};

/** How a log is asked at the start. */
function reach(place: string): Source {
  return httpTransport(place, { deadlineMs: ASK_MS });
}

function typesOf(args: Arguments): readonly CosignerType[] {
  const typed = args.value("type");
  if (typed === undefined) return COSIGNER_TYPES;
  const type = COSIGNER_TYPES.find((known) => known === typed);
  if (type !== undefined) return [type];
  throw new LogError("USAGE", `a witness has no key of type "${typed}"`, {
    field: "--type",
    expected: COSIGNER_TYPES.join(" or "),
  });
}

async function configOf(args: Arguments, io: Io): Promise<WitnessConfig> {
  const flags = Object.fromEntries(
    WITNESS_SETTINGS.map(({ flag, kind }) => [
      flag,
      kind === "switch" ? (args.flag(flag) ? "true" : undefined) : args.value(flag),
    ]),
  );
  const name = args.value("config");
  if (name === undefined) return loadWitnessConfig({ flags });
  const text = fromUtf8(await readBytes(io, name, MAX_CONFIG_BYTES));
  if (text === undefined)
    throw new LogError("CONFIG_INVALID", `${name} is not UTF-8`, { field: "config" });
  return loadWitnessConfig({ flags, file: { name, text } });
}

/** Lines of a C2SP tlog-policy: several keys of one witness count once. */
function policyLines(vkeys: readonly string[], url: string | undefined): string[] {
  const keys = vkeys.map((text) => unwrap(parseVkey(nodeCrypto.sha256, text)));
  const word = (keys[0]?.name ?? "").replaceAll(/[^A-Za-z0-9._-]/g, "-");
  const names = keys.map(({ keyId }) => (keys.length > 1 ? `${word}-${toHex(keyId)}` : word));
  const place = url === undefined ? "" : ` ${url}`;
  const lines = vkeys.map((vkey, i) => `witness ${names[i] ?? word} ${vkey}${place}`);
  return keys.length > 1 ? [...lines, `group ${word} any ${names.join(" ")}`] : lines;
}

function show(args: Arguments, io: Io, folder: string, vkeys: readonly string[], role: Role): void {
  const policy = policyLines(vkeys, args.value("url"));
  if (args.json) printJson(io, { folder, role, vkeys, policy });
  else
    print(
      io,
      ...vkeys.map((vkey) => `vkey   ${vkey}`),
      `folder ${folder} (keys and state belong together; never restore either)`,
      "",
      role === "witness"
        ? "For the policy of a log (C2SP tlog-policy):"
        : "For the policy of a log's index verifiers (C2SP tlog-policy), never for that of its witnesses:",
      ...policy,
    );
}

/** The hex key id of a verifier key: the whole one fills a screen. */
function shortKey(vkey: string): string {
  return vkey.split("+")[1] ?? "";
}

function showStart(args: Arguments, io: Io, witness: RunningWitness): void {
  const { name, url, vkeys, metricsUrl, role } = witness;
  const does = role === "witness" ? "witnesses" : "verifies the indexes of";
  const logs = witness.logs();
  if (args.json) printJson(io, { name, role, url, vkeys, metricsUrl: metricsUrl ?? null, logs });
  else
    print(
      io,
      `${name} ${does} ${logs} ${logs === 1 ? "log" : "logs"} at ${url}`,
      `keys    ${vkeys.map(shortKey).join(", ")} (countersign witness show)`,
      `metrics ${metricsUrl === undefined ? "off" : `${metricsUrl}/metrics`}`,
    );
}
