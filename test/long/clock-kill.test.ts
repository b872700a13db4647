/** F1, F7: a process that signs times is killed at random points; no later one goes back. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { ClockFile } from "../../server/clock-file.ts";
import { endsWithTest } from "../child.ts";
import { temporaryFolder } from "../server/fixture.ts";

const KILLS = 60;
const CHILD = new URL("./clock-child.ts", import.meta.url).pathname;

test(`I7 ${KILLS} kills: each life's times follow the last one's, and the file is never behind`, async () => {
  const path = join(temporaryFolder(), "head.guard.clock");
  const file = new ClockFile(nodeCrypto.sha256, "clock.example.test", path);
  file.write(1_790_000_000);
  let last = 1_790_000_000;
  let given = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    // A machine that is up to a minute behind what was signed, or ahead of it.
    const start = (last - 60 + Math.floor(Math.random() * 120)) * 1000;
    const child = endsWithTest(
      spawn(process.execPath, [CHILD, path, String(start)], {
        stdio: ["ignore", "pipe", "inherit"],
      }),
    );
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (more: string) => (text += more));
    const closed = once(child, "close");
    await Promise.race([once(child.stdout, "data"), closed]);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 150));
    child.kill("SIGKILL");
    const [, signal]: unknown[] = await closed;
    expect(signal).toBe("SIGKILL");
    // The last line may have been cut by the kill.
    for (const line of text.split("\n").slice(0, -1)) {
      const seconds = Number(line);
      expect(seconds).toBeGreaterThanOrEqual(last);
      last = seconds;
      given++;
    }
    const until = file.read() ?? 0;
    expect(until).toBeGreaterThanOrEqual(last);
  }
  expect(given).toBeGreaterThan(KILLS);
  console.log(`${KILLS} kills, ${given} times`);
});
