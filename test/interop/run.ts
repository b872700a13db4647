/**
 * `npm run interop`: other people's programs and data against a live log.
 *
 *     npm run interop                            70,001 entries; Tessera's fsck and our own
 *     npm run interop -- --repo PATH             also a real repository: its signed objects are
 *                                                imported, and every receipt is verified offline
 *                                                by the packed tarball in an empty folder
 *     npm run interop -- --entries 200000
 *
 * Prints a table, program × operation × result, and says what was skipped and why. Exit status
 * 1 where a program disagreed with us.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  batch,
  build,
  command,
  initOurs,
  ORIGIN,
  type Ours,
  place,
  startOurs,
} from "../bench/ours.ts";
import { prepare } from "../bench/prepare.ts";
import { findProgram } from "../peers/go.ts";

const { values } = parseArgs({
  options: { entries: { type: "string", default: "70001" }, repo: { type: "string" } },
});
const root = join(import.meta.dirname, "../..");

interface Row {
  readonly program: string;
  readonly operation: string;
  readonly result: "agrees" | "REFUSES" | "skipped";
  readonly detail: string;
}

interface Log {
  readonly folder: string;
  readonly vkey: string;
  readonly ours: Ours;
  readonly url: string;
}

function row(program: string, operation: string, good: boolean, detail: string): Row {
  return { program, operation, result: good ? "agrees" : "REFUSES", detail };
}

async function checkpoint(url: string): Promise<{ text: string; size: string; root: string }> {
  const text = await (await fetch(`${url}/checkpoint`)).text();
  const [, size = "", treeRoot = ""] = text.split("\n");
  return { text, size, root: treeRoot };
}

async function withLog(check: (log: Log) => Promise<Row[]>): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-interop-"));
  const vkey = initOurs(folder);
  const [ours] = await startOurs(folder);
  const url = `http://127.0.0.1:${ours.server.port}`;
  try {
    const rows = await check({ folder, vkey, ours, url });
    await ours.server.stop();
    return [...rows, ourFsck(folder)];
  } finally {
    await ours.server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Tessera's fsck exits 0 on failure too: only its words count. */
async function tesseraFsck({ url, folder, vkey }: Log): Promise<Row> {
  const name = "Tessera fsck v1.0.4";
  const program = findProgram("tesseraFsck");
  if (!program.found)
    return {
      program: name,
      operation: "check the live log",
      result: "skipped",
      detail: program.why,
    };
  const keyFile = join(folder, "vkey");
  writeFileSync(keyFile, vkey);
  const head = await checkpoint(url);
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
  const wanted = `Successfully fsck'd log with size ${head.size} and root ${head.root} `;
  const good = text.includes(wanted) && !/fsck failed|LOGIC ERROR|does not match/i.test(text);
  const detail = good ? `root ${head.root}` : text.split("\n").slice(-6).join(" ");
  return row(name, `check the live log, ${head.size} entries`, good, detail);
}

function ourFsck(folder: string): Row {
  const ran = spawnSync(process.execPath, [command, "fsck", "--json", ...place(folder)], {
    encoding: "utf8",
  });
  const detail = ran.status === 0 ? "" : `${ran.stdout}${ran.stderr}`.slice(0, 500);
  return row("countersign fsck", "check the same store", ran.status === 0, detail);
}

async function manyEntries(log: Log, wanted: number): Promise<Row[]> {
  const lines = join(log.folder, "lines.ndjson");
  for (let done = 1; done < wanted; ) {
    const count = Math.min(10_000, wanted - done);
    prepare("ed25519", count, lines, "lines");
    const result = await batch(log.ours.server.port, lines);
    if (!result.ended || result.lines !== count) throw new Error("a batch was not logged whole");
    done += count;
    process.stderr.write(`${done.toLocaleString("en")} entries\n`);
  }
  return [await tesseraFsck(log)];
}

/** The packed tarball alone, in an empty folder, with nothing but receipts and the trust file. */
function verifyElsewhere(receipts: string, vkey: string): Row {
  const program = "packed countersign tarball";
  const folder = mkdtempSync(join(tmpdir(), "countersign-elsewhere-"));
  try {
    const tarball = readdirSync(join(root, "dist")).find((name) =>
      /^countersign-\d.*\.tgz$/.test(name),
    );
    writeFileSync(join(folder, "package.json"), '{"private":true,"type":"module"}\n');
    execFileSync(
      "npm",
      ["install", "--ignore-scripts", "--no-audit", "--no-fund", join(root, "dist", tarball ?? "")],
      { cwd: folder, stdio: "pipe" },
    );
    const trust = `trust = 1\n\n[[log]]\norigin = "${ORIGIN}"\nvkeys = ["${vkey}"]\n`;
    writeFileSync(join(folder, "trust.toml"), trust);
    writeFileSync(
      join(folder, "verify-all.js"),
      `import { readFileSync, readdirSync } from "node:fs";
import { nodeCrypto, parseTrust, verifyReceipt } from "countersign";
const trust = parseTrust(nodeCrypto.sha256, readFileSync("trust.toml"));
if (!trust.ok) throw new Error(trust.message);
let [yes, no] = [0, 0];
for (const name of readdirSync(process.argv[2])) {
  if (!name.endsWith(".receipt.json")) continue;
  const bytes = readFileSync(process.argv[2] + "/" + name);
  const verdict = await verifyReceipt({ crypto: nodeCrypto, trust: trust.value }, { name, bytes });
  verdict.ok ? yes++ : no++;
}
console.log(JSON.stringify({ yes, no }));
`,
    );
    const begun = performance.now();
    const ran = spawnSync(process.execPath, ["verify-all.js", receipts], {
      cwd: folder,
      encoding: "utf8",
    });
    const milliseconds = performance.now() - begun;
    const answer: { yes: number; no: number } =
      ran.status === 0 ? JSON.parse(ran.stdout) : { yes: 0, no: -1 };
    const first = readdirSync(receipts).find((name) => name.endsWith(".receipt.json")) ?? "";
    const one = spawnSync(
      process.execPath,
      [
        "node_modules/countersign/client/bin/main.js",
        "verify",
        join(receipts, first),
        "--trust",
        "trust.toml",
      ],
      { cwd: folder, encoding: "utf8" },
    );
    const good = answer.yes > 0 && answer.no === 0 && one.status === 0;
    const detail = good
      ? `${answer.yes} yes, ${answer.no} no, in ${(milliseconds / 1000).toFixed(1)} s; and one by its command`
      : `${ran.stderr}${one.stderr}`.slice(0, 500);
    return row(program, "verify every receipt offline, in an empty folder", good, detail);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function realRepository(log: Log, repo: string): Promise<Row[]> {
  const receipts = join(log.folder, "receipts");
  mkdirSync(receipts);
  const ran = spawnSync(
    process.execPath,
    [
      command,
      "import",
      "git",
      repo,
      "--log",
      log.url,
      "--vkey",
      log.vkey,
      "--receipts",
      receipts,
      "--memory",
      join(log.folder, "memory.json"),
    ],
    { encoding: "utf8", env: { ...process.env, XDG_STATE_HOME: log.folder }, maxBuffer: 2 ** 26 },
  );
  process.stderr.write(ran.stdout);
  const count = readdirSync(receipts).filter((name) => name.endsWith(".receipt.json")).length;
  const rows = [row("git", `import ${repo}`, ran.status === 0, `${count} receipts`)];
  rows.push(await tesseraFsck(log));
  await log.ours.server.stop();
  rows.push(verifyElsewhere(receipts, log.vkey));
  return rows;
}

build();
const { repo } = values;
const rows = await withLog((log) => manyEntries(log, Number(values.entries)));
if (repo !== undefined) rows.push(...(await withLog((log) => realRepository(log, repo))));
process.stdout.write("| program | operation | result | detail |\n|---|---|---|---|\n");
for (const one of rows)
  process.stdout.write(`| ${one.program} | ${one.operation} | ${one.result} | ${one.detail} |\n`);
if (rows.some((one) => one.result === "REFUSES")) process.exitCode = 1;
