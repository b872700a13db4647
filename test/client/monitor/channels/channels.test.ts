import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { formatAlert } from "../../../../client/monitor/alert.ts";
import { atomChannel } from "../../../../client/monitor/channels/atom.ts";
import { jsonLinesFile } from "../../../../client/monitor/channels/json-lines.ts";
import {
  formatMetrics,
  prometheusFile,
  prometheusPort,
} from "../../../../client/monitor/channels/prometheus.ts";
import { readSecrets, webhookChannel } from "../../../../client/monitor/channels/webhook.ts";
import { add, EMPTY_OUTBOX, failed, RECENT } from "../../../../client/monitor/outbox.ts";
import { toBase64, utf8 } from "../../../../schema/bytes.ts";
import { alertNumber, alertsTo, fieldOf, HOSTILE, isGenuine, receiver, Time } from "../alerts.ts";

const everything = { takes: () => true };
const all = { name: "all", ...everything };
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-channels-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("a webhook", () => {
  const secrets = [new Uint8Array(32).fill(1), new Uint8Array(24).fill(2)];

  test("is genuine to a receiver with any of the secrets, and to nobody where a byte is another", async () => {
    await using remote = await receiver();
    const { now, seconds } = new Time();
    const hook = webhookChannel(
      { fetch, now },
      { name: "hook", ...everything, url: remote.url, secrets, timeoutSeconds: 5 },
    );
    const alert = alertNumber(1, { message: HOSTILE });
    await hook.send([alert]);
    const [received] = remote.received;
    if (received === undefined) throw new Error("nothing was sent");
    for (const secret of secrets) expect(isGenuine(secret, received, seconds)).toBe(true);
    expect(isGenuine(new Uint8Array(32), received, seconds)).toBe(false);
    expect(isGenuine(secrets[0] ?? new Uint8Array(0), received, seconds + 301)).toBe(false);
    for (const forged of [
      { ...received, body: received.body.replace("info", "none") },
      { ...received, headers: { ...received.headers, "webhook-id": "00" } },
      { ...received, headers: { ...received.headers, "webhook-timestamp": String(seconds + 1) } },
    ])
      expect(isGenuine(secrets[0] ?? new Uint8Array(0), forged, seconds)).toBe(false);
    expect(received).toMatchObject({ method: "POST", path: "/hook/secret-path" });
    expect(JSON.parse(received.body)).toEqual({
      type: "countersign.alert",
      timestamp: "2023-11-14T22:13:21Z",
      data: JSON.parse(formatAlert(alert)),
    });
  });

  test("follows no redirect, and names the host alone when it fails: the path may be a secret", async () => {
    await using remote = await receiver();
    await using elsewhere = await receiver();
    remote.answer = () => ({ status: 307, headers: { location: elsewhere.url } });
    const { now } = new Time();
    const options = { name: "hook", ...everything, secrets, timeoutSeconds: 5 };
    const hook = webhookChannel({ fetch, now }, { ...options, url: remote.url });
    const { host } = new URL(remote.url);
    await expect(hook.send(alertsTo(1))).rejects.toThrow(
      `${host} redirects, which is not followed`,
    );
    expect(elsewhere.received).toEqual([]);
    await remote[Symbol.asyncDispose]();
    await expect(hook.send(alertsTo(1))).rejects.toThrow(`${host} could not be reached`);
  });

  test("does not wait for a receiver that never answers", async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const address = silent.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const url = `http://127.0.0.1:${port}/`;
    const { now } = new Time();
    const options = { name: "hook", ...everything, secrets, timeoutSeconds: 0.1 };
    const hook = webhookChannel({ fetch, now }, { ...options, url });
    await expect(hook.send(alertsTo(1))).rejects.toThrow(`127.0.0.1:${port} did not answer`);
    silent.close();
  });

  test("has secrets of enough bytes, one a line; what is wrong is said without them", () => {
    const long = toBase64(new Uint8Array(32).fill(9));
    expect(readSecrets(utf8(`whsec_${long}\n${long}\n`), "f")).toHaveLength(2);
    for (const bad of ["", "\n", "not base64!", toBase64(new Uint8Array(23)), `${long}\nshort`])
      expect(() => readSecrets(utf8(bad), "f")).toThrow("f is not a file of webhook secrets");
  });
});

describe("lines of JSON", () => {
  test("go on after a line that a crash cut off, and say no alert twice", async () => {
    const path = join(folder, "alerts.jsonl");
    const lines = jsonLinesFile(path, all);
    await lines.send(alertsTo(2));
    await appendFile(path, formatAlert(alertNumber(3)).slice(0, 40));
    await lines.send([alertNumber(2), alertNumber(3)]);
    const read = (await readFile(path, "utf8")).trimEnd().split("\n");
    expect(read).toHaveLength(4);
    expect(fieldOf(read.toSpliced(2, 1), "number")).toEqual([1, 2, 3]);
  });

  test("are one line for one alert, whatever a stranger wrote", async () => {
    const path = join(folder, "alerts.jsonl");
    const alert = { ...alertNumber(1), subject: HOSTILE };
    await jsonLinesFile(path, all).send([alert]);
    const text = await readFile(path, "utf8");
    expect(text.match(/\n/g)).toHaveLength(1);
    expect(fieldOf(text, "subject")).toEqual([HOSTILE]);
  });

  test("that cannot be written are no confirmation", async () => {
    await writeFile(join(folder, "file"), "");
    const lines = jsonLinesFile(join(folder, "file", "alerts.jsonl"), all);
    await expect(lines.send(alertsTo(1))).rejects.toThrow("cannot be written");
  });
});

describe("an Atom feed", () => {
  test("has the newest alerts first, and no more than it may", async () => {
    const path = join(folder, "alerts.atom");
    const takes = ({ number }: { readonly number: number }): boolean => number !== RECENT + 5;
    await atomChannel({ name: "feed", path, takes }).show(
      add(EMPTY_OUTBOX, alertsTo(RECENT + 5), []),
    );
    const xml = await readFile(path, "utf8");
    const shown = [...xml.matchAll(/<id>urn:sha256:([0-9a-f]{64})<\/id>/g)].map(([, id]) => id);
    const newest = alertsTo(RECENT + 5).toReversed();
    expect(shown).toEqual(newest.slice(1, RECENT).map(({ id }) => id));
    // Another user's web server reads it.
    expect((await stat(path)).mode & 0o004).toBe(0o004);
  });
});

describe("metrics", () => {
  const outbox = failed(
    add(
      EMPTY_OUTBOX,
      [...alertsTo(2), alertNumber(3, { kind: "stale", origin: 'a"b\\c\nd' })],
      [all],
    ),
    "all",
    { now: 1, reason: "down" },
  );

  test("count alerts, and say of each channel whether it works", () => {
    const text = formatMetrics({ ...outbox, lastComplete: 5 });
    for (const line of [
      'countersign_monitor_alerts_total{kind="statement",severity="info",origin="log.example"} 2',
      'countersign_monitor_alerts_total{kind="stale",severity="warning",origin="a\\"b\\\\c\\nd"} 1',
      'countersign_monitor_last_alert_timestamp_seconds{kind="statement",severity="info",origin="log.example"} 1700000002',
      'countersign_monitor_channel_failing{channel="all"} 1',
      'countersign_monitor_channel_waiting_alerts{channel="all"} 3',
      "countersign_monitor_last_complete_round_timestamp_seconds 5",
    ])
      expect(text.split("\n")).toContain(line);
    for (const line of text.trimEnd().split("\n"))
      expect(line).toMatch(
        /^(?:# (?:HELP|TYPE) \w+ .+|\w+(?:\{(?:\w+="(?:[^"\\]|\\.)*",?)+\})? \d+)$/,
      );
  });

  test("stand in a file for another user, or on a port of their own", async () => {
    const path = join(folder, "countersign.prom");
    await prometheusFile("file", path).show(outbox);
    expect(await readFile(path, "utf8")).toBe(formatMetrics(outbox));
    expect((await stat(path)).mode & 0o004).toBe(0o004);
    const port = prometheusPort("port", { host: "127.0.0.1", port: 0 });
    await port.show(EMPTY_OUTBOX);
    await port.show(outbox);
    const url = `http://127.0.0.1:${port.port()}`;
    const answer = await fetch(`${url}/metrics`);
    expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0.0.4/);
    expect(await answer.text()).toBe(formatMetrics(outbox));
    expect((await fetch(`${url}/other`)).status).toBe(404);
    const taken = prometheusPort("again", { host: "127.0.0.1", port: port.port() ?? 0 });
    await expect(taken.show(outbox)).rejects.toThrow("cannot be listened on");
    await port.close();
    await taken.close();
  });
});
