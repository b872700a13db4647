/**
 * What the index costs those who write: the same loads on two new logs, one with its index and one
 * without, round by round in turn, so that what else the machine does falls on both.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { folder, type Measured, measureOnce, middle, report, rounds } from "./bench.ts";
import { indexCaughtUp } from "./index-state.ts";
import { initOurs, type Ours, startOurs } from "./ours.ts";

const SIDES = ["on", "off"] as const;
const CLIENTS = [1, 256] as const;
const PATH = "/v1/entries";

export async function benchReceipts(): Promise<void> {
  const logs = new Map<string, Ours>();
  for (const side of SIDES) {
    const place = join(folder, `index-${side}`);
    mkdirSync(place);
    const flags = ["--index-enabled", side];
    initOurs(place, flags);
    const [ours] = await startOurs(place, flags);
    logs.set(side, ours);
  }
  for (const clients of CLIENTS) {
    const found = new Map<string, Measured[]>(SIDES.map((side) => [side, []]));
    for (let round = 0; round < rounds; round++)
      for (const [side, ours] of logs) {
        found.get(side)?.push(await measureOnce(ours.server, "p256", PATH, clients));
        if (side === "on") await indexCaughtUp(ours);
      }
    const [on, off] = SIDES.map((side) => middle(found.get(side) ?? []));
    if (on === undefined || off === undefined) return;
    report.load("receipts, index on", clients, on);
    report.load("receipts, index off", clients, off);
    if (clients === 1)
      report.ratio("one client: p50 with the index ÷ without (reach ≤ 1.05)", on.p50, off.p50);
    else
      report.ratio(
        `${clients} clients: rate with the index ÷ without (reach 0.7)`,
        on.rate,
        off.rate,
      );
  }
  for (const ours of logs.values()) await ours.server.stop();
}
