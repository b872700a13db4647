/** The operator's commands in one process, over a log on disk, from its making to its recovery. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { rename, symlink, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { OPERATOR_COMMANDS } from "../../../server/cli/index.ts";
import { Operated } from "../operated.ts";

const log = new Operated(mkdtempSync(join(tmpdir(), "countersign-operator-")), {
  "log-origin": "operator.example.test",
  "index-enabled": "on",
});
afterAll(() => rmSync(log.folder, { recursive: true, force: true }));

describe("the operator's commands", () => {
  test("doctor names what is missing before there is a log", async () => {
    const { status, text } = await log.run("doctor");
    expect(status).toBe(1);
    for (const code of ["STORE_MISSING", "FILE_UNREADABLE", "GUARD_MISSING"])
      expect(text).toContain(code);
  });

  test("init makes key, store and guard, prints the vkey, and writes over nothing", async () => {
    const made = await log.run("init");
    expect(made.status).toBe(0);
    expect(made.text).toMatch(/vkey +operator\.example\.test\+[0-9a-f]{8}\+/);
    for (const path of ["key.pem", "data/log.db", "guard/head.guard"])
      expect(existsSync(log.path(path)), path).toBe(true);
    expect((await log.run("init")).text).toContain("STORE_EXISTS");
    expect((await log.run("doctor")).status).toBe(0);
  });

  test("a backup is restored into a new folder only, and an older one is refused at the start", async () => {
    expect(await log.grow(3)).toBe(4);
    expect((await log.run("backup", "copy")).status).toBe(0);
    expect(await log.grow(5)).toBe(9);
    expect((await log.run("restore", "copy")).text).toContain("STORE_EXISTS");
    await rename(log.path("data"), log.path("newer"));
    expect((await log.run("restore", "copy")).status).toBe(0);
    await expect(log.grow(1)).rejects.toMatchObject({ code: "GUARD_AHEAD" });
    // A refused start holds nothing: the next one is refused for the same reason, not for a lock.
    await expect(log.grow(1)).rejects.toMatchObject({ code: "GUARD_AHEAD" });
    expect((await log.run("doctor")).text).toContain("GUARD_AHEAD");
  });

  test("recover says what would be lost and changes nothing", async () => {
    for (let i = 0; i < 2; i++) {
      const { status, text } = await log.run("recover");
      expect(status).toBe(1);
      expect(text).toContain("Lost: entries 4 to 8.");
    }
    expect((await log.run("recover", "--accept-loss", "4")).text).toContain("--reason");
    expect((await log.run("recover", "--accept-loss", "5", "--reason", "x")).status).toBe(2);
  });

  test("recover --refill loses nothing", async () => {
    expect((await log.run("recover", "--refill", "newer")).text).toContain(
      "5 entries were brought back",
    );
    expect((await log.run("recover")).status).toBe(0);
    expect(await log.grow(1)).toBe(10);
    expect((await log.run("fsck")).text).toContain("all is well");
    expect((await log.run("fsck", "--repair")).status).toBe(0);
  });

  test("recover --accept-loss goes on without a guard and records it", async () => {
    await unlink(log.path("guard/head.guard"));
    await expect(log.grow(1)).rejects.toMatchObject({ code: "GUARD_MISSING" });
    const accepted = await log.run(
      "recover",
      "--accept-loss",
      "10",
      "--reason",
      "the volume is gone",
    );
    expect(accepted.status).toBe(0);
    expect(existsSync(log.path("guard/head.guard.recoveries"))).toBe(true);
    expect(await log.grow(1)).toBe(11);
  });

  test("a store of another name than the configuration says is refused", async () => {
    const served = log.serving(async () => {}, { "log-origin": "other.example" });
    await expect(served).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  test("a guard inside the data folder is refused, by another path to it as well", async () => {
    await symlink(log.path("data"), log.path("link"));
    for (const guard of ["data/head.guard", "link/below/head.guard"]) {
      const served = log.serving(async () => {}, { "storage-guard": guard });
      await expect(served, guard).rejects.toMatchObject({
        code: "CONFIG_INVALID",
        detail: { field: "storage.guard" },
      });
    }
  });

  test("config show says where each value comes from", async () => {
    const { status, text } = await log.run("config", "show");
    expect(status).toBe(0);
    expect(text).toMatch(/log\.origin +operator\.example\.test +flag --log-origin/);
    expect(text).toMatch(/limits\.body_timeout_ms +30000 +default/);
    expect((await log.run("config", "hide")).text).toContain("USAGE");
  });

  test("each command has help with an example, and refuses what it does not know", async () => {
    for (const { name } of OPERATOR_COMMANDS) {
      const { status, text } = await log.run(name, "--help");
      expect(status, name).toBe(0);
      expect(text).toContain(`countersign ${name}`);
      expect((await log.run(name, "--no-such-flag")).text).toContain("USAGE");
    }
  });
});
