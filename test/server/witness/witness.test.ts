/** W1 against everything a log, or somebody who has its key, can send, in any order and at once. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { verifyEvidence } from "../../../client/evidence.ts";
import { openNote } from "../../../client/note.ts";
import { concat, fromUtf8, toHex, utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { type Evidence, formatEvidence } from "../../../schema/evidence.ts";
import { parseCosignature } from "../../../schema/tlog/cosignature.ts";
import { parseSignatures, parseVkey } from "../../../schema/tlog/note.ts";
import { formatAddCheckpoint } from "../../../schema/tlog/tlog-witness.ts";
import { originId, type WitnessedHead } from "../../../server/witness/state-file.ts";
import type { AddAnswer } from "../../../server/witness/witness.ts";
import { type Engine, FakeLog, NOW, newEngineFolder, openEngine, sha256 } from "./support.ts";

const SIZE = 12;

let logs: readonly FakeLog[];
/** For each log its honest history and three others with the same key. */
let histories: readonly (readonly FakeLog[])[];
beforeAll(async () => {
  logs = await Promise.all(["a", "b", "c"].map((name) => FakeLog.make(`${name}.test`, SIZE)));
  histories = logs.map((log) => [log, log.fork(0), log.fork(4), log.fork(9, "third ")]);
});

interface Request {
  readonly log: number;
  readonly history: number;
  /** −1: from the size that is cosigned. */
  readonly from: number;
  readonly to: number;
}

const request: fc.Arbitrary<Request> = fc.record({
  log: fc.integer({ min: 0, max: 2 }),
  history: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 3 })),
  from: fc.oneof({ weight: 4, arbitrary: fc.constant(-1) }, fc.integer({ min: 0, max: SIZE })),
  to: fc.integer({ min: 0, max: SIZE }),
});

/** Groups of requests that are sent at once; the witness is opened anew between some of them. */
const script = fc.array(
  fc.record({ at: fc.array(request, { minLength: 1, maxLength: 5 }), restart: fc.boolean() }),
  { maxLength: 12 },
);

function historyOf({ log, history }: Request): FakeLog {
  const found = histories[log]?.[history];
  if (found === undefined) throw new Error("no such history");
  return found;
}

function headOf(engine: Engine, log: number): WitnessedHead | undefined {
  return engine.state.head(originId(logs[log]?.origin ?? ""));
}

async function send(engine: Engine, one: Request): Promise<AddAnswer> {
  const from = one.from >= 0 ? one.from : (headOf(engine, one.log)?.size ?? 0);
  return engine.witness.addCheckpoint(historyOf(one).body(from, one.to));
}

test("W1 no two cosigned roots for one size, and no step back, whatever comes and however often it starts anew", async () => {
  let cosigned = 0;
  await fc.assert(
    fc.asyncProperty(script, async (groups) => {
      const folder = await newEngineFolder();
      let engine = await openEngine(folder, logs);
      const seen = new Map<number, Map<number, string>>();
      for (const { at, restart } of groups) {
        const before = at.map(({ log }) => headOf(engine, log)?.size ?? 0);
        const answers = await Promise.all(at.map((one) => send(engine, one)));
        for (const [i, answer] of answers.entries()) {
          const one = at[i];
          if (answer.status !== 200 || one === undefined) continue;
          cosigned++;
          const roots = seen.get(one.log) ?? new Map<number, string>();
          const root = toHex(historyOf(one).root(one.to));
          expect(roots.get(one.to) ?? root).toBe(root);
          expect(one.to).toBeGreaterThanOrEqual(before[i] ?? 0);
          seen.set(one.log, roots.set(one.to, root));
        }
        if (restart) {
          engine.state.close();
          engine = await openEngine(folder, logs);
        }
        for (const [log, roots] of seen)
          expect(headOf(engine, log)?.size).toBe(Math.max(...roots.keys()));
      }
      // Everything that was cosigned of a log lies on one history.
      for (const [log, roots] of seen) {
        const fits = histories[log]?.some((one) =>
          [...roots].every(([size, root]) => toHex(one.root(size)) === root),
        );
        expect(fits).toBe(true);
      }
      engine.state.close();
    }),
    { numRuns: 12 },
  );
  expect(cosigned).toBeGreaterThan(10);
});

describe("requests that race", () => {
  test("W1 of two histories that want the same size, one is cosigned", async () => {
    const engine = await openEngine(await newEngineFolder(), logs);
    const [honest, , fork] = histories[0] ?? [];
    if (honest === undefined || fork === undefined) throw new Error("no histories");
    await engine.witness.addCheckpoint(honest.body(0, 4));
    const bodies = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? honest : fork).body(4, 7));
    const answers = await Promise.all(bodies.map((body) => engine.witness.addCheckpoint(body)));
    const winners = answers.flatMap((answer, i) => (answer.status === 200 ? [i % 2] : []));
    expect(new Set(winners).size).toBe(1);
    // The losers asked from a size that is gone.
    for (const answer of answers)
      if (answer.status !== 200) expect(answer).toEqual({ status: 409, size: 7 });
    engine.state.close();
  });

  test("W1 the roll-back of the specification: the longer one first, then the shorter one", async () => {
    const engine = await openEngine(await newEngineFolder(), logs);
    const [log] = logs;
    if (log === undefined) throw new Error("no log");
    await engine.witness.addCheckpoint(log.body(0, 3));
    const answers = await Promise.all(
      [9, 5, 8, 4].map((size) => engine.witness.addCheckpoint(log.body(3, size))),
    );
    const sizes = [9, 5, 8, 4].filter((_, i) => answers[i]?.status === 200);
    expect(sizes).toHaveLength(1);
    expect(engine.state.head(originId(log.origin))?.size).toBe(sizes[0]);
    engine.state.close();
  });

  test("one transaction serves many logs that ask at once", async () => {
    const many = await Promise.all(
      Array.from({ length: 30 }, (_, i) => FakeLog.make(`many${i}.test`, 2)),
    );
    const engine = await openEngine(await newEngineFolder(), many);
    const advance = engine.state.advance.bind(engine.state);
    let transactions = 0;
    engine.state.advance = (...args) => {
      transactions++;
      return advance(...args);
    };
    const answers = await Promise.all(
      many.map((log) => engine.witness.addCheckpoint(log.body(0, 2))),
    );
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(transactions).toBeLessThan(many.length);
    // The same again in the same second writes nothing.
    transactions = 0;
    for (const log of many)
      expect((await engine.witness.addCheckpoint(log.body(2, 2))).status).toBe(200);
    expect(transactions).toBe(0);
    engine.state.close();
  });
});

test("I5 W1 after a commit with an unknown outcome nothing is cosigned any more", async () => {
  const engine = await openEngine(await newEngineFolder(), logs);
  const [log] = logs;
  if (log === undefined) throw new Error("no log");
  engine.state.advance = () => ({ state: "unknown", cause: new Error("EIO") });
  const bodies = [log.body(0, 3), log.body(0, 4)];
  for (const body of bodies)
    await expect(engine.witness.addCheckpoint(body)).rejects.toMatchObject({
      code: "OUTCOME_UNKNOWN",
    });
  expect(engine.fatal).toHaveLength(1);
  engine.state.close();
});

describe("a log that signs two histories", () => {
  const convict = async (log: FakeLog, evidence: Evidence | undefined): Promise<boolean> => {
    if (evidence === undefined) throw new Error("there is no evidence");
    const vkeyTexts = log.keys.map(({ vkey }) => vkey);
    const vkeys = vkeyTexts.map((text) => unwrap(parseVkey(sha256, text)));
    const trust = { logs: [{ origin: log.origin, vkeys, vkeyTexts }] };
    return (await verifyEvidence(nodeCrypto, trust, formatEvidence(evidence))).ok;
  };

  test("of one size, or the second one longer, is convicted by its own signatures", async () => {
    for (const [size, from, to] of [
      [5, 5, 5],
      [5, 5, 8],
      [4, 4, 4],
    ] as const) {
      const engine = await openEngine(await newEngineFolder(), logs);
      const [honest, other] = histories[1] ?? [];
      if (honest === undefined || other === undefined) throw new Error("no histories");
      await engine.witness.addCheckpoint(honest.body(0, size));
      expect((await engine.witness.addCheckpoint(other.body(from, to))).status).toBe(422);
      expect(engine.contradictions).toHaveLength(1);
      expect(await convict(honest, engine.contradictions[0])).toBe(true);
      expect(await convict(logs[0] ?? honest, engine.contradictions[0])).toBe(false);
      engine.state.close();
    }
  });

  test("is not convicted by what anybody can send: a bad proof, or one that starts at the cosigned root", async () => {
    const engine = await openEngine(await newEngineFolder(), logs);
    const [honest, other] = histories[1] ?? [];
    if (honest === undefined || other === undefined) throw new Error("no histories");
    await engine.witness.addCheckpoint(honest.body(0, 4));
    for (const [history, proof] of [
      [other, other.proof(4, 7)],
      [honest, []],
      [honest, honest.proof(3, 7)],
      [honest, other.proof(4, 7)],
    ] as const) {
      const checkpoint = history.note(7);
      const body = formatAddCheckpoint({ oldSize: 4, proof, checkpoint });
      expect((await engine.witness.addCheckpoint(body)).status).toBe(422);
    }
    expect(engine.contradictions).toEqual([]);
    engine.state.close();
  });
});

test("a request of which a byte was changed, cut or doubled gets an answer, and poisons nothing", async () => {
  const engine = await openEngine(await newEngineFolder(), logs);
  const [log] = logs;
  if (log === undefined) throw new Error("no log");
  await engine.witness.addCheckpoint(log.body(0, 5));
  const before = await engine.witness.shown(originId(log.origin));
  const good = log.body(5, 9, { extensions: ["an extension"] });
  const at = fc.nat({ max: good.length - 1 });
  await fc.assert(
    fc.asyncProperty(at, at, fc.integer({ min: 1, max: 255 }), async (i, j, flip) => {
      const changed = concat(good);
      changed[i] = (changed[i] ?? 0) ^ flip;
      const twice = concat(good.subarray(0, Math.max(i, j)), good.subarray(Math.min(i, j)));
      for (const body of [changed, good.subarray(0, i), twice]) {
        if (body.length === good.length && body !== changed) continue;
        const answer = await engine.witness.addCheckpoint(body);
        expect([400, 403, 404, 409, 422]).toContain(answer.status);
      }
    }),
  );
  expect(await engine.witness.shown(originId(log.origin))).toEqual(before);
  expect((await engine.witness.addCheckpoint(good)).status).toBe(200);
  engine.state.close();
});

test("whoever repeats a checkpoint, with this or that line of its log, makes it write once in a second", async () => {
  const log = await FakeLog.make("repeated.test", 4, ["ed25519", "ecdsa"]);
  const engine = await openEngine(await newEngineFolder(), [log]);
  const advance = engine.state.advance.bind(engine.state);
  let transactions = 0;
  engine.state.advance = (...args) => {
    transactions++;
    return advance(...args);
  };
  for (const [from, keys] of [
    [0, log.keys],
    ...log.keys.map((key) => [4, [key]] as const),
  ] as const)
    for (let n = 0; n < 3; n++) {
      const { status } = await engine.witness.addCheckpoint(log.body(from, 4, { keys }));
      expect(status).toBe(from === 0 && n > 0 ? 409 : 200);
    }
  expect(transactions).toBe(1);
  engine.state.close();
});

describe("logs as they are run", () => {
  test.each([
    ["Tessera and Countersign", "example.com/log/1", ["ed25519"]],
    ["Rekor v2 with Ed25519", "log2025-1.rekor.example.dev", ["ed25519"]],
    ["Rekor v2 with ECDSA", "rekor.example.dev", ["ecdsa"]],
    ["with ML-DSA-44 beside Ed25519", "pq.example.org", ["ed25519", "mlDsa44"]],
    ["with ML-DSA-44 alone", "pq-only.example.org", ["mlDsa44"]],
    ["with two keys of one kind", "two.example.org", ["ed25519", "ed25519"]],
  ] as const)("%s", async (_, origin, kinds) => {
    const log = await FakeLog.make(origin, 6, kinds);
    const engine = await openEngine(await newEngineFolder(), [log]);
    for (const [from, to] of [
      [0, 2],
      [2, 6],
    ] as const) {
      const answer = await engine.witness.addCheckpoint(log.body(from, to));
      if (answer.status !== 200) throw new Error(JSON.stringify(answer));
      const shown = await engine.witness.shown(originId(origin));
      const keys = [...log.keys.map(({ vkey }) => vkey), ...engine.state.vkeys];
      const vkeys = keys.map((text) => unwrap(parseVkey(sha256, text)));
      const opened = unwrap(await openNote(nodeCrypto, shown ?? utf8(""), vkeys));
      expect(opened.verified).toHaveLength(keys.length);
      expect(fromUtf8(shown ?? utf8(""))?.endsWith(answer.lines)).toBe(true);
    }
    // One of several keys is enough, and a bad line of any of them is too much.
    const [first, second] = log.keys;
    if (first !== undefined && second !== undefined) {
      const one = await engine.witness.addCheckpoint(log.body(6, 6, { keys: [second] }));
      expect(one.status).toBe(200);
      const line = first.line(log.text(6));
      const bad = { ...line, signature: concat(line.signature).fill(1, 8) };
      const two = await engine.witness.addCheckpoint(
        log.body(6, 6, { keys: [second], after: [bad] }),
      );
      expect(two.status).toBe(403);
    }
    engine.state.close();
  });
});

describe("times", () => {
  test("never go back, across a restart neither, and are never 0", async () => {
    const folder = await newEngineFolder();
    const [log, other] = logs;
    if (log === undefined || other === undefined) throw new Error("no log");
    let now = NOW;
    let engine = await openEngine(folder, logs, () => now);
    const timeOf = async (one: FakeLog, from: number, to: number): Promise<number> => {
      const answer = await engine.witness.addCheckpoint(one.body(from, to));
      if (answer.status !== 200) throw new Error(JSON.stringify(answer));
      const [line] = unwrap(parseSignatures(answer.lines));
      return unwrap(parseCosignature(4, line?.signature ?? utf8(""))).timestamp;
    };
    expect(await timeOf(log, 0, 2)).toBe(NOW / 1000);
    now = NOW - 900;
    expect(await timeOf(log, 2, 3)).toBe(NOW / 1000);
    engine.state.close();
    engine = await openEngine(folder, logs, () => now);
    expect(await timeOf(log, 3, 4)).toBe(NOW / 1000);
    now = NOW - 30_000;
    for (const one of [log, other])
      await expect(
        engine.witness.addCheckpoint(one.body(one === log ? 4 : 0, 5)),
      ).rejects.toMatchObject({ code: "CLOCK_REFUSED", detail: { retryAfter: 30 } });
    now = 0;
    await expect(engine.witness.addCheckpoint(log.body(4, 5))).rejects.toMatchObject({
      code: "CLOCK_REFUSED",
    });
    // Nothing was taken while no time could be signed.
    expect(engine.state.head(originId(log.origin))?.size).toBe(4);
    now = NOW + 5_000;
    expect(await timeOf(log, 4, 5)).toBe(NOW / 1000 + 5);
    engine.state.close();
  });
});
