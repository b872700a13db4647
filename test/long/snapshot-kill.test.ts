/** An index is killed at random points while it writes its snapshot. */
import { spawn } from "node:child_process";
import { copyFileSync, existsSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { snapshotFile } from "../../server/index/snapshot.ts";
import { endsWithTest } from "../child.ts";
import { temporaryFolder } from "../server/fixture.ts";

const KILLS = 12;
const CHILD = join(import.meta.dirname, "snapshot-child.ts");

interface Run {
  /** What the process started from. */
  readonly size: number;
  readonly snapshotSize: number;
  /** Entries of the newest snapshot that it had whole before it was killed. */
  readonly last: number;
}

/** A process that is killed a moment after so many slices; without a number, it only starts. */
async function run(folder: string, slices?: number): Promise<Run> {
  const argv = [CHILD, folder, slices === undefined ? "open" : "grow"];
  const child = endsWithTest(spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "pipe"] }));
  let [text, errors] = ["", ""];
  child.stderr.setEncoding("utf8").on("data", (more: string) => (errors += more));
  child.stdout.setEncoding("utf8").on("data", (more: string) => {
    text += more;
    if (slices !== undefined && text.split("\n").length > slices + 1)
      setTimeout(() => child.kill("SIGKILL"), Math.random() * 20);
  });
  const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
  expect([status, errors]).toEqual([slices === undefined ? 0 : null, ""]);
  const [started = "", ...written] = text.split("\n").slice(0, -1);
  return { ...JSON.parse(started), last: Number(written.at(-1) ?? 0) };
}

test(`X7 ${KILLS} kills while a snapshot is written: every start has the map of the tables`, async () => {
  const folder = temporaryFolder();
  const cut = join(folder, "cut-off");
  let newest = 0;
  let cutOff = 0;
  for (let n = 0; n < KILLS; n++) {
    // A start compares the root, whatever it began with; a snapshot that was whole is used.
    const { size, snapshotSize, last } = await run(folder, 1 + Math.floor(Math.random() * 24));
    expect(snapshotSize).toBeGreaterThanOrEqual(newest);
    expect(size).toBeGreaterThanOrEqual(snapshotSize);
    newest = Math.max(snapshotSize, last);
    const draft = `${snapshotFile(folder)}.new`;
    if (!existsSync(draft)) continue;
    cutOff++;
    copyFileSync(draft, cut);
  }
  expect(newest).toBeGreaterThan(0);
  expect(cutOff).toBeGreaterThan(0);
  // What was cut off is no snapshot, wherever it stands. A kill may have come after the last byte
  // and before the new name.
  truncateSync(cut, Math.max(0, statSync(cut).size - 1));
  copyFileSync(cut, snapshotFile(folder));
  expect(await run(folder)).toMatchObject({ snapshotSize: 0 });
}, 120_000);
