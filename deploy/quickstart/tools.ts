/**
 * What the quickstart and the story stand on: running commands in a folder of its own, and saying
 * what is being done.
 */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { styleText } from "node:util";

export const MAIN: string = join(import.meta.dirname, "..", "..", "client", "cli", "main.ts");

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface How {
  /** Exit statuses that are right; any other ends the quickstart. Default: 0. */
  readonly wanted?: readonly number[];
  readonly env?: Record<string, string>;
  readonly quiet?: boolean;
}

/** A program in the background. */
export interface Running {
  /** Tells it to read its files again. */
  readonly hangUp: () => void;
  readonly stop: () => Promise<void>;
}

/** A folder of its own, and an environment in which nothing of the user's is read or changed. */
export class Workplace {
  readonly folder: string;
  /** Unique, so that the logs of two runs are two logs. */
  readonly origin: string;
  readonly #env: Record<string, string>;
  readonly #servers = new Set<ChildProcess>();

  constructor(name = "quickstart") {
    this.origin = `${name}-${randomBytes(4).toString("hex")}.example`;
    this.folder = mkdtempSync(join(tmpdir(), `countersign-${name}-`));
    mkdirSync(this.path("home"));
    this.#env = {
      PATH: process.env["PATH"] ?? "",
      HOME: join(this.folder, "home"),
      XDG_STATE_HOME: join(this.folder, "state"),
      XDG_CACHE_HOME: join(this.folder, "cache"),
      GIT_CONFIG_GLOBAL: join(this.folder, "gitconfig"),
      GIT_CONFIG_NOSYSTEM: "1",
      LC_ALL: "C",
    };
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** A program that git can call by one path: our command line on this very Node. */
  writeSigner(): string {
    const file = this.path("countersign");
    writeFileSync(file, `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`, { mode: 0o755 });
    return file;
  }

  async run(
    program: string,
    args: readonly string[],
    env: Record<string, string> = {},
    cwd?: string,
  ): Promise<Outcome> {
    const child = spawn(program, args, {
      cwd: cwd ?? this.folder,
      env: { ...this.#env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    return { status: await statusOf(child), stdout, stderr };
  }

  /** Run and expect an exit status; anything else ends the quickstart with everything it said. */
  async expect(
    wanted: readonly number[],
    program: string,
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<Outcome> {
    const outcome = await this.run(program, args, env);
    if (!wanted.includes(outcome.status))
      throw new Error(
        `${program} ${args.join(" ")}\nended with ${outcome.status} instead of ${wanted.join(" or ")}\n${outcome.stdout}${outcome.stderr}`,
      );
    return outcome;
  }

  /**
   * Our own command line, as a fresh process. The line is what a person would type in the folder,
   * and it is shown before it is run, unless it is a detail.
   */
  async countersign(line: string, how: How = {}): Promise<Outcome> {
    if (how.quiet !== true) print(styleText("dim", `    $ countersign ${line}`));
    return this.expect(how.wanted ?? [0], process.execPath, [MAIN, ...words(line)], how.env);
  }

  async git(...args: string[]): Promise<string> {
    return (await this.expect([0], "git", args)).stdout.trim();
  }

  /** A server of ours in the background; resolves when it says where it serves. */
  async serve(...command: readonly string[]): Promise<() => Promise<void>> {
    return (await this.start(command, '"url"')).stop;
  }

  /** A program of ours in the background; resolves when it has said this. */
  async start(
    command: readonly string[],
    ready: string,
    onText: (text: string) => void = () => undefined,
  ): Promise<Running> {
    const child = spawn(process.execPath, [MAIN, ...command, "--json"], {
      cwd: this.folder,
      env: this.#env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#servers.add(child);
    const ended = statusOf(child);
    let said = "";
    await new Promise<void>((resolve, reject) => {
      const listen = (text: string): void => {
        said += text;
        if (said.includes(ready)) resolve();
      };
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        onText(text);
        listen(text);
      });
      child.stderr.setEncoding("utf8").on("data", listen);
      child.once("close", () => reject(new Error(`${command.join(" ")} did not start:\n${said}`)));
    });
    return {
      hangUp: () => child.kill("SIGHUP"),
      stop: async () => {
        child.kill("SIGTERM");
        const status = await ended;
        this.#servers.delete(child);
        if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}:\n${said}`);
      },
    };
  }

  /** Whatever still runs because something failed. */
  abandon(): void {
    for (const server of this.#servers) server.kill("SIGKILL");
  }
}

/** Words of a line as a shell splits them: blanks, and 'quotes'. */
function words(line: string): string[] {
  return [...line.matchAll(/(?:'[^']*'|[^\s'])+/g)].map(([word]) => word.replaceAll("'", ""));
}

/** A word that a shell takes for one, whatever is in it. */
export function quoted(text: string): string {
  if (text.includes("'")) throw new Error(`a path with a quote cannot be shown: ${text}`);
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text}'`;
}

/** Exit status of a process; 128 where a signal ended it. */
function statusOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve(status ?? 128));
  });
}

/** A port that was free a moment ago, on loopback. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

let steps = 0;
let print: (line: string) => void = console.log;

/** From now on nothing is said. */
export function beQuiet(): void {
  print = () => undefined;
}

export function step(title: string): void {
  steps++;
  print(`\n${styleText(["bold", "cyan"], `${String(steps).padStart(2)}  ${title}`)}`);
}

export function say(...lines: readonly string[]): void {
  for (const line of lines) print(`    ${line}`);
}

export function good(text: string): void {
  print(`    ${styleText("green", "✓")} ${text}`);
}

/** A refusal that had to come. */
export function refused(text: string): void {
  print(`    ${styleText("yellow", "✗")} ${text}`);
}
