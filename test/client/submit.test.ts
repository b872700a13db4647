import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { verifyEvidence } from "../../client/evidence.ts";
import { httpTransport } from "../../client/fetch.ts";
import { dsseSubmission, fileSubmission } from "../../client/keys/signer.ts";
import { volatileMemory } from "../../client/memory.ts";
import { submit } from "../../client/submit.ts";
import { type BatchEvent, submitBatch } from "../../client/submit-batch.ts";
import type { LogPorts } from "../../client/update.ts";
import { verifyReceipt } from "../../client/verify/receipt.ts";
import { fromUtf8, utf8 } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import type { Submission } from "../../schema/http/messages.ts";
import { formatLogEntry, formatReceipt } from "../../schema/receipt.ts";
import { logKey, newSigner, type Served, serveLog, signedCommit, TestLog } from "./test-log.ts";

const key = logKey();
const signer = newSigner();
const second = newSigner("p256");
let log: TestLog;
let served: Served;
let ports: LogPorts;

beforeEach(async () => {
  log = new TestLog("log.test", key).fill(5);
  served = await serveLog(() => log);
  const transport = httpTransport(served.url, { deadlineMs: 5000 });
  ports = { crypto: nodeCrypto, transport, log: log.trusted, memory: volatileMemory() };
});
afterEach(async () => served.close());

const remembered = async (): Promise<number | undefined> =>
  (await ports.memory.load(log.trusted.vkeyTexts))?.size;

async function failure(asked: Promise<unknown>): Promise<LogError> {
  const error: unknown = await asked.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof LogError) return error;
  throw new Error("it did not fail", { cause: error });
}

/** Change the JSON of an answer. */
function rewrite(which: string, change: (answer: string) => string): void {
  served.lie = (path, honest) =>
    path === which && honest !== undefined ? utf8(change(fromUtf8(honest) ?? "")) : honest;
}

/** The last line of a batch, to be changed. */
function endOf(line: string | undefined): { checkpoint: unknown; proofs: unknown[] } {
  const end: unknown = JSON.parse(line ?? "");
  if (typeof end !== "object" || end === null || !("proofs" in end) || !("checkpoint" in end))
    throw new Error("no end");
  const { checkpoint, proofs } = end;
  return { checkpoint, proofs: Array.isArray(proofs) ? [...(proofs as readonly unknown[])] : [] };
}

describe("one submission", () => {
  test.each([
    ["a file", async () => fileSubmission(signer, utf8("a file"))],
    ["a file by P-256", async () => fileSubmission(second, utf8("a file"))],
    ["an envelope", async () => dsseSubmission(signer, "text/plain", utf8("hello"))],
    ["a commit", async () => (await signedCommit(signer)).submission],
  ])("%s gets a receipt that verifies, and its head is remembered", async (_, make) => {
    const [receipt] = await submit(ports, await make());
    expect(receipt?.entry.index).toBe(5);
    expect(await remembered()).toBe(6);
    const bytes = receipt === undefined ? new Uint8Array() : formatReceipt(receipt);
    const trust = { logs: [log.trusted], people: [], rules: [] };
    const verdict = await verifyReceipt({ crypto: nodeCrypto, trust }, { name: "r", bytes });
    expect(verdict.ok).toBe(true);
  });

  test("a duplicate gets its old index and a full receipt", async () => {
    const submission = await fileSubmission(signer, utf8("twice"));
    const [first] = await submit(ports, submission);
    log.fill(20);
    const [again] = await submit(ports, submission);
    expect(again?.entry.index).toBe(first?.entry.index);
    expect(again?.entry.size).toBe(20);
  });

  test("an envelope with two signatures gets two receipts in their order", async () => {
    const a = await dsseSubmission(signer, "text/plain", utf8("both"));
    const b = await dsseSubmission(second, "text/plain", utf8("both"));
    const both = {
      ...a,
      envelope: { ...a.envelope, signatures: [...b.envelope.signatures, ...a.envelope.signatures] },
      verifiers: [...b.verifiers, ...a.verifiers],
    };
    const receipts = await submit(ports, both);
    expect(receipts.map(({ entry }) => entry.index)).toEqual([5, 6]);
    expect(receipts[0]?.content).toEqual(receipts[1]?.content);
  });

  test("what would be refused is refused before anything is sent", async () => {
    const good = await fileSubmission(signer, utf8("x"));
    if (good.kind !== "raw") throw new Error("not raw");
    const weak = { ...good, verifier: { ...good.verifier, publicKey: "AAAA" } };
    await failure(submit(ports, weak));
    const large = { ...good, content: "A".repeat(4_194_304) };
    expect((await failure(submit(ports, large))).code).toBe("TOO_LARGE");
    expect(served.asked).toEqual([]);
  });

  test("the log's own refusal comes with its code", async () => {
    served.lie = (_, __, res) => {
      res.writeHead(429, { "content-type": "application/problem+json" });
      res.end('{"code":"RATE_LIMITED","detail":"slowly"}');
      return "answered";
    };
    const error = await failure(submit(ports, await fileSubmission(signer, utf8("x"))));
    expect(error.code).toBe("RATE_LIMITED");
  });
});

describe("an answer that does not hold is refused, and nothing is remembered", () => {
  let submission: Submission;
  beforeEach(async () => {
    submission = await fileSubmission(signer, utf8("mine"));
    log.submit(await fileSubmission(second, utf8("of somebody else")));
  });
  afterEach(async () => expect(await remembered()).toBeUndefined());
  const refused = async (): Promise<string> => (await failure(submit(ports, submission))).code;

  test.each([
    ["no bytes", ""],
    ["no entries", "{}"],
    ["an empty list", '{"entries":[]}'],
    ["no JSON", "yes"],
  ])("CVE-2022-36056 CVE-2026-42501 %s", async (_, text) => {
    rewrite("v1/entries", () => text);
    expect(await refused()).toBe("RESPONSE_INVALID");
  });

  test("CVE-2022-23649 ANT-2026-88EWBS43 a true receipt of another entry", async () => {
    rewrite("v1/entries", () => JSON.stringify({ entries: [formatLogEntry(log.entry(5))] }));
    expect(await refused()).toBe("RESPONSE_INVALID");
  });

  test.each(["rootHash", "treeSize", "logIndex", "keyId", "envelope"])(
    "another %s",
    async (name) => {
      rewrite("v1/entries", (text) =>
        text.replaceAll(
          new RegExp(`("${name}":"[^"]*)([1-9A-Ya-y])`, "g"),
          (_, before: string, c: string) => before + String.fromCharCode(c.charCodeAt(0) + 1),
        ),
      );
      expect(await refused()).toBe("RESPONSE_INVALID");
    },
  );

  test("a proof of an earlier checkpoint than the one sent", async () => {
    log.submit(submission);
    log.fill(12);
    const entry = formatLogEntry(log.entry(6));
    const { checkpoint } = formatLogEntry(log.entry(6, 9)).inclusionProof;
    const mixed = { ...entry, inclusionProof: { ...entry.inclusionProof, checkpoint } };
    rewrite("v1/entries", () => JSON.stringify({ entries: [mixed] }));
    expect(await refused()).toBe("RESPONSE_INVALID");
  });

  test("CVE-2023-47122 a receipt of an impostor with a key of its own", async () => {
    const impostor = new TestLog("log.test").fill(5);
    impostor.submit(submission);
    rewrite("v1/entries", () => JSON.stringify({ entries: [formatLogEntry(impostor.entry(5))] }));
    expect(await refused()).toBe("RESPONSE_INVALID");
  });

  test("an endless answer", async () => {
    served.lie = (_, __, res) => {
      const more = (): void => {
        while (!res.destroyed && res.write(" ".repeat(1_048_576)));
        if (!res.destroyed) res.once("drain", more);
      };
      more();
      return "answered";
    };
    expect(await refused()).toBe("RESPONSE_INVALID");
  });
});

test("a receipt of a fork is refused with evidence that convicts", async () => {
  await submit(ports, await fileSubmission(signer, utf8("first")));
  log = new TestLog("log.test", key).fill(9, " of another history");
  const error = await failure(submit(ports, await fileSubmission(signer, utf8("second"))));
  expect(error.code).toBe("LOG_MISBEHAVED");
  const file = error.detail.evidence ?? new Uint8Array();
  const verdict = await verifyEvidence(nodeCrypto, { logs: [log.trusted] }, file);
  expect(verdict).toMatchObject({ ok: true, kind: "fork-inconsistent" });
  expect(await remembered()).toBe(6);
});

describe("a batch", () => {
  const collect = async (
    submissions: AsyncIterable<Submission> | Iterable<Submission>,
    options = {},
  ): Promise<BatchEvent[]> => {
    const events: BatchEvent[] = [];
    for await (const event of submitBatch(ports, submissions, options)) events.push(event);
    return events;
  };
  const files = async (count: number): Promise<Submission[]> =>
    Promise.all(
      Array.from({ length: count }, async (_, i) => fileSubmission(signer, utf8(`${i}`))),
    );

  test("tells of each line when it is committed, and hands out checked receipts", async () => {
    const events = await collect(await files(20));
    const committed = events.filter(({ kind }) => kind === "committed");
    expect(committed.map(({ line }) => line)).toEqual([...Array(20).keys()]);
    const receipts = events.filter((event) => event.kind === "receipts");
    expect(receipts.map(({ line }) => line)).toEqual([...Array(20).keys()]);
    const trust = { logs: [log.trusted], people: [], rules: [] };
    for (const { receipts: list } of receipts)
      for (const receipt of list) {
        const file = { name: "r", bytes: formatReceipt(receipt) };
        expect((await verifyReceipt({ crypto: nodeCrypto, trust }, file)).ok).toBe(true);
      }
    expect(await remembered()).toBe(25);
  });

  test("is cut into requests by lines and by bytes; nothing is asked for nothing", async () => {
    expect(await collect([])).toEqual([]);
    expect(served.asked).toEqual([]);
    await collect(await files(10), { lines: 4 });
    expect(served.asked.filter((path) => path === "v1/entries:batch")).toHaveLength(3);
    await collect(await files(10), { bytes: 1 });
    expect(served.asked.filter((path) => path === "v1/entries:batch")).toHaveLength(13);
  });

  test("a line that is refused here or there is told with its number, and the rest goes on", async () => {
    const list = await files(4);
    const [first] = list;
    if (first?.kind !== "raw") throw new Error("not raw");
    list[1] = { ...first, verifier: { ...first.verifier, publicKey: "AAAA" } };
    rewrite("v1/entries:batch", (text) => {
      const lines = text.split("\n");
      lines[2] = JSON.stringify({ problem: { code: "CONTENT_REFUSED", detail: "erased" } });
      const end = endOf(lines[3]);
      end.proofs.pop();
      return [lines[0], lines[1], lines[2], JSON.stringify(end), ""].join("\n");
    });
    const events = await collect(list);
    const refused = events.filter((event) => event.kind === "refused");
    expect(refused.map(({ line }) => line).toSorted((a, b) => a - b)).toEqual([1, 3]);
    expect(refused.find(({ line }) => line === 3)?.error.code).toBe("CONTENT_REFUSED");
    expect(events.filter(({ kind }) => kind === "receipts").map(({ line }) => line)).toEqual([
      0, 2,
    ]);
  });

  test("an error of the caller's own source is that error", async () => {
    const list = await files(2);
    async function* broken(): AsyncGenerator<Submission> {
      yield* list;
      throw new Error("the repository is gone");
    }
    await expect(collect(broken())).rejects.toThrow("the repository is gone");
  });

  test.each([
    ["no end", (lines: string[]) => lines.slice(0, -1), "OUTCOME_UNKNOWN"],
    ["an empty line", () => [], "RESPONSE_INVALID"],
    ["a line too many", (lines: string[]) => [lines[0] ?? "", ...lines], "RESPONSE_INVALID"],
    [
      "two lines swapped",
      ([a = "", b = "", ...more]: string[]) => [b, a, ...more],
      "RESPONSE_INVALID",
    ],
    ["a line that is no JSON", (lines: string[]) => ["yes", ...lines.slice(1)], "RESPONSE_INVALID"],
    [
      "another leaf hash",
      ([a = "", ...more]: string[]) => [a.replace(/"leafHash":"../, '"leafHash":"00'), ...more],
      "RESPONSE_INVALID",
    ],
    [
      "another index",
      ([a = "", ...more]: string[]) => [a.replace('"index":5', '"index":6'), ...more],
      "RESPONSE_INVALID",
    ],
    [
      "a problem after the last line",
      (lines: string[]) => [
        ...lines.slice(0, -1),
        '{"problem":{"code":"STOPPING","detail":"bye"}}',
      ],
      "STOPPING",
    ],
  ])("an answer with %s is an error", async (_, change, code) => {
    rewrite("v1/entries:batch", (text) => `${change(text.trimEnd().split("\n")).join("\n")}\n`);
    expect((await failure(collect(await files(2)))).code).toBe(code);
  });

  test.each([
    ["without proofs", () => []],
    ["with one proof for all", ([a]: unknown[]) => [a, a]],
    ["with a proof too many", (proofs: unknown[]) => [...proofs, proofs[0]]],
    ["with swapped proofs", (proofs: unknown[]) => proofs.toReversed()],
    [
      "with empty proofs",
      () => [
        { index: 5, hashes: [] },
        { index: 6, hashes: [] },
      ],
    ],
  ])("an end %s is an error", async (_, change) => {
    rewrite("v1/entries:batch", (text) => {
      const lines = text.trimEnd().split("\n");
      const end = endOf(lines.pop());
      return [...lines, JSON.stringify({ ...end, proofs: change(end.proofs) })].join("\n");
    });
    expect((await failure(collect(await files(2)))).code).toBe("RESPONSE_INVALID");
  });

  test("an end before all lines are answered gives the others an unknown outcome", async () => {
    rewrite("v1/entries:batch", (text) => {
      const lines = text.trimEnd().split("\n");
      const end = endOf(lines.pop());
      return [lines[0], JSON.stringify({ ...end, proofs: end.proofs.slice(0, 1) })].join("\n");
    });
    const events = await collect(await files(3));
    const unknown = events.filter((event) => event.kind === "refused");
    expect(unknown.map(({ line, error }) => [line, error.code])).toEqual([
      [1, "OUTCOME_UNKNOWN"],
      [2, "OUTCOME_UNKNOWN"],
    ]);
    expect(events.filter(({ kind }) => kind === "receipts").map(({ line }) => line)).toEqual([0]);
  });
});
