/** The operator's commands for times: the clock file and the timestamp authority of a log on disk. */
import { existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ask } from "../http/harness.ts";
import { Operated } from "../operated.ts";
import { rejectionOf } from "../refusal.ts";

const START = Date.parse("2026-11-27T12:00:00Z");
const DAY = 86_400_000;
const KEY = "key/log.timestamp.pem";
const CHAIN = "key/log.timestamp-chain.pem";
const CLOCK = "guard/head.guard.clock";

let wall = START;
const log = new Operated(
  mkdtempSync(join(tmpdir(), "countersign-times-")),
  { "log-origin": "times.example.test", "log-key": "key/log.pem", "index-enabled": "on" },
  () => wall,
);
afterAll(() => rmSync(log.folder, { recursive: true, force: true }));

/** Serves the log for one time stamp; its status. */
async function stampOnce(more: Readonly<Record<string, string>> = {}): Promise<number> {
  return log.serving(async (served) => {
    const artifactHash = Buffer.alloc(32).toString("base64");
    const answer = await ask(served, "/api/v1/timestamp", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ artifactHash, hashAlgorithm: "sha256" }),
    });
    return answer.status;
  }, more);
}

function bytes(path: string): string {
  return log.read(path).toString("latin1");
}

describe("times of a log on disk", () => {
  test("init makes key, chain and clock file beside the log's key and guard", async () => {
    const { status, text } = await log.run("init");
    expect(status).toBe(0);
    expect(text).toMatch(/root +sha256:[0-9a-f]{64}/);
    for (const path of [KEY, CHAIN, CLOCK]) expect(existsSync(log.path(path)), path).toBe(true);
    expect(await stampOnce()).toBe(200);
    const doctor = await log.run("doctor");
    expect(doctor.status).toBe(0);
    expect(doctor.text).toMatch(/ok +clock +would sign 2026-11-27T12:00:00Z/);
    expect(doctor.text).toMatch(/ok +time stamps .*valid until 2036-11-27T12:00:00Z/);
  });

  test("a log made before there was an authority is refused with what to do, and served without", async () => {
    for (const path of [KEY, CHAIN, CLOCK]) renameSync(log.path(path), log.path(`${path}.away`));
    const refused = await rejectionOf(stampOnce());
    expect(refused.code).toBe("CONFIG_INVALID");
    expect(refused.detail.hint).toContain("countersign timestamp init");
    expect((await log.run("doctor")).text).toMatch(/wrong +time stamps .*timestamp init/);
    expect(await stampOnce({ "timestamp-authority": "off" })).toBe(404);
    const made = await log.run("timestamp", "init");
    expect(made.status).toBe(0);
    expect(await stampOnce()).toBe(200);
    const before = [bytes(KEY), bytes(CHAIN)];
    expect((await log.run("timestamp", "init")).text).toContain("nothing was made");
    expect([bytes(KEY), bytes(CHAIN)]).toEqual(before);
    expect((await log.run("timestamp", "renew")).text).toContain("USAGE");
  });

  test("I7 (F7) a clock that went back signs nothing, says why, and nobody can talk it out of it", async () => {
    wall = START - 3_600_000;
    expect(await stampOnce()).toBe(503);
    const doctor = await log.run("doctor");
    expect(doctor.status).toBe(1);
    expect(doctor.text).toMatch(/wrong +clock .*3600 s behind.*CLOCK_REFUSED/);
    const shown = await log.run("clock");
    expect(shown.status).toBe(1);
    expect(shown.text).toContain("set the clock");
    const believed = await log.run("clock", "--believe", "2026-11-27T11:00:00Z");
    expect(believed.text).toContain("CLOCK_REFUSED");
    wall = START + 5_000;
    expect(await stampOnce()).toBe(200);
  });

  test("I7 (F7) a long rest is believed on a person's word, which is the time itself", async () => {
    wall = START + 40 * DAY;
    expect(await stampOnce()).toBe(503);
    const doctor = await log.run("doctor");
    expect(doctor.text).toMatch(/wrong +clock .*countersign clock --believe/);
    expect((await log.run("clock", "--believe", "2026-11-27T12:00:00Z")).text).toContain(
      "CLOCK_REFUSED",
    );
    expect((await log.run("clock", "--believe", "yesterday")).text).toContain("USAGE");
    expect(await stampOnce()).toBe(503);
    const believed = await log.run("clock", "--believe", "2027-01-06T12:05:00Z");
    expect(believed).toEqual({ status: 0, text: "would sign 2027-01-06T12:00:00Z\n" });
    expect(await stampOnce()).toBe(200);
  });

  test("a lost clock file is made anew by the same word", async () => {
    rmSync(log.path(CLOCK));
    expect(await stampOnce()).toBe(503);
    expect((await log.run("clock")).text).toContain("there is no clock file");
    expect((await log.run("clock", "--believe", "2027-01-06T12:00:00Z")).status).toBe(0);
    expect(await stampOnce()).toBe(200);
  });

  test("doctor warns before the chain ends, and says when it has", async () => {
    wall = Date.parse("2036-10-01T00:00:00Z");
    await log.run("clock", "--believe", "2036-10-01T00:00:00Z");
    expect((await log.run("doctor")).text).toMatch(/note +time stamps .*make a new one/);
    wall = Date.parse("2036-11-28T00:00:00Z");
    await log.run("clock", "--believe", "2036-11-28T00:00:00Z");
    expect((await log.run("doctor")).text).toMatch(/wrong +time stamps .*has ended/);
    expect(await stampOnce()).toBe(500);
  });

  test("a public URL of another host is refused at the start", async () => {
    const refused = await rejectionOf(stampOnce({ "http-public-url": "https://other.example" }));
    expect(refused).toMatchObject({ code: "CONFIG_INVALID", detail: { field: "http.public_url" } });
  });
});
