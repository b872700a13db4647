/** F2 and F6: a log that was rolled back gets everything back from a mirror, or refuses. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { verifyEvidence } from "../../client/evidence.ts";
import { httpTransport } from "../../client/fetch.ts";
import type { TrustedLog } from "../../client/trust.ts";
import { unwrap } from "../../schema/error.ts";
import { MirrorView } from "../../server/mirror/folder.ts";
import { parseGuard } from "../../server/sequencer/guard.ts";
import { TestLog } from "../client/test-log.ts";
import { run, served, sourceOf } from "./mirror/rig.ts";
import { append, Operated, trustedOf } from "./operated.ts";

/** The log with 30 entries, `data-early` and `guard-early` of 4; mirrors of both. Made once, then copied. */
let template: Operated;
let trusted: TrustedLog;
beforeAll(async () => {
  const log = await Operated.init(mkdtempSync(join(tmpdir(), "countersign-recover-")));
  await log.serving(async (running) => {
    trusted = trustedOf(running);
    await append(running, 3);
    await run(log.path("mirror-early"), httpTransport(running.url), trusted);
  });
  log.keep("data", "data-early");
  log.keep("guard", "guard-early");
  await log.serving(async (running) => {
    await append(running, 26);
    await run(log.path("mirror"), httpTransport(running.url), trusted);
  });
  template = log;
  return () => rmSync(log.folder, { recursive: true, force: true });
});

/** Every row is as it was, and the guard says so. */
async function isWhole(log: Operated, size: number): Promise<void> {
  const { text } = await log.run("fsck");
  expect(text).toContain("all is well");
  expect(text).toContain(`${size} entries`);
  const guard = unwrap(parseGuard(new Uint8Array(log.read("guard/head.guard"))));
  expect(guard).toMatchObject({ size });
}

/** It goes on, and the mirror of its past follows it. */
async function goesOn(log: Operated, size: number): Promise<void> {
  await isWhole(log, size);
  await log.serving(async (running) => {
    expect(await append(running, 2)).toBe(size + 2);
    const synced = await run(log.path("mirror"), httpTransport(running.url), trusted);
    expect(synced.state).toBe("advanced");
  });
}

describe("a store from an old backup", () => {
  test("gets its entries back from the folder of a mirror, up to the guard, and goes on", async () => {
    const log = template.copy();
    log.putBack("data-early", "data");
    expect((await log.run("recover")).text).toContain("Lost: entries 4 to 29.");
    const guard = log.read("guard/head.guard");
    const { status, text } = await log.run("recover", "--from", "mirror");
    expect(text).toContain("26 entries were brought back; the log has 30 now.");
    expect(status).toBe(0);
    expect(log.read("guard/head.guard").equals(guard), "the guard stays").toBe(true);
    await goesOn(log, 30);
  });

  test("takes nothing from a mirror that ends below what was signed", async () => {
    const log = template.copy();
    log.putBack("data-early", "data");
    const { status, text } = await log.run("recover", "--from", "mirror-early");
    expect({ status, text }).toMatchObject({
      status: 2,
      text: expect.stringContaining("ends at 4"),
    });
    expect((await log.run("fsck")).text).toContain("4 entries");
  });
});

describe("a snapshot that rolled back store and guard together", () => {
  test("is seen by the mirror: the guard advances to the signed head, and all comes back", async () => {
    const log = template.copy();
    log.putBack("data-early", "data");
    log.putBack("guard-early", "guard");
    expect((await log.run("recover")).status, "nobody here can see it").toBe(0);
    const { text } = await log.run("recover", "--from", "mirror");
    expect(text).toContain("26 entries were brought back; the log has 30 now.");
    expect(text).toContain("The guard was behind or gone");
    const [record = ""] = readFileSync(log.path("guard/head.guard.recoveries"), "utf8").split("\n");
    expect(JSON.parse(record)).toMatchObject({ store: { size: 4 }, guard: { size: 4 } });
    await goesOn(log, 30);
  });

  test("the guard is ahead of the store until the last entry is back", async () => {
    const log = template.copy();
    log.putBack("data-early", "data");
    log.putBack("guard-early", "guard");
    rmSync(log.path("mirror/tile/entries/000.p"), { recursive: true });
    expect((await log.run("recover", "--from", "mirror")).status).toBe(2);
    expect((await log.run("recover")).text).toContain("GUARD_AHEAD");
    const whole = template.copy();
    const { text } = await log.run("recover", "--from", whole.path("mirror"));
    expect(text).toContain("the log has 30 now");
    await isWhole(log, 30);
  });

  test("a head that a witness shows must be reached", async () => {
    const log = template.copy();
    log.putBack("data-early", "data");
    log.putBack("guard-early", "guard");
    const shown = ["--shown", "mirror/checkpoint"];
    const refused = await log.run("recover", "--from", "mirror-early", ...shown);
    expect(refused).toMatchObject({ status: 2, text: expect.stringContaining("30 was signed") });
    expect((await log.run("recover", "--from", "mirror", ...shown)).status).toBe(0);
    await isWhole(log, 30);
  });
});

describe("I6 mirrors that a start asks", () => {
  const start = async (log: Operated, mirror: string): Promise<number> =>
    log.serving(async (running) => running.published().size, { "mirror-urls": mirror });

  async function mirrorServed(name: string): Promise<string> {
    const files = new MirrorView(template.path(name));
    const server = createServer((req, res) => {
      const bytes = files.read((req.url ?? "").slice(1));
      if (bytes === undefined) res.writeHead(404).end();
      else res.end(bytes);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    return `http://127.0.0.1:${typeof address === "object" ? (address?.port ?? 0) : 0}/`;
  }

  test("see a snapshot that rolled back store and guard, and a fork; one that lags or is silent is no hindrance", async () => {
    const [late, early] = [await mirrorServed("mirror"), await mirrorServed("mirror-early")];
    const log = template.copy();
    expect(await start(log, `${late},${early},http://127.0.0.1:9/`)).toBe(30);
    log.putBack("data-early", "data");
    log.putBack("guard-early", "guard");
    await expect(start(log, `${early},${late}`)).rejects.toMatchObject({ code: "GUARD_AHEAD" });
    await log.grow(28);
    await expect(start(log, late)).rejects.toMatchObject({ code: "GUARD_DIFFERS" });
  });
});

describe("a guard or a store that is gone", () => {
  test("a guard is made anew at the newest head that the mirror shows", async () => {
    const log = template.copy();
    log.putBack("data-early", "data");
    log.lose("guard");
    expect((await log.run("recover", "--from", "mirror")).status).toBe(0);
    await isWhole(log, 30);
  });

  test("a guard beside a whole store is made anew at the store's head", async () => {
    const log = template.copy();
    log.lose("guard");
    const { text } = await log.run("recover", "--from", "mirror-early");
    expect(text).toContain("nothing that is missing");
    await isWhole(log, 30);
  });

  test("a store is made anew from nothing but the key and a mirror, where that is asked for", async () => {
    const log = template.copy();
    log.lose("data");
    expect((await log.run("recover", "--from", "mirror")).text).toContain("STORE_MISSING");
    const { text } = await log.run("recover", "--from", "mirror", "--new-store");
    expect(text).toContain("30 entries were brought back");
    await isWhole(log, 30);
    const bare = template.copy();
    bare.lose("data");
    bare.lose("guard");
    expect((await bare.run("recover", "--from", "mirror", "--new-store")).status).toBe(0);
    await isWhole(bare, 30);
  });

  test("a log that misses nothing is told so, and stays as it is", async () => {
    const log = template.copy();
    const guard = log.read("guard/head.guard");
    const { status, text } = await log.run("recover", "--from", "mirror");
    expect({ status, text }).toMatchObject({ status: 0, text: expect.stringContaining("nothing") });
    expect(log.read("guard/head.guard").equals(guard)).toBe(true);
    expect(existsSync(log.path("guard/head.guard.recoveries"))).toBe(false);
  });
});

describe("F6 two copies of one log", () => {
  test("the one that the mirror did not follow refuses, with evidence that convicts", async () => {
    const log = template.copy();
    log.putBack("data-early", "data");
    log.putBack("guard-early", "guard");
    // Nobody saw the rollback, and the copy went another way.
    await log.grow(2);
    const { status, text, evidence } = await log.run("recover", "--from", "mirror");
    expect({ status, text }).toMatchObject({ status: 3, text: expect.stringContaining("two") });
    const verdict = await verifyEvidence(
      nodeCrypto,
      { logs: [trusted] },
      evidence ?? new Uint8Array(0),
    );
    expect(verdict).toMatchObject({ ok: true, kind: "fork-inconsistent" });
    expect((await log.run("fsck")).text, "nothing was changed").toContain("6 entries");
  });
});

describe("never a byte is believed", () => {
  test("of a mirror whose files were changed", async () => {
    for (const name of ["tile/entries/000.p/30", "tile/0/000.p/30"]) {
      const log = template.copy();
      log.putBack("data-early", "data");
      const bytes = log.read(`mirror/${name}`);
      bytes[9] = (bytes[9] ?? 0) ^ 1;
      writeFileSync(log.path(`mirror/${name}`), bytes);
      const { text } = await log.run("recover", "--from", "mirror");
      expect(text, name).toContain("RESPONSE_INVALID");
      expect((await log.run("fsck")).text, name).toContain("4 entries");
    }
  });

  test("of another log, or of no log", async () => {
    const stranger = new TestLog("operated.example.test").fill(300);
    const server = await served(() => stranger);
    await run(join(template.folder, "stranger"), sourceOf(server), stranger.trusted);
    const log = template.copy();
    log.putBack("data-early", "data");
    const { text } = await log.run("recover", "--from", template.path("stranger"));
    expect(text).toContain("SIGNATURE_INVALID");
    expect((await log.run("recover", "--from", "guard")).text).toContain("USAGE");
    expect((await log.run("recover", "--from", "mirror", "--refill", "data")).text).toContain(
      "USAGE",
    );
  });
});
