import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { atomChannel } from "../../../client/monitor/channels/atom.ts";
import type { Channel, Queue } from "../../../client/monitor/channels/channel.ts";
import { heartbeatChannel } from "../../../client/monitor/channels/heartbeat.ts";
import { jsonLinesFile } from "../../../client/monitor/channels/json-lines.ts";
import { webhookChannel } from "../../../client/monitor/channels/webhook.ts";
import { Delivery } from "../../../client/monitor/delivery.ts";
import { alertNumber, alertsTo, fieldOf, type Receiver, receiver, Time } from "./alerts.ts";

const secret = new Uint8Array(32).fill(7);
const everything = { takes: () => true };
let folder: string;
let time: Time;
let remote: Receiver;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-delivery-"));
  time = new Time();
  remote = await receiver();
});
afterEach(async () => {
  await remote[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function hook(fetch: typeof globalThis.fetch = globalThis.fetch): Queue {
  const { url } = remote;
  return webhookChannel(
    { fetch, now: time.now },
    { name: "hook", ...everything, url, secrets: [secret], timeoutSeconds: 5 },
  );
}

const lines = (): Queue =>
  jsonLinesFile(join(folder, "alerts.jsonl"), { name: "lines", ...everything });

async function open(...channels: readonly Channel[]): Promise<Delivery> {
  return Delivery.open(time, {
    path: join(folder, "outbox.json"),
    channels,
    heartbeatSeconds: 3_600,
    intervalSeconds: 300,
  });
}

function ids(): (string | string[] | undefined)[] {
  return remote.received.map(({ headers }) => headers["webhook-id"]);
}

async function written(): Promise<unknown[]> {
  return fieldOf(await readFile(join(folder, "alerts.jsonl"), "utf8"), "number");
}

/** A process that ends at the wrong moment: it never goes on from here. */
const killed = new Promise<never>(() => {});

describe("delivery", () => {
  test("M3 killed between the alert's arrival and its confirmation, the alert comes again under its id", async () => {
    const dying = hook(async (...asked) => {
      await fetch(...asked);
      return killed;
    });
    const first = await open(dying);
    await first.deliver(alertsTo(2));
    void first.flush();
    while (remote.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));

    const second = await open(hook());
    await second.deliver(alertsTo(2));
    await second.flush();
    const [one, two] = alertsTo(2).map(({ id }) => id);
    expect(ids()).toEqual([one, one, two]);

    const third = await open(hook());
    await third.deliver(alertsTo(2));
    await third.flush();
    expect(ids()).toHaveLength(3);
  });

  test("M3 a file of lines has each alert once, also where its confirmation was cut off", async () => {
    const cut: Queue = {
      ...lines(),
      send: async (alerts) => {
        await lines().send(alerts);
        return killed;
      },
    };
    const first = await open(cut);
    await first.deliver(alertsTo(3));
    void first.flush();
    while ((await written().catch(() => [])).length < 3)
      await new Promise((resolve) => setTimeout(resolve, 2));
    const second = await open(lines());
    await second.deliver(alertsTo(4));
    await second.flush();
    expect(await written()).toEqual([1, 2, 3, 4]);
  });

  test("a channel that fails holds up no other, is named with its reason, and gets everything later", async () => {
    remote.answer = () => ({ status: 503 });
    const delivery = await open(hook(), lines());
    await delivery.deliver(alertsTo(3));
    await delivery.settle(15);
    expect(await written()).toEqual([1, 2, 3]);
    // At once, then after 2, 4 and 8 seconds.
    expect(ids()).toHaveLength(4);
    expect(delivery.failing()).toEqual([
      {
        name: "hook",
        since: 1_700_100_000,
        reason: `${new URL(remote.url).host} answered with status 503`,
        waiting: 3,
      },
    ]);
    remote.answer = () => ({ status: 200 });
    time.seconds += 3_600;
    await delivery.flush();
    expect(ids().slice(4)).toEqual(alertsTo(3).map(({ id }) => id));
    expect(delivery.failing()).toEqual([]);
  });

  test("alerts are on their way when they are taken, and whoever is slow keeps them from nobody else", async () => {
    let release = (): void => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = hook(async (...asked) => {
      await released;
      return fetch(...asked);
    });
    const delivery = await open(slow, lines());
    const has = async (count: number): Promise<void> => {
      while ((await written().catch(() => [])).length < count)
        await new Promise((resolve) => setTimeout(resolve, 2));
    };
    await delivery.deliver(alertsTo(1));
    await has(1);
    await delivery.deliver(alertsTo(3));
    await has(3);
    expect(ids()).toEqual([]);
    release();
    await delivery.flush();
    expect(ids()).toEqual(alertsTo(3).map(({ id }) => id));
    expect(await written()).toEqual([1, 2, 3]);
  });

  test("leaves a receiver alone for as long as it asks, and goes on behind what it refuses", async () => {
    remote.answer = (count) =>
      count === 1
        ? { status: 429, headers: { "retry-after": "120" } }
        : { status: count === 2 ? 413 : 200 };
    const delivery = await open(hook());
    await delivery.deliver(alertsTo(2));
    await delivery.flush();
    time.seconds += 119;
    await delivery.flush();
    expect(ids()).toHaveLength(1);
    time.seconds += 1;
    await delivery.settle(60);
    const [one, two] = alertsTo(2).map(({ id }) => id);
    expect(ids()).toEqual([one, one, two, one]);
  });

  test("M4 a beat leaves after a complete round alone, while every channel works, and in time", async () => {
    const { url } = remote;
    const beat = heartbeatChannel(fetch, { name: "switch", url, method: "GET", timeoutSeconds: 5 });
    const path = join(folder, "gone", "alerts.jsonl");
    const broken = jsonLinesFile(path, { name: "lines", ...everything });
    const delivery = await open(beat, broken);
    await delivery.ended(false);
    expect(remote.received).toHaveLength(0);
    await delivery.ended(true);
    expect(remote.received).toHaveLength(1);
    // Not at every round; but before an hour is over, as the next round would be too late.
    const rounds: number[] = [];
    for (let i = 1; i <= 24; i++) {
      time.seconds += 300;
      await delivery.ended(true);
      rounds.push(remote.received.length);
    }
    expect(rounds.indexOf(2)).toBe(11);
    expect(rounds.at(-1)).toBe(3);
    await delivery.deliver(alertsTo(1));
    await delivery.settle(0);
    time.seconds += 7_200;
    await delivery.ended(true);
    expect(remote.received).toHaveLength(3);
    expect(delivery.outbox.lastComplete).toBe(time.seconds);
  });

  test("M4 a beat that did not arrive is repeated after the next complete round", async () => {
    const { url } = remote;
    const beat = heartbeatChannel(fetch, {
      name: "switch",
      url,
      method: "POST",
      timeoutSeconds: 5,
    });
    remote.answer = (count) => ({ status: count === 1 ? 500 : 200 });
    const delivery = await open(beat);
    await delivery.ended(true);
    expect(delivery.failing().map(({ name }) => name)).toEqual(["switch"]);
    time.seconds += 300;
    await delivery.ended(true);
    expect(remote.received).toHaveLength(2);
    expect(delivery.failing()).toEqual([]);
  });

  test("an outbox that somebody else has opened since is not written any more", async () => {
    const old = await open(lines());
    await old.deliver(alertsTo(1));
    const now = await open(lines());
    await expect(old.deliver(alertsTo(2))).rejects.toThrow(/Another monitor has taken over/);
    await now.deliver(alertsTo(2));
    await now.flush();
    expect(await written()).toEqual([1, 2]);
  });

  test("an outbox that is damaged is refused, with the field, and stays as it is", async () => {
    const path = join(folder, "outbox.json");
    await open(lines());
    const text = (await readFile(path, "utf8")).replace('"pending"', '"pendin"');
    await writeFile(path, text.replace('"term":1', '"term":"1"'));
    await expect(open(lines())).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
    expect(await readFile(path, "utf8")).toContain('"term":"1"');
  });

  test("a feed shows where the monitor stands without an alert being sent, and moves with each beat", async () => {
    const path = join(folder, "alerts.atom");
    const delivery = await open(atomChannel({ name: "feed", path, ...everything }));
    await delivery.deliver([alertNumber(1)]);
    await delivery.flush();
    expect(await readFile(path, "utf8")).toContain("2023-11-14T22:13:21Z");
    await delivery.ended(true);
    expect(await readFile(path, "utf8")).toContain("<updated>2023-11-16T02:00:00Z</updated>");
  });
});
