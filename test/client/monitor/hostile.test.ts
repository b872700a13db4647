/** What a log can do to a monitor by how it answers, whatever it answers. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { httpTransport } from "../../../client/fetch.ts";
import { openSigned } from "../../../client/head.ts";
import { EntryReader } from "../../../client/monitor/entries.ts";
import { ROUND_SECONDS } from "../../../client/monitor/time-limit.ts";
import { unwrap } from "../../../schema/error.ts";
import { INDEX_V1 } from "../../../schema/index/generation.ts";
import { newSigner, review, signedCommit } from "../test-log.ts";
import { HOSTILE } from "./alerts.ts";
import { idOf, Monitoring } from "./rig.ts";

const bob = newSigner();
const commit = await signedCommit(bob);

let at: Monitoring;
beforeEach(async () => {
  at = await Monitoring.open();
  at.configure(`keys = ["${idOf(bob)}"]`);
});
afterEach(async () => at.close());

describe("a log", () => {
  test("that answers each question just in time is not asked for ever, and that is told", async () => {
    await at.round();
    for (let i = 0; i < 5; i++) await at.logged(review(bob, commit, { comment: `${i}` }));
    at.served.asked.length = 0;
    at.served.lie = (honest) => {
      at.now += ROUND_SECONDS - 1;
      return honest;
    };
    const { status, alerts } = await at.round();
    expect([status, alerts.map(({ kind }) => kind)]).toEqual([2, ["unchecked"]]);
    expect(alerts[0]?.message).toContain(`longer than ${ROUND_SECONDS} seconds for one round`);
    expect(at.served.asked.filter((path) => path.includes("v1/entries"))).toEqual([]);
    at.served.lie = (honest) => honest;
    expect((await at.kinds()).filter((kind) => kind === "statement")).toHaveLength(5);
  });

  test("that never comes to the end of an answer is told as not checked", async () => {
    at.served.lie = (_honest, _request, res) => {
      const more = (): void => {
        while (!res.destroyed && res.write(new Uint8Array(1_048_576)));
        if (!res.destroyed) res.once("drain", more);
      };
      res.writeHead(200);
      more();
      return "answered";
    };
    const { status, alerts } = await at.round();
    expect([status, alerts.map(({ kind }) => kind)]).toEqual([2, ["unchecked"]]);
    expect(alerts[0]?.message).toMatch(/longer than \d+ bytes/);
  });

  test("says nothing in an alert but what stands on its line", async () => {
    at.served.lie = (_honest, _request, res) => {
      res.writeHead(500, { "content-type": "application/problem+json" });
      res.end(JSON.stringify({ code: "INTERNAL", status: 500, title: HOSTILE, detail: HOSTILE }));
      return "answered";
    };
    const { alerts } = await at.round();
    expect(alerts.map(({ kind }) => kind)).toEqual(["unchecked"]);
    for (const { message, subject } of alerts)
      expect(subject + message).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  });
});

test("of many large entries only the newest are kept, and the others fetched again", async () => {
  const { main, served } = at;
  const first = await at.logged(review(bob, commit));
  const second = await at.logged(review(bob, commit, { comment: "another" }));
  const ports = {
    crypto: nodeCrypto,
    log: main.trusted,
    trust: { logs: [main.trusted], people: [], rules: [] },
    generation: INDEX_V1,
    transport: httpTransport(served.url),
    memory: at.memory,
  };
  const head = unwrap(await openSigned(nodeCrypto, main.trusted, main.checkpoint()));
  const asked = async (maxBytes?: number): Promise<number> => {
    const reader = new EntryReader(ports, head, maxBytes);
    served.asked.length = 0;
    for (const index of [first, second, first])
      expect((await reader.read(index)).index).toBe(index);
    return served.asked.filter((path) => path.includes("v1/entries")).length;
  };
  expect(await asked()).toBe(2);
  expect(await asked(1_500)).toBe(3);
});
