/**
 * `fsck`: everything derived anew, and what is wrong named exactly.
 *
 * @module
 */
import { existsSync } from "node:fs";
import type { Arguments, Command } from "../../client/cli/command.ts";
import { pathOf } from "../../client/cli/files.ts";
import type { ExitStatus, Io } from "../../client/cli/io.ts";
import { print, printJson } from "../../client/cli/output.ts";
import { startProgress } from "../../client/cli/progress.ts";
import { nodeCrypto } from "../../client/crypto/node.ts";
import type { Config } from "../config.ts";
import { fsck as check, type FsckReport } from "../fsck.ts";
import { logKey } from "../log-key.ts";
import { openConfiguredKey } from "../parts.ts";
import { placesOf } from "../places.ts";
import { StoreAudit } from "../storage/sqlite/audit.ts";
import { repairDerived } from "../storage/sqlite/repair.ts";
import { mustBeOnDisk } from "./backup.ts";
import { CONFIG_OPTIONS, configOf } from "./settings.ts";

/** Findings shown to a person; `--json` has them all. */
const SHOWN = 50;

export const fsck: Command = {
  name: "fsck",
  summary: "Derive everything anew and name what is wrong.",
  about: [
    "Leaf hashes, tiles, root, contents and keys against their digests, look-up rows, the signed checkpoint. It reads one snapshot and may run beside the server. Exit status 0: all is well; 1: something is not.",
    "--repair writes derived data (tiles, look-up rows) anew out of the leaves; the server must be stopped. Leaves, contents and the head are the truth and are never touched.",
  ],
  positionals: [],
  options: {
    ...CONFIG_OPTIONS,
    vkey: {
      type: "string",
      value: "VKEY",
      multiple: true,
      help: "check the checkpoint's signature with this key (default: the log's own key file)",
    },
    repair: { type: "boolean", help: "write derived data anew, then check again" },
  },
  examples: [
    { what: "while the log serves", line: "countersign fsck --config countersign.toml" },
    { what: "tiles and look-up rows anew", line: "countersign fsck --repair" },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const { config } = await configOf(args, io);
    mustBeOnDisk(config);
    const folder = pathOf(io, config.storage.folder);
    if (args.flag("repair")) await repair(args, io, folder);
    const audit = StoreAudit.open(folder);
    const progress = await startProgress(io, "fsck", args.json);
    try {
      const vkeys = await keysOf(args, io, config, audit);
      const report = await check({
        audit,
        crypto: nodeCrypto,
        progress: progress.update,
        ...(vkeys === undefined ? {} : { vkeys }),
      });
      progress.stop();
      show(args, io, report, vkeys !== undefined);
      return report.findings.length === 0 ? 0 : 1;
    } finally {
      progress.stop();
      audit.close();
    }
  },
};

async function repair(args: Arguments, io: Io, folder: string): Promise<void> {
  const progress = await startProgress(io, "repair", args.json);
  try {
    repairDerived(folder, nodeCrypto.sha256, progress.update);
  } finally {
    progress.stop();
  }
}

/** The keys given, else the log's own; `undefined` where neither is at hand. */
async function keysOf(
  args: Arguments,
  io: Io,
  config: Config,
  audit: StoreAudit,
): Promise<readonly string[] | undefined> {
  const given = args.list("vkey");
  if (given.length > 0) return given;
  const { origin } = audit.meta();
  const { key } = placesOf(nodeCrypto.sha256, config, origin, io);
  if (!existsSync(key)) return undefined;
  return [logKey(nodeCrypto, await openConfiguredKey(config, io, key), origin).vkey];
}

function show(args: Arguments, io: Io, report: FsckReport, signed: boolean): void {
  const { size, root, findings, truncated } = report;
  if (args.json) {
    printJson(io, { ok: findings.length === 0, signatureChecked: signed, ...report });
    return;
  }
  print(io, `${size} entries, root ${root}`);
  if (!signed) print(io, "the checkpoint's signature was not checked: no key is at hand (--vkey)");
  for (const { place, message, repairable } of findings.slice(0, SHOWN))
    print(io, `${repairable ? "repairable" : "DAMAGED   "}  ${place}: ${message}`);
  if (findings.length > SHOWN || truncated)
    print(io, `… ${truncated ? "more than " : ""}${findings.length} findings; --json has them`);
  if (findings.length === 0) print(io, "all is well");
  else if (findings.every(({ repairable }) => repairable))
    print(io, "derived data only: stop the server and run `countersign fsck --repair`");
  else print(io, "damaged leaves and contents come back only from a backup: docs/operate.md");
}
