/** Runs another program to its end, without blocking servers of this process. */
import { spawn } from "node:child_process";

export interface Ran {
  /** Exit status; -1 where the program could not be run or did not end in time. */
  readonly status: number;
  readonly stdout: string;
  /** Both streams, as they came. */
  readonly text: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly patience?: number;
}

export async function runProgram(
  path: string,
  args: readonly string[],
  { cwd, env = {}, patience = 120_000 }: RunOptions = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(path, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: patience,
    });
    let [stdout, text] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      text += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.on("error", (error) => resolve({ status: -1, stdout, text: error.message }));
    child.on("close", (code) => resolve({ status: code ?? -1, stdout, text }));
  });
}

/** The last words of a program, for the detail of a row. */
export function lastWords({ text }: Pick<Ran, "text">, most = 240): string {
  return text.trim().split("\n").slice(-3).join(" ").slice(-most);
}
