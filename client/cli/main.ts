#!/usr/bin/env node
/**
 * The command line. The only file of the client that reads argv, the environment and the clock.
 *
 * Half of a short command's time is reading and compiling its own modules. So the compiled ones
 * are kept, in this user's cache folder and nowhere else: whoever can write there runs as this
 * user already, which is not true of a shared temporary folder. Everything but this file is
 * loaded after that.
 *
 * @module
 */
import { enableCompileCache } from "node:module";
import { isAbsolute, join } from "node:path";

const cache = process.env["XDG_CACHE_HOME"] ?? join(process.env["HOME"] ?? "", ".cache");
if (isAbsolute(cache)) enableCompileCache(join(cache, "countersign", "compiled"));

// A reader that went away (`countersign … | head`) is no defect: what it wanted it has.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

const ask = async (question: string): Promise<string> => {
  const { promptLine } = await import("./prompt.ts");
  return promptLine(question);
};

const { runCommandLine } = await import("./run.ts");
process.exitCode = await runCommandLine(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  isTty: process.stderr.isTTY,
  now: () => Date.now(),
  ...(process.stderr.isTTY ? { ask } : {}),
  exit: (status) => process.exit(status),
  again: async (argv) => {
    const { runAgain } = await import("./again.ts");
    return runAgain(process.argv[1] ?? "", argv);
  },
});
