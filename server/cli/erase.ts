/**
 * `erase`: takes a content out of the running log, for good (`server/erasure/`).
 *
 * @module
 */
import type { Arguments, Command } from "../../client/cli/command.ts";
import { pathOf } from "../../client/cli/files.ts";
import type { ExitStatus, Io } from "../../client/cli/io.ts";
import { wholeNumber } from "../../client/cli/options.ts";
import { print, printJson } from "../../client/cli/output.ts";
import { LogError } from "../../schema/error.ts";
import { parseDigest } from "../../schema/http/paths.ts";
import { requestErasure } from "../erasure/requests.ts";
import { takeLock } from "../lock.ts";
import { mustExist, storeFiles } from "../storage/sqlite/files.ts";
import { mustBeOnDisk } from "./backup.ts";
import { CONFIG_OPTIONS, configOf } from "./settings.ts";

/** A commit, a round of witnesses, and a scan of a long log. */
const WAIT_SECONDS = 60;

export const erase: Command = {
  name: "erase",
  summary: "Take a content out of the running log, for good, and say so in the log.",
  about: [
    "The log appends a signed statement with digest and reason, then removes the bytes. Leaf, proofs and index stay; the digest is refused from then on. There is no way back.",
    "All entries with the content must lie under a published leaf of the index first; where one does not, it is named and nothing is changed.",
    "Copies that others made, backups and caches keep what they have (docs/operate.md, Erasing a content). Needs the log running, and this command on its machine.",
  ],
  positionals: [
    { name: "digest", help: "SHA-256 of the content: 64 hex digits, or sha256:…", required: true },
  ],
  options: {
    ...CONFIG_OPTIONS,
    reason: { type: "string", value: "TEXT", required: true, help: "why; everybody can read it" },
    wait: {
      type: "string",
      value: "SECONDS",
      help: `for the log to answer (default: ${WAIT_SECONDS})`,
    },
  },
  examples: [
    {
      what: "by the digest that the entry names",
      line: 'countersign erase 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 --reason "personal data, request of 2026-11-20" --config countersign.toml',
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const digest = parseDigest((args.positionals[0] ?? "").toLowerCase().replace(/^sha256:/, ""));
    if (digest === undefined)
      throw new LogError("USAGE", "the content is not named by its digest", {
        field: "digest",
        expected: "64 hex digits",
      });
    const { config } = await configOf(args, io);
    mustBeOnDisk(config);
    const folder = pathOf(io, config.storage.folder);
    mustBeRunning(folder);
    const seconds = args.value("wait") === undefined ? WAIT_SECONDS : wholeNumber(args, "wait");
    const ports = { folder, waitMs: seconds * 1_000 };
    const erased = await requestErasure(ports, digest, args.need("reason"));
    if (args.json) printJson(io, { state: "erased", digest, ...erased });
    else show(io, erased);
    return 0;
  },
};

function show(
  io: Io,
  { statement, entries }: { readonly statement: number; readonly entries: number },
): void {
  if (entries === 0) {
    print(io, `It was erased before; entry ${statement} says so.`);
    return;
  }
  print(
    io,
    `Erased, and refused from now on. Entry ${statement} says so; ${entries} ${entries === 1 ? "entry has" : "entries have"} no content any more.`,
    "Older backups still hold it.",
  );
}

/** A log holds its store for life: whoever can take it finds no log running. */
function mustBeRunning(folder: string): void {
  mustExist(storeFiles(folder).database);
  try {
    takeLock(storeFiles(folder).lock, `the store in ${folder}`).release();
  } catch (error) {
    if (error instanceof LogError && error.code === "STORE_LOCKED") return;
    throw error;
  }
  throw new LogError("UNREACHABLE", "the log is not running", {
    field: folder,
    hint: "its statement must be published before anything is removed: start it first",
  });
}
