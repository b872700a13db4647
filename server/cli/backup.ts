/**
 * `backup` and `restore`: the store as a copy, and the copy as a store in a new folder.
 *
 * @module
 */
import type { Arguments, Command } from "../../client/cli/command.ts";
import { pathOf } from "../../client/cli/files.ts";
import type { ExitStatus, Io } from "../../client/cli/io.ts";
import { print, printJson } from "../../client/cli/output.ts";
import { startProgress } from "../../client/cli/progress.ts";
import { LogError } from "../../schema/error.ts";
import { type BackupManifest, backupStore, restoreStore } from "../backup.ts";
import type { Config } from "../config.ts";
import { CONFIG_OPTIONS, configOf } from "./settings.ts";

export const backup: Command = {
  name: "backup",
  summary: "Copy the store while the log runs.",
  about: [
    "The copy is consistent: the store as it was at one moment. It never contains the head guard, so that a log that is put back to it finds out that it is behind.",
    "It is no backup of the log's key: keep that one apart.",
  ],
  positionals: [{ name: "TARGET", help: "a folder that is empty or not there", required: true }],
  options: CONFIG_OPTIONS,
  examples: [
    {
      what: "while the log serves",
      line: "countersign backup /backups/today --config countersign.toml",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const folder = await storeFolder(args, io);
    const target = pathOf(io, args.positionals[0] ?? "");
    const progress = await startProgress(io, "backup", args.json);
    try {
      const manifest = await backupStore(folder, target, progress.update);
      progress.stop();
      show(args, io, `${target} holds`, target, manifest);
    } finally {
      progress.stop();
    }
    return 0;
  },
};

export const restore: Command = {
  name: "restore",
  summary: "Put a backup into a new folder.",
  about: [
    "The store goes to storage.folder, which must be empty or not there: a restore never writes over a store, because an old database beside a newer write-ahead file is a corrupt one.",
    "Whether the log may start from it the head guard decides, at the start. Where the backup is older than what was signed, the start is refused; `countersign recover` says what would be lost.",
  ],
  positionals: [{ name: "BACKUP", help: "a folder that `backup` made", required: true }],
  options: CONFIG_OPTIONS,
  examples: [
    {
      what: "into a folder of its own",
      line: "countersign restore /backups/today --storage-folder restored",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const folder = await storeFolder(args, io);
    const source = pathOf(io, args.positionals[0] ?? "");
    const progress = await startProgress(io, "restore", args.json);
    let manifest: BackupManifest;
    try {
      manifest = restoreStore(source, folder, progress.update);
    } finally {
      progress.stop();
    }
    show(args, io, `${folder} holds`, folder, manifest);
    return 0;
  },
};

/** The store on disk that the configuration names. @throws LogError where it names none */
async function storeFolder(args: Arguments, io: Io): Promise<string> {
  const { config } = await configOf(args, io);
  mustBeOnDisk(config);
  return pathOf(io, config.storage.folder);
}

export function mustBeOnDisk(config: Config): void {
  if (config.storage.driver === "sqlite") return;
  throw new LogError("CONFIG_INVALID", "A log in memory has no store on disk.", {
    field: "storage.driver",
    expected: "sqlite",
  });
}

function show(
  args: Arguments,
  io: Io,
  what: string,
  folder: string,
  manifest: BackupManifest,
): void {
  const { origin, size, root, bytes } = manifest;
  if (args.json) printJson(io, { folder, ...manifest });
  else print(io, `${what} ${origin} with ${size} entries (${bytes} bytes).`, `root ${root}`);
}
