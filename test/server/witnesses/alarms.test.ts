import { describe, expect, test } from "vitest";
import { until } from "../../until.ts";
import { entries, entry, SIGNER } from "../entries.ts";
import { rejectionOf } from "../refusal.ts";
import { cosignersOf, open, type WitnessedLog, witnessedWorld } from "./rig.ts";
import type { TestWitness } from "./test-witness.ts";

async function ready(log: WitnessedLog): Promise<void> {
  await until(() => log.log.state().state === "ready" && log.log.published().size > 0);
}

async function running(): Promise<{
  log: WitnessedLog;
  w1: TestWitness;
  w2: TestWitness;
  w3: TestWitness;
  policy: Awaited<ReturnType<typeof witnessedWorld>>["policy"];
}> {
  const world = await witnessedWorld();
  const [w1, w2, w3] = world.witnesses;
  if (w1 === undefined || w2 === undefined || w3 === undefined) throw new Error("three");
  const log = await open(world, { timing: { alarmMs: 30 } });
  await ready(log);
  await until(() => log.cosigners.statuses.every(({ state }) => state === "ok"));
  return { log, w1, w2, w3, policy: world.policy };
}

describe("a witness that contradicts the log", () => {
  test.each(["lying 422", "409 larger", "bare 409"] as const)(
    "%s: an alarm that names it; the others go on, and it is back when it cosigns again",
    async (trick) => {
      const { log, w2, policy } = await running();
      w2.trick = trick;
      await log.log.append(entries(0, 2));
      await until(() => log.events.alarms.length > 0);
      expect(log.events.alarms[0]).toMatch(/^w2: /);
      expect(log.cosigners.statuses[1]).toMatchObject({ name: "w2", state: "out" });
      expect(log.log.state().state).toBe("ready");
      await log.log.append(entries(2, 4));
      expect(await cosignersOf(policy, log.log.published())).toEqual(["w1", "w3"]);
      // Silence does not lift an alarm.
      w2.trick = "500";
      await until(() => log.events.failures.some((failure) => failure.startsWith("w2 refused")));
      expect(log.cosigners.statuses[1]?.state).toBe("out");
      w2.trick = undefined;
      await until(() => log.cosigners.statuses[1]?.state === "ok");
      expect(log.events.alarms.at(-1)).toBeUndefined();
      expect(log.fatal).toEqual([]);
      await log.end();
    },
  );

  test("nothing is signed while no quorum remains, and it goes on when one does", async () => {
    const { log, w2, w3 } = await running();
    w2.trick = "lying 422";
    w3.trick = "lying 422";
    await rejectionOf(log.log.appendWithin([entry(0)], 20));
    await until(() => log.log.state().state === "waiting");
    const refused = await rejectionOf(log.log.append([entry(1)]));
    expect(refused.code).toBe("WITNESSES_SILENT");
    expect(refused.message).toContain("contradicting this log: w2, w3");
    w3.trick = undefined;
    await ready(log);
    expect(await log.log.append([entry(0)])).toEqual([{ index: 1, duplicate: true }]);
    await log.end();
  });

  test("a witness that is out is asked again, also where nothing is written any more", async () => {
    const { log, w2, w3 } = await running();
    w2.trick = "lying 422";
    w3.trick = "lying 422";
    await rejectionOf(log.log.appendWithin([entry(0)], 20));
    await until(() => log.log.state().state === "waiting");
    w2.trick = undefined;
    w3.trick = undefined;
    await until(() => log.cosigners.statuses.every(({ state }) => state === "ok"));
    expect(log.log.state().state).toBe("ready");
    await log.end();
  });

  test("I1 a note under the log's own key with another root ends the log, whoever shows it", async () => {
    const { log, w2 } = await running();
    await log.log.append(entries(0, 3));
    w2.trick = "lying 422";
    w2.shownNote = await SIGNER.sign({ size: 2, root: entry("elsewhere").leafHash });
    void log.log.append([entry(3)]).catch(() => undefined);
    await until(() => log.fatal.length > 0);
    expect(log.fatal.map(({ code }) => code)).toEqual(["WITNESS_DIFFERS"]);
    expect((await rejectionOf(log.log.append([entry(4)]))).code).toBe("STOPPING");
    expect(log.log.state().state).toBe("stopped");
    await log.end();
  });

  test("I6 a note under the log's own key that is ahead of it ends the log", async () => {
    const { log, w3 } = await running();
    w3.trick = "409 larger";
    w3.shownNote = await SIGNER.sign({ size: 50, root: entry("later").leafHash });
    void log.log.append([entry(0)]).catch(() => undefined);
    await until(() => log.fatal.length > 0);
    expect(log.fatal[0]?.code).toBe("WITNESS_AHEAD");
    await log.end();
  });

  test("a note of ours that agrees proves nothing against us, and one that is not shown neither", async () => {
    const { log, w2, w3 } = await running();
    await log.log.append(entries(0, 3));
    w2.trick = "lying 422";
    await log.log.append(entries(3, 4));
    await until(() => log.events.alarms.length > 0);
    expect(log.cosigners.statuses[1]?.detail).toContain("agrees with this log up to 4");
    w2.trick = undefined;
    await until(() => log.cosigners.statuses[1]?.state === "ok");
    w3.shows = false;
    w3.trick = "lying 422";
    await log.log.append(entries(4, 5));
    await until(() => log.cosigners.statuses[2]?.state === "out");
    expect(log.cosigners.statuses[2]?.detail).toContain("503 when asked what it has seen");
    expect(log.fatal).toEqual([]);
    await log.end();
  });
});
