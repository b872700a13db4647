import { describe, expect, test } from "vitest";
import { toHex } from "../../../schema/bytes.ts";
import { memoryWorld, Witness as Outside } from "../../faults/rig.ts";
import { until } from "../../until.ts";
import { entries, entry, signerOf } from "../entries.ts";
import { rejectionOf } from "../refusal.ts";
import { carriesQuorum, open, type WitnessedLog, witnessedWorld } from "./rig.ts";
import { TestWitness } from "./test-witness.ts";

async function ready(log: WitnessedLog): Promise<void> {
  await until(() => log.log.state().state === "ready" && log.log.published().size > 0);
}

/** A log that has published `size` entries and was closed. */
async function grown(size: number) {
  const world = await witnessedWorld();
  const log = await open(world);
  await ready(log);
  await log.log.append(entries(0, size - 1));
  await log.end();
  return world;
}

/** The same store and guard as another log had at `size`: a backup that took both. */
async function rolledBack(size: number) {
  const world = await memoryWorld();
  const whole = await witnessedWorld();
  const log = await open({ ...whole, world });
  await ready(log);
  await log.log.append(entries(0, size - 1));
  await log.end();
  return world;
}

describe("I6 the start of a log with witnesses", () => {
  test("I6 nothing is signed before those who are silent could form no quorum", async () => {
    const world = await grown(5);
    const [w1, w2, w3] = world.witnesses;
    if (w1 === undefined || w2 === undefined || w3 === undefined) throw new Error("three");
    for (const witness of world.witnesses) witness.trick = "gone";
    const log = await open(world);
    const refused = await rejectionOf(log.log.append([entry(9)]));
    expect(refused.code).toBe("WITNESSES_SILENT");
    expect(refused.message).toContain("missing: w1, w2, w3");
    expect(log.log.state().state).toBe("waiting");
    // One answer: two are silent still, and two are a quorum.
    w1.trick = undefined;
    await until(() => log.cosigners.statuses[0]?.state === "ok");
    expect((await rejectionOf(log.log.append([entry(9)]))).message).toContain("missing: w2, w3");
    expect(log.calls.get("storage.commit")).toBeUndefined();
    expect(log.calls.get("signer.sign")).toBeUndefined();
    w2.trick = undefined;
    await until(() => log.log.state().state === "ready");
    await log.log.append([entry(9)]);
    await log.end();
  });

  test("I6 a bare no confirms nothing: it counts with the silent", async () => {
    for (const trick of ["lying 422", "409 larger", "bare 409"] as const) {
      const world = await grown(3);
      const [, second, third] = world.witnesses;
      if (second === undefined || third === undefined) throw new Error("three");
      second.trick = trick;
      third.trick = "gone";
      const log = await open(world);
      await until(() => log.events.alarms.length > 0);
      expect((await rejectionOf(log.log.append([entry(9)]))).code).toBe("WITNESSES_SILENT");
      third.trick = undefined;
      await ready(log);
      await log.log.append([entry(9)]);
      expect(log.fatal).toEqual([]);
      await log.end();
    }
  });

  test("I9 reads of the published head go on meanwhile, with the quorum it was shown with", async () => {
    const world = await grown(5);
    for (const witness of world.witnesses) witness.trick = "gone";
    const log = await open(world);
    expect(log.log.published().size).toBe(5);
    expect(await carriesQuorum(world.policy, log.log.published())).toBe(true);
    log.log.inclusion(3, log.log.published(), entry(2).leafHash);
    await log.end();
  });

  test("I9 a note without the quorum of this policy, or of a damaged file, is not shown", async () => {
    const world = await grown(3);
    const stranger = await witnessedWorld([new TestWitness("other")]);
    for (const witness of stranger.witnesses) witness.trick = "gone";
    const other = await open({ ...world, witnesses: stranger.witnesses, policy: stranger.policy });
    expect(other.log.published().size).toBe(0);
    await other.end();
    for (const witness of world.witnesses) witness.trick = "gone";
    world.file.bytes = world.file.bytes?.slice(0, 60);
    const damaged = await open(world);
    expect(damaged.log.published().size).toBe(0);
    await damaged.end();
  });

  test("I6 a backup restored together with its guard refuses to sign, for good", async () => {
    const world = await grown(8);
    const older = await rolledBack(4);
    const log = await open({
      ...world,
      world: older,
      file: { bytes: undefined },
      sizes: new Map(),
    });
    await until(() => log.fatal.length > 0);
    expect(log.fatal[0]).toMatchObject({ code: "WITNESS_AHEAD" });
    expect(log.fatal[0]?.message).toContain("8");
    expect(log.fatal[0]?.detail.hint).toContain("recover --from");
    expect((await rejectionOf(log.log.append([entry("new")]))).code).toBe("STOPPING");
    expect(log.calls.get("signer.sign")).toBeUndefined();
    await log.end();
    // And so does its data folder, if the published note was left in it.
    await expect(open({ ...world, world: older })).rejects.toMatchObject({ code: "WITNESS_AHEAD" });
    // What was answered is still there, in the whole store.
    const whole = await open(world);
    await ready(whole);
    expect(await whole.log.append([entry(6)])).toEqual([{ index: 7, duplicate: true }]);
    await whole.end();
  });

  test("I6 a note under another key is no proof against us", async () => {
    const world = await grown(3);
    const [first] = world.witnesses;
    if (first === undefined) throw new Error("three");
    first.trick = "409 larger";
    const forged = signerOf(8);
    first.shownNote = await forged.sign({ size: 99, root: entry(0).leafHash });
    const log = await open(world);
    await ready(log);
    await log.log.append([entry(9)]);
    expect(log.fatal).toEqual([]);
    await log.end();
  });
});

describe("a process that ends in the middle", () => {
  test("I3 killed between commit and publication: nothing that was answered is lost, and no head goes back", async () => {
    const world = await witnessedWorld();
    const outside = new Outside();
    let next = 0;
    for (let life = 0; life < 6; life++) {
      const log = await open(world);
      await ready(log);
      outside.check(log.log, log.storage);
      const answered = entries(next, next + 3);
      outside.hears(answered, await log.log.append(answered));
      outside.sees(log.log.published());
      next += 3;
      // What is committed now is published by the next process.
      const { promise: gate, resolve: release } = Promise.withResolvers<void>();
      for (const witness of world.witnesses) witness.gate = gate;
      const { committed } = log.log.appendDurable(entries(next, next + 2));
      outside.hears(entries(next, next + 2), await committed);
      next += 2;
      for (const witness of world.witnesses) {
        witness.gate = undefined;
        witness.trick = life % 2 === 0 ? "gone" : undefined;
      }
      const before = log.log.published().size;
      release();
      await log.end();
      for (const witness of world.witnesses) witness.trick = undefined;
      const after = await open(world);
      expect(after.log.published().size).toBeGreaterThanOrEqual(before);
      await after.end();
    }
    const last = await open(world);
    await ready(last);
    await until(() => last.log.published().size === next + 1);
    outside.check(last.log, last.storage);
    await last.end();
  });
});

describe("I1 two copies of one log, started at once", () => {
  test("I1 no two witnessed heads disagree, whichever way the race goes, and at least one stops", async () => {
    for (let round = 0; round < 12; round++) {
      const world = await grown(3);
      const copy = await rolledBack(3);
      const file = { bytes: world.file.bytes?.slice() };
      const [one, two] = [
        await open(world),
        await open({ ...world, world: copy, file, sizes: new Map(world.sizes) }),
      ];
      await Promise.all([ready(one), ready(two)]);
      const heads = new Map<number, string>();
      const watch = async (log: WitnessedLog, name: string): Promise<void> => {
        for (let n = 0; n < 3; n++) {
          // Some lives leave one copy a head start.
          await new Promise((resolve) => setTimeout(resolve, (round * (name === "a" ? 1 : 2)) % 5));
          await log.log.appendWithin([entry(`${name} ${round} ${n}`)], 60).catch(() => undefined);
          const { size, root } = log.log.published();
          expect(heads.get(size) ?? toHex(root)).toBe(toHex(root));
          heads.set(size, toHex(root));
        }
      };
      await Promise.all([watch(one, "a"), watch(two, "b")]);
      await until(() => one.fatal.length + two.fatal.length > 0);
      for (const { code } of [...one.fatal, ...two.fatal])
        expect(["WITNESS_AHEAD", "WITNESS_DIFFERS"]).toContain(code);
      await Promise.all([one.end(), two.end()]);
    }
  });

  test("I6 a copy started while the other one has grown refuses", async () => {
    const world = await grown(3);
    const copy = await rolledBack(3);
    const log = await open(world);
    await ready(log);
    await log.log.append([entry("newer")]);
    const second = await open({ ...world, world: copy, file: { bytes: undefined } });
    await until(() => second.fatal.length > 0);
    expect(second.fatal[0]?.code).toBe("WITNESS_AHEAD");
    expect(second.calls.get("signer.sign")).toBeUndefined();
    await log.log.append([entry("goes on")]);
    await Promise.all([log.end(), second.end()]);
  });
});
