import { request } from "node:http";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { isMessage } from "../../../server/http/openapi.ts";
import { nextTurn, until, watchingRequests } from "../../until.ts";
import {
  type Answer,
  DRIVERS,
  parseLines,
  problemIn,
  startTestLog,
  submissions,
  submit,
} from "./harness.ts";

describe.each(DRIVERS)("the end of a log on %s", (driver) => {
  test("under load loses nothing that was acknowledged, and acknowledges nothing that was lost", async () => {
    const log = await startTestLog(driver);
    const all = await submissions(400);
    const answers = all.map((submission) => submit(log, submission).catch(() => undefined));
    await Promise.race(answers);
    await log.close();
    const settled = await Promise.all(answers);
    const logged = settled.filter((answer): answer is Answer => answer?.status === 201);
    const { size } = log.published();
    expect(logged.length).toBeGreaterThan(0);
    const indexes = logged.map((answer) => /"logIndex":"(\d+)"/.exec(answer.body.toString())?.[1]);
    expect(new Set(indexes).size).toBe(logged.length);
    for (const index of indexes) expect(Number(index)).toBeLessThan(size);
    // Entry 0 is the genesis; every other entry was acknowledged, or its sender was cut off.
    const cut = settled.filter((answer) => answer === undefined).length;
    expect(size).toBeGreaterThanOrEqual(1 + logged.length);
    expect(size).toBeLessThanOrEqual(1 + logged.length + cut);
    for (const answer of settled)
      if (answer !== undefined && answer.status !== 201)
        expect(problemIn(answer).code).toBe("STOPPING");
    await log.end();
  });

  test("lets a request in flight finish, and says that the connection ends", async () => {
    const log = await startTestLog(driver);
    const [submission] = await submissions(1);
    const body = JSON.stringify(submission);
    const { answer, finish } = await half(log.port, body);
    const closed = log.close();
    await nextTurn();
    finish();
    expect(await answer).toMatch(/^HTTP\/1\.1 201 /);
    await closed;
    expect(log.published().size).toBe(2);
    await log.end();
  });

  /** A request that the log has taken, and that is half sent until `finish`. */
  async function half(
    port: number,
    body: string,
  ): Promise<{ answer: Promise<string>; finish: () => void }> {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    const answer = new Promise<string>((resolve) => {
      socket.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve(text));
    });
    await watchingRequests(async (taken) => {
      socket.write(
        `POST /v1/entries HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
          `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body.slice(0, 10)}`,
      );
      await until(() => taken.length > 0);
    });
    return { answer, finish: () => socket.write(body.slice(10)) };
  }

  test("ends a batch after the lines that were read, with their proofs", async () => {
    const log = await startTestLog(driver);
    const lines = (await submissions(20)).map((submission) => `${JSON.stringify(submission)}\n`);
    const values = await new Promise<unknown[]>((resolve, reject) => {
      const headers = { "content-type": "application/x-ndjson" };
      const options = { host: "127.0.0.1", port: log.port, method: "POST", headers };
      const req = request({ ...options, path: "/v1/entries:batch" }, (res) => {
        const chunks: Buffer[] = [];
        let closing = false;
        res.on("data", (chunk: Buffer) => {
          chunks.push(chunk);
          if (closing) return;
          closing = true;
          log.close().catch(reject);
        });
        res.on("end", () => resolve(parseLines(Buffer.concat(chunks))));
        res.on("error", reject);
      });
      req.on("error", () => {});
      req.write(lines.join(""));
    });
    expect(values).toHaveLength(22);
    expect(
      values.slice(0, 20).every((value) => JSON.stringify(value).startsWith('{"entries"')),
    ).toBe(true);
    expect(JSON.stringify(values[20])).toContain('"code":"STOPPING"');
    expect(isMessage("BatchEnd", values[21])).toBe(true);
    await log.end();
    expect(log.published().size).toBe(21);
  });

  test("cuts off what does not end in its grace time", async () => {
    const log = await startTestLog(driver, { flags: { "shutdown-grace-ms": "100" } });
    const { answer } = await half(log.port, "{}".padEnd(100));
    await log.close();
    expect(await answer).not.toMatch(/ 201 /);
    await log.end();
  });

  test("may be asked for twice", async () => {
    const log = await startTestLog(driver);
    await Promise.all([log.close(), log.close()]);
    await log.end();
  });
});
