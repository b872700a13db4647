/** A log that is made and served by the command line, as processes of its own in a folder. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { endOf, endsWithTest, portIn } from "../../child.ts";

const MAIN = new URL("../../../client/cli/main.ts", import.meta.url).pathname;
const PLACE = ["--log-key", "key.pem", "--storage-folder", "data", "--storage-guard", "head.guard"];
const LISTEN = ["--http-listen", "127.0.0.1:0", "--metrics-listen", "off", "--json"];
/** A command that should have ended by then did not: it counts as ended without a status. */
const PATIENCE_MS = 120_000;

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command, run to its end. */
export function run(folder: string, ...argv: readonly string[]): Ran {
  return spawnSync(process.execPath, [MAIN, ...argv, ...PLACE], {
    cwd: folder,
    encoding: "utf8",
    timeout: PATIENCE_MS,
    killSignal: "SIGKILL",
  });
}

/** `serve` where it is expected to be refused. */
export function refusedServe(folder: string): Ran {
  return run(folder, "serve", ...LISTEN);
}

export interface Served {
  readonly port: number;
  readonly child: ChildProcess;
  /** Its status, or the name of the signal that ended it. */
  readonly exit: Promise<number | string>;
}

/** A log that serves until the test is over. */
export async function serve(folder: string): Promise<Served> {
  const child = endsWithTest(
    spawn(process.execPath, [MAIN, "serve", ...PLACE, ...LISTEN], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
    }),
  );
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const exit = endOf(child);
  const port = await portIn(child, /"url":\s*"http:\/\/127\.0\.0\.1:(\d+)"/);
  if (port === undefined) throw new Error(`serve ended with ${await exit}: ${errors}`);
  return { port, child, exit };
}
