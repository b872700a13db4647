/** The operator's commands in one process, over a log on disk, from its making to its recovery. */
import { existsSync } from "node:fs";
import { mkdtemp, rename, rm, symlink, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { LogError } from "../../../schema/error.ts";
import { OPERATOR_COMMANDS, runOperatorCommand } from "../../../server/cli/index.ts";
import { loadConfig } from "../../../server/config-sources.ts";
import { silentLogger } from "../../../server/observe/log.ts";
import { openParts } from "../../../server/parts.ts";
import { serveLog } from "../../../server/serve.ts";
import { ask, submissions } from "../http/harness.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-operator-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const PLACE: Readonly<Record<string, string>> = {
  "log-origin": "operator.example.test",
  "log-key": "key.pem",
  "storage-folder": "data",
  "storage-guard": "guard/head.guard",
  "http-listen": "127.0.0.1:0",
  "metrics-listen": "off",
};

interface Ran {
  readonly status: number;
  readonly text: string;
}

async function run(name: string, ...argv: readonly string[]): Promise<Ran> {
  let text = "";
  const sink = { write: (more: string | Uint8Array) => (text += more.toString()) };
  const io = { stdout: sink, stderr: sink, env: {}, cwd: folder, isTty: false, now: () => 1.79e12 };
  const place = Object.entries(PLACE).flatMap(([flag, value]) => [`--${flag}`, value]);
  try {
    return { status: await runOperatorCommand(name, [...argv, ...place], io), text };
  } catch (error) {
    if (error instanceof LogError) return { status: 2, text: `${error.code} ${error.message}` };
    throw error;
  }
}

/** Serve the log, append `count` entries, and end it. */
async function grow(count: number): Promise<number> {
  const { config } = loadConfig({ flags: PLACE, env: {} });
  const surroundings = { cwd: folder, env: {}, now: () => 1.79e12 };
  const ports = { ...surroundings, crypto: nodeCrypto, logger: silentLogger };
  const log = await serveLog(await openParts(config, ports), config);
  try {
    const body = (await submissions(count)).map((one) => `${JSON.stringify(one)}\n`).join("");
    const headers = { "content-type": "application/x-ndjson" };
    const at = { port: Number(new URL(log.url).port) };
    await ask(at, "/v1/entries:batch", { method: "POST", headers, body });
    return log.published().size;
  } finally {
    await log.close();
  }
}

describe("the operator's commands", () => {
  test("doctor names what is missing before there is a log", async () => {
    const { status, text } = await run("doctor");
    expect(status).toBe(1);
    for (const code of ["STORE_MISSING", "FILE_UNREADABLE", "GUARD_MISSING"])
      expect(text).toContain(code);
  });

  test("init makes key, store and guard, prints the vkey, and writes over nothing", async () => {
    const made = await run("init");
    expect(made.status).toBe(0);
    expect(made.text).toMatch(/vkey +operator\.example\.test\+[0-9a-f]{8}\+/);
    for (const path of ["key.pem", "data/log.db", "guard/head.guard"])
      expect(existsSync(join(folder, path)), path).toBe(true);
    expect((await run("init")).text).toContain("STORE_EXISTS");
    expect((await run("doctor")).status).toBe(0);
  });

  test("a backup is restored into a new folder only, and an older one is refused at the start", async () => {
    expect(await grow(3)).toBe(4);
    expect((await run("backup", "copy")).status).toBe(0);
    expect(await grow(5)).toBe(9);
    expect((await run("restore", "copy")).text).toContain("STORE_EXISTS");
    await rename(join(folder, "data"), join(folder, "newer"));
    expect((await run("restore", "copy")).status).toBe(0);
    await expect(grow(1)).rejects.toMatchObject({ code: "GUARD_AHEAD" });
    // A refused start holds nothing: the next one is refused for the same reason, not for a lock.
    await expect(grow(1)).rejects.toMatchObject({ code: "GUARD_AHEAD" });
    expect((await run("doctor")).text).toContain("GUARD_AHEAD");
  });

  test("recover says what would be lost and changes nothing", async () => {
    for (let i = 0; i < 2; i++) {
      const { status, text } = await run("recover");
      expect(status).toBe(1);
      expect(text).toContain("Lost: entries 4 to 8.");
    }
    expect((await run("recover", "--accept-loss", "4")).text).toContain("--reason");
    expect((await run("recover", "--accept-loss", "5", "--reason", "x")).status).toBe(2);
  });

  test("recover --refill loses nothing", async () => {
    expect((await run("recover", "--refill", "newer")).text).toContain(
      "5 entries were brought back",
    );
    expect((await run("recover")).status).toBe(0);
    expect(await grow(1)).toBe(10);
    expect((await run("fsck")).text).toContain("all is well");
    expect((await run("fsck", "--repair")).status).toBe(0);
  });

  test("recover --accept-loss goes on without a guard and records it", async () => {
    await unlink(join(folder, "guard/head.guard"));
    await expect(grow(1)).rejects.toMatchObject({ code: "GUARD_MISSING" });
    const accepted = await run("recover", "--accept-loss", "10", "--reason", "the volume is gone");
    expect(accepted.status).toBe(0);
    expect(existsSync(join(folder, "guard/head.guard.recoveries"))).toBe(true);
    expect(await grow(1)).toBe(11);
  });

  test("a store of another name than the configuration says is refused", async () => {
    const { config } = loadConfig({ flags: { ...PLACE, "log-origin": "other.example" }, env: {} });
    const ports = { cwd: folder, env: {}, now: () => 0, crypto: nodeCrypto, logger: silentLogger };
    await expect(openParts(config, ports)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  test("a guard inside the data folder is refused, by another path to it as well", async () => {
    await symlink(join(folder, "data"), join(folder, "link"));
    const ports = { cwd: folder, env: {}, now: () => 0, crypto: nodeCrypto, logger: silentLogger };
    for (const guard of ["data/head.guard", "link/below/head.guard"]) {
      const { config } = loadConfig({ flags: { ...PLACE, "storage-guard": guard }, env: {} });
      await expect(openParts(config, ports), guard).rejects.toMatchObject({
        code: "CONFIG_INVALID",
        detail: { field: "storage.guard" },
      });
    }
  });

  test("config show says where each value comes from", async () => {
    const { status, text } = await run("config", "show");
    expect(status).toBe(0);
    expect(text).toMatch(/log\.origin +operator\.example\.test +flag --log-origin/);
    expect(text).toMatch(/limits\.body_timeout_ms +30000 +default/);
    expect((await run("config", "hide")).text).toContain("USAGE");
  });

  test("each command has help with an example, and refuses what it does not know", async () => {
    for (const { name } of OPERATOR_COMMANDS) {
      const { status, text } = await run(name, "--help");
      expect(status, name).toBe(0);
      expect(text).toContain(`countersign ${name}`);
      expect((await run(name, "--no-such-flag")).text).toContain("USAGE");
    }
  });
});
