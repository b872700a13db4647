/** Rounds over a real log whose alerts go through real channels, and what becomes of those that fail. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDelivery } from "../../../client/cli/monitor-channels.ts";
import { openConfig } from "../../../client/cli/monitor-config.ts";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { runDelivered } from "../../../client/monitor/delivered-round.ts";
import type { Round } from "../../../client/monitor/monitor.ts";
import { StateFile } from "../../../client/monitor/state.ts";
import { toBase64 } from "../../../schema/bytes.ts";
import { newSigner, review, signedCommit } from "../test-log.ts";
import { fieldOf, isGenuine, type Receiver, receiver } from "./alerts.ts";
import { idOf, Monitoring } from "./rig.ts";

const { sha256 } = nodeCrypto;
const bob = newSigner();
const commit = await signedCommit(bob);
const secret = new Uint8Array(32).fill(3);

let at: Monitoring;
let hook: Receiver;
let pulse: Receiver;
beforeEach(async () => {
  at = await Monitoring.open();
  hook = await receiver();
  pulse = await receiver();
  at.write("webhook.secret", toBase64(secret));
  at.configure(
    `keys = ["${idOf(bob)}"]
[[channel]]
type = "webhook"
url = "${hook.url}"
secret_file = "webhook.secret"
[[channel]]
type = "prometheus"
textfile = "countersign.prom"
[[channel]]
type = "heartbeat"
url = "${pulse.url}"`,
  );
});
afterEach(async () => {
  await hook[Symbol.asyncDispose]();
  await pulse[Symbol.asyncDispose]();
  await at.close();
});

/** One life of the program with one round. Its pauses move the clock. */
async function round(): Promise<Round> {
  const opened = await openConfig(at.io, "monitor.toml");
  const delivery = await openDelivery(opened, true, {
    sleep: async (milliseconds) => {
      at.now += milliseconds / 1000;
    },
  });
  return runDelivered({
    sha256,
    delivery,
    now: () => at.now,
    watches: opened.watches.map((watch) => ({ ...watch, memory: at.memory })),
    state: await StateFile.open(join(opened.state, "state.json"), sha256),
    saveEvidence: () => expect.fail("nobody lied"),
  });
}

const kinds = ({ status, alerts }: Round): unknown[] => [status, ...alerts.map(({ kind }) => kind)];
const hooked = (): unknown[] =>
  hook.received.map(({ body }) => {
    const value: { data: { kind: string } } = JSON.parse(body);
    return value.data.kind;
  });
const recorded = (): unknown[] =>
  fieldOf(readFileSync(join(at.folder, "state", "alerts.jsonl"), "utf8"), "kind");
const metrics = (): string => readFileSync(join(at.folder, "countersign.prom"), "utf8");

async function signSomething(): Promise<void> {
  at.main.submit(await review(bob, commit, { comment: `review ${at.main.size}` }));
  at.index.grow();
}

describe("a round with channels", () => {
  test("sends what it finds, signed, and beats when all is well", async () => {
    expect(kinds(await round())).toEqual([0]);
    expect(pulse.received).toHaveLength(1);
    await signSomething();
    expect(kinds(await round())).toEqual([1, "statement"]);
    expect(hooked()).toEqual(["statement"]);
    expect(hook.received.every((one) => isGenuine(secret, one, at.now))).toBe(true);
    expect(recorded()).toEqual(["statement"]);
    expect(metrics()).toContain(
      'alerts_total{kind="statement",severity="info",origin="log.test"} 1',
    );
    expect(kinds(await round())).toEqual([0]);
    expect(hook.received).toHaveLength(1);
  });

  test("M5 a channel that fails is told of through the others, once, and no round is quiet until it works", async () => {
    hook.answer = () => ({ status: 500 });
    await signSomething();
    await round();
    await signSomething();
    const { status, alerts, open } = await round();
    expect(status).toBe(2);
    expect(open.map(({ kind, subject }) => [kind, subject])).toEqual([
      ["channel-failing", "webhook"],
    ]);
    expect(recorded()).toEqual(["statement", "channel-failing", "statement"]);
    expect(alerts.map(({ kind }) => kind)).toEqual(["statement"]);
    expect(metrics()).toContain('channel_failing{channel="webhook"} 1');
    at.now += 700;
    expect(kinds(await round())).toEqual([2]);
    expect(hooked().every((kind) => kind === "statement")).toBe(true);

    hook.received.length = 0;
    hook.answer = () => ({ status: 200 });
    at.now += 700;
    expect(kinds(await round())).toEqual([1, "ended"]);
    expect(hooked()).toEqual(["statement", "channel-failing", "statement", "ended"]);
    expect(kinds(await round())).toEqual([0]);
    expect(recorded()).toEqual(["statement", "channel-failing", "statement", "ended"]);
  });

  test("M4 no beat leaves after a round in which something could not be checked, or while a channel fails", async () => {
    await round();
    at.now += 7_200;
    await at.served.close();
    expect(kinds(await round())).toEqual([2, "unchecked"]);
    expect(pulse.received).toHaveLength(1);
    expect(metrics()).toMatch(/last_complete_round_timestamp_seconds 1700000000\n/);
  });

  test("M5 a heartbeat that does not arrive is told of as well", async () => {
    pulse.answer = () => ({ status: 404 });
    expect(kinds(await round())).toEqual([2, "channel-failing"]);
    expect(hooked()).toEqual(["channel-failing"]);
    pulse.answer = () => ({ status: 200 });
    expect(kinds(await round())).toEqual([1, "ended"]);
  });
});
