/** The operator's commands for times: the clock file and the timestamp authority of a log on disk. */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { LogError } from "../../../schema/error.ts";
import { runOperatorCommand } from "../../../server/cli/index.ts";
import { loadConfig } from "../../../server/config-sources.ts";
import { silentLogger } from "../../../server/observe/log.ts";
import { openParts } from "../../../server/parts.ts";
import { serveLog } from "../../../server/serve.ts";
import { ask } from "../http/harness.ts";
import { rejectionOf } from "../refusal.ts";

const START = Date.parse("2026-11-27T12:00:00Z");
const DAY = 86_400_000;
const PLACE: Readonly<Record<string, string>> = {
  "log-origin": "times.example.test",
  "log-key": "key/log.pem",
  "storage-folder": "data",
  "storage-guard": "guard/head.guard",
  "http-listen": "127.0.0.1:0",
  "metrics-listen": "off",
};
const KEY = "key/log.timestamp.pem";
const CHAIN = "key/log.timestamp-chain.pem";
const CLOCK = "guard/head.guard.clock";

let folder: string;
let wall = START;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-times-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(name: string, ...argv: readonly string[]) {
  let text = "";
  const sink = { write: (more: string | Uint8Array) => (text += more.toString()) };
  const io = { stdout: sink, stderr: sink, env: {}, cwd: folder, isTty: false, now: () => wall };
  const place = Object.entries(PLACE).flatMap(([flag, value]) => [`--${flag}`, value]);
  try {
    return { status: await runOperatorCommand(name, [...argv, ...place], io), text };
  } catch (error) {
    if (error instanceof LogError) return { status: 2, text: `${error.code} ${error.message}` };
    throw error;
  }
}

/** Serves the log for one time stamp; its status. */
async function stampOnce(more: Readonly<Record<string, string>> = {}): Promise<number> {
  const { config } = loadConfig({ flags: { ...PLACE, ...more }, env: {} });
  const ports = { cwd: folder, env: {}, now: () => wall, crypto: nodeCrypto };
  const log = await serveLog(await openParts(config, { ...ports, logger: silentLogger }), config);
  try {
    const artifactHash = Buffer.alloc(32).toString("base64");
    const answer = await ask({ port: Number(new URL(log.url).port) }, "/api/v1/timestamp", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ artifactHash, hashAlgorithm: "sha256" }),
    });
    return answer.status;
  } finally {
    await log.close();
  }
}

function bytes(path: string): string {
  return readFileSync(join(folder, path), "latin1");
}

describe("times of a log on disk", () => {
  test("init makes key, chain and clock file beside the log's key and guard", async () => {
    const { status, text } = await run("init");
    expect(status).toBe(0);
    expect(text).toMatch(/root +sha256:[0-9a-f]{64}/);
    for (const path of [KEY, CHAIN, CLOCK]) expect(existsSync(join(folder, path)), path).toBe(true);
    expect(await stampOnce()).toBe(200);
    const doctor = await run("doctor");
    expect(doctor.status).toBe(0);
    expect(doctor.text).toMatch(/ok +clock +would sign 2026-11-27T12:00:00Z/);
    expect(doctor.text).toMatch(/ok +time stamps .*valid until 2036-11-27T12:00:00Z/);
  });

  test("a log made before there was an authority is refused with what to do, and served without", async () => {
    for (const path of [KEY, CHAIN, CLOCK])
      renameSync(join(folder, path), join(folder, `${path}.away`));
    const refused = await rejectionOf(stampOnce());
    expect(refused.code).toBe("CONFIG_INVALID");
    expect(refused.detail.hint).toContain("countersign timestamp init");
    expect((await run("doctor")).text).toMatch(/wrong +time stamps .*timestamp init/);
    expect(await stampOnce({ "timestamp-authority": "off" })).toBe(404);
    const made = await run("timestamp", "init");
    expect(made.status).toBe(0);
    expect(await stampOnce()).toBe(200);
    const before = [bytes(KEY), bytes(CHAIN)];
    expect((await run("timestamp", "init")).text).toContain("nothing was made");
    expect([bytes(KEY), bytes(CHAIN)]).toEqual(before);
    expect((await run("timestamp", "renew")).text).toContain("USAGE");
  });

  test("I7 (F7) a clock that went back signs nothing, says why, and nobody can talk it out of it", async () => {
    wall = START - 3_600_000;
    expect(await stampOnce()).toBe(503);
    const doctor = await run("doctor");
    expect(doctor.status).toBe(1);
    expect(doctor.text).toMatch(/wrong +clock .*3600 s behind.*CLOCK_REFUSED/);
    const shown = await run("clock");
    expect(shown.status).toBe(1);
    expect(shown.text).toContain("set the clock");
    const believed = await run("clock", "--believe", "2026-11-27T11:00:00Z");
    expect(believed.text).toContain("CLOCK_REFUSED");
    wall = START + 5_000;
    expect(await stampOnce()).toBe(200);
  });

  test("I7 (F7) a long rest is believed on a person's word, which is the time itself", async () => {
    wall = START + 40 * DAY;
    expect(await stampOnce()).toBe(503);
    const doctor = await run("doctor");
    expect(doctor.text).toMatch(/wrong +clock .*countersign clock --believe/);
    expect((await run("clock", "--believe", "2026-11-27T12:00:00Z")).text).toContain(
      "CLOCK_REFUSED",
    );
    expect((await run("clock", "--believe", "yesterday")).text).toContain("USAGE");
    expect(await stampOnce()).toBe(503);
    const believed = await run("clock", "--believe", "2027-01-06T12:05:00Z");
    expect(believed).toEqual({ status: 0, text: "would sign 2027-01-06T12:00:00Z\n" });
    expect(await stampOnce()).toBe(200);
  });

  test("a lost clock file is made anew by the same word", async () => {
    rmSync(join(folder, CLOCK));
    expect(await stampOnce()).toBe(503);
    expect((await run("clock")).text).toContain("there is no clock file");
    expect((await run("clock", "--believe", "2027-01-06T12:00:00Z")).status).toBe(0);
    expect(await stampOnce()).toBe(200);
  });

  test("doctor warns before the chain ends, and says when it has", async () => {
    wall = Date.parse("2036-10-01T00:00:00Z");
    await run("clock", "--believe", "2036-10-01T00:00:00Z");
    expect((await run("doctor")).text).toMatch(/note +time stamps .*make a new one/);
    wall = Date.parse("2036-11-28T00:00:00Z");
    await run("clock", "--believe", "2036-11-28T00:00:00Z");
    expect((await run("doctor")).text).toMatch(/wrong +time stamps .*has ended/);
    expect(await stampOnce()).toBe(500);
  });

  test("a public URL of another host is refused at the start", async () => {
    const refused = await rejectionOf(stampOnce({ "http-public-url": "https://other.example" }));
    expect(refused).toMatchObject({ code: "CONFIG_INVALID", detail: { field: "http.public_url" } });
  });
});
