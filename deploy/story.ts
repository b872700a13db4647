/**
 * `npm run story`: four lies, and who catches each of them, in how long, with which file.
 *
 * Everything is the real programs, in one new folder and on loopback. It ends with status 0 only
 * where every lie was caught and every evidence file has convinced a fresh process that had nothing
 * else. `--json` prints the same as one document.
 */
import { rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { beQuiet, say, step, Workplace } from "./quickstart/tools.ts";
import {
  droppedPosting,
  everybodyHonest,
  forkedLog,
  movedTag,
  secondOutput,
} from "./story/acts.ts";
import { type Act, openStage, stopwatch } from "./story/stage.ts";
import { startMonitor } from "./story/watch.ts";

const { values } = parseArgs({ options: { json: { type: "boolean" } } });
if (values.json === true) beQuiet();
const whole = stopwatch();
const work = new Workplace("lies");

try {
  const acts = await tell();
  const missed = acts.filter(
    ({ caught }) => !caught.some(({ evidence }) => evidence !== undefined),
  );
  if (missed.length > 0) throw new Error(`not caught: ${missed.map(({ lie }) => lie).join("; ")}`);
  sumUp(acts);
  rmSync(work.folder, { recursive: true, force: true });
} catch (error) {
  work.abandon();
  const why = error instanceof Error ? error.message : String(error);
  console.error(`\nThe story failed: ${why}\nWhat it made is in ${work.folder}`);
  process.exitCode = 2;
}

async function tell(): Promise<readonly Act[]> {
  step(`A log, two builders and a maintainer: ${work.origin}`);
  const stage = await openStage(work);
  const ofSouth = await everybodyHonest(stage);
  const monitor = await startMonitor(stage);
  const acts = [
    await secondOutput(stage, monitor),
    await movedTag(stage, monitor),
    await forkedLog(stage, monitor),
    await droppedPosting(stage, monitor, ofSouth),
  ];
  await stage.log.stop();
  for (const end of stage.ends) await end();
  return acts;
}

function sumUp(acts: readonly Act[]): void {
  const seconds = whole();
  step(`All of it was caught, in ${seconds} s`);
  for (const { lie, caught } of acts) {
    say("", `${lie}:`);
    for (const { by, seconds: after, evidence } of caught)
      say(`  ${by}, after ${after} s${evidence === undefined ? "" : `: ${evidence.kind}`}`);
  }
  if (values.json === true) console.log(JSON.stringify({ ok: true, seconds, acts }, null, 2));
}
