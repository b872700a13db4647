/** `serve` as a process of its own: what its exit status says, and that it does end. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { problemIn, submissions, submit } from "../http/harness.ts";

const MAIN = new URL("../../../client/cli/main.ts", import.meta.url).pathname;
const PLACE = ["--log-key", "key.pem", "--storage-folder", "data", "--storage-guard", "head.guard"];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-serve-"));
  const made = run("init", "--log-origin", "serve.example.test");
  expect((await once(made, "exit"))[0]).toBe(0);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function run(name: string, ...flags: readonly string[]): ChildProcess {
  const argv = [MAIN, name, ...PLACE, ...flags];
  return spawn(process.execPath, argv, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
}

/** A log that serves. `exit` is its status, or the name of the signal that ended it. */
async function serve(): Promise<{
  readonly port: number;
  readonly child: ChildProcess;
  readonly exit: Promise<number | string>;
}> {
  const flags = ["--http-listen", "127.0.0.1:0", "--metrics-listen", "off", "--json"];
  const child = run("serve", ...flags);
  const exit = once(child, "exit").then(([status, signal]: unknown[]) =>
    typeof status === "number" ? status : String(signal),
  );
  child.stderr?.resume();
  if (child.stdout === null) throw new Error("no standard output");
  let text = "";
  for await (const line of createInterface({ input: child.stdout })) {
    text += line;
    const url = /"url":\s*"http:\/\/127\.0\.0\.1:(\d+)"/.exec(text)?.[1];
    if (url !== undefined) return { port: Number(url), child, exit };
  }
  throw new Error(`serve ended with ${await exit}`);
}

describe("the process of a log", () => {
  test("I5 a log that stopped by itself ends with status 1, though nothing is closed", async () => {
    const { port, exit } = await serve();
    await rename(join(folder, "head.guard"), join(folder, "kept"));
    const answers = (await submissions(1)).map((one) => submit({ port }, one));
    const [answer] = await Promise.all(answers);
    if (answer === undefined) throw new Error("no answer");
    expect(problemIn(answer).code).toBe("GUARD_MISSING");
    expect(await exit).toBe(1);
    await rename(join(folder, "kept"), join(folder, "head.guard"));
  });

  test("SIGTERM ends it with status 0 after what was in flight is answered", async () => {
    const { port, child, exit } = await serve();
    const all = await submissions(40);
    const answers = all.map((one) => submit({ port }, one).catch(() => undefined));
    expect((await Promise.race(answers))?.status).toBe(201);
    child.kill("SIGTERM");
    expect(await exit).toBe(0);
    const statuses = (await Promise.all(answers)).map((answer) => answer?.status);
    // Answered, refused because it is ending, or never taken: nothing else.
    for (const status of statuses) expect([201, 503, undefined]).toContain(status);
  });

  test("a refused start ends with status 2, damage too: nothing would be healed by another one", async () => {
    const guard = join(folder, "head.guard");
    const sound = await readFile(guard);
    await writeFile(guard, "countersign-guard/v1\nwhat is this\n");
    const child = run("serve", "--metrics-listen", "off", "--http-listen", "127.0.0.1:0");
    let text = "";
    child.stderr?.on("data", (chunk: Buffer) => (text += chunk.toString()));
    expect((await once(child, "exit"))[0]).toBe(2);
    expect(text).toContain("STORE_CORRUPT");
    expect(text).toContain("move the file away");
    await writeFile(guard, sound);
  });
});
