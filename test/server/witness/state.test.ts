/** The state on disk: what it refuses, and that W1 holds against whoever else writes to it. */
import { cpSync, existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { equal } from "../../../schema/bytes.ts";
import { initWitness, openCosigners } from "../../../server/witness/init.ts";
import { type Step, WitnessState } from "../../../server/witness/state.ts";
import { inspectState, originId, stateFiles } from "../../../server/witness/state-file.ts";
import { temporaryFolder } from "../fixture.ts";
import { refusalOf } from "../refusal.ts";
import { FakeLog, NAME, newEngineFolder } from "./support.ts";

const log = await FakeLog.make("state.test", 12);
const TIME = 1_790_000_000;

function step(from: number | undefined, to: number, history = log): Step {
  return {
    origin: log.origin,
    from: from === undefined ? undefined : { size: from, root: history.root(from) },
    to: { size: to, root: history.root(to) },
    note: history.note(to),
  };
}

/** Whether the one step was taken. */
function took(state: WitnessState, one: Step, time = TIME): boolean {
  const result = state.advance([one], time);
  if (result.state !== "committed") throw new Error(result.state);
  return result.heads[0] !== undefined;
}

function sizeIn(state: WitnessState): number | undefined {
  return state.head(originId(log.origin))?.size;
}

describe("steps", () => {
  test("W1 a step is taken from exactly the head it was checked against, or not at all", async () => {
    const folder = await newEngineFolder();
    const state = WitnessState.open(folder);
    expect(took(state, step(3, 4))).toBe(false);
    expect(took(state, step(undefined, 4))).toBe(true);
    expect(took(state, step(undefined, 5))).toBe(false);
    expect(took(state, step(3, 6))).toBe(false);
    expect(took(state, step(4, 6, log.fork(2)))).toBe(false);
    expect(sizeIn(state)).toBe(4);
    expect(took(state, step(4, 6))).toBe(true);
    // In one transaction the first of two wins.
    const both = state.advance([step(6, 9), step(6, 8)], TIME);
    expect(both.state === "committed" && both.heads.map((head) => head?.size)).toEqual([
      9,
      undefined,
    ]);
    state.close();
    const again = WitnessState.open(folder);
    const head = again.head(originId(log.origin));
    expect(head).toMatchObject({ origin: log.origin, size: 9, time: TIME });
    expect(equal(head?.root ?? new Uint8Array(0), log.root(9))).toBe(true);
    expect(again.newestTime).toBe(TIME);
    again.close();
  });

  test("W1 the database itself refuses a step back, another root, an older time, and forgetting", async () => {
    const folder = await newEngineFolder();
    const state = WitnessState.open(folder);
    took(state, step(undefined, 6));
    for (const [one, time] of [
      [{ ...step(6, 6), to: { size: 5, root: log.root(5) } }, TIME],
      [{ ...step(6, 6), to: { size: 6, root: log.root(5) } }, TIME],
      [step(6, 7), TIME - 1],
    ] as const) {
      const result = state.advance([one], time);
      expect(result.state === "failed" && result.error.code).toBe("INTERNAL");
    }
    expect(sizeIn(state)).toBe(6);
    // A refused step breaks nothing.
    expect(took(state, step(6, 7))).toBe(true);
    state.close();
    const database = new Database(stateFiles(folder).database);
    for (const sql of [
      "DELETE FROM head",
      "UPDATE head SET size = 1",
      "UPDATE head SET root = zeroblob(32)",
      "UPDATE head SET id = zeroblob(32)",
      "UPDATE head SET time = 1",
    ])
      expect(() => database.exec(sql), sql).toThrow("W1");
    database.close();
  });
});

describe("opening", () => {
  test("one process at a time", async () => {
    const folder = await newEngineFolder();
    const state = WitnessState.open(folder);
    expect(refusalOf(() => WitnessState.open(folder)).code).toBe("STORE_LOCKED");
    state.close();
    WitnessState.open(folder).close();
  });

  test("a row that was changed by hand, a file that is none, and one of the future are refused", async () => {
    const folder = await newEngineFolder();
    const state = WitnessState.open(folder);
    took(state, step(undefined, 6));
    state.close();
    const change = (sql: string): string => {
      const copy = join(temporaryFolder(), "copy");
      cpSync(folder, copy, { recursive: true });
      const database = new Database(stateFiles(copy).database);
      database.exec(sql);
      database.close();
      return refusalOf(() => WitnessState.open(copy)).code;
    };
    expect(change("UPDATE head SET size = 7")).toBe("STORE_CORRUPT");
    expect(change("UPDATE head SET note = zeroblob(9)")).toBe("STORE_CORRUPT");
    expect(change("UPDATE meta SET vkeys = 'x'")).toBe("STORE_CORRUPT");
    expect(change("UPDATE meta SET format = 2")).toBe("STORE_NEWER");
    expect(change("DROP TABLE head")).toBe("STORE_CORRUPT");
    writeFileSync(
      stateFiles(folder).database,
      "this is no database, though it is long enough".repeat(9),
    );
    expect(refusalOf(() => WitnessState.open(folder)).code).toBe("STORE_CORRUPT");
  });

  test("W1 an older state beside the write-ahead file of a newer one is found out", async () => {
    const folder = await newEngineFolder();
    let state = WitnessState.open(folder);
    took(state, step(undefined, 3));
    state.close();
    const old = join(temporaryFolder(), "old.db");
    cpSync(stateFiles(folder).database, old);
    state = WitnessState.open(folder);
    took(state, step(3, 6));
    state.close();
    state = WitnessState.open(folder);
    took(state, step(6, 9));
    // As after a crash: the newest head is in the write-ahead file alone.
    const crashed = join(temporaryFolder(), "crashed");
    cpSync(folder, crashed, { recursive: true });
    state.close();
    rmSync(join(crashed, "witness.db-shm"), { force: true });
    const sound = join(temporaryFolder(), "sound");
    cpSync(crashed, sound, { recursive: true });
    cpSync(old, stateFiles(crashed).database);
    expect(refusalOf(() => WitnessState.open(crashed)).code).toBe("STORE_CORRUPT");
    const recovered = WitnessState.open(sound);
    expect(sizeIn(recovered)).toBe(9);
    recovered.close();
  });

  test("W1 keys whose state is gone do not start, and get no new one", async () => {
    const folder = await newEngineFolder();
    rmSync(stateFiles(folder).database);
    expect(refusalOf(() => WitnessState.open(folder))).toMatchObject({
      code: "STORE_MISSING",
      detail: { hint: expect.stringContaining("must never sign again") },
    });
    await expect(initWitness(nodeCrypto, folder, NAME, ["ed25519"])).rejects.toMatchObject({
      code: "STORE_EXISTS",
      message: expect.stringContaining("whose state is gone"),
    });
    // A key of the other kind is no better.
    await expect(initWitness(nodeCrypto, folder, NAME, ["ml-dsa-44"])).rejects.toMatchObject({
      code: "STORE_EXISTS",
    });
  });

  test("other keys beside a state, or one too few, are refused", async () => {
    const [folder, other] = [await newEngineFolder(), join(temporaryFolder(), "other")];
    await initWitness(nodeCrypto, other, NAME, ["ed25519"]);
    const { vkeys } = inspectState(folder);
    await openCosigners(nodeCrypto, folder, vkeys);
    cpSync(join(other, "ed25519.pem"), join(folder, "ed25519.pem"));
    const opened = openCosigners(nodeCrypto, folder, vkeys);
    await expect(opened).rejects.toMatchObject({ code: "KEY_MISMATCH" });
    rmSync(join(folder, "ed25519.pem"));
    await expect(openCosigners(nodeCrypto, folder, vkeys)).rejects.toMatchObject({
      code: "KEY_MISMATCH",
    });
  });
});

describe("init", () => {
  test("makes files for this user alone, and writes over nothing", async () => {
    const folder = join(temporaryFolder(), "new");
    const cosigners = await initWitness(nodeCrypto, folder, NAME, ["ed25519", "ml-dsa-44"]);
    expect(cosigners.map(({ vkey }) => vkey.type)).toEqual([4, 6]);
    for (const name of ["ed25519.pem", "ml-dsa-44.pem", "witness.db"])
      expect(statSync(join(folder, name)).mode & 0o777, name).toBe(0o600);
    expect(inspectState(folder).vkeys).toEqual(cosigners.map(({ vkeyText }) => vkeyText));
    await expect(initWitness(nodeCrypto, folder, NAME, ["ed25519"])).rejects.toMatchObject({
      code: "STORE_EXISTS",
    });
  });

  test("that was cut off is told from a state that was lost", async () => {
    const folder = join(temporaryFolder(), "new");
    await initWitness(nodeCrypto, folder, NAME, ["ed25519"]);
    const { database } = stateFiles(folder);
    cpSync(database, `${database}.new`);
    rmSync(database);
    await expect(initWitness(nodeCrypto, folder, NAME, ["ed25519"])).rejects.toMatchObject({
      code: "INIT_UNFINISHED",
    });
    expect(existsSync(database)).toBe(false);
  });

  test("refuses a name that no cosignature can have", async () => {
    for (const name of ["", "two words", "a+b", "x".repeat(256)]) {
      const made = initWitness(nodeCrypto, join(temporaryFolder(), "new"), name, ["ed25519"]);
      await expect(made, name).rejects.toMatchObject({ code: "FIELD_INVALID" });
    }
  });
});
