import { request } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { unwrap } from "../../../schema/error.ts";
import type { BatchEnd, BatchLine } from "../../../schema/http/messages.ts";
import { MAX_BATCH_LINES, MAX_BODY_BYTES } from "../../../schema/limits.ts";
import { parseCheckpoint } from "../../../schema/tlog/checkpoint.ts";
import { asHash, type Hash } from "../../../schema/tlog/hash.ts";
import { verifyInclusion } from "../../../schema/tlog/proof.ts";
import { isMessage } from "../../../server/http/openapi.ts";
import { until, untilStill, watchingRequests } from "../../until.ts";
import {
  ask,
  batch,
  DRIVERS,
  parseLines,
  problemIn,
  startTestLog,
  submissions,
  type TestLog,
} from "./harness.ts";

const { sha256 } = nodeCrypto;
const NDJSON = { "content-type": "application/x-ndjson" };

function isLine(value: unknown): value is BatchLine {
  return isMessage("BatchLine", value);
}

function isEnd(value: unknown): value is BatchEnd {
  return isMessage("BatchEnd", value);
}

interface Read {
  /** `refused CODE`, or the indexes of the line's entries. */
  readonly lines: readonly string[];
  readonly end: BatchEnd;
}

/** The lines of an answer; every proof in its end verified. */
function read(values: readonly unknown[]): Read {
  const end = values.at(-1);
  if (!isEnd(end)) throw new Error(`no last line: ${JSON.stringify(end)}`);
  const head = unwrap(parseCheckpoint(`${end.checkpoint.split("\n\n")[0] ?? ""}\n`));
  const entries: { index: number; leafHash: string }[] = [];
  const lines = values.slice(0, -1).map((value) => {
    if (!isLine(value)) throw new Error(`no line: ${JSON.stringify(value)}`);
    if ("problem" in value) return `refused ${value.problem.code}`;
    entries.push(...value.entries);
    return value.entries.map(({ index }) => index).join(",");
  });
  expect(end.proofs.map(({ index }) => index)).toEqual(entries.map(({ index }) => index));
  for (const [i, proof] of end.proofs.entries()) {
    const leaf = hashOf(Buffer.from(entries[i]?.leafHash ?? "", "hex"));
    const hashes = proof.hashes.map((text) => hashOf(Buffer.from(text, "base64")));
    expect(verifyInclusion(sha256, head, proof.index, leaf, hashes)).toBe(true);
  }
  return { lines, end };
}

function hashOf(bytes: Uint8Array): Hash {
  const hash = asHash(bytes);
  if (hash === undefined) throw new Error("not a hash");
  return hash;
}

describe.each(DRIVERS)("a batch to a log on %s", (driver) => {
  let log: TestLog;
  beforeAll(async () => {
    log = await startTestLog(driver);
  });
  afterAll(async () => {
    await log.end();
  });

  test("is answered line by line in order, then with all proofs under one checkpoint", async () => {
    const first = log.published().size;
    const lines = (await submissions(1_000)).map((submission) => JSON.stringify(submission));
    const answer = read(await batch(log, lines));
    expect(answer.lines).toEqual(lines.map((_, i) => String(first + i)));
    expect(log.published().size).toBe(first + 1_000);
    const again = read(await batch(log, lines));
    expect(again.lines).toEqual(answer.lines);
    expect(log.published().size).toBe(first + 1_000);
  });

  test("a broken line is answered by its problem and the rest goes on", async () => {
    const first = log.published().size;
    const good = (await submissions(3)).map((submission) => JSON.stringify(submission));
    const forged = (good[0] ?? "").replace(/"signature":"./, '"signature":"_');
    const lines = [good[0], "{", "", forged, good[1], '{"kind":"pgp"}', good[2]];
    const answer = read(
      await batch(
        log,
        lines.map((line) => line ?? ""),
      ),
    );
    expect(answer.lines.filter((line) => !line.startsWith("refused"))).toEqual([
      String(first),
      String(first + 1),
      String(first + 2),
    ]);
    expect(answer.lines[1]).toBe("refused JSON_MALFORMED");
    expect(answer.lines[2]).toBe("refused JSON_MALFORMED");
    expect(answer.lines[3]).toMatch(/^refused (FIELD_INVALID|NOT_CANONICAL)$/);
    expect(answer.lines[5]).toBe("refused KIND_UNSUPPORTED");
  });

  test("without lines is answered by the last line alone", async () => {
    const { lines, end } = read(await batch(log, []));
    expect(lines).toEqual([]);
    expect(end.checkpoint).toBe(Buffer.from(log.published().checkpoint).toString());
  });

  test("a line above the limit is refused and the next one is read", async () => {
    const [good] = await submissions(1);
    const before = log.published().size;
    const values = await batch(log, [" ".repeat(MAX_BODY_BYTES + 1), JSON.stringify(good)]);
    expect(read(values).lines).toEqual(["refused TOO_LARGE", String(before)]);
  });

  test("a line without an end closes the connection after an answer", async () => {
    const [good] = await submissions(1);
    const before = log.published().size;
    const body = `${JSON.stringify(good)}\n${" ".repeat(2 * MAX_BODY_BYTES + 1_000_000)}\n{}\n`;
    const answer = await ask(log, "/v1/entries:batch", { method: "POST", headers: NDJSON, body });
    expect(read(parseLines(answer.body)).lines).toEqual([String(before), "refused TOO_LARGE"]);
  });

  test("more lines than a batch may have are refused once, and what came before is proved", async () => {
    const [good] = await submissions(1);
    const line = `${JSON.stringify(good)}\n`;
    const body = line.repeat(MAX_BATCH_LINES + 5);
    const answer = await ask(log, "/v1/entries:batch", { method: "POST", headers: NDJSON, body });
    const { lines } = read(parseLines(answer.body));
    expect(lines).toHaveLength(MAX_BATCH_LINES + 1);
    expect(lines.at(-1)).toBe("refused TOO_LARGE");
    expect(new Set(lines.slice(0, -1)).size).toBe(1);
  });

  test("may be larger than a body, also where the sender waits to be asked for it", async () => {
    const [good] = await submissions(1);
    const filler = " ".repeat(MAX_BODY_BYTES - 1_000);
    const body = `${JSON.stringify(good)}\n${filler}\n${filler}\n`;
    const headers = { ...NDJSON, expect: "100-continue", "content-length": String(body.length) };
    const answer = await ask(log, "/v1/entries:batch", { method: "POST", headers, body });
    const { lines } = read(parseLines(answer.body));
    expect(lines.slice(1)).toEqual(["refused JSON_MALFORMED", "refused JSON_MALFORMED"]);
    expect(lines[0]).toMatch(/^\d+$/);
  });

  test("is refused whole where its head is wrong", async () => {
    const wrong = { method: "POST", headers: { "content-type": "application/json" }, body: "{}\n" };
    const answer = await ask(log, "/v1/entries:batch", wrong);
    expect(problemIn(answer).code).toBe("MEDIA_TYPE_UNSUPPORTED");
    const packed = { ...wrong, headers: { ...NDJSON, "content-encoding": "gzip" } };
    expect(problemIn(await ask(log, "/v1/entries:batch", packed)).field).toBe("Content-Encoding");
  });

  test("answers come while lines are still sent", async () => {
    const all = (await submissions(2)).map((submission) => `${JSON.stringify(submission)}\n`);
    const { first, rest } = await exchange(all);
    expect(isLine(first)).toBe(true);
    expect(isEnd(rest.at(-1))).toBe(true);
  });

  /** Send the second line only after the first one was answered. */
  async function exchange(lines: readonly string[]): Promise<{ first: unknown; rest: unknown[] }> {
    return new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port: log.port, method: "POST", headers: NDJSON };
      const req = request({ ...options, path: "/v1/entries:batch" }, (res) => {
        const chunks: Buffer[] = [];
        res.on("data", (chunk: Buffer) => {
          chunks.push(chunk);
          if (chunks.length === 1) req.end(lines[1]);
        });
        res.on("end", () => {
          const [first, ...rest] = parseLines(Buffer.concat(chunks));
          resolve({ first, rest });
        });
      });
      req.on("error", reject);
      req.write(lines[0] ?? "");
    });
  }

  test("a sender that pauses inside a line is refused in time, and what came before is proved", async () => {
    const hasty = await startTestLog(driver, { flags: { "limits-body-timeout-ms": "400" } });
    onTestFinished(hasty.end);
    const [good] = await submissions(1);
    // One write: the whole line is there when the clock starts.
    const values = await unfinished(hasty, `${JSON.stringify(good)}\n{"kind":`);
    expect(read(values).lines).toEqual(["1", "refused BODY_TIMEOUT"]);
  });

  async function unfinished({ port }: TestLog, text: string): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port, method: "POST", headers: NDJSON };
      const req = request({ ...options, path: "/v1/entries:batch" }, (res) => {
        const chunks: Buffer[] = [];
        res.on("data", (chunk: Buffer) => chunks.push(chunk));
        res.on("end", () => resolve(parseLines(Buffer.concat(chunks))));
        res.on("error", reject);
      });
      req.on("error", () => {});
      req.write(text);
    });
  }

  test("a sender that leaves loses nothing that was committed", async () => {
    const lines = (await submissions(50)).map((submission) => `${JSON.stringify(submission)}\n`);
    const before = log.published().size;
    await new Promise<void>((resolve) => {
      const options = { host: "127.0.0.1", port: log.port, method: "POST", headers: NDJSON };
      const req = request({ ...options, path: "/v1/entries:batch" }, (res) => {
        res.once("data", () => req.destroy());
        res.on("error", () => {});
        res.on("close", resolve);
      });
      req.on("error", () => {});
      req.write(lines.slice(0, 20).join(""));
    });
    const answer = read(
      await batch(
        log,
        lines.map((line) => line.trim()),
      ),
    );
    expect(log.published().size).toBe(before + 50);
    expect(new Set(answer.lines).size).toBe(50);
  });
});

describe("batches whose senders do not read", () => {
  const SENDERS = 3;
  // Every answer repeats its field twice: together far more than sockets and the budget hold.
  const LINES = 2_000;
  const FIELD = "x".repeat(3_000);
  /** Beyond what is counted, each answer has one chunk and the line that did not fit. */
  const SLACK = 65_536 + 3 * FIELD.length;

  test("wait beyond the memory set aside for answers, and lose no line", async () => {
    const log = await startTestLog("memory", {
      flags: { "limits-inflight-bytes": String(MAX_BODY_BYTES) },
    });
    onTestFinished(log.end);
    const body = `{"kind":"raw","${FIELD}":1}\n`.repeat(LINES);
    const head =
      "POST /v1/entries:batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n";
    const ask = `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
    const texts = await watchingRequests(async (responses) => {
      const answers = Array.from({ length: SENDERS }, () => unread(log.port, ask));
      const waiting = (): number =>
        responses.reduce((bytes, { writableLength }) => bytes + writableLength, 0);
      await until(() => waiting() > MAX_BODY_BYTES);
      await untilStill(waiting, SENDERS * MAX_BODY_BYTES);
      expect(waiting()).toBeLessThan(MAX_BODY_BYTES + SENDERS * SLACK);
      return Promise.all(answers.map(async (read) => read()));
    });
    for (const text of texts) {
      expect(text.match(/"code":"FIELD_INVALID"/g)).toHaveLength(LINES);
      expect(text).toMatch(/"proofs":\[\]\}\n\r\n0\r\n\r\n$/);
    }
  });

  /** Sends and does not read until it is called. */
  function unread(port: number, bytes: string): () => Promise<string> {
    const socket = connect(port, "127.0.0.1");
    socket.pause();
    socket.write(bytes);
    return async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of socket) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
      return Buffer.concat(chunks).toString("latin1");
    };
  }
});
