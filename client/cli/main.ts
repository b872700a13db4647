#!/usr/bin/env node
/**
 * The command line. The only file of the client that reads argv, the environment and the clock.
 *
 * @module
 */
import type { ExitStatus, Io } from "./io.ts";
import { runCommandLine } from "./run.ts";

const io: Io = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  isTty: process.stderr.isTTY,
  now: () => Date.now(),
};

// A reader that went away (`countersign … | head`) is no defect: what it wanted it has.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

const status: ExitStatus = await runCommandLine(process.argv.slice(2), io);
process.exitCode = status;
