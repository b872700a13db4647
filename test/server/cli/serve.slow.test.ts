/** `serve` as a process of its own: what its exit status says, and that it does end. */
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { problemIn, submissions, submit } from "../http/harness.ts";
import { refusedServe, run, serve } from "./served.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-serve-"));
  expect(run(folder, "init", "--log-origin", "serve.example.test").status).toBe(0);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("the process of a log", () => {
  test("I5 a log that stopped by itself ends with status 1, though nothing is closed", async () => {
    const { port, exit } = await serve(folder);
    await rename(join(folder, "head.guard"), join(folder, "kept"));
    const answers = (await submissions(1)).map((one) => submit({ port }, one));
    const [answer] = await Promise.all(answers);
    if (answer === undefined) throw new Error("no answer");
    expect(problemIn(answer).code).toBe("GUARD_MISSING");
    expect(await exit).toBe(1);
    await rename(join(folder, "kept"), join(folder, "head.guard"));
  });

  test("SIGTERM ends it with status 0 after what was in flight is answered", async () => {
    const { port, child, exit } = await serve(folder);
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
    const { status, stderr } = refusedServe(folder);
    expect(status).toBe(2);
    expect(stderr).toContain("STORE_CORRUPT");
    expect(stderr).toContain("move the file away");
    await writeFile(guard, sound);
  });
});
