/** A server under measurement: started as a user would, watched through the system's accounts of it. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Clock ticks of /proc/<pid>/stat in a second; 100 on every Linux that Node runs on. */
const TICKS = 100;

const running = new Set<ChildProcess>();
// A bench that breaks off leaves no server behind.
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export class Measured {
  readonly port: number;
  readonly #child: ChildProcess;
  #output = "";

  /** `env` is added to the environment of this process. */
  constructor(
    command: string,
    args: readonly string[],
    port: number,
    env: Readonly<Record<string, string>> = {},
  ) {
    this.port = port;
    this.#child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    running.add(this.#child);
    this.#child.once("exit", () => running.delete(this.#child));
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-4000);
      });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves with the milliseconds from now until the path answers 2xx. */
  async answers(path: string, patience = 60_000): Promise<number> {
    return this.#until(path, patience, (status) => status >= 200 && status < 300);
  }

  /** The same for a server that has no page to ask for: until it answers anything. */
  async listens(patience = 60_000): Promise<number> {
    return this.#until("/", patience, () => true);
  }

  async #until(path: string, patience: number, good: (status: number) => boolean): Promise<number> {
    const begun = performance.now();
    while (performance.now() - begun < patience) {
      if (this.#child.exitCode !== null) break;
      try {
        const answer = await fetch(`http://127.0.0.1:${this.port}${path}`);
        await answer.arrayBuffer();
        if (good(answer.status)) return performance.now() - begun;
      } catch {
        // Not listening yet.
      }
      await sleep(5);
    }
    throw new Error(`the server did not come up:\n${this.#output}`);
  }

  /** CPU seconds used so far, user and system together. */
  cpu(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  }

  /** Megabytes in memory now. */
  memory(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "latin1");
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
  }

  /** SIGKILL, at once. */
  async kill(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await ended;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    await ended;
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
