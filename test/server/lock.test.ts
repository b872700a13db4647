import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { takeLock } from "../../server/lock.ts";
import { endsWithTest } from "../child.ts";
import { temporaryFolder } from "./fixture.ts";
import { refusalOf } from "./refusal.ts";

test("one holder at a time, in one process; released, the next may take it", () => {
  const path = join(temporaryFolder(), "lock");
  const lock = takeLock(path, "the thing");
  const refused = refusalOf(() => takeLock(path, "the thing"));
  expect(refused).toMatchObject({ code: "STORE_LOCKED", detail: { field: path } });
  expect(refused.message).toContain("the thing");
  lock.release();
  takeLock(path, "the thing").release();
});

test("a holder that is killed leaves no lock behind", async () => {
  const path = join(temporaryFolder(), "lock");
  const lockModule = new URL("../../server/lock.ts", import.meta.url).href;
  // Kept where it can be reached: a lock that nobody has any more goes with the garbage.
  const program =
    `const { takeLock } = await import(${JSON.stringify(lockModule)});` +
    `globalThis.lock = takeLock(${JSON.stringify(path)}, "it");` +
    `console.log("held"); setInterval(() => {}, 1000);`;
  const child = endsWithTest(spawn(process.execPath, ["--input-type=module", "-e", program]));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  expect(refusalOf(() => takeLock(path, "it")).code).toBe("STORE_LOCKED");
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGKILL");
  await ended;
  takeLock(path, "it").release();
});

test("a place that cannot be locked says so", () => {
  const refused = refusalOf(() => takeLock(join(temporaryFolder(), "none", "lock"), "it"));
  expect(refused.code).toBe("FILE_UNREADABLE");
});
