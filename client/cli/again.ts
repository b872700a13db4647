/**
 * This program once more, as a process of its own.
 *
 * @module
 */
import { spawn } from "node:child_process";
import type { Ran } from "./io.ts";

/** `main` is the file that was started. */
export function runAgain(main: string, argv: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, [...process.execArgv, main, ...argv], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve({ status: status ?? 2, stdout }));
  });
}
