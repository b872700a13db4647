/** Offline verification of one receipt by the command line, process start included. */
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { command, type Ours } from "./ours.ts";
import type { Report } from "./report.ts";

export async function offlineVerify(
  ours: Ours,
  vkey: string,
  folder: string,
  report: Report,
  rounds: number,
): Promise<void> {
  const base = `http://127.0.0.1:${ours.server.port}`;
  const answer = await fetch(`${base}/v1/entries/1000`);
  const { entry }: { entry: { canonicalizedBody: string } } = JSON.parse(await answer.text());
  const leaf: unknown = JSON.parse(Buffer.from(entry.canonicalizedBody, "base64").toString());
  const digest = /"digest":"([^"]+)"/.exec(JSON.stringify(leaf))?.[1] ?? "";
  const content = await fetch(
    `${base}/content/sha256/${Buffer.from(digest, "base64").toString("hex")}`,
  );
  const receipt = join(folder, "one.receipt.json");
  writeFileSync(
    receipt,
    JSON.stringify({
      mediaType: "application/vnd.countersign.receipt+json;version=1",
      logEntry: entry,
      content: Buffer.from(await content.arrayBuffer()).toString("base64"),
    }),
  );
  const trust = join(folder, "trust.toml");
  writeFileSync(
    trust,
    `trust = 1\n\n[[log]]\norigin = "bench.example.test"\nvkeys = ["${vkey}"]\n`,
  );
  const times: number[] = [];
  for (let round = 0; round < 7 * rounds; round++) {
    const begun = performance.now();
    const done = spawnSync(process.execPath, [command, "verify", receipt, "--trust", trust], {
      encoding: "utf8",
    });
    times.push(performance.now() - begun);
    if (done.status !== 0) throw new Error(`the receipt was refused: ${done.stdout}${done.stderr}`);
  }
  const bare: number[] = [];
  for (let round = 0; round < 7; round++) {
    const begun = performance.now();
    execFileSync(process.execPath, ["-e", "0"]);
    bare.push(performance.now() - begun);
  }
  const median = (all: number[]): number =>
    all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN;
  report.figure(
    "offline verify by the command line, process start included (reach ≤ 120)",
    median(times),
    "ms",
  );
  report.figure("of which Node alone starts in", median(bare), "ms");
}
