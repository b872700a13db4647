/**
 * F2, F6, F8 end to end: processes of the log with processes of witnesses, and doors between them that
 * misbehave. What must hold is judged over everything that left the processes: no two witnessed
 * heads disagree, and no acknowledged entry is lost.
 */
import { mkdtempSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Signer } from "../../client/keys/signer.ts";
import { startOurWitness } from "../peers/our-witness.ts";
import type { PeerWitness } from "../peers/witnesses.ts";
import { makeSigner } from "../server/http/harness.ts";
import { MODES, WitnessDoor } from "./witness-door.ts";
import { copyLog, initLog, judgeHistory, LogProcess, ORIGIN } from "./witness-rig.ts";

let folder: string;
let witnesses: PeerWitness[];
let doors: WitnessDoor[];
let signer: Signer;
let processes: LogProcess[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "countersign-witness-faults-"));
  [witnesses, doors, processes] = [[], [], []];
  signer = await makeSigner();
});

afterEach(async () => {
  for (const log of processes) await log.stop();
  for (const door of doors) await door.close();
  for (const witness of witnesses) await witness.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A log with `count` witnesses behind doors, of which `quorum` must cosign. */
async function witnessed(count: number, quorum: number): Promise<LogProcess> {
  const home = join(folder, "log");
  const vkey = await initLog(home);
  for (let i = 0; i < count; i++) {
    const known = [{ origin: ORIGIN, vkey }];
    const witness = await startOurWitness(join(folder, `w${i}`), known, `w${i}.example.test`);
    witnesses.push(witness);
    doors.push(await new WitnessDoor(witness).open());
  }
  const names = doors.map((_, i) => `w${i}`);
  const lines = doors.map(({ vkey: key, url }, i) => `witness ${names[i]} ${key} ${url}\n`);
  const policy = join(folder, "policy");
  const group = `group enough ${quorum} ${names.join(" ")}\nquorum enough\n`;
  writeFileSync(policy, `log ${vkey}\n${lines.join("")}${group}`);
  return begun(new LogProcess(home, policy));
}

function begun(log: LogProcess): LogProcess {
  processes.push(log);
  return log;
}

function door(index: number): WitnessDoor {
  const found = doors[index];
  if (found === undefined) throw new Error(`there is no door ${index}`);
  return found;
}

/** Hands it in again until the answer is yes, as the answer asks of its client. */
async function insist(log: LogProcess, text: string, patience = 60): Promise<number> {
  for (let i = 0; i < patience; i++) {
    const { status, index } = await log.post(signer, text);
    if (status === 201 && index !== undefined) return index;
    await sleep(500);
  }
  throw new Error(`"${text}" was never acknowledged`);
}

async function untilReady(log: LogProcess, patience = 120): Promise<void> {
  for (let i = 0; i < patience; i++) {
    if ((await log.ready()).ok) return;
    await sleep(250);
  }
  throw new Error(`it did not become ready: ${(await log.ready()).text}`);
}

describe("one of three witnesses misbehaves, and two are enough", () => {
  test("F8: in no way does it hold the log up or come into what is published", async () => {
    const log = await witnessed(3, 2);
    await log.start();
    await untilReady(log);
    let n = 0;
    for (const mode of MODES) {
      door(2).mode = mode;
      for (let i = 0; i < 5; i++) await insist(log, `${mode} ${n++}`);
      expect((await log.ready()).ok, mode).toBe(true);
      door(2).mode = "honest";
    }
    const judged = await judgeHistory(log, doors);
    expect(judged.trouble).toEqual([]);
    expect(judged.acknowledged).toBe(n);
    console.log(`one of three: ${MODES.length} faults, ${JSON.stringify(judged)}`);
  });
});

describe("a witness without which there is no quorum misbehaves", () => {
  const RECOVERS = MODES.filter((mode) => mode !== "lying 422" && mode !== "bare 409");

  test("F8: an entry stays durable, is not given as final, and is published when it is back", async () => {
    const log = await witnessed(2, 2);
    await log.start();
    await untilReady(log);
    let held = 0;
    for (const mode of RECOVERS) {
      await insist(log, `before ${mode}`);
      const size = await log.size();
      door(1).mode = mode;
      const { status, index } = await log.post(signer, mode);
      expect([mode, status]).toEqual([mode, 202]);
      expect(index).toBeGreaterThanOrEqual(size);
      expect(await log.size()).toBe(size);
      held++;
      door(1).mode = "honest";
      expect(await insist(log, mode)).toBe(index);
    }
    const judged = await judgeHistory(log, doors);
    expect(judged.trouble).toEqual([]);
    console.log(`quorum late ${held} times, ${JSON.stringify(judged)}`);
  });

  test("F8: gone for long, over a restart of the log: reads go on, writes wait, and all of it is caught up", async () => {
    const log = await witnessed(2, 2);
    await log.start();
    await untilReady(log);
    await insist(log, "before");
    const size = await log.size();
    door(1).mode = "gone";
    const waiting = Array.from({ length: 20 }, (_, i) => `while it is gone ${i}`);
    const answers = await Promise.all(waiting.map(async (text) => log.post(signer, text)));
    expect(answers.map(({ status }) => status)).toEqual(waiting.map(() => 202));
    // Neither is there to confirm what was signed last: it may not sign until then.
    door(0).mode = "gone";
    await log.stop();
    await log.start();
    expect(await log.size()).toBe(size);
    const { ok, text } = await log.ready();
    expect(ok).toBe(false);
    expect(text).toContain("w1");
    door(0).mode = "honest";
    door(1).mode = "honest";
    await untilReady(log);
    for (const [i, one] of waiting.entries())
      expect(await insist(log, one)).toBe(answers[i]?.index);
    const judged = await judgeHistory(log, doors);
    expect(judged.trouble).toEqual([]);
    console.log(`gone over a restart: ${JSON.stringify(judged)}`);
  });

  test.each(["lying 422", "bare 409"] as const)(
    "F8: a %s takes it out: nothing more is published, nothing is lost",
    async (mode) => {
      const log = await witnessed(2, 2);
      await log.start();
      await untilReady(log);
      await insist(log, "before");
      const size = await log.size();
      door(1).mode = mode;
      const { status } = await log.post(signer, "never final");
      expect(status).toBe(202);
      expect(await log.size()).toBe(size);
      expect((await log.ready()).ok).toBe(false);
      const judged = await judgeHistory(log, doors);
      expect(judged.trouble).toEqual([]);
      // After somebody has looked into it and started the log again.
      door(1).mode = "honest";
      await log.stop();
      await log.start();
      await untilReady(log);
      await insist(log, "never final");
      expect((await judgeHistory(log, doors)).trouble).toEqual([]);
    },
  );
});

describe("a log that is killed while it promises", () => {
  const KILLS = 5;
  const PREFER = { prefer: "respond-async" };

  /** Asks for a promise until there is one, or the process is dead. */
  async function askUntilDead(log: LogProcess, text: string): Promise<void> {
    for (;;) {
      const posted = await log.post(signer, text, PREFER).catch(() => undefined);
      if (posted === undefined || posted.status !== 503) return;
      await sleep(20);
    }
  }

  /** The file has been replaced so many times: what is in it may be answered or not. */
  async function untilWritten(folderOfGuard: string, times: number): Promise<void> {
    let left = times;
    const { promise, resolve } = Promise.withResolvers<void>();
    const watcher = watch(folderOfGuard, (_, name) => {
      if (name === "head.guard.promises" && --left === 0) resolve();
    });
    await Promise.race([promise, sleep(3_000)]);
    watcher.close();
  }

  test(`P1: ${KILLS} SIGKILLs between commit and answer: one index, one promise, and all are kept`, async () => {
    // All three are needed to publish, and one is enough to start.
    const log = await witnessed(3, 3);
    await log.start();
    await untilReady(log);
    await insist(log, "before");
    door(1).mode = "unavailable";
    door(2).mode = "unavailable";
    const texts: string[] = [];
    const lives: number[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      if (kill > 0) await log.start();
      for (let i = 0; i < 6; i++) texts.push(`entry ${kill}-${i}`);
      const load = Promise.all(texts.map(async (text) => askUntilDead(log, text)));
      const written = untilWritten(join(log.folder, "guard"), 1 + (kill % 2));
      await (kill % 4 === 3 ? sleep(100 + Math.random() * 400) : written);
      await log.kill();
      await load;
      lives.push(log.promised.length);
    }
    const notes = new Set(log.promised.map(({ note }) => note));
    expect(notes.size).toBeGreaterThan(0);
    // Some were asked for again in a later life.
    expect(log.promised.length).toBeGreaterThan(notes.size);
    door(1).mode = "honest";
    door(2).mode = "honest";
    await log.start();
    await untilReady(log);
    for (const text of texts) await insist(log, text);
    const judged = await judgeHistory(log, doors);
    expect(judged.trouble).toEqual([]);
    console.log(`${notes.size} promises, asked ${lives.join(", ")}, ${JSON.stringify(judged)}`);
  });
});

describe("copies of a log, with witnesses that know more", () => {
  test("F2: restored from a backup of everything, it refuses to sign, and the witnesses have one history", async () => {
    const log = await witnessed(2, 2);
    await log.start();
    await untilReady(log);
    for (let i = 0; i < 5; i++) await insist(log, `in the backup ${i}`);
    await log.stop();
    copyLog(log.folder, join(folder, "backup"));
    await log.start();
    await untilReady(log);
    for (let i = 0; i < 5; i++) await insist(log, `after the backup ${i}`);
    await log.stop();
    const restored = begun(new LogProcess(join(folder, "backup"), join(folder, "policy")));
    const heads = doors.flatMap((one) => one.heads).length;
    const refused = await tries(restored);
    expect(refused.acknowledged).toBe(0);
    expect(doors.flatMap((one) => one.heads).length).toBe(heads);
    await restored.stop();
    await log.start();
    await untilReady(log);
    await insist(log, "the true log goes on");
    const judged = await judgeHistory(log, doors, processes);
    expect(judged.trouble).toEqual([]);
    console.log(`restored backup: ${refused.posts} posts refused, ${JSON.stringify(judged)}`);
  });

  test("F6: two copies started at once: one history is witnessed, and what either acknowledged is in it", async () => {
    const log = await witnessed(2, 2);
    await log.start();
    await untilReady(log);
    await insist(log, "before the copy");
    await log.stop();
    copyLog(log.folder, join(folder, "copy"));
    const copy = begun(new LogProcess(join(folder, "copy"), join(folder, "policy")));
    const counts = await Promise.all([tries(log), tries(copy)]);
    const [one, two] = counts.map(({ acknowledged }) => acknowledged);
    // Whoever was first goes on; the other has contradicted what the witnesses know.
    expect(Math.min(one ?? 0, two ?? 0)).toBe(0);
    expect(Math.max(one ?? 0, two ?? 0)).toBeGreaterThan(0);
    const survivor = (one ?? 0) > 0 ? log : copy;
    const judged = await judgeHistory(survivor, doors, processes);
    expect(judged.trouble).toEqual([]);
    console.log(`two copies: ${one} and ${two} acknowledged, ${JSON.stringify(judged)}`);
  });
});

/** Starts a log that may refuse to, and hands in ten entries; a refusal of any kind is an answer. */
async function tries(log: LogProcess): Promise<{ posts: number; acknowledged: number }> {
  const before = log.acknowledged.length;
  let posts = 0;
  try {
    await log.start();
    for (let i = 0; i < 10; i++) {
      posts++;
      await log.post(signer, `${log.folder} ${i}`);
    }
  } catch {
    // It refused to start, or ended: that is the strongest no.
  }
  return { posts, acknowledged: log.acknowledged.length - before };
}
