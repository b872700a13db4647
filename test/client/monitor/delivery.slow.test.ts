import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { jsonLinesFile } from "../../../client/monitor/channels/json-lines.ts";
import { Delivery } from "../../../client/monitor/delivery.ts";
import { MAX_WAITING } from "../../../client/monitor/outbox.ts";
import { alertsTo, fieldOf, Time } from "./alerts.ts";

const time = new Time();

async function open(folder: string, ...path: readonly string[]): Promise<Delivery> {
  const lines = jsonLinesFile(join(folder, ...path), { name: "lines", takes: () => true });
  return Delivery.open(time, {
    path: join(folder, "outbox.json"),
    channels: [lines],
    heartbeatSeconds: 3_600,
    intervalSeconds: 300,
  });
}

test("an outbox takes no more than it has room for, and loses none of what it does not take", async () => {
  const folder = await mkdtemp(join(tmpdir(), "countersign-delivery-"));
  try {
    const broken = await open(folder, "gone", "alerts.jsonl");
    const many = alertsTo(MAX_WAITING + 1);
    await expect(broken.deliver(many)).rejects.toThrow(/too many alerts wait for lines/);
    time.seconds += 60;
    const repaired = await open(folder, "alerts.jsonl");
    await repaired.deliver(many);
    await repaired.flush();
    const written = await readFile(join(folder, "alerts.jsonl"), "utf8");
    expect(fieldOf(written, "number")).toEqual(many.map(({ number }) => number));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
