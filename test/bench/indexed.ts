/**
 * The index: `npm run bench -- index`.
 *
 * A log of 100,000 entries, with `--full` (or `--entries`) also larger ones, is made by the log's
 * own code (indexed-log.ts) and grows from size to size. At each size: the index's thread alone,
 * then the same log served by its command line: start-up, look-ups, an index verifier over its
 * newest leaves, a monitor, and the tables made anew. Before that, what the index costs those who write.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { removeSnapshot } from "../../server/index/snapshot.ts";
import { folder, report, values } from "./bench.ts";
import { indexLimits } from "./index-limits.ts";
import { benchLookups } from "./index-lookups.ts";
import { benchMonitor } from "./index-monitor.ts";
import { benchReceipts } from "./index-receipts.ts";
import { indexCaughtUp, indexOpen } from "./index-state.ts";
import { benchVerifier } from "./index-verifier.ts";
import {
  type Built,
  fill,
  type IndexedPlace,
  index,
  makePlace,
  openIndexThread,
} from "./indexed-log.ts";
import { command, diskUse, ORIGIN, type Ours, place as placeFlags, startOurs } from "./ours.ts";

/** As long as the largest log takes to be indexed anew. */
const PATIENCE_MS = 1_800_000;

function sizes(): readonly number[] {
  if (values.entries !== undefined) return values.entries.split(",").map(Number);
  return values.full ? [100_000, 1_000_000] : [100_000];
}

export async function benchIndex(): Promise<void> {
  await benchReceipts();
  const where = join(folder, "indexed");
  mkdirSync(where);
  const place = await makePlace(where);
  for (const size of sizes()) {
    const heads = await fill(place, size);
    const built = await index(place, heads);
    await startedBehind(place, built, size);
    await reportBuilt(place, built, size);
    await served(place, size);
  }
}

async function reportBuilt(place: IndexedPlace, built: Built, size: number): Promise<void> {
  const at = `up to ${size.toLocaleString("en")}`;
  const { seconds, entries, postings, cpuSeconds } = built;
  const limits = indexLimits(place);
  report.figure(`builder ${at}`, entries / seconds, "entries/s");
  report.figure(`builder ${at}`, postings / seconds, "postings/s");
  report.figure(`builder ${at}: CPU per entry`, (cpuSeconds * 1000) / entries, "ms");
  report.figure(`limit: rows of postings alone, into a new table`, limits.rows, "/s");
  report.figure(`limit: SHA-256 of a node, one core`, limits.hashes, "/s");
  report.ratio(`builder ${at}: postings/s ÷ rows alone`, postings / seconds, limits.rows);
  report.figure("SHA-256 that the builder asks for, per entry", limits.hashesPerEntry, "");
  const hashed = limits.hashes / limits.hashesPerEntry;
  report.ratio(`builder ${at}: entries/s ÷ their SHA-256 alone`, entries / seconds, hashed);
  report.figure(
    `memory of the map with all its versions, ${at}, per key`,
    built.mapBytes / built.keys,
    "B",
  );
  removeSnapshot(place.index.tables);
  const begun = performance.now();
  const thread = await openIndexThread(place);
  report.figure(`map ${at}, made anew from the tables`, (performance.now() - begun) / 1000, "s");
  const { standing } = await thread.ask({ call: "close" });
  await thread.end();
  report.figure(
    `memory of a map of ${standing.keys.toLocaleString("en")} keys, one version, per key`,
    standing.mapBytes / standing.keys,
    "B",
  );
  report.figure(`disk of the index ${at}, per entry`, diskUse(place.index.tables) / size, "B");
}

/** The start of a log whose process ended at the worst moment. */
async function startedBehind(
  place: IndexedPlace,
  { snapshotSize }: Built,
  size: number,
): Promise<void> {
  const { ours, seconds } = await start(place);
  const behind = (size - snapshotSize).toLocaleString("en");
  const name = `start-up at ${size.toLocaleString("en")} with ${behind} entries behind the snapshot`;
  report.figure(`${name}, the last step not kept`, seconds, "s");
  report.ratio(`${name} ÷ 5 s (reach ≤ 1)`, seconds, 5);
  await ours.server.stop();
}

async function served(place: IndexedPlace, size: number): Promise<void> {
  const at = `at ${size.toLocaleString("en")}`;
  const started = await start(place);
  report.figure(
    `start-up ${at} from the snapshot of the map, until look-ups are answered`,
    started.seconds,
    "s",
  );
  report.figure(`memory of the log ${at}, after start`, started.ours.server.memory(), "MB");
  await benchLookups(started.ours, place.vkey, size);
  const cost = await benchVerifier(started.ours, place);
  const scan = { seconds: cost.seconds * size, bytes: cost.bytes * size };
  await benchMonitor(started.ours, place.vkey, size, scan);
  await started.ours.server.stop();
  execFileSync(process.execPath, [
    command,
    "index",
    "rebuild",
    "--log-origin",
    ORIGIN,
    ...placeFlags(place.folder),
  ]);
  const rebuilt = await start(place);
  report.figure(`rebuild ${at}, from the log alone`, rebuilt.seconds, "s");
  await rebuilt.ours.server.stop();
}

/** The log started, and the seconds from its first ready answer until its index answers. */
async function start(
  place: IndexedPlace,
): Promise<{ readonly ours: Ours; readonly seconds: number }> {
  const begun = performance.now();
  const [ours] = await startOurs(place.folder);
  await indexOpen(ours, PATIENCE_MS);
  const seconds = (performance.now() - begun) / 1000;
  await indexCaughtUp(ours);
  return { ours, seconds };
}
