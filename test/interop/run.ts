/**
 * `npm run interop`: other people's programs against a live log.
 *
 *     npm run interop                       70,001 entries, then Tessera's fsck and our own
 *     npm run interop -- --entries 200000
 *
 * Prints a table, program × operation × result, and says what was skipped and why. Exit status
 * 1 where a program disagreed with us.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { batch, initOurs, ORIGIN, place, startOurs } from "../bench/ours.ts";
import { prepare } from "../bench/prepare.ts";
import { findProgram } from "../peers/go.ts";

const { values } = parseArgs({ options: { entries: { type: "string", default: "70001" } } });
const wanted = Number(values.entries);
const command = join(import.meta.dirname, "../../client/cli/main.ts");

interface Row {
  readonly program: string;
  readonly operation: string;
  readonly result: "agrees" | "REFUSES" | "skipped";
  readonly detail: string;
}

/** Tessera's fsck exits 0 on failure too: only its words count. */
function tesseraFsck(url: string, keyFile: string, checkpoint: string): Row {
  const row = { program: "Tessera fsck v1.0.4", operation: `check the live log` };
  const program = findProgram("tesseraFsck");
  if (!program.found) return { ...row, result: "skipped", detail: program.why };
  const ran = spawnSync(
    program.path,
    [
      `--storage_url=${url}/`,
      `--origin=${ORIGIN}`,
      `--public_key=${keyFile}`,
      "--ui=false",
      "-v=1",
      "--N=2",
    ],
    { encoding: "utf8", timeout: 300_000 },
  );
  const text = `${ran.stdout}${ran.stderr}`;
  const [, size = "", root = ""] = checkpoint.split("\n");
  const good = text.includes(`Successfully fsck'd log with size ${size} and root ${root} `);
  const failed = /fsck failed|LOGIC ERROR|does not match/i.test(text);
  return good && !failed
    ? { ...row, result: "agrees", detail: `size ${size}, root ${root}` }
    : { ...row, result: "REFUSES", detail: text.split("\n").slice(-6).join(" ") };
}

function ourFsck(folder: string, size: string): Row {
  const ran = spawnSync(process.execPath, [command, "fsck", "--json", ...place(folder)], {
    encoding: "utf8",
  });
  return {
    program: "countersign fsck",
    operation: `check the store, ${size} entries`,
    result: ran.status === 0 ? "agrees" : "REFUSES",
    detail: ran.status === 0 ? "" : `${ran.stdout}${ran.stderr}`.slice(0, 500),
  };
}

async function main(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-interop-"));
  const vkey = initOurs(folder);
  const [log] = await startOurs(folder);
  const url = `http://127.0.0.1:${log.server.port}`;
  const rows: Row[] = [];
  try {
    const lines = join(folder, "lines.ndjson");
    for (let done = 1; done < wanted; ) {
      const count = Math.min(10_000, wanted - done);
      prepare("ed25519", count, lines, "lines");
      const result = await batch(log.server.port, lines);
      if (!result.ended || result.lines !== count) throw new Error("a batch was not logged whole");
      done += count;
      process.stderr.write(`${done.toLocaleString("en")} entries\n`);
    }
    const keyFile = join(folder, "vkey");
    writeFileSync(keyFile, vkey);
    const checkpoint = await (await fetch(`${url}/checkpoint`)).text();
    rows.push(tesseraFsck(url, keyFile, checkpoint));
    await log.server.stop();
    rows.push(ourFsck(folder, checkpoint.split("\n")[1] ?? ""));
  } finally {
    await log.server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return rows;
}

execFileSync("sync");
const rows = await main();
process.stdout.write("| program | operation | result | detail |\n|---|---|---|---|\n");
for (const row of rows)
  process.stdout.write(`| ${row.program} | ${row.operation} | ${row.result} | ${row.detail} |\n`);
if (rows.some((row) => row.result === "REFUSES")) process.exitCode = 1;
