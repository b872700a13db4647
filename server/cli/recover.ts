/**
 * `recover`: what a refused start would lose, and the two ways past it (`server/recover.ts`).
 *
 * @module
 */
import type { Arguments, Command } from "../../client/cli/command.ts";
import { pathOf } from "../../client/cli/files.ts";
import type { ExitStatus, Io } from "../../client/cli/io.ts";
import { print, printJson } from "../../client/cli/output.ts";
import { startProgress } from "../../client/cli/progress.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { parseSize } from "../../schema/tlog/size.ts";
import { mustBeOf } from "../parts.ts";
import { acceptLoss, examine, type RecoverPorts, recordOf } from "../recover.ts";
import { refill } from "../refill.ts";
import { storeFiles } from "../storage/sqlite/files.ts";
import { peekStore } from "../storage/sqlite/inspect.ts";
import { SqliteReader } from "../storage/sqlite/reader.ts";
import { mustBeOnDisk } from "./backup.ts";
import { type FromMirror, recoverByMirror, recoverPorts } from "./recover-from.ts";
import { CONFIG_OPTIONS, configOf } from "./settings.ts";

export const recover: Command = {
  name: "recover",
  summary: "Go past a refused start: shows what would be lost, and records it.",
  about: [
    "Without --from, --refill or --accept-loss it changes nothing: it says why the start is refused, and what would be lost. Exit status 0: the log starts as it is; 1: it does not.",
    "--from takes the missing entries from a mirror and loses nothing, up to the newest head under this log's own signature that the guard or the mirror (or --shown) has. It works also where the guard was rolled back with the store, or is gone. A head that contradicts the store is a fork: nothing is changed, an evidence file is written, exit status 3.",
    "--refill takes the missing entries out of another store of the same log and loses nothing: it must arrive at exactly the root that was signed.",
    "--accept-loss makes the head guard say what the store says. Entries that were signed are then lost for good, and whoever saw the later heads can prove it. It must name the size of the store, and is recorded beside the guard.",
  ],
  positionals: [],
  options: {
    ...CONFIG_OPTIONS,
    from: { type: "string", value: "URL|FOLDER", help: "a mirror of this log" },
    shown: {
      type: "string",
      value: "URL|FILE",
      multiple: true,
      help: "with --from: a checkpoint of this log that somebody else serves, e.g. a witness; recovery must reach it",
    },
    "new-store": {
      type: "boolean",
      help: "with --from: make the store anew where it is gone; needs log.origin and the key",
    },
    refill: { type: "string", value: "FOLDER", help: "another store of this log, at rest" },
    "accept-loss": { type: "string", value: "SIZE", help: "go on with this many entries" },
    reason: { type: "string", value: "TEXT", help: "why; goes into the record" },
  },
  examples: [
    { what: "what is wrong", line: "countersign recover --config countersign.toml" },
    { what: "lose nothing", line: "countersign recover --from https://mirror.example.net/" },
    { what: "lose nothing, from a copy", line: "countersign recover --refill /other/copy" },
    {
      what: "lose what is gone",
      line: 'countersign recover --accept-loss 1204 --reason "disk died, backup of Monday"',
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const [from, source, size] = ["from", "refill", "accept-loss"].map((name) => args.value(name));
    if ([from, source, size].filter((way) => way !== undefined).length > 1)
      throw new LogError("USAGE", "--from, --refill and --accept-loss exclude each other", {
        field: "--from",
      });
    if (from !== undefined) return runFrom(args, io, from);
    const ports = await portsOf(args, io);
    if (source !== undefined) return runRefill(args, io, ports, pathOf(io, source));
    if (size !== undefined) return runAccept(args, io, ports, size);
    return show(args, io, ports);
  },
};

async function portsOf(args: Arguments, io: Io): Promise<RecoverPorts> {
  const { config } = await configOf(args, io);
  mustBeOnDisk(config);
  const { origin } = peekStore(pathOf(io, config.storage.folder)).meta;
  mustBeOf(config, origin);
  return recoverPorts(config, io, origin);
}

async function show(args: Arguments, io: Io, ports: RecoverPorts): Promise<ExitStatus> {
  const examination = await examine(ports);
  const { refusal, store, guard, lost, consequences, acceptable } = examination;
  if (args.json) {
    printJson(io, { starts: refusal === undefined, ...examination });
    return refusal === undefined ? 0 : 1;
  }
  print(
    io,
    `store ${store.size} entries, root ${store.root}`,
    guard === undefined ? "guard none" : `guard ${guard.size} entries, root ${guard.root}`,
  );
  if (refusal === undefined) {
    print(io, "The log starts as it is: there is nothing to recover.");
    return 0;
  }
  print(io, "", `The start is refused: ${refusal.message} [${refusal.code}]`);
  if (refusal.hint !== "") print(io, `First: ${refusal.hint}`);
  if (lost !== undefined) print(io, `Lost: entries ${lost.from} to ${lost.to - 1}.`);
  for (const line of consequences) print(io, `- ${line}`);
  if (acceptable)
    print(
      io,
      "",
      "To lose nothing: countersign recover --from MIRROR, or --refill FOLDER-OF-A-NEWER-STORE",
    );
  if (acceptable)
    print(io, `To go on all the same: countersign recover --accept-loss ${store.size} --reason …`);
  return 1;
}

async function runFrom(args: Arguments, io: Io, from: string): Promise<ExitStatus> {
  const { config } = await configOf(args, io);
  mustBeOnDisk(config);
  const progress = await startProgress(io, "recover", args.json);
  try {
    const recovered = await recoverByMirror(config, io, {
      from,
      shown: args.list("shown"),
      newStore: args.flag("new-store"),
      progress: progress.update,
    });
    progress.stop();
    if (args.json) printJson(io, recovered);
    else showRecovered(io, recovered);
  } finally {
    progress.stop();
  }
  return 0;
}

function showRecovered(io: Io, recovered: FromMirror): void {
  const { entries, opaque, erased, size, guardMoved, record } = recovered;
  if (entries > 0) print(io, `${entries} entries were brought back; the log has ${size} now.`);
  else print(io, `The source shows nothing that is missing; the log has ${size} entries.`);
  if (opaque > 0) print(io, `Without content, as the source has them: ${opaque}.`);
  if (erased > 0) print(io, `Without content, because the log has erased it: ${erased}.`);
  if (guardMoved) print(io, `The guard was behind or gone; it is at ${size} now. See ${record}.`);
}

async function runRefill(
  args: Arguments,
  io: Io,
  ports: RecoverPorts,
  folder: string,
): Promise<ExitStatus> {
  // Not a byte is believed of it, but a store of another log is better named than refused later.
  const { origin } = peekStore(folder).meta;
  if (origin !== ports.signer.origin)
    throw new LogError("USAGE", `${folder} is a store of ${origin}`, {
      field: "--refill",
      expected: `a store of ${ports.signer.origin}`,
    });
  const source = new SqliteReader(storeFiles(folder).database);
  const progress = await startProgress(io, "refill", args.json);
  try {
    const entries = await refill({ ...ports, source, progress: progress.update });
    progress.stop();
    if (args.json) printJson(io, { refilled: entries });
    else print(io, `${entries} entries were brought back, up to the head that was signed.`);
  } finally {
    progress.stop();
    source.close();
  }
  return 0;
}

async function runAccept(
  args: Arguments,
  io: Io,
  ports: RecoverPorts,
  size: string,
): Promise<ExitStatus> {
  const reason = args.value("reason");
  if (reason === undefined || reason.trim() === "")
    throw new LogError("USAGE", "--reason is missing: it goes into the record", {
      field: "--reason",
      hint: "countersign recover --help",
    });
  const record = await acceptLoss(ports, unwrap(parseSize(size, "--accept-loss")), reason);
  if (args.json) printJson(io, { accepted: record, record: recordOf(ports.place.guard) });
  else
    print(
      io,
      `The guard is at ${record.store.size} entries now, as the store is.`,
      `Recorded in ${recordOf(ports.place.guard)}${record.guard === undefined ? "" : ", with the signed head that was given up"}.`,
    );
  return 0;
}
