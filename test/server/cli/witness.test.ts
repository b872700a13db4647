/** `witness init`, `show` and `serve`: what they print, and what signals do to the process. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { LogError } from "../../../schema/error.ts";
import { parseEvidence } from "../../../schema/evidence.ts";
import { parsePolicy } from "../../../schema/tlog/tlog-policy.ts";
import { runOperatorCommand } from "../../../server/cli/index.ts";
import { silentLogger } from "../../../server/observe/log.ts";
import { loadWitnessConfig } from "../../../server/witness/config.ts";
import { openWitness } from "../../../server/witness/serve.ts";
import { endsWithTest } from "../../child.ts";
import { valueOf } from "../../schema/tlog/support.ts";
import { until } from "../../until.ts";
import { temporaryFolder } from "../fixture.ts";
import { ask } from "../http/harness.ts";
import {
  FakeLog,
  NOW,
  newEngineFolder,
  newWitness,
  sha256,
  writeLogs,
} from "../witness/support.ts";

const MAIN = new URL("../../../client/cli/main.ts", import.meta.url).pathname;

async function run(cwd: string, name: string, ...argv: readonly string[]): Promise<string> {
  let text = "";
  const sink = { write: (more: string | Uint8Array) => (text += more.toString()) };
  const io = { stdout: sink, stderr: sink, env: {}, cwd, isTty: false, now: () => NOW };
  try {
    const status = await runOperatorCommand(name, argv, io);
    return `${status}\n${text}`;
  } catch (error) {
    if (error instanceof LogError) return `${error.code} ${error.message}`;
    throw error;
  }
}

describe("the commands", () => {
  test("init and show print keys, and lines that a policy can be made of", async () => {
    const cwd = temporaryFolder();
    const made = await run(cwd, "witness init", "--name", "w.test/1", "--folder", "w");
    expect(made).toMatch(/^0\nvkey {3}w\.test\/1\+[0-9a-f]{8}\+\S+\nvkey {3}w\.test\/1\+/);
    const url = "https://w.test/";
    const shown = await run(cwd, "witness show", "--folder", "w", "--url", url);
    const lines = shown.split("\n").filter((line) => /^(?:witness|group) /.test(line));
    const policy = valueOf(parsePolicy(sha256, utf8(`${lines.join("\n")}\nquorum w.test-1\n`)));
    expect(policy.witnesses.map((one) => [one.vkey.name, one.vkey.type, one.url])).toEqual([
      ["w.test/1", 4, url],
      ["w.test/1", 6, url],
    ]);
    expect(policy.quorum).toMatchObject({ kind: "group", threshold: 1 });
    const one = await run(cwd, "witness init", "--name", "x", "--folder", "x", "--type", "ed25519");
    expect(one).toMatch(/\nwitness x x\+[0-9a-f]{8}\+\S+\n$/);
  });

  test("refuse what they do not understand", async () => {
    const cwd = temporaryFolder();
    expect(await run(cwd, "witness init", "--folder", "w")).toMatch(/^USAGE --name/);
    const rsa = ["--name", "w", "--folder", "w", "--type", "rsa"];
    expect(await run(cwd, "witness init", ...rsa)).toMatch(/^USAGE a witness has no key/);
    expect(await run(cwd, "witness show", "--folder", "w")).toMatch(/^STORE_MISSING /);
    expect(await run(cwd, "witness serve")).toMatch(/^CONFIG_INVALID folder/);
    writeFileSync(join(cwd, "w.toml"), "folder = 'w'\nport = 1\n");
    const serve = await run(cwd, "witness serve", "--config", "w.toml");
    expect(serve).toMatch(/^CONFIG_INVALID port \(w\.toml\)/);
    expect(await run(cwd, "witness serve", "--folder", "w")).toMatch(/^2\n.*STORE_MISSING/s);
  });
});

interface Served {
  readonly child: ChildProcess;
  readonly url: URL;
  readonly metrics: URL;
  readonly exit: Promise<number | null>;
  readonly errors: () => string;
}

async function serve(folder: string): Promise<Served> {
  const flags = ["--folder", folder, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"];
  const child = endsWithTest(
    spawn(process.execPath, [MAIN, "witness", "serve", ...flags], {
      stdio: ["ignore", "pipe", "pipe"],
    }),
  );
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const exit = new Promise<number | null>((resolve) => child.once("close", resolve));
  let text = "";
  for await (const line of createInterface({ input: child.stdout })) {
    text += `${line}\n`;
    const found = / at (http\S+)\n(?:.*\n)?metrics (http\S+)\n/.exec(text);
    if (found?.[1] !== undefined && found[2] !== undefined)
      return {
        child,
        url: new URL(found[1]),
        metrics: new URL(found[2]),
        exit,
        errors: () => errors,
      };
  }
  throw new Error(errors);
}

test("SIGHUP reads the list again, /metrics counts, and SIGTERM ends the process with status 0", async () => {
  const [known, added] = [await FakeLog.make("known.test", 4), await FakeLog.make("added.test", 4)];
  const folder = await newWitness([known]);
  const { child, url, metrics, exit, errors } = await serve(folder);
  const at = { port: Number(url.port) };
  const add = async (log: FakeLog, from: number, to: number): Promise<number> =>
    (await ask(at, "/add-checkpoint", { method: "POST", body: log.body(from, to) })).status;
  expect(await add(known, 0, 2)).toBe(200);
  expect(await add(added, 0, 2)).toBe(404);
  // Nothing has changed yet, so that nothing but the signal can be the reason.
  child.kill("SIGHUP");
  await until(() => errors().includes("was read again"));
  expect(await add(added, 0, 2)).toBe(404);
  writeLogs(folder, [known, added]);
  child.kill("SIGHUP");
  await until(async () => (await add(added, 0, 2)) === 200);
  expect(await add(known.fork(1), 2, 2)).toBe(422);
  expect(await add(known.fork(0), 2, 2)).toBe(422);
  const text = (await ask({ port: Number(metrics.port) }, "/metrics")).body.toString();
  for (const line of [
    "countersign_witness_logs 2",
    "countersign_witness_heads 2",
    "countersign_witness_heads_total 2",
    "countersign_witness_ready 1",
    "countersign_witness_list_is_old 0",
    'countersign_witness_contradictions_total{origin="known.test"} 2',
    'countersign_witness_requests_total{status="422"} 2',
  ])
    expect(text).toContain(`${line}\n`);
  child.kill("SIGTERM");
  expect(await exit).toBe(0);
  // What convicts the log lies in a file of its own, whatever else the log sends.
  const [file, ...more] = globSync(join(folder, "evidence/*"));
  expect(more).toEqual([]);
  expect(errors()).toContain(JSON.stringify(file));
  expect(valueOf(parseEvidence(readFileSync(file ?? ""))).kind).toBe("fork-same-size");
});

test("as a library: another server calls its listener, and nothing is opened but the state", async () => {
  const log = await FakeLog.make("library.test", 4);
  const folder = await newEngineFolder();
  writeLogs(folder, [log]);
  const config = loadWitnessConfig({ flags: { folder, prefix: "/witness" } });
  const surroundings = { crypto: nodeCrypto, logger: silentLogger, now: () => NOW, cwd: folder };
  const witness = await openWitness(config, surroundings);
  const server = createServer(witness.app.listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const add = { method: "POST", body: log.body(0, 3) };
  expect((await ask({ port }, "/witness/add-checkpoint", add)).status).toBe(200);
  expect((await ask({ port }, "/add-checkpoint", add)).status).toBe(404);
  witness.app.drain();
  expect((await ask({ port }, "/witness/add-checkpoint", add)).status).toBe(503);
  await new Promise((resolve) => server.close(resolve));
  witness.release();
});
