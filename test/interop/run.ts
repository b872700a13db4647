/**
 * `npm run interop`: other people's programs and data against a live log.
 *
 *     npm run interop                            every part
 *     npm run interop -- --only sigstore,fsck    some of them: sigstore, conformance, fsck, mirrors, witnesses,
 *                                                answers
 *     npm run interop -- --entries 200000        for fsck; 70,001 is the default
 *     npm run interop -- --repo PATH             also a real repository: its signed objects are
 *                                                imported, and every receipt is verified offline
 *                                                by the packed tarball in an empty folder
 *     npm run interop -- --write                 also puts the tables into docs/interop.md
 *
 * Prints what works (client × operation × result) and what is refused (tampering × verifier), and says
 * what was skipped and why. Exit status 1 where a program disagreed with what is expected.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "../bench/ours.ts";
import { witnessAnswers } from "./answers.ts";
import { runConformance } from "./conformance.ts";
import { grow, ourFsck, tesseraFsck } from "./fsck.ts";
import { startLiveLog } from "./live-log.ts";
import { mirrors } from "./mirrors.ts";
import { importRepository } from "./repository.ts";
import { sigstoreClients } from "./sigstore.ts";
import { disagreements, print, type Row, writeInto } from "./table.ts";
import { witnesses } from "./witnesses.ts";

const { values } = parseArgs({
  options: {
    entries: { type: "string", default: "70001" },
    only: { type: "string" },
    repo: { type: "string" },
    write: { type: "boolean", default: false },
  },
});
const root = join(import.meta.dirname, "../..");

async function manyEntries(): Promise<Row[]> {
  const log = await startLiveLog();
  try {
    await grow(log, Number(values.entries));
    const rows = [await tesseraFsck(log, "check the live log")];
    await log.stop();
    return [...rows, await ourFsck(log)];
  } finally {
    await log.remove();
  }
}

const PARTS: Readonly<Record<string, () => Promise<Row[]>>> = {
  sigstore: sigstoreClients,
  conformance: runConformance,
  fsck: manyEntries,
  mirrors,
  witnesses,
  answers: witnessAnswers,
};

async function main(): Promise<void> {
  const { only, repo, write } = values;
  const wanted = only === undefined ? Object.keys(PARTS) : only.split(",");
  build();
  const rows: Row[] = [];
  for (const name of wanted) {
    const part = PARTS[name];
    if (part === undefined)
      throw new Error(`there is no part "${name}": ${Object.keys(PARTS).join(", ")}`);
    process.stderr.write(`${name} …\n`);
    rows.push(...(await part()));
  }
  if (repo !== undefined) rows.push(...(await importRepository(repo)));
  const text = print(rows);
  process.stdout.write(`${text}\n`);
  if (write) writeInto(join(root, "docs/interop.md"), text);
  const wrong = disagreements(rows);
  process.stderr.write(
    `${rows.length} rows: ${wrong.length} disagree, ${rows.filter((row) => row.result === "skipped").length} skipped\n`,
  );
  if (wrong.length > 0) process.exitCode = 1;
}

await main();
