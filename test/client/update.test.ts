import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { verifyEvidence } from "../../client/evidence.ts";
import { httpTransport } from "../../client/fetch.ts";
import { openHead } from "../../client/head.ts";
import { type Memory, volatileMemory } from "../../client/memory.ts";
import { type LogPorts, observeOrThrow, update } from "../../client/update.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { formatEvidence } from "../../schema/evidence.ts";
import { formatNote, parseNote } from "../../schema/tlog/note.ts";
import { logKey, type Served, serveLog, TestLog } from "./test-log.ts";

const key = logKey();
let log: TestLog;
let served: Served;
let memory: Memory;
let ports: LogPorts;

beforeEach(async () => {
  log = new TestLog("log.test", key);
  served = await serveLog(() => log);
  memory = volatileMemory();
  const transport = httpTransport(served.url, { deadlineMs: 5000 });
  ports = { crypto: nodeCrypto, transport, log: log.trusted, memory };
});
afterEach(async () => served.close());

const remembered = async (): Promise<number | undefined> =>
  (await memory.load(log.trusted.vkeyTexts))?.size;

async function failure(asked: Promise<unknown>): Promise<LogError> {
  const error: unknown = await asked.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof LogError) return error;
  throw new Error("it did not fail", { cause: error });
}

describe("an honest log", () => {
  test("is remembered at first sight, advances, and stays", async () => {
    log.fill(3);
    expect((await update(ports)).state).toBe("first");
    expect((await update(ports)).state).toBe("same");
    log.fill(700);
    expect((await update(ports)).state).toBe("advanced");
    expect(await remembered()).toBe(700);
  });

  test("may be empty, and then grow", async () => {
    expect((await update(ports)).state).toBe("first");
    log.fill(1);
    expect((await update(ports)).state).toBe("advanced");
    expect(await remembered()).toBe(1);
  });

  test("advances between any two sizes", async () => {
    log.fill(20);
    for (let size = 0; size <= 20; size++) {
      memory = volatileMemory();
      const from = { size, checkpoint: log.checkpoint(size) };
      await memory.replace(log.trusted.vkeyTexts, undefined, from);
      const expected = size === 20 ? "same" : "advanced";
      expect((await update({ ...ports, memory })).state).toBe(expected);
    }
  });

  test("a smaller consistent head is stale: ignored, and no evidence", async () => {
    log.fill(300);
    await update(ports);
    served.lie = (path, honest) => (path === "checkpoint" ? log.checkpoint(250) : honest);
    const observed = await update(ports);
    expect(observed.state).toBe("stale");
    if (observed.state !== "stale") return;
    expect(observed.newest.tree.size).toBe(300);
    expect(await remembered()).toBe(300);
  });

  test("a log that dropped its partial tiles is read by its full ones", async () => {
    log.fill(260);
    await update(ports);
    log.fill(512);
    served.lie = (path, honest) => {
      if (path === "checkpoint") return log.checkpoint(266);
      return path.startsWith("tile/0/001.p/") ? undefined : honest;
    };
    expect((await update(ports)).state).toBe("advanced");
    expect(served.asked).toContain("tile/0/001");
  });

  test("two clients that update at once agree in the end", async () => {
    log.fill(10);
    await update(ports);
    log.fill(20);
    const states = await Promise.all(Array.from({ length: 6 }, async () => update(ports)));
    expect(states.map(({ state }) => state).toSorted()).toContain("advanced");
    expect(await remembered()).toBe(20);
  });
});

describe("a forked log", () => {
  /** The same key, the same first `common` leaves, and other ones after them. */
  const forkOf = (common: number, size: number): TestLog => {
    const fork = new TestLog("log.test", key);
    for (const leaf of log.leaves.slice(0, common)) fork.append(leaf);
    return fork.fill(size, " of the fork");
  };

  const isConvicting = async (evidence: Parameters<typeof formatEvidence>[0]): Promise<boolean> =>
    (await verifyEvidence(nodeCrypto, { logs: [log.trusted] }, formatEvidence(evidence))).ok;

  test("of one size is refused with two notes that convict", async () => {
    log.fill(50);
    await update(ports);
    log = forkOf(30, 50);
    const observed = await update(ports);
    expect(observed.state).toBe("forked");
    if (observed.state !== "forked") return;
    expect(observed.evidence.kind).toBe("fork-same-size");
    expect(await isConvicting(observed.evidence)).toBe(true);
    expect(await remembered()).toBe(50);
  });

  test("of any other size is refused with a path that convicts, powers of two among them", async () => {
    log.fill(40);
    const honest = log;
    for (let seen = 2; seen < 40; seen++) {
      log = honest;
      memory = volatileMemory();
      const from = { size: seen, checkpoint: honest.checkpoint(seen) };
      await memory.replace(log.trusted.vkeyTexts, undefined, from);
      log = forkOf(seen - 1, 40);
      const observed = await update({ ...ports, memory });
      expect(observed.state).toBe("forked");
      if (observed.state !== "forked") return;
      expect(observed.evidence.kind).toBe("fork-inconsistent");
      expect(await isConvicting(observed.evidence)).toBe(true);
      expect(await remembered()).toBe(seen);
    }
  });

  test("throws its evidence file where a fork is no possible answer", async () => {
    log.fill(50);
    await update(ports);
    log = forkOf(30, 50);
    const head = unwrap(await openHead(nodeCrypto, log.trusted, log.checkpoint()));
    const error = await failure(observeOrThrow(ports, head));
    expect(error.code).toBe("LOG_MISBEHAVED");
    const file = error.detail.evidence ?? new Uint8Array();
    const verdict = await verifyEvidence(nodeCrypto, { logs: [log.trusted] }, file);
    expect(verdict).toMatchObject({ ok: true, origin: "log.test", kind: "fork-same-size" });
  });

  test("whose tiles fit neither head proves nothing, and is not believed", async () => {
    log.fill(50);
    await update(ports);
    const honest = log;
    log = forkOf(30, 70);
    served.lie = (path, bytes) => (path === "checkpoint" ? bytes : honest.serve(path, ""));
    const error = await failure(update(ports));
    expect(["RESPONSE_INVALID", "NOT_FOUND"]).toContain(error.code);
    expect(await remembered()).toBe(50);
  });
});

describe("a checkpoint that is not believed", () => {
  beforeEach(async () => {
    log.fill(10);
    await update(ports);
    log.fill(20);
  });
  afterEach(async () => expect(await remembered()).toBe(10));

  const lieWith = (note: Uint8Array): void => {
    served.lie = (path, honest) => (path === "checkpoint" ? note : honest);
  };

  test("CVE-2023-47122 one signed by a key that the log itself serves is not looked at", async () => {
    const impostor = new TestLog("log.test").fill(20);
    served.lie = (path) => impostor.serve(path, "") ?? new TextEncoder().encode(impostor.vkey);
    expect((await failure(update(ports))).code).toBe("SIGNATURE_INVALID");
    expect(served.asked.filter((path) => !/^(checkpoint|tile\/)/.test(path))).toEqual([]);
  });

  test("aicr#1754 the trusted signature may stand anywhere, and the first line decides nothing", async () => {
    const note = unwrap(parseNote(log.checkpoint()));
    const impostor = new TestLog("log.test");
    const other = { ...impostor.signature(note.text), name: "witness.test" };
    lieWith(formatNote({ ...note, signatures: [other, ...note.signatures] }));
    expect((await update(ports)).state).toBe("advanced");
    memory = volatileMemory();
    const from = { size: 10, checkpoint: log.checkpoint(10) };
    await memory.replace(log.trusted.vkeyTexts, undefined, from);
    lieWith(formatNote({ ...note, signatures: [other] }));
    expect((await failure(update({ ...ports, memory }))).code).toBe("SIGNATURE_INVALID");
  });

  test("one whose known key has a bad signature beside a good one", async () => {
    const note = unwrap(parseNote(log.checkpoint()));
    const [good] = note.signatures;
    if (good === undefined) throw new Error("no signature");
    const bad = { ...good, signature: good.signature.map((byte) => byte ^ 1) };
    lieWith(formatNote({ ...note, signatures: [good, bad] }));
    expect((await failure(update(ports))).code).toBe("SIGNATURE_INVALID");
  });

  test("one of another origin under the same key", async () => {
    const other = new TestLog("other.test", key).fill(20);
    lieWith(other.checkpoint());
    expect((await failure(update(ports))).code).toBe("RESPONSE_INVALID");
  });

  test("one whose text was changed after signing", async () => {
    const note = unwrap(parseNote(log.checkpoint()));
    lieWith(formatNote({ ...note, text: note.text.replace("\n20\n", "\n21\n") }));
    expect((await failure(update(ports))).code).toBe("SIGNATURE_INVALID");
  });

  test.each([
    ["nothing", ""],
    ["a page", "<html>hello</html>"],
    ["a note without signatures", "log.test\n20\n"],
  ])("%s", async (_, text) => {
    lieWith(new TextEncoder().encode(text));
    expect((await failure(update(ports))).code).toMatch(/FIELD_INVALID|RESPONSE_INVALID/);
  });

  test("an endless one, and one that never comes", async () => {
    served.lie = (_path, _honest, res) => {
      const more = (): void => {
        while (!res.destroyed && res.write("x".repeat(65_536)));
        if (!res.destroyed) res.once("drain", more);
      };
      more();
      return "answered";
    };
    expect((await failure(update(ports))).code).toBe("RESPONSE_INVALID");
    served.lie = () => "answered";
    const transport = httpTransport(served.url, { deadlineMs: 100 });
    expect((await failure(update({ ...ports, transport }))).code).toBe("UNREACHABLE");
  });
});

test("a memory whose head no trusted key signed is an error, not a fork and not a fresh start", async () => {
  log.fill(10);
  const impostor = new TestLog("log.test").fill(5);
  const from = { size: 5, checkpoint: impostor.checkpoint() };
  await memory.replace(log.trusted.vkeyTexts, undefined, from);
  expect((await failure(update(ports))).code).toBe("SIGNATURE_INVALID");
  expect(await remembered()).toBe(5);
});

describe("another process at the same time", () => {
  /** A memory that another process changes just before our own change. */
  const raced = (other: () => Promise<unknown>): Memory => ({
    load: (vkeys) => memory.load(vkeys),
    replace: async (vkeys, expected, next) => {
      await other();
      return memory.replace(vkeys, expected, next);
    },
  });
  const remember = async (from: TestLog, size: number): Promise<void> => {
    const before = await memory.load(log.trusted.vkeyTexts);
    const next = { size, checkpoint: from.checkpoint(size) };
    if (before?.size !== size) await memory.replace(log.trusted.vkeyTexts, before, next);
  };

  test("that is further is not set back", async () => {
    log.fill(30);
    await remember(log, 10);
    served.lie = (path, honest) => (path === "checkpoint" ? log.checkpoint(20) : honest);
    const observed = await update({ ...ports, memory: raced(() => remember(log, 30)) });
    expect(observed.state).toBe("stale");
    expect(await remembered()).toBe(30);
  });

  test("that was shown another history meanwhile: the fork is found all the same", async () => {
    log.fill(30);
    await remember(log, 10);
    const fork = new TestLog("log.test", key).fill(10).fill(30, " of the fork");
    const observed = await update({ ...ports, memory: raced(() => remember(fork, 30)) });
    expect(observed.state).toBe("forked");
  });

  test("that is faster each time ends in an error, never in an endless loop", async () => {
    log.fill(30);
    const never: Memory = { load: (vkeys) => memory.load(vkeys), replace: async () => false };
    expect((await failure(update({ ...ports, memory: never }))).code).toBe("FILE_UNREADABLE");
  });
});

test("a checkpoint of no entries with another root than the empty tree's", async () => {
  const root = new TestLog("log.test").fill(3).root();
  served.lie = () => log.checkpoint(0, root);
  expect((await failure(update(ports))).code).toBe("RESPONSE_INVALID");
});
