/** One life of a child script that says in lines what it has done, until it is killed or ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { endsWithTest } from "../child.ts";

export interface Life {
  readonly child: ChildProcess;
  /** Every line was heard. The signal that ended it, and what it said to nobody. */
  readonly ended: Promise<{ readonly signal: NodeJS.Signals | null; readonly errors: string }>;
}

/** `script` is a file of this folder. */
export function begin(script: string, args: readonly string[], hear: (line: string) => void): Life {
  const argv = [join(import.meta.dirname, script), ...args];
  const child = endsWithTest(spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "pipe"] }));
  let rest = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    // A last line without its end was cut off by the kill: nobody was told.
    rest = lines.pop() ?? "";
    for (const line of lines) hear(line);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const ended = new Promise<{ signal: NodeJS.Signals | null; errors: string }>((resolve) => {
    child.on("close", (_, signal) => resolve({ signal, errors }));
  });
  return { child, ended };
}
