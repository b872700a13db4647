/**
 * Processes that tests start. One that outlives its test keeps what it inherited open, and a run
 * whose output is open does not end: a wrong answer would look like a hang.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";

/** The same process; it is gone after the test, however that ends. */
export function endsWithTest<C extends ChildProcess>(child: C): C {
  onTestFinished(async () => {
    const isGone = child.exitCode !== null || child.signalCode !== null;
    if (child.pid === undefined || isGone) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  });
  return child;
}

/** How it ended: the exit status, or the name of a signal. All that it said was heard by then. */
export async function endOf(child: ChildProcess): Promise<number | string> {
  const [status, signal]: unknown[] = await once(child, "close");
  return typeof status === "number" ? status : String(signal);
}

/** The port after `pattern` in what it says; `undefined` where it ended without it. */
export async function portIn(child: ChildProcess, pattern: RegExp): Promise<number | undefined> {
  if (child.stdout === null) throw new Error("its output is not read");
  let port: string | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    port = pattern.exec(line)?.[1];
    if (port !== undefined) break;
  }
  // Nobody reads on, and a full pipe would hold it up.
  child.stdout.resume();
  return port === undefined ? undefined : Number(port);
}
