/** A mirror under the real command line is killed at random points while its log grows. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { endsWithTest } from "../child.ts";
import type { TestLog } from "../client/test-log.ts";
import { checked, contentLog, served, temporaryFolder } from "../server/mirror/rig.ts";

const KILLS = 40;
const SIZE = 1_200;
const MAIN = join(import.meta.dirname, "..", "..", "client", "cli", "main.ts");

function mirror(
  url: string,
  folder: string,
  log: TestLog,
): { kill: () => void; ended: Promise<number | null>; errors: () => string } {
  const argv = [MAIN, "mirror", url, "--vkey", log.vkey, "--folder", folder, "--once"];
  const child = endsWithTest(
    spawn(process.execPath, argv, { stdio: ["ignore", "ignore", "pipe"] }),
  );
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return { kill: () => void child.kill("SIGKILL"), ended, errors: () => errors };
}

test(`M1 ${KILLS} runs of a mirror that is killed, each followed by a check of every byte`, async () => {
  const log = await contentLog(SIZE);
  let now = 1;
  let requests = 0;
  let reached = (): void => {};
  const server = await served(
    () => log,
    (path, honest) => {
      if (--requests === 0) reached();
      return path === "checkpoint" ? log.checkpoint(now) : honest;
    },
  );
  const folder = temporaryFolder();
  let before = 0;
  let moved = 0;
  let killed = 0;
  for (let n = 0; n < KILLS; n++) {
    now = Math.min(SIZE, now + Math.floor((Math.random() * 2 * SIZE) / KILLS));
    const running = mirror(server.url, folder, log);
    // At a random request, or a moment after the last of them, where files are made durable.
    requests = 1 + Math.floor(Math.random() * 12);
    reached = () => void setTimeout(running.kill, Math.random() * 60);
    const status = await running.ended;
    if (status === null) killed++;
    const report = await checked(folder, log.trusted).catch(() => undefined);
    const isNew = report === undefined || (report.size === 0 && before === 0);
    if (!isNew) expect(report.findings).toEqual([]);
    const size = report?.size ?? 0;
    expect(size).toBeGreaterThanOrEqual(before);
    if (size > before) moved++;
    before = size;
  }
  requests = 0;
  now = SIZE;
  const last = mirror(server.url, folder, log);
  expect(await last.ended, last.errors()).toBe(0);
  expect(await checked(folder, log.trusted)).toMatchObject({ size: SIZE, findings: [] });
  expect(readFileSync(join(folder, "checkpoint"))).toEqual(Buffer.from(log.checkpoint()));
  expect(killed).toBeGreaterThan(KILLS / 2);
  expect(moved).toBeGreaterThan(KILLS / 20);
  console.log(`${killed} kills in ${KILLS} runs, the checkpoint moved ${moved} times`);
}, 900_000);
