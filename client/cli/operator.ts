/**
 * The operator's commands. They belong to another package, which a verifier does not install:
 * it is looked for when one of them is called, and only then.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import type { ExitStatus, Io } from "./io.ts";
import { packageVersion } from "./version.ts";

/** Summaries for `countersign --help`; usage and options are the server's own. */
export const OPERATOR_COMMANDS = [
  { name: "init", summary: "create a log: keys, store, head guard, first entry" },
  { name: "serve", summary: "serve the log until told to stop" },
  { name: "config", summary: "`config show`: every setting, and where it comes from" },
  { name: "backup", summary: "copy the store while the log runs" },
  { name: "restore", summary: "put a backup into a new folder" },
  { name: "recover", summary: "go past a refused start: shows what would be lost, and records it" },
  { name: "clock", summary: "show the log's clock, or confirm the machine's" },
  { name: "timestamp", summary: "`timestamp init`: key and chain for time stamps" },
  { name: "doctor", summary: "say what is not as it should be" },
  { name: "fsck", summary: "derive everything anew and name what is wrong" },
  { name: "erase", summary: "take a content out of the running log, for good" },
  { name: "index init", summary: "make the index of a log that has none" },
  { name: "index rebuild", summary: "make the tables of the index anew, from the log" },
  { name: "index recover", summary: "bring back leaves of the index log from a copy" },
  { name: "mirror", summary: "keep and serve a verified copy of a log" },
  { name: "witness init", summary: "create a witness: its keys and an empty state" },
  { name: "witness serve", summary: "serve a witness: cosign the checkpoints of other logs" },
  { name: "witness show", summary: "show a witness's keys, and the policy lines to paste" },
] as const;

/** The operator's command that two words begin with, as it is called in the list. */
export function operatorName(first: string, second: string | undefined): string | undefined {
  const names: readonly string[] = OPERATOR_COMMANDS.map(({ name }) => name);
  return [`${first} ${second ?? ""}`, first].find((name) => names.includes(name));
}

/** Throws `LogError("USAGE")` with the line to type where the server is not installed. */
export async function operatorCommand(
  name: string,
  argv: readonly string[],
  io: Io,
): Promise<ExitStatus> {
  const server = await import("../../server/cli/index.ts").catch((cause: unknown) => {
    if (!isMissingServer(cause)) throw cause;
    throw new LogError("USAGE", `"countersign ${name}" needs the server, which is not installed`, {
      field: name,
      hint: `npm install countersign-server@${packageVersion()}`,
    });
  });
  return server.runOperatorCommand(name, argv, io);
}

/** Not any missing module: one that the server itself misses is a defect, not an absence. */
function isMissingServer(cause: unknown): boolean {
  return (
    cause instanceof Error &&
    "code" in cause &&
    cause.code === "ERR_MODULE_NOT_FOUND" &&
    /Cannot find (?:package 'countersign-server'|module '[^']*server[\\/]cli[\\/]index\.[tj]s')/.test(
      cause.message,
    )
  );
}
