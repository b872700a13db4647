/** Our own witness as a process: `witness init` and `witness serve` of the command line. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, Measured } from "../bench/process.ts";
import { runProgram } from "./process.ts";
import type { KnownLog, PeerWitness } from "./witnesses.ts";

const source = join(import.meta.dirname, "../../client/cli/main.ts");

/** `program` is the command line to run: the source tree's, or one that was built. */
export async function startOurWitness(
  folder: string,
  logs: readonly KnownLog[],
  name: string,
  program: string = source,
): Promise<PeerWitness> {
  mkdirSync(folder, { recursive: true });
  const home = join(folder, "state");
  const init = [program, "witness", "init", "--folder", home, "--name", name];
  const made = await runProgram(process.execPath, init);
  // It has a key of each kind; other people's programs know the first.
  const vkey = /^vkey\s+(\S+)$/m.exec(made.text)?.[1];
  if (vkey === undefined) throw new Error(`witness init named no verifier key: ${made.text}`);
  const list = join(folder, "logs.txt");
  writeFileSync(list, logs.map((log) => `log ${log.vkey}\n`).join(""));
  const port = await freePort();
  const where = ["--folder", home, "--logs", list, "--listen", `127.0.0.1:${port}`];
  const server = new Measured(
    process.execPath,
    [program, "witness", "serve", ...where, "--metrics", "off", "--level", "warn"],
    port,
  );
  await server.listens();
  return {
    name,
    version: "this tree",
    url: `http://127.0.0.1:${port}`,
    vkey,
    stop: async () => server.stop(),
  };
}
