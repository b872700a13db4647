import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "smol-toml";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Channel } from "../../../../client/monitor/channels/channel.ts";
import { readChannels } from "../../../../client/monitor/channels/config.ts";
import { openChannels } from "../../../../client/monitor/channels/open.ts";
import { tomlPlaces } from "../../../../client/toml-places.ts";
import { TrustFields } from "../../../../client/trust-fields.ts";
import { toBase64 } from "../../../../schema/bytes.ts";
import { alertsTo, fieldOf, Time } from "../alerts.ts";

const CONFIGURED = `
[[channel]]
type = "json-lines"
path = "-"
least = "warning"

[[channel]]
type = "webhook"
url = "https://alerts.example.org/"
secret_file = "webhook.secret"

[[channel]]
type = "smtp"
host = "mail.example.org"
from = "monitor@example.org"
to = ["ada@example.org"]
user = "monitor"
password_file = "mail.password"

[[channel]]
type = "atom"
path = "alerts.atom"

[[channel]]
type = "prometheus"
textfile = "countersign.prom"

[[channel]]
type = "heartbeat"
url = "https://switch.example.org/"
`;

let folder: string;
let printed: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-open-"));
  printed = "";
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function open(text: string): Promise<readonly Channel[]> {
  const { channels } = readChannels(new TrustFields(tomlPlaces(text)), parse(text));
  return openChannels(
    {
      fetch,
      now: new Time().now,
      write: (line) => {
        printed += line;
      },
      pathOf: (path) => join(folder, path),
    },
    channels,
  );
}

test("every channel opens out of its configuration, with the files beside it", async () => {
  await writeFile(join(folder, "webhook.secret"), toBase64(new Uint8Array(32)));
  await expect(open(CONFIGURED)).rejects.toThrow(/mail\.password cannot be read/);
  await writeFile(join(folder, "mail.password"), "secret\n");
  const channels = await open(CONFIGURED);
  expect(channels.map(({ sort, name }) => [sort, name])).toEqual([
    ["queue", "json-lines"],
    ["queue", "webhook"],
    ["queue", "smtp"],
    ["view", "atom"],
    ["view", "prometheus"],
    ["pulse", "heartbeat"],
  ]);
  await writeFile(join(folder, "webhook.secret"), "short");
  await expect(open(CONFIGURED)).rejects.toThrow(/webhook.secret is not a file of webhook secrets/);
});

test("lines on standard output are lines of alerts", async () => {
  const [channel] = await open('[[channel]]\ntype = "json-lines"\npath = "-"');
  if (channel?.sort !== "queue") throw new Error("no queue");
  await channel.send(alertsTo(2));
  expect(fieldOf(printed, "number")).toEqual([1, 2]);
});
