/** Tessera's `fsck` reads every tile and entry of a log, rebuilds the tree and compares the roots. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { batch, place } from "../bench/ours.ts";
import { prepare } from "../bench/prepare.ts";
import { findProgram } from "../peers/go.ts";
import { lastWords, type Ran, runProgram } from "../peers/process.ts";
import { alterations, altered } from "./altering.ts";
import { type Head, headOf, type LiveLog, ours } from "./live-log.ts";
import { type Client, passes, type Row, refuses, skipped } from "./table.ts";

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
async function runFsck(path: string, { url, origin, vkey, folder }: Served): Promise<Ran> {
  const keyFile = join(folder, "vkey");
  writeFileSync(keyFile, vkey);
  const place = [`--storage_url=${url}/`, `--origin=${origin}`, `--public_key=${keyFile}`];
  return runProgram(path, [...place, "--ui=false", "-v=1", "--N=2"], { patience: 300_000 });
}

function agrees({ text }: Ran, { size, root }: Pick<Head, "size" | "root">): boolean {
  const wanted = `Successfully fsck'd log with size ${size} and root ${root} `;
  return text.includes(wanted) && !/fsck failed|LOGIC ERROR|does not match/i.test(text);
}

export async function tesseraFsck(log: Served, what: string): Promise<Row> {
  const program = findProgram("tesseraFsck");
  if (!program.found) return skipped(TESSERA, what, program.why);
  const head = await headOf(log.url);
  const ran = await runFsck(program.path, log);
  const good = agrees(ran, head);
  const operation = `${what}, ${Number(head.size).toLocaleString("en")} entries`;
  return passes(TESSERA, operation, good, good ? `root ${head.root}` : lastWords(ran));
}

/** Readers of tiles that are shown a log with one thing altered. */
export async function readersOfAltered(log: Served): Promise<Row[]> {
  const rows: Row[] = [];
  const program = findProgram("tesseraFsck");
  for (const alteration of alterations(log.origin)) {
    const { what } = alteration;
    if (program.found)
      rows.push(
        await altered(log, alteration, async (url) => {
          const ran = await runFsck(program.path, { ...log, url });
          return refuses(TESSERA, "", what, !/Successfully fsck'd log/.test(ran.text));
        }),
      );
    rows.push(
      await altered(log, alteration, async (url) => {
        const folder = mkdtempSync(join(log.folder, "altered-"));
        const ran = await ours("mirror", url, "--folder", folder, "--vkey", log.vkey, "--once");
        return refuses(OURS, "mirror", what, ran.status !== 0);
      }),
    );
  }
  return rows;
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
