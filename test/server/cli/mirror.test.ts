/** `countersign mirror` as it is typed: what it prints, and its exit status. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Workplace } from "../../client/cli/in-process.ts";
import { logKey, type Served, serveLog, TestLog } from "../../client/test-log.ts";
import { flipBit } from "../mirror/rig.ts";

const key = logKey();
const honest = new TestLog("cli.test", key).fill(300);
let shown = honest;
let server: Served;
const place = new Workplace();
beforeAll(async () => {
  server = await serveLog(() => shown);
});
afterAll(async () => {
  await server.close();
  place.remove();
});

async function mirror(...argv: readonly string[]): Promise<{ status: number; answer: unknown }> {
  return place.asked("mirror", ...argv, "--vkey", honest.vkey);
}

describe("countersign mirror", () => {
  test("copies a log once, and finds it unchanged", async () => {
    const first = await mirror(server.url, "--folder", "copy", "--once");
    expect(first).toMatchObject({ status: 0, answer: { state: "first", size: 300 } });
    const second = await mirror(server.url, "--folder", "copy", "--once");
    expect(second).toMatchObject({ status: 0, answer: { state: "same", size: 300 } });
  });

  test("checks a copy, names the file that is wrong, and takes it from the log again", async () => {
    expect(await mirror("--check", "copy")).toMatchObject({ status: 0, answer: { ok: true } });
    flipBit(place.path("copy", "tile/entries/000"), 100);
    expect(await mirror("--check", "copy")).toMatchObject({
      status: 1,
      answer: { ok: false, findings: [{ file: "tile/entries/000" }] },
    });
    expect((await mirror(server.url, "--folder", "copy", "--once", "--repair")).status).toBe(0);
    expect((await mirror("--check", "copy")).status).toBe(0);
  });

  test("answers a fork with evidence and exit status 3", async () => {
    shown = new TestLog("cli.test", key).fill(310, " other");
    const { status, answer } = await mirror(
      server.url,
      "--folder",
      "copy",
      "--once",
      "--evidence",
      "proofs",
    );
    expect(status).toBe(3);
    expect(answer).toMatchObject({ state: "forked", origin: "cli.test" });
    const file = new Map(Object.entries(answer ?? {})).get("evidence");
    expect(existsSync(join(place.folder, String(file)))).toBe(true);
    const judged = await place.asked("evidence", "verify", String(file), "--vkey", honest.vkey);
    expect(judged).toMatchObject({ status: 0, answer: { ok: true } });
    shown = honest;
  });

  test("needs a key, and a log or a folder", async () => {
    const refused = await place.countersign("mirror", server.url, "--once");
    expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining("--vkey") });
    expect((await mirror()).status).toBe(2);
    expect((await mirror("--check", "nowhere")).status).toBe(2);
    expect((await mirror(server.url, "--repair")).status).toBe(2);
  });
});
