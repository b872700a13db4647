/**
 * Our own log as other people's programs meet it: built as it is published, initialised and served by
 * the command line, on a loopback port that keeps its number over restarts.
 */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command, place } from "../bench/ours.ts";
import { freePort, Measured } from "../bench/process.ts";
import { type Ran, runProgram } from "../peers/process.ts";

export interface Head {
  readonly text: string;
  readonly size: string;
  readonly root: string;
}

export class LiveLog {
  readonly origin: string;
  readonly folder: string;
  readonly vkey: string;
  readonly port: number;
  readonly #flags: readonly string[];
  #server: Measured | undefined;

  constructor(origin: string, folder: string, vkey: string, port: number, flags: string[]) {
    this.origin = origin;
    this.folder = folder;
    this.vkey = vkey;
    this.port = port;
    this.#flags = flags;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The log's own private key. */
  get key(): KeyObject {
    return createPrivateKey(readFileSync(join(this.folder, "key/log.pem")));
  }

  async start(): Promise<void> {
    const listen = ["--http-listen", `127.0.0.1:${this.port}`, "--metrics-listen", "off"];
    const args = [command, "serve", ...place(this.folder), ...listen, "--logging-level", "warn"];
    this.#server = new Measured(process.execPath, [...args, ...this.#flags], this.port);
    await this.#server.answers("/readyz");
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#server = undefined;
  }

  async head(): Promise<Head> {
    return headOf(this.url);
  }

  /** A file the log gives about itself; nothing where it has no such path. */
  async file(path: string): Promise<string | undefined> {
    const answer = await fetch(`${this.url}${path}`);
    const text = await answer.text();
    return answer.ok ? text : undefined;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function headOf(url: string): Promise<Head> {
  const text = await (await fetch(`${url}/checkpoint`)).text();
  const [, size = "", root = ""] = text.split("\n");
  return { text, size, root };
}

export interface LiveOptions {
  readonly origin?: string;
  /** Flags of `serve`, once the folder, the port and the verifier key are known. */
  readonly flags?: (log: {
    readonly folder: string;
    readonly port: number;
    readonly origin: string;
    readonly vkey: string;
  }) => string[] | Promise<string[]>;
}

/** A new log, running. */
export async function startLiveLog(options: LiveOptions = {}): Promise<LiveLog> {
  const origin = options.origin ?? "log.example.test";
  const folder = mkdtempSync(join(tmpdir(), "countersign-interop-"));
  const made = await ours("init", "--log-origin", origin, ...place(folder));
  const vkey = /^vkey\s+(\S+)$/m.exec(made.text)?.[1];
  if (vkey === undefined) throw new Error(`init did not name the verifier key: ${made.text}`);
  const port = await freePort();
  const flags = (await options.flags?.({ folder, port, origin, vkey })) ?? [];
  const log = new LiveLog(origin, folder, vkey, port, flags);
  await log.start();
  return log;
}

/** Our own command line, as it is published. */
export async function ours(...args: readonly string[]): Promise<Ran> {
  return runProgram(process.execPath, [command, ...args], { patience: 600_000 });
}
