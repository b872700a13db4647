/**
 * `npm run bench`: what the log does on this machine, beside what the machine can do.
 *
 *     npm run bench                      the log's own interface; ten minutes or less
 *     npm run bench -- rekor             Rekor's write interface, beside Rekor
 *     npm run bench -- witness           from submission to a witnessed proof
 *     npm run bench -- index             the index: builder, look-ups, verifier, rebuild
 *     npm run bench -- --write           also puts the tables into docs/performance.md
 *     npm run bench -- --full            also a million entries
 *     npm run bench -- index --entries N[,M]   logs of these sizes
 *     npm run bench -- --no-peers        without Rekor and Tessera
 *     npm run bench -- --seconds 5       per load
 *
 * Every figure is of this run. Loads are repeated and the median is printed; what limits a
 * figure (verification alone, durable commits alone) is measured in the same run.
 */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { folder, named, report, values, writeDocument } from "./bench.ts";
import { benchIndex } from "./indexed.ts";
import { benchLog } from "./log.ts";
import { build } from "./ours.ts";
import { benchRekor } from "./rekor.ts";
import { benchWitness } from "./witness.ts";

/** What the first argument may name; nothing is the first of them. */
const BENCHES: Readonly<Record<string, () => Promise<void>>> = {
  log: benchLog,
  index: benchIndex,
  rekor: benchRekor,
  witness: benchWitness,
};

const bench = BENCHES[named];
if (bench === undefined)
  throw new Error(`there is no bench "${named}"; there are ${Object.keys(BENCHES).join(", ")}`);
try {
  execFileSync("sync");
  build();
  const model = cpus()[0]?.model ?? "unknown";
  report.machine(
    `${cpus().length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`,
  );
  await bench();
  const text = report.text();
  process.stdout.write(text);
  if (values.write) writeDocument(text);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
