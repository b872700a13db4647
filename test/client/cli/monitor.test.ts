/** `monitor` and `monitor init` on the command line, against a log with an index on loopback. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ServedIndex, serveIndex } from "../lookup/serve-index.ts";
import { TestIndex } from "../lookup/test-index.ts";
import { idOf } from "../monitor/rig.ts";
import { newSigner, review, signedCommit, TestLog } from "../test-log.ts";
import { Workplace } from "./in-process.ts";

const bob = newSigner();
const commit = await signedCommit(bob);

let main: TestLog;
let index: TestIndex;
let served: ServedIndex;
let place: Workplace;
beforeEach(async () => {
  main = new TestLog().fill(2);
  index = new TestIndex(main).grow();
  served = await serveIndex(index);
  place = new Workplace();
  writeFileSync(
    place.path("trust.toml"),
    `trust = 1\n[[log]]\norigin = "log.test"\nvkeys = ["${main.vkey}"]\nurl = "${served.url}"\n`,
  );
});
afterEach(async () => {
  await served.close();
  place.remove();
});

const once = (...more: readonly string[]): ReturnType<typeof place.countersign> =>
  place.countersign("monitor", "--config", "monitor.toml", "--once", ...more);

function watch(changes: (text: string) => string): void {
  const path = place.path("monitor.toml");
  writeFileSync(path, changes(readFileSync(path, "utf8")));
}

describe("monitor", () => {
  test("init writes a configuration that runs as it is, and never over one that is there", async () => {
    const init = ["monitor", "init", "monitor.toml", "--trust", "trust.toml"] as const;
    expect(await place.countersign(...init)).toMatchObject({ status: 0 });
    expect(await once()).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^nothing new/),
    });
    expect(await place.countersign(...init)).toMatchObject({ status: 2 });
  });

  test("tells in words, as JSON lines, and in its file", async () => {
    await place.countersign("monitor", "init", "monitor.toml", "--trust", "trust.toml");
    watch((text) => text.replace("keys = []", `keys = ["${idOf(bob)}"]`));
    expect((await once()).status).toBe(0);
    main.submit(commit.submission);
    index.grow();
    const told = await once();
    expect(told.status).toBe(1);
    expect(told.stdout).toContain(`info statement: signer ${idOf(bob)}: entry 2 of log.test: `);
    main.submit(await review(bob, commit));
    index.grow();
    const { status, stdout } = await once("--json");
    expect(status).toBe(1);
    const [alert, end] = stdout
      .trimEnd()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(alert).toMatchObject({ number: 2, kind: "statement", seen: { index: 3 } });
    expect(end).toEqual({ round: { status: 1, alerts: 1, open: [] } });
    const lines = readFileSync(place.path("monitor", "alerts.jsonl"), "utf8").trimEnd().split("\n");
    expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
      { number: 1 },
      { number: 2 },
    ]);
  });

  test("names what is wrong in the configuration, and what was watched by nobody", async () => {
    await place.countersign("monitor", "init", "monitor.toml", "--trust", "trust.toml");
    watch((text) => text.replace("keys = []", 'keys = ["nobody.pub"]'));
    expect(await once()).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("log[0].keys[0]: the key nobody.pub is no key"),
    });
    watch((text) => text.replace('"log.test"', '"other.test"'));
    expect(await once()).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("other.test is no log of the trust file"),
    });
    expect(existsSync(place.path("monitor"))).toBe(false);
  });
});
