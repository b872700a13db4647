/**
 * The operator's commands, as the command line calls them by one late import.
 *
 * @module
 */
import type { Command } from "../../client/cli/command.ts";
import { commandHelp } from "../../client/cli/help.ts";
import type { ExitStatus, Io } from "../../client/cli/io.ts";
import { parseArguments } from "../../client/cli/parse.ts";
import { LogError } from "../../schema/error.ts";
import { backup, restore } from "./backup.ts";
import { clock } from "./clock.ts";
import { config } from "./config.ts";
import { doctor } from "./doctor.ts";
import { erase } from "./erase.ts";
import { fsck } from "./fsck.ts";
import { indexInit, indexRebuild, indexRecover } from "./index-log.ts";
import { init } from "./init.ts";
import { mirror } from "./mirror.ts";
import { recover } from "./recover.ts";
import { serve } from "./serve.ts";
import { timestamp } from "./timestamp.ts";
import { witnessInit, witnessServe, witnessShow } from "./witness.ts";

export const OPERATOR_COMMANDS: readonly Command[] = [
  init,
  serve,
  config,
  backup,
  restore,
  recover,
  clock,
  timestamp,
  doctor,
  fsck,
  erase,
  indexInit,
  indexRebuild,
  indexRecover,
  mirror,
  witnessInit,
  witnessServe,
  witnessShow,
];

/** @throws LogError what was refused, and USAGE where the arguments are not understood */
export async function runOperatorCommand(
  name: string,
  argv: readonly string[],
  io: Io,
): Promise<ExitStatus> {
  const command = OPERATOR_COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined)
    throw new LogError("USAGE", `there is no operator command "${name}"`, { field: "command" });
  if (argv.some((word) => word === "--help" || word === "-h")) {
    io.stdout.write(commandHelp(command));
    return 0;
  }
  return command.run(parseArguments(command, argv), io);
}
