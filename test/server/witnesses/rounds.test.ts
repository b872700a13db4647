import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { toHex } from "../../../schema/bytes.ts";
import { SIGNATURE_TYPES } from "../../../schema/tlog/note.ts";
import { verifyConsistency, verifyInclusion } from "../../../schema/tlog/proof.ts";
import type { Appended } from "../../../server/sequencer/ports.ts";
import { memorySizes } from "../../../server/witnesses/sizes.ts";
import { Witnesses } from "../../../server/witnesses/witnesses.ts";
import { Witness as World } from "../../faults/rig.ts";
import { until } from "../../until.ts";
import { entries, entry, SIGNER, sha256 } from "../entries.ts";
import { rejectionOf } from "../refusal.ts";
import {
  carriesQuorum,
  cosignersOf,
  open,
  policyOf,
  type WitnessedLog,
  witnessedWorld,
} from "./rig.ts";
import { NOW, TestWitness, TRICKS, transportTo } from "./test-witness.ts";

/** Witnesses that answer only when the returned function is called. */
function hold(witnesses: readonly TestWitness[]): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const witness of witnesses) witness.gate = promise;
  return () => {
    for (const witness of witnesses) witness.gate = undefined;
    resolve();
  };
}

async function ready(log: WitnessedLog): Promise<void> {
  await until(() => log.log.state().state === "ready" && log.log.published().size > 0);
}

describe("I9 with a policy only heads with a quorum are published", () => {
  test("I9 nothing is shown before the quorum, and what is shown carries it", async () => {
    const world = await witnessedWorld();
    const release = hold(world.witnesses);
    const log = await open(world);
    expect(log.log.published().size).toBe(0);
    release();
    await ready(log);
    expect(log.log.published().size).toBe(1);
    await log.log.append(entries(0, 5));
    expect(log.log.published().size).toBe(6);
    expect(await carriesQuorum(world.policy, log.log.published())).toBe(true);
    await log.end();
  });

  test("I9 one cosignature too few publishes nothing, whatever the others answer", async () => {
    for (const trick of TRICKS) {
      const world = await witnessedWorld();
      const log = await open(world);
      await ready(log);
      const [, second, third] = world.witnesses;
      if (second !== undefined) second.trick = trick;
      if (third !== undefined) third.trick = trick;
      const refused = await rejectionOf(log.log.appendWithin([entry(1)], 20));
      expect([trick, log.log.published().size]).toEqual([trick, 1]);
      expect(["NOT_WITNESSED", "WITNESSES_SILENT"]).toContain(refused.code);
      // One of them is back: the entry that was durable is published.
      if (second !== undefined) second.trick = undefined;
      await until(() => log.log.published().size === 2);
      expect(await carriesQuorum(world.policy, log.log.published())).toBe(true);
      await log.end();
    }
  });

  test("I9 what a round brings is on the disk before anybody sees it", async () => {
    const world = await witnessedWorld();
    const log = await open(world);
    for (let n = 0; n < 5; n++) {
      await until(() => log.log.state().state === "ready");
      await log.log.append([entry(n)]);
      const { checkpoint } = log.log.published();
      const lines = Buffer.from(world.file.bytes ?? []).toString();
      expect(lines.split("\n").slice(0, 3)).toEqual(
        Buffer.from(checkpoint).toString().split("\n").slice(0, 3),
      );
    }
    await log.end();
  });

  test("I9 keys of both kinds are counted, and the two keys of one operator once", async () => {
    const { cosignature, mlDsa44 } = SIGNATURE_TYPES;
    const both = new TestWitness("both", { types: [cosignature, mlDsa44] });
    const other = new TestWitness("other", { types: [mlDsa44] });
    const world = await witnessedWorld([both, other]);
    const log = await open(world);
    await ready(log);
    expect(await cosignersOf(world.policy, log.log.published())).toEqual([
      "both-0",
      "both-1",
      "other",
    ]);
    other.trick = "gone";
    expect((await rejectionOf(log.log.appendWithin([entry(1)], 30))).code).toBe("NOT_WITNESSED");
    await log.end();
  });

  test("I9 whatever the witnesses do, the published head carries a quorum and never goes back", async () => {
    const step = fc.record({
      tricks: fc.array(fc.option(fc.constantFrom(...TRICKS), { nil: undefined }), {
        minLength: 3,
        maxLength: 3,
      }),
      added: fc.integer({ min: 1, max: 40 }),
      reopens: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
        const world = await witnessedWorld();
        const outside = new World();
        let log = await open(world);
        let next = 0;
        for (const { tricks, added, reopens } of steps) {
          for (const [i, witness] of world.witnesses.entries()) witness.trick = tricks[i];
          const batch = entries(next, next + added);
          try {
            outside.hears(batch, await log.log.appendWithin(batch, 3));
          } catch (error) {
            if (!(error instanceof Error)) throw error;
          }
          next += added;
          const shown = log.log.published();
          outside.sees(shown);
          if (shown.size > 0) expect(await carriesQuorum(world.policy, shown)).toBe(true);
          if (!reopens) continue;
          await log.end();
          log = await open(world);
        }
        for (const witness of world.witnesses) witness.trick = undefined;
        await ready(log);
        outside.hears(entries(0, next), await log.log.append(entries(0, next)));
        outside.check(log.log, log.storage);
        const roots = new Map<number, string>();
        for (const { size, root } of world.witnesses.flatMap(({ cosigned }) => cosigned)) {
          expect(roots.get(size) ?? toHex(root)).toBe(toHex(root));
          roots.set(size, toHex(root));
        }
        await log.end();
      }),
      { numRuns: 15 },
    );
  });
});

describe("writes while the quorum is late", () => {
  test("I9 an entry is durable with its index, and the same again brings the receipt", async () => {
    const world = await witnessedWorld();
    const log = await open(world);
    await ready(log);
    const release = hold(world.witnesses);
    const late = await rejectionOf(log.log.appendWithin([entry(7)], 5));
    expect(late).toMatchObject({ code: "NOT_WITNESSED", detail: { index: 1 } });
    // A duplicate of a pending entry waits as the original does.
    const again = log.log.append([entry(7)]);
    const other = await rejectionOf(log.log.appendWithin([entry(7)], 5));
    expect(other).toMatchObject({ code: "NOT_WITNESSED", detail: { index: 1 } });
    expect(log.log.published().size).toBe(1);
    release();
    expect(await again).toEqual([{ index: 1, duplicate: true }]);
    expect(log.log.published().size).toBe(2);
    await log.end();
  });

  test("sequencing goes on, and the next round is for the newest head", async () => {
    const world = await witnessedWorld([new TestWitness("w1")]);
    const [witness] = world.witnesses;
    const log = await open(world);
    await ready(log);
    const release = hold(world.witnesses);
    const waiting = [log.log.append([entry(0)])];
    await until(() => log.storage.reader.findLeaf(entry(0).leafHash) !== undefined);
    for (const n of [1, 2, 3]) {
      waiting.push(log.log.append([entry(n)]));
      await until(() => log.storage.reader.findLeaf(entry(n).leafHash) !== undefined);
    }
    release();
    await Promise.all(waiting);
    const sizes = witness?.cosigned.map(({ size }) => size) ?? [];
    expect(sizes.at(-1)).toBe(5);
    expect(sizes.length).toBeLessThanOrEqual(3);
    await log.end();
  });

  test("entries that nobody has witnessed are bounded by a limit that is named", async () => {
    const world = await witnessedWorld();
    const log = await open(world, { limits: { unwitnessedEntries: 10 } });
    await ready(log);
    const release = hold(world.witnesses);
    await rejectionOf(log.log.appendWithin(entries(0, 10), 5));
    const refused = await rejectionOf(log.log.appendWithin([entry(10)], 5));
    expect(refused).toMatchObject({ code: "OVERLOADED", detail: { limit: 10 } });
    release();
    await until(() => log.log.published().size === 11);
    expect(await log.log.append([entry(10)])).toEqual([{ index: 11, duplicate: false }]);
    await log.end();
  });

  test("calls that wait are bounded too, and one that left is forgotten", async () => {
    const world = await witnessedWorld();
    const log = await open(world, { limits: { unwitnessedEntries: 10 } });
    await ready(log);
    const release = hold(world.witnesses);
    for (let n = 0; n < 30; n++) {
      const late = await rejectionOf(log.log.appendWithin([entry(0)], 1));
      expect(late.code).toBe("NOT_WITNESSED");
    }
    const waiting: Promise<readonly Appended[]>[] = [];
    for (let n = 0; n < 10; n++) {
      const { committed, published } = log.log.appendDurable([entry(0)]);
      await committed;
      waiting.push(published.then(() => committed));
    }
    expect((await rejectionOf(log.log.append([entry(0)]))).code).toBe("OVERLOADED");
    release();
    expect(new Set((await Promise.all(waiting)).map(([one]) => one?.index))).toEqual(new Set([1]));
    await log.end();
  });

  test("a log that ends answers everybody: what is durable says so", async () => {
    const world = await witnessedWorld();
    const log = await open(world);
    await ready(log);
    for (const witness of world.witnesses) witness.trick = "gone";
    const waiting = rejectionOf(log.log.append([entry(0)]));
    await until(() => log.storage.reader.findLeaf(entry(0).leafHash) !== undefined);
    await log.end();
    expect((await waiting).code).toBe("STOPPING");
    for (const witness of world.witnesses) witness.trick = undefined;
    const again = await open(world);
    await ready(again);
    expect(await again.log.append([entry(0)])).toEqual([{ index: 1, duplicate: true }]);
    await again.end();
  });
});

describe("I4 proofs of a published head while the tree has grown", () => {
  test("I4 inclusion and consistency are those of the published size, at every kind of size", async () => {
    const world = await witnessedWorld();
    const log = await open(world);
    await ready(log);
    let next = 0;
    for (const [size, pending] of [
      [3, 3],
      [256, 2],
      [259, 1],
      [512, 500],
      [1_025, 24],
    ] as const) {
      await log.log.append(entries(next, size - 1));
      const head = log.log.published();
      expect(head.size).toBe(size);
      const release = hold(world.witnesses);
      next = size - 1 + pending;
      const waiting = log.log.append(entries(size - 1, next));
      const last = entry(next - 1).leafHash;
      await until(() => log.storage.reader.findLeaf(last) !== undefined);
      // A late line of the last round may still be added to it: the size is what must not move.
      expect(log.log.published().size).toBe(head.size);
      for (const index of [1, Math.floor(size / 2), size - 1]) {
        const { leafHash } = entry(index - 1);
        const proof = log.log.inclusion(index, head, leafHash);
        expect(verifyInclusion(sha256, head, index, leafHash, proof)).toBe(true);
      }
      expect(() => log.log.inclusion(head.size, head, last)).toThrow("not published");
      release();
      await waiting;
      const newer = log.log.published();
      const proof = log.log.consistency(head.size, newer.size);
      expect(verifyConsistency(sha256, head, newer, proof)).toBe(true);
    }
    await log.end();
  });
});

describe("rounds", () => {
  test("a witness is asked from the size that it has cosigned last; one that we forgot tells it", async () => {
    const world = await witnessedWorld([new TestWitness("w1")]);
    const [witness] = world.witnesses;
    const log = await open(world);
    await ready(log);
    await log.log.append(entries(0, 4));
    expect(witness?.asked).toEqual([
      { old: 0, size: 1 },
      { old: 1, size: 5 },
    ]);
    world.sizes.clear();
    await log.log.append(entries(4, 6));
    expect(witness?.asked.slice(2)).toEqual([
      { old: 0, size: 7 },
      { old: 5, size: 7 },
    ]);
    await log.end();
  });

  test.each([
    { took: 3, next: 20 },
    { took: 14, next: 28 },
    { took: 400, next: 60 },
  ])(
    "after one of $took ms the next begins $next ms after its beginning",
    async ({ took, next }) => {
      const world = await witnessedWorld([new TestWitness("w1")]);
      const log = await open(world);
      await ready(log);
      let clock = 0;
      const { post, get } = transportTo(world.witnesses);
      const cosigners = new Witnesses(
        world.policy,
        {
          crypto: nodeCrypto,
          signer: SIGNER,
          transport: {
            get,
            post: async (url, body) => {
              const answer = await post(url, body);
              clock = took;
              return answer;
            },
          },
          sizes: memorySizes(world.sizes),
          observer: {
            round: () => undefined,
            cosigned: () => undefined,
            failed: () => undefined,
            alarm: () => undefined,
          },
          clock: () => clock,
          now: () => NOW,
        },
        { roundMs: 20 },
      );
      const { size, root } = log.log.published();
      cosigners.attach({
        tree: { size: () => size, root: () => root, consistency: () => [] },
        contradicted: () => undefined,
        late: () => undefined,
        changed: () => undefined,
      });
      expect(await cosigners.round(log.log.published())).toBeDefined();
      expect(cosigners.due({ ...log.log.published(), size: size + 1 }, false)).toBe(
        Math.max(0, next - took),
      );
      await log.end();
    },
  );

  test("a slow witness holds up nobody, and its line is added to the head that still stands", async () => {
    const world = await witnessedWorld();
    const [, , third] = world.witnesses;
    const log = await open(world);
    await ready(log);
    const release = hold(third === undefined ? [] : [third]);
    await log.log.append([entry(0)]);
    expect(await cosignersOf(world.policy, log.log.published())).toEqual(["w1", "w2"]);
    const head = log.log.published();
    release();
    await until(() => log.log.published() !== head);
    expect(await cosignersOf(world.policy, log.log.published())).toEqual(["w1", "w2", "w3"]);
    await until(() => Buffer.from(world.file.bytes ?? []).equals(log.log.published().checkpoint));
    await log.end();
  });

  test("an unchanged head is cosigned again, with a newer time", async () => {
    let seconds = NOW;
    const witness = new TestWitness("w1", { now: () => seconds });
    const world = await witnessedWorld([witness]);
    const log = await open(world, { timing: { freshMs: 20 } });
    await ready(log);
    const { checkpoint } = log.log.published();
    seconds += 60;
    await until(() => !Buffer.from(checkpoint).equals(log.log.published().checkpoint));
    expect(log.log.published().size).toBe(1);
    expect(log.cosigners.quorumTime).toBe(seconds);
    expect(await carriesQuorum(world.policy, log.log.published())).toBe(true);
    await log.end();
  });

  test("I7 the times of witnesses are told, and only those of lines that verify", async () => {
    const world = await witnessedWorld([new TestWitness("w1")]);
    const [witness] = world.witnesses;
    const log = await open(world);
    await ready(log);
    expect(log.events.times).toEqual([NOW]);
    if (witness !== undefined) witness.trick = "forged line";
    await rejectionOf(log.log.appendWithin([entry(0)], 10));
    expect(log.events.times).toEqual([NOW]);
    await log.end();
  });

  test("a quorum that is lost and regained: all that was durable meanwhile is published at once", async () => {
    const world = await witnessedWorld();
    const log = await open(world);
    await ready(log);
    for (const witness of world.witnesses.slice(1)) witness.trick = "500";
    const waiting = entries(0, 20).map((one) => log.log.append([one]));
    await until(() => log.events.failures.length > 5);
    expect(log.log.published().size).toBe(1);
    for (const witness of world.witnesses) witness.trick = undefined;
    await Promise.all(waiting);
    expect(log.log.published().size).toBe(21);
    await log.end();
  });
});

describe("a policy that changes while the log runs", () => {
  test("a witness is added and another retired without a gap", async () => {
    const [w1, w2, w3, w4] = ["w1", "w2", "w3", "w4"].map((name) => new TestWitness(name));
    if (w1 === undefined || w2 === undefined || w3 === undefined || w4 === undefined) return;
    const world = await witnessedWorld([w1, w2, w3, w4]);
    const before = policyOf([w1, w2, w3], 2);
    const after = policyOf([w2, w3, w4], 2);
    const log = await open({ ...world, policy: before });
    await ready(log);
    await log.log.append([entry(0)]);
    expect(w4.cosigned).toEqual([]);
    log.cosigners.setPolicy(after);
    await until(() => w4.cosigned.length > 0);
    await log.log.append([entry(1)]);
    await until(() => w4.cosigned.at(-1)?.size === 3);
    expect(w1.cosigned.at(-1)?.size).toBe(2);
    expect(await carriesQuorum(after, log.log.published())).toBe(true);
    expect(log.cosigners.policy).toBe(after);
    await log.end();
  });

  test("I9 a new policy holds for the round that is under way", async () => {
    const [w1, w2] = [new TestWitness("w1"), new TestWitness("w2")];
    const world = await witnessedWorld([w1, w2]);
    const log = await open({ ...world, policy: policyOf([w1], 1) });
    await ready(log);
    const release = hold([w1, w2]);
    const waiting = log.log.append([entry(0)]);
    await until(() => log.storage.reader.findLeaf(entry(0).leafHash) !== undefined);
    const both = policyOf([w1, w2], 2);
    log.cosigners.setPolicy(both);
    release();
    await waiting;
    expect(await carriesQuorum(both, log.log.published())).toBe(true);
    await log.end();
  });
});
