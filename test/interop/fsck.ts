/** Tessera's `fsck` reads every tile and entry of a log, rebuilds the tree and compares the roots. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { batch, place } from "../bench/ours.ts";
import { prepare } from "../bench/prepare.ts";
import { findProgram } from "../peers/go.ts";
import { lastWords, runProgram } from "../peers/process.ts";
import { headOf, type LiveLog, ours } from "./live-log.ts";
import { type Client, passes, type Row, skipped } from "./table.ts";

const TESSERA: Client = { client: "Tessera fsck", version: "1.0.4" };
export const OURS: Client = { client: "countersign", version: "this tree" };

/** What is read: a log, or a mirror of it. */
export interface Served {
  readonly url: string;
  readonly origin: string;
  readonly vkey: string;
  /** Scratch. */
  readonly folder: string;
}

/** It exits 0 on failure too: only its words count. */
export async function tesseraFsck({ url, ...log }: Served, what: string): Promise<Row> {
  const program = findProgram("tesseraFsck");
  if (!program.found) return skipped(TESSERA, what, program.why);
  const keyFile = join(log.folder, "vkey");
  writeFileSync(keyFile, log.vkey);
  const { size, root } = await headOf(url);
  const ran = await runProgram(
    program.path,
    [
      `--storage_url=${url}/`,
      `--origin=${log.origin}`,
      `--public_key=${keyFile}`,
      "--ui=false",
      "-v=1",
      "--N=2",
    ],
    { patience: 300_000 },
  );
  const wanted = `Successfully fsck'd log with size ${size} and root ${root} `;
  const good =
    ran.text.includes(wanted) && !/fsck failed|LOGIC ERROR|does not match/i.test(ran.text);
  const detail = good ? `root ${root}` : lastWords(ran);
  return passes(TESSERA, `${what}, ${Number(size).toLocaleString("en")} entries`, good, detail);
}

/** Our own, over the files of a log that was stopped. */
export async function ourFsck(log: LiveLog): Promise<Row> {
  const ran = await ours("fsck", "--json", ...place(log.folder));
  const good = ran.status === 0;
  return passes(OURS, "fsck of the same store", good, good ? "" : lastWords(ran));
}

/** Grows the log to a size that has full tiles of two levels. */
export async function grow(log: LiveLog, wanted: number): Promise<void> {
  const lines = join(log.folder, "lines.ndjson");
  for (let done = 1; done < wanted; ) {
    const count = Math.min(10_000, wanted - done);
    prepare("ed25519", count, lines, "lines");
    const result = await batch(log.port, lines);
    if (!result.ended || result.lines !== count) throw new Error("a batch was not logged whole");
    done += count;
    process.stderr.write(`${done.toLocaleString("en")} entries\n`);
  }
}
