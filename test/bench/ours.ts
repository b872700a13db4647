/**
 * Our own log under measurement: built as it is published, initialised and served by the command
 * line, in the environment of the systemd unit, as an operator would.
 */
import { execFileSync, spawn } from "node:child_process";
import {
  createReadStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import type { LoadOrder, LoadResult } from "./load.ts";
import { freePort, Measured } from "./process.ts";

const root = join(import.meta.dirname, "../..");

/** The published command line, once {@link build} was called. */
export const command = join(root, "dist/countersign/client/bin/main.js");

/** Builds both packages and lets them find one another, as an install would. */
export function build(): void {
  execFileSync(process.execPath, ["deploy/build.ts"], { cwd: root, stdio: "pipe" });
  const modules = join(root, "dist/node_modules");
  rmSync(modules, { recursive: true, force: true });
  mkdirSync(modules);
  for (const name of ["countersign", "countersign-server"])
    symlinkSync(join(root, "dist", name), join(modules, name));
}

export const ORIGIN = "bench.example.test";

export interface Ours {
  readonly server: Measured;
  readonly folder: string;
  readonly metricsPort: number;
}

/** Flags that name the parts of the log below one folder. */
export function place(folder: string): string[] {
  return [
    "--storage-folder",
    join(folder, "data"),
    "--storage-guard",
    join(folder, "guard/head.guard"),
    "--log-key",
    join(folder, "key/log.pem"),
  ];
}

/** Makes the log; the answer is its verifier key. */
export function initOurs(folder: string, more: readonly string[] = []): string {
  const args = [command, "init", "--log-origin", ORIGIN, ...place(folder), ...more];
  const said = execFileSync(process.execPath, args, { encoding: "utf8" });
  const vkey = /^vkey\s+(\S+)$/m.exec(said)?.[1];
  if (vkey === undefined) throw new Error(`init did not name the verifier key: ${said}`);
  return vkey;
}

/** Starts the log; the second value is the milliseconds until it was ready. */
export async function startOurs(
  folder: string,
  more: readonly string[] = [],
): Promise<readonly [Ours, number]> {
  const [port, metricsPort] = [await freePort(), await freePort()];
  const server = new Measured(
    process.execPath,
    [
      command,
      "serve",
      ...place(folder),
      "--http-listen",
      `127.0.0.1:${port}`,
      "--metrics-listen",
      `127.0.0.1:${metricsPort}`,
      "--logging-level",
      "warn",
      ...more,
    ],
    port,
    unitEnvironment(),
  );
  const ready = await server.answers("/readyz");
  return [{ server, folder, metricsPort }, ready];
}

/** What the systemd unit gives a log for its environment: it is measured as it is to be run. */
function unitEnvironment(): Record<string, string> {
  const unit = readFileSync(join(root, "deploy/countersign.service"), "utf8");
  const lines = unit.matchAll(/^Environment="([A-Z_]+)=(.*)"$/gm);
  return Object.fromEntries(Array.from(lines, ([, name = "", value = ""]) => [name, value]));
}

/** Runs the load client in its own process. */
export async function load(order: LoadOrder): Promise<LoadResult> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, "load.ts"), JSON.stringify(order)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error("the load client failed");
  const result: LoadResult = JSON.parse(text);
  return result;
}

export interface BatchResult {
  readonly lines: number;
  readonly problems: number;
  readonly seconds: number;
  /** The last line was there: every entry above is published and proven. */
  readonly ended: boolean;
}

/** Characters that tell what a line of the answer is. */
const LINE_START = 16;

/** Streams a file of lines through the batch endpoint and reads the answer to its end. */
export async function batch(port: number, file: string): Promise<BatchResult> {
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const post = request(
      {
        host: "127.0.0.1",
        port,
        method: "POST",
        path: "/v1/entries:batch",
        headers: { "content-type": "application/x-ndjson" },
      },
      (answer) => {
        let [lines, problems, start, ended] = [0, 0, "", false];
        answer.setEncoding("latin1");
        answer.on("data", (chunk: string) => {
          // The last line has a proof for every entry: of each line only the start is kept.
          for (const [i, part] of chunk.split("\n").entries()) {
            if (i > 0) {
              if (start.startsWith('{"entries"')) lines++;
              else if (start.startsWith('{"problem"')) problems++;
              else if (start.startsWith('{"checkpoint"')) ended = true;
              start = "";
            }
            if (start.length < LINE_START) start += part.slice(0, LINE_START);
          }
        });
        answer.on("end", () =>
          resolve({ lines, problems, seconds: (performance.now() - begun) / 1000, ended }),
        );
        answer.on("error", reject);
      },
    );
    post.on("error", reject);
    createReadStream(file).pipe(post);
  });
}

/** Bytes on disk below a folder. */
export function diskUse(folder: string): number {
  let bytes = 0;
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const found = statSync(join(folder, name));
    if (found.isFile()) bytes += found.blocks * 512;
  }
  return bytes;
}

/** The 99th percentile of the event loop's delay since the last question, in milliseconds. */
export async function loopDelay(ours: Ours): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${ours.metricsPort}/metrics`);
  const text = await answer.text();
  return (
    Number(/^nodejs_eventloop_lag_p99_seconds(?:\{[^}]*\})? (\S+)/m.exec(text)?.[1] ?? Number.NaN) *
    1000
  );
}
