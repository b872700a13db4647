/**
 * A process that asks its clock for times, to be killed. Its machine is faster than ours, so that
 * the file is written many times in a life. Each time is said before the next thing is done.
 *
 * Arguments: the clock's file, and what the machine's clock says at the start, in milliseconds.
 */
import { writeSync } from "node:fs";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { ClockFile } from "../../server/clock-file.ts";
import { openClock } from "../../server/log-clock.ts";

const SPEED = 2_000;
const [path = "", start = "0"] = process.argv.slice(2);
const begun = performance.now();
const passed = (): number => (performance.now() - begun) * SPEED;

const clock = openClock({
  store: new ClockFile(nodeCrypto.sha256, "clock.example.test", path),
  wall: () => Number(start) + passed(),
  monotonic: passed,
});
for (let turn = 0; ; turn++) {
  // With and without: both ways of writing are in flight when the end comes.
  if (turn % 3 > 0) await clock.prepare();
  if (clock.state().state === "ready") writeSync(1, `${clock.now()}\n`);
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}
