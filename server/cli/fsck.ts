/**
 * `fsck`: everything derived anew, and what is wrong named exactly.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import type { Arguments, Command } from "../../client/cli/command.ts";
import { pathOf } from "../../client/cli/files.ts";
import type { ExitStatus, Io } from "../../client/cli/io.ts";
import { print, printJson } from "../../client/cli/output.ts";
import { startProgress } from "../../client/cli/progress.ts";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import type { Config } from "../config.ts";
import { fsck as check, type FsckReport } from "../fsck.ts";
import { logKey } from "../log-key.ts";
import { openSource } from "../mirror/source.ts";
import { trustedLog } from "../own-log.ts";
import { openConfiguredKey } from "../parts.ts";
import { placesOf } from "../places.ts";
import { type Repaired, repairFrom } from "../repair-from.ts";
import { parseGuard } from "../sequencer/guard.ts";
import { StoreAudit } from "../storage/sqlite/audit.ts";
import { peekStore } from "../storage/sqlite/inspect.ts";
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
    "--repair-from replaces damaged leaves, contents and key objects by those of a mirror, and writes derived data anew; the server must be stopped. Every byte is checked against the store's own signed head, and all of it is kept or nothing.",
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
    "repair-from": {
      type: "string",
      value: "URL|FOLDER",
      help: "take damaged leaves, contents and keys from a mirror of this log, then check again",
    },
  },
  examples: [
    { what: "while the log serves", line: "countersign fsck --config countersign.toml" },
    { what: "tiles and look-up rows anew", line: "countersign fsck --repair" },
    {
      what: "damaged entries from a mirror",
      line: "countersign fsck --repair-from https://mirror.example.net/",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const { config } = await configOf(args, io);
    mustBeOnDisk(config);
    const folder = pathOf(io, config.storage.folder);
    const mirror = args.value("repair-from");
    if (mirror !== undefined) await repairFromMirror(args, io, config, folder, mirror);
    else if (args.flag("repair")) await repair(args, io, folder);
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

async function repairFromMirror(
  args: Arguments,
  io: Io,
  config: Config,
  folder: string,
  mirror: string,
): Promise<void> {
  const { origin } = peekStore(folder).meta;
  const vkeys = await keysOf(args, io, config, { meta: () => ({ origin }) });
  if (vkeys === undefined)
    throw new LogError("USAGE", "it is not said by which key this log signs", {
      field: "--vkey",
      expected: "the log's key file (log.key), or --vkey VKEY",
    });
  const log = trustedLog(nodeCrypto.sha256, origin, vkeys);
  const { guard: path } = placesOf(nodeCrypto.sha256, config, origin, io);
  const guard = existsSync(path)
    ? unwrap(parseGuard(new Uint8Array(readFileSync(path))))
    : undefined;
  const source = await openSource({ crypto: nodeCrypto, log }, mirror, (at) => pathOf(io, at));
  const progress = await startProgress(io, "repair", args.json);
  try {
    const ports = { crypto: nodeCrypto, folder, log, source, guard };
    const repaired = await repairFrom({ ...ports, progress: progress.update });
    progress.stop();
    if (!args.json) showRepaired(io, repaired);
  } finally {
    progress.stop();
  }
}

function showRepaired(io: Io, { leaves, contents, keys, missing }: Repaired): void {
  print(
    io,
    `from the mirror: ${leaves.length} leaves, ${contents.length} contents, ${keys.length} keys`,
  );
  for (const index of leaves.slice(0, SHOWN)) print(io, `repaired  entry ${index}`);
  for (const digest of contents.slice(0, SHOWN)) print(io, `repaired  content ${digest}`);
  for (const digest of keys.slice(0, SHOWN)) print(io, `repaired  key object ${digest}`);
  for (const what of missing.slice(0, SHOWN)) print(io, `MISSING   ${what}`);
}

/** The keys given, else the log's own; `undefined` where neither is at hand. */
async function keysOf(
  args: Arguments,
  io: Io,
  config: Config,
  store: { readonly meta: () => { readonly origin: string } },
): Promise<readonly string[] | undefined> {
  const given = args.list("vkey");
  if (given.length > 0) return given;
  const { origin } = store.meta();
  const { key } = placesOf(nodeCrypto.sha256, config, origin, io);
  if (!existsSync(key)) return undefined;
  return [logKey(nodeCrypto, await openConfiguredKey(config, io, key), origin).vkey];
}

function show(args: Arguments, io: Io, report: FsckReport, signed: boolean): void {
  const { size, root, erased, findings, truncated } = report;
  if (args.json) {
    printJson(io, { ok: findings.length === 0, signatureChecked: signed, ...report });
    return;
  }
  print(io, `${size} entries, root ${root}`);
  if (erased > 0) print(io, `${erased} ${erased === 1 ? "content was" : "contents were"} erased`);
  if (!signed) print(io, "the checkpoint's signature was not checked: no key is at hand (--vkey)");
  for (const { place, message, repairable } of findings.slice(0, SHOWN))
    print(io, `${repairable ? "repairable" : "DAMAGED   "}  ${place}: ${message}`);
  if (findings.length > SHOWN || truncated)
    print(io, `… ${truncated ? "more than " : ""}${findings.length} findings; --json has them`);
  if (findings.length === 0) print(io, "all is well");
  else if (findings.every(({ repairable }) => repairable))
    print(io, "derived data only: stop the server and run `countersign fsck --repair`");
  else
    print(
      io,
      "damaged leaves, contents and keys: stop the server, `countersign fsck --repair-from MIRROR`",
    );
}
