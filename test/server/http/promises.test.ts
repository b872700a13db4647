import { mkdirSync, readdirSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { parseSubmitAnswer } from "../../../client/answer.ts";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { httpTransport } from "../../../client/fetch.ts";
import { volatileMemory } from "../../../client/memory.ts";
import { openPromise } from "../../../client/promise.ts";
import { redeem } from "../../../client/redeem.ts";
import { submit, submitOrPromise } from "../../../client/submit.ts";
import { submitBatch } from "../../../client/submit-batch.ts";
import { pinnedLog } from "../../../client/trust.ts";
import type { LogPorts } from "../../../client/update.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { LogError, unwrap } from "../../../schema/error.ts";
import { isMessage } from "../../../server/http/openapi.ts";
import { memoryPromises, type PromiseStore } from "../../../server/promises/store.ts";
import { Workplace } from "../../client/cli/in-process.ts";
import { newSigner, signedCommit } from "../../client/test-log.ts";
import { until } from "../../until.ts";
import { rejectionOf } from "../refusal.ts";
import { NOW } from "../witnesses/test-witness.ts";
import {
  type Answer,
  ask,
  batch,
  post,
  problemIn,
  startTestLog,
  submissions,
  type TestOptions,
} from "./harness.ts";
import { atEnd, endWitnessed, type Rig, ready, startWitnessed } from "./witnessed-rig.ts";

afterEach(endWitnessed);

const PREFER = { prefer: "wait=5, Respond-Async; foo" };

const silence = (rig: Rig, trick: "500" | undefined): void => {
  for (const witness of rig.witnesses) witness.trick = trick;
};

function promisesIn(answer: Answer): readonly string[] {
  expect(answer.status).toBe(202);
  expect(isMessage("PromiseAnswer", JSON.parse(answer.body.toString()))).toBe(true);
  return unwrap(parseSubmitAnswer(answer.body)).promises;
}

/** A log that gives promises, with its witnesses there at first. */
async function promising(more: TestOptions = {}): Promise<Rig> {
  const options = { promises: memoryPromises(), ...more };
  const rig = await startWitnessed("memory", more.flags, undefined, options);
  await ready(rig);
  return rig;
}

function clientOf({ log, policy }: Rig): LogPorts {
  const trusted = unwrap(pinnedLog(nodeCrypto.sha256, log.vkey));
  return {
    crypto: nodeCrypto,
    transport: httpTransport(log.url),
    log: { ...trusted, witnesses: [{ policy }] },
    memory: volatileMemory(),
  };
}

const bodies = async (count: number): Promise<string[]> =>
  (await submissions(count)).map((one) => JSON.stringify(one));

describe("a promise of a log", () => {
  test("P1 a write whose quorum is late is promised, and the same again gets the same bytes", async () => {
    const rig = await promising();
    const [one = "", other = ""] = await bodies(2);
    silence(rig, "500");
    const late = await post(rig.log, one);
    const [note = ""] = promisesIn(late);
    expect(late.headers["preference-applied"]).toBeUndefined();
    const trust = { logs: [clientOf(rig).log] };
    expect(unwrap(await openPromise(nodeCrypto, trust, utf8(note)))).toMatchObject({
      index: 1,
      time: NOW,
      deadline: NOW + 86_400,
    });
    // Asked for, or in a batch beside another: the same.
    const asked = await post(rig.log, one, PREFER);
    expect(asked.headers["preference-applied"]).toBe("respond-async");
    expect(promisesIn(asked)).toEqual([note]);
    const lines = await batch(rig.log, [one, other]);
    expect(isMessage("BatchEnd", lines[2])).toBe(true);
    expect(lines).toMatchObject([
      { entries: [{ index: 1 }] },
      { entries: [{ index: 2 }] },
      { proofs: [], promises: [note, expect.stringContaining("\n2\n")] },
    ]);
    silence(rig, undefined);
    await until(() => rig.log.published().size === 3);
    // What is published is answered with its proof, also where a promise is welcome.
    expect((await post(rig.log, one, PREFER)).status).toBe(201);
  });
});

describe("a promise", () => {
  test("comes at once where it is welcome, and one answer has receipts and promises", async () => {
    const rig = await promising();
    const client = clientOf(rig);
    const [first, second] = await submissions(2);
    if (first === undefined || second === undefined) throw new Error("no submissions");
    silence(rig, "500");
    const [promised] = await submitOrPromise(client, first, true);
    if (promised?.kind !== "promise") throw new Error("no promise");
    expect((await rejectionOf(submit(client, first))).code).toBe("NOT_WITNESSED");
    expect(await redeem(client, promised.promise)).toEqual({ state: "pending" });
    silence(rig, undefined);
    await until(() => rig.log.published().size === 2);
    expect(await redeem(client, promised.promise)).toMatchObject({
      state: "kept",
      receipt: { entry: { index: 1 } },
    });
    silence(rig, "500");
    const events = [];
    for await (const event of submitBatch(client, [first, second])) events.push(event);
    expect(events.slice(2)).toMatchObject([
      { kind: "receipts", line: 0, receipts: [{ entry: { index: 1 } }] },
      { kind: "promised", line: 1, promises: [{ index: 2 }] },
    ]);
  });

  test("of an import is kept beside the receipts to come, and redeemed under the object's name", async () => {
    const rig = await promising();
    const place = new Workplace();
    atEnd(async () => place.remove());
    mkdirSync(place.path("repo"));
    place.git("init", "--quiet");
    const id = place.writeCommit((await signedCommit(newSigner())).object);
    place.git("update-ref", "refs/heads/main", id);
    const where = ["--log", rig.log.url, "--vkey", rig.log.vkey, "--receipts", "kept"];
    silence(rig, "500");
    const first = await place.asked("import", "git", "repo", ...where);
    expect(first).toMatchObject({ status: 2, answer: { refused: [{ code: "NOT_WITNESSED" }] } });
    expect(readdirSync(place.path("kept"))).toEqual([`${id}.promise`]);
    silence(rig, undefined);
    await until(() => rig.log.published().size === 2);
    const promise = `kept/${id}.promise`;
    expect(await place.asked("redeem", promise, ...where.slice(0, 4))).toMatchObject({
      status: 0,
      answer: { redeemed: [{ state: "kept", receipt: `kept/${id}.receipt.json` }] },
    });
    const again = await place.asked("import", "git", "repo", ...where);
    expect(again).toMatchObject({ status: 0, answer: { logged: 0, alreadyLogged: 1 } });
  });

  test("that no quorum saw kept in time is late, with evidence that convicts, and never lost", async () => {
    // A minute was promised, and the witnesses' clocks are ahead by more than two.
    const options = {
      flags: { "promise-deadline-seconds": "60" },
      now: () => (NOW - 130) * 1_000,
    };
    const rig = await promising(options);
    const client = clientOf(rig);
    const [one] = await submissions(1);
    if (one === undefined) throw new Error("no submission");
    silence(rig, "500");
    const [promised] = await submitOrPromise(client, one, true);
    if (promised?.kind !== "promise") throw new Error("no promise");
    const late = await redeem(client, promised.promise);
    expect(late).toMatchObject({ state: "late", evidence: { kind: "late-promise" } });
    silence(rig, undefined);
    await until(() => rig.log.published().size === 2);
    expect(await redeem(client, promised.promise)).toMatchObject({ state: "kept" });
  });

  test("I7 is not given by a clock that refuses, nor by a log that cannot keep it: 503 as before", async () => {
    let now = NOW * 1_000;
    const store = memoryPromises();
    let full = false;
    const promises: PromiseStore = {
      ...store,
      write: async (memory) => {
        if (full) throw new LogError("STORAGE_FULL", "full");
        return store.write(memory);
      },
    };
    const rig = await promising({ now: () => now, promises });
    const [one = ""] = await bodies(1);
    silence(rig, "500");
    now -= 3_600_000;
    expect(problemIn(await post(rig.log, one))).toMatchObject({ code: "NOT_WITNESSED", index: 1 });
    now += 3_600_000;
    full = true;
    expect(problemIn(await post(rig.log, one, PREFER))).toMatchObject({ code: "NOT_WITNESSED" });
    full = false;
    expect(promisesIn(await post(rig.log, one, PREFER))).toHaveLength(1);
  });

  test("is not given where it is not known what was promised before, and /readyz says so", async () => {
    const promises: PromiseStore = {
      ...memoryPromises(),
      read: async () => {
        throw new LogError("STORE_CORRUPT", "damaged");
      },
    };
    const rig = await promising({ promises });
    const [one = ""] = await bodies(1);
    silence(rig, "500");
    expect(problemIn(await post(rig.log, one, PREFER))).toMatchObject({ code: "NOT_WITNESSED" });
    expect((await ask(rig.log, "/readyz")).body.toString()).toContain("gives no promises");
  });

  test("is not given where the receipt is there: a log without witnesses answers 201", async () => {
    const log = await startTestLog("memory", { promises: memoryPromises() });
    const [one = ""] = await bodies(1);
    expect((await post(log, one, PREFER)).status).toBe(201);
    await log.end();
  });
});
