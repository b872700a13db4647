/**
 * From arguments to an exit status: find the command, check what was typed, run it, and turn
 * whatever goes wrong into words and a status.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import { commandHelp, mainHelp } from "./help.ts";
import type { ExitStatus, Io } from "./io.ts";
import { OPERATOR_COMMANDS, operatorCommand, operatorName } from "./operator.ts";
import { reportError } from "./output.ts";
import { nearest, parseArguments } from "./parse.ts";
import { COMMANDS, HELP_GROUPS } from "./table.ts";
import { packageVersion } from "./version.ts";

/** Never throws; the status is that of the process. */
export async function runCommandLine(argv: readonly string[], io: Io): Promise<ExitStatus> {
  try {
    return await dispatch(argv, io);
  } catch (error) {
    return reportError(io, await withEvidence(io, error), argv.includes("--json"));
  }
}

/** A fork that was met on the way to something else leaves its evidence behind as well. */
async function withEvidence(io: Io, error: unknown): Promise<unknown> {
  if (!(error instanceof LogError) || error.detail.evidence === undefined) return error;
  const { saveEvidence } = await import("./evidence-file.ts");
  const file = await saveEvidence(io, undefined, error.detail.evidence);
  return new LogError(error.code, error.message, {
    field: file,
    hint: `countersign evidence verify ${file} --trust TRUST`,
  });
}

async function dispatch(argv: readonly string[], io: Io): Promise<ExitStatus> {
  const [first, second] = argv;
  // Called by git as `gpg.ssh.program`: the arguments are those of ssh-keygen.
  if (first === "-Y") return (await import("./git-sign.ts")).gitSign(argv, io);
  if (first === undefined || first === "--help" || first === "-h" || first === "help") {
    io.stdout.write(mainHelp(HELP_GROUPS));
    return first === undefined ? 2 : 0;
  }
  if (first === "--version") {
    io.stdout.write(`${packageVersion()}\n`);
    return 0;
  }
  const operators = operatorName(first, second);
  if (operators !== undefined)
    return operatorCommand(operators, argv.slice(operators.split(" ").length), io);
  const entry =
    COMMANDS.find(({ name }) => name === `${first} ${second ?? ""}`) ??
    COMMANDS.find(({ name }) => name === first);
  if (entry === undefined) return unknownCommand(first, second, io);
  const command = await entry.load();
  const args = parseArguments(command, argv.slice(entry.name.split(" ").length));
  if (args.flag("help")) {
    io.stdout.write(commandHelp(command));
    return 0;
  }
  return command.run(args, io);
}

function unknownCommand(first: string, second: string | undefined, io: Io): ExitStatus {
  const known = [...COMMANDS, ...OPERATOR_COMMANDS];
  const below = known.filter(({ name }) => name.startsWith(`${first} `));
  if (below.length > 0 && (second === undefined || second === "--help" || second === "-h")) {
    io.stdout.write(mainHelp([{ title: `countersign ${first}`, commands: below }]));
    return second === undefined ? 2 : 0;
  }
  const typed = below.length > 0 ? `${first} ${second ?? ""}` : first;
  const near = nearest(
    typed,
    known.map(({ name }) => name),
  );
  throw new LogError(
    "USAGE",
    `unknown command "${typed}"${near === undefined ? "" : `; did you mean "${near}"?`}`,
    { field: "command", hint: "countersign --help" },
  );
}
