/** Our mirror as other people's checker meets it: of our log, and of Tessera's own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { command } from "../bench/ours.ts";
import { newNoteKey, startTessera } from "../bench/peers.ts";
import { freePort, Measured } from "../bench/process.ts";
import { lastWords } from "../peers/process.ts";
import { grow, OURS, readersOfAltered, type Served, tesseraFsck } from "./fsck.ts";
import { headOf, type LiveLog, ours, startLiveLog } from "./live-log.ts";

import { passes, type Row, skipped } from "./table.ts";

/** Follows `log` until the copy has its head; then fsck reads the copy. */
async function mirrored(log: Served, name: string): Promise<Row[]> {
  const copy = join(log.folder, "mirror");
  const port = await freePort();
  const options = ["--folder", copy, "--vkey", log.vkey, "--interval", "1"];
  const mirror = new Measured(
    process.execPath,
    [command, "mirror", log.url, ...options, "--listen", `127.0.0.1:${port}`],
    port,
  );
  try {
    await mirror.answers("/checkpoint");
    const url = `http://127.0.0.1:${port}`;
    const wanted = await headOf(log.url);
    for (let i = 0; i < 600 && (await headOf(url)).size !== wanted.size; i++) await sleep(100);
    const { size } = await headOf(url);
    const operation = `mirror ${name} while it is served`;
    const rows = [passes(OURS, operation, size === wanted.size, `size ${size}`)];
    rows.push(await tesseraFsck({ ...log, url }, `check our mirror of ${name}`));
    await mirror.stop();
    const checked = await ours("mirror", "--check", copy, "--vkey", log.vkey);
    const good = checked.status === 0;
    rows.push(passes(OURS, `mirror --check of ${name}`, good, good ? "" : lastWords(checked)));
    return rows;
  } finally {
    await mirror.stop();
  }
}

async function ourMirrorOf(log: LiveLog): Promise<Row[]> {
  return mirrored(log, "our log");
}

/** A log that has another program's tree, entries and key. */
async function ourMirrorOfTessera(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-mirrored-"));
  const key = newNoteKey(folder, "tessera.example.test", "note");
  try {
    const started = await startTessera(folder, key);
    if ("missing" in started) return [skipped(OURS, "mirror Tessera's log", started.missing)];
    const { server } = started.peer;
    try {
      const url = `http://127.0.0.1:${server.port}`;
      const add = async (n: number): Promise<unknown> =>
        fetch(`${url}/add`, { method: "POST", body: `entry ${n}` });
      await Promise.all(Array.from({ length: 600 }, async (_, n) => add(n)));
      for (let i = 0; i < 100 && (await headOf(url)).size !== "600"; i++) await sleep(100);
      return await mirrored({ ...key, url, folder }, "Tessera's log");
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function mirrors(): Promise<Row[]> {
  const log = await startLiveLog();
  try {
    await grow(log, 1001);
    return [
      ...(await ourMirrorOf(log)),
      ...(await ourMirrorOfTessera()),
      ...(await readersOfAltered(log)),
    ];
  } finally {
    await log.remove();
  }
}
