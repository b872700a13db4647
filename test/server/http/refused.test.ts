/** Whatever is refused says why, with its code and limit, and leaves the log as it was. */
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { ERRORS, type ErrorCode } from "../../../schema/error.ts";
import type { RawSubmission } from "../../../schema/http/messages.ts";
import { MAX_BODY_BYTES, MAX_ENVELOPE_SIGNATURES } from "../../../schema/limits.ts";
import { tokens } from "../../../server/admission/authority.ts";
import { stoppedClock } from "../../until.ts";
import {
  ask,
  DRIVERS,
  makeSigner,
  post,
  problemIn,
  raw,
  startTestLog,
  submissions,
  submit,
  type TestLog,
} from "./harness.ts";
import { sendInPart } from "./in-part.ts";

async function rawSubmission(): Promise<RawSubmission> {
  const [submission] = await submissions(1);
  if (submission?.kind !== "raw") throw new Error("an Ed25519 key signs files plainly");
  return submission;
}

/** One base64 text with its first character replaced: other bytes, same form. */
function changed(base64: string): string {
  return `${base64.startsWith("A") ? "B" : "A"}${base64.slice(1)}`;
}

function dsse(count: number, verifiers = count): string {
  return JSON.stringify({
    kind: "dsse",
    envelope: {
      payloadType: "a/b",
      payload: "AAAA",
      signatures: Array.from({ length: count }, () => ({ sig: "AAAA" })),
    },
    verifiers: Array.from({ length: verifiers }, () => ({ sshsig: true })),
  });
}

const PATIENCE_MS = 30_000;

describe.each(DRIVERS)("a log on %s", (driver) => {
  let log: TestLog;
  beforeAll(async () => {
    log = await startTestLog(driver, { flags: { "limits-body-timeout-ms": String(PATIENCE_MS) } });
  });
  afterAll(async () => {
    await log.end();
  });

  async function refuses(
    body: Uint8Array | string,
    code: ErrorCode,
    field?: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const before = log.published();
    const answer = await post(log, body, headers);
    const problem = problemIn(answer);
    expect(problem.code).toBe(code);
    expect(answer.status).toBe(ERRORS[code].http);
    if (field !== undefined) expect(problem.field).toContain(field);
    expect(log.published()).toBe(before);
  }

  test.each<[string, string, ErrorCode]>([
    ["nothing", "", "JSON_MALFORMED"],
    ["no JSON", "{", "JSON_MALFORMED"],
    ["JSON and more", '{"kind":"git","object":""} x', "JSON_MALFORMED"],
    ["no UTF-8", "\u00ff", "JSON_MALFORMED"],
    ["a duplicate key", '{"kind":"git","kind":"raw"}', "JSON_MALFORMED"],
    ["a lone surrogate", '{"kind":"\\ud800"}', "JSON_MALFORMED"],
    ["a number beyond 2^53", '{"kind":9007199254740993}', "JSON_MALFORMED"],
    ["an array", "[]", "FIELD_INVALID"],
    ["an unknown kind", '{"kind":"pgp"}', "KIND_UNSUPPORTED"],
    ["an unknown member", '{"kind":"git","object":"AAAA","repo":"x"}', "FIELD_INVALID"],
    ["base64 without padding", '{"kind":"git","object":"AAA"}', "NOT_CANONICAL"],
    ["base64 with stray bits", '{"kind":"git","object":"AAB="}', "NOT_CANONICAL"],
  ])("refuses %s", async (_what, body, code) => {
    const bytes = body === "\u00ff" ? Buffer.from([0x7b, 0xff]) : body;
    const before = log.published();
    const answer = await post(log, bytes);
    const problem = problemIn(answer);
    // Base64 that is not canonical may be called a field of another form.
    const codes = code === "NOT_CANONICAL" ? [code, "FIELD_INVALID"] : [code];
    expect(codes).toContain(problem.code);
    expect(log.published()).toBe(before);
  });

  test("refuses JSON that is too deep, whatever the depth", async () => {
    for (const depth of [65, 10_000, 1_000_000])
      await refuses(`{"kind":${"[".repeat(depth)}${"]".repeat(depth)}}`, "JSON_MALFORMED");
  });

  test("refuses a signature that does not verify, and one for another content", async () => {
    const good = await rawSubmission();
    const other = await rawSubmission();
    for (const submission of [
      { ...good, signature: changed(good.signature) },
      { ...good, content: changed(good.content) },
      { ...good, verifier: other.verifier },
    ])
      await refuses(JSON.stringify(submission), "SIGNATURE_INVALID");
  });

  test("refuses keys of another kind than they say, and what is no certificate", async () => {
    const good = await rawSubmission();
    const other = { ...good.verifier, keyDetails: "PKIX_ECDSA_P256_SHA_256" };
    const before = log.published();
    expect((await submit(log, { ...good, verifier: other })).status).toBeGreaterThanOrEqual(400);
    await refuses(
      JSON.stringify({
        ...good,
        verifier: { ...other, publicKey: undefined, x509Certificate: "AAAA" },
      }),
      "NOT_CANONICAL",
      "x509Certificate",
    );
    expect(log.published()).toBe(before);
  });

  test("refuses more signatures than an envelope may have, a million of them too", async () => {
    for (const count of [MAX_ENVELOPE_SIGNATURES + 1, 200_000])
      await refuses(dsse(count, 1), "TOO_LARGE", "signatures");
    // A million do not fit into a body at all.
    await refuses(dsse(1_000_000, 1), "TOO_LARGE", "body");
  });

  test("refuses a content above its limit and names that limit, not the body's", async () => {
    const signer = await makeSigner();
    const content = Buffer.alloc(1_048_577);
    const good = await rawSubmission();
    const body = JSON.stringify({ ...good, content: content.toString("base64") });
    const answer = problemIn(await post(log, body));
    expect(signer.publicKey.type).toBe("ed25519");
    expect(answer).toMatchObject({ code: "TOO_LARGE", limit: 1_048_576 });
  });

  test("refuses a body above its limit by its head alone, and closes the connection", async () => {
    const before = log.published();
    const answer = await raw(
      log,
      "POST /v1/entries HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
        `Content-Length: ${MAX_BODY_BYTES + 1}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain("Connection: close");
    expect(answer).toContain(`"limit":${MAX_BODY_BYTES}`);
    expect(log.published()).toBe(before);
  });

  test("refuses a chunked body at the byte that passes the limit", async () => {
    const body = Buffer.alloc(MAX_BODY_BYTES + 1, 0x20);
    const answer = await ask(log, "/v1/entries", {
      method: "POST",
      headers: { "content-type": "application/json", "transfer-encoding": "chunked" },
      body,
    });
    expect(problemIn(answer)).toMatchObject({ code: "TOO_LARGE", field: "body" });
    expect(answer.headers["connection"]).toBe("close");
  });

  test("does not ask for a body that it would refuse", async () => {
    const answer = await raw(
      log,
      "POST /v1/entries HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
        `Expect: 100-continue\r\nContent-Length: ${MAX_BODY_BYTES + 1}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).not.toContain("100 Continue");
  });

  test("refuses a compressed body unread", async () => {
    const body = gzipSync(JSON.stringify(await rawSubmission()));
    await refuses(body, "MEDIA_TYPE_UNSUPPORTED", "Content-Encoding", {
      "content-encoding": "gzip",
    });
  });

  test("refuses a body of another type", async () => {
    await refuses("{}", "MEDIA_TYPE_UNSUPPORTED", "Content-Type", { "content-type": "text/plain" });
  });

  test("refuses a body that does not arrive in time, and closes the connection", async () => {
    const before = log.published();
    const clock = stoppedClock();
    const asked = await sendInPart(
      log,
      "POST /v1/entries HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
        'Content-Length: 100\r\n\r\n{"kind":',
    );
    clock.advance(PATIENCE_MS);
    clock.goOn();
    const answer = await asked.answer;
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain(`"limit":${PATIENCE_MS}`);
    expect(log.published()).toBe(before);
  });

  test("a body that is half sent when its sender leaves changes nothing", async () => {
    const before = log.published();
    const answer = await raw(
      log,
      "POST /v1/entries HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
        'Content-Length: 100\r\n\r\n{"kind":',
      { end: true },
    );
    expect(answer).not.toMatch(/^HTTP\/1\.1 20/);
    expect(log.published()).toBe(before);
    expect((await ask(log, "/healthz")).status).toBe(200);
  });

  test("answers without a Host, and refuses an expectation it cannot meet, in its own words", async () => {
    const nameless = await raw(log, "GET /checkpoint HTTP/1.1\r\nConnection: close\r\n\r\n");
    expect(nameless).toMatch(/^HTTP\/1\.1 200 /);
    const expecting = await raw(
      log,
      "GET /checkpoint HTTP/1.1\r\nHost: x\r\nExpect: a-miracle\r\nConnection: close\r\n\r\n",
    );
    expect(expecting).toMatch(/^HTTP\/1\.1 400 /);
    expect(expecting).toContain('"field":"Expect"');
  });

  test("ends an answer that has begun where the rest of the request is no HTTP", async () => {
    const line = JSON.stringify(await rawSubmission());
    const chunk = `${(line.length + 1).toString(16)}\r\n${line}\n\r\n`;
    const answer = await raw(
      log,
      "POST /v1/entries:batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n" +
        `Transfer-Encoding: chunked\r\n\r\n${chunk}`,
      { afterwards: "this is no chunk\r\n" },
    );
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });

  test("refuses what is no HTTP and heads that are too large, in the same words", async () => {
    const garbage = await raw(log, "hello\r\n\r\n");
    expect(garbage).toMatch(/^HTTP\/1\.1 400 /);
    expect(garbage).toContain('"code":"FIELD_INVALID"');
    const huge = await raw(log, `GET / HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(20_000)}\r\n\r\n`);
    expect(huge).toMatch(/^HTTP\/1\.1 431 /);
    const smuggled = await raw(
      log,
      "POST /v1/entries HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    );
    expect(smuggled).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("unknown resources and methods are problems of their own", async () => {
    expect(problemIn(await ask(log, "/v2/entries")).code).toBe("NOT_FOUND");
    expect(problemIn(await ask(log, "/%")).code).toBe("NOT_FOUND");
    expect(problemIn(await ask(log, "/v1/entries/%ff")).code).toBe("FIELD_INVALID");
    const wrong = await ask(log, "/v1/entries", { method: "DELETE" });
    expect(problemIn(wrong).code).toBe("METHOD_NOT_ALLOWED");
    expect(wrong.headers["allow"]).toBe("POST");
    const read = await ask(log, "/checkpoint", { method: "POST" });
    expect(read.headers["allow"]).toBe("GET, HEAD");
    expect((await ask(log, "/v1/entries:batch")).status).toBe(405);
  });

  test("a body that no route reads ends the connection, however long it would be", async () => {
    const head = "GET /checkpoint HTTP/1.1\r\nHost: x\r\n";
    for (const body of ["Transfer-Encoding: chunked\r\n\r\n", "Content-Length: 10\r\n\r\nhalf"])
      expect(await raw(log, head + body)).toMatch(/^HTTP\/1\.1 200 [^]*Connection: close/);
  });

  test("a good submission is taken after all of this", async () => {
    expect((await submit(log, await rawSubmission())).status).toBe(201);
  });
});

describe("who may append, and how often", () => {
  test("without its token a submission is refused before it is read", async () => {
    const authority = tokens(nodeCrypto.sha256, "a-token-for-this-test\n", "tokens");
    const log = await startTestLog("memory", { authority });
    try {
      const body = JSON.stringify(await rawSubmission());
      expect(problemIn(await post(log, body))).toMatchObject({
        code: "NOT_ALLOWED",
        field: "Authorization",
      });
      const authorization = "Bearer a-token-for-this-test";
      expect((await post(log, body, { authorization })).status).toBe(201);
    } finally {
      await log.end();
    }
  });

  test("rates are held for each address, each key and all together", async () => {
    stoppedClock();
    const log = await startTestLog("memory", {
      flags: {
        "limits-requests-per-second-per-address": "3",
        "http-trusted-proxies": "127.0.0.1",
      },
    });
    try {
      const from = (address: string) => post(log, "{", { "x-forwarded-for": address });
      const codes = [];
      for (let i = 0; i < 5; i++) codes.push(problemIn(await from("192.0.2.1")).code);
      expect(codes).toEqual(
        ["FIELD_INVALID", "FIELD_INVALID", "FIELD_INVALID", "RATE_LIMITED", "RATE_LIMITED"].map(
          (code) => (code === "FIELD_INVALID" ? "JSON_MALFORMED" : code),
        ),
      );
      const limited = await from("192.0.2.1");
      expect(limited.status).toBe(429);
      expect(limited.headers["retry-after"]).toBe("1");
      expect(problemIn(await from("192.0.2.2")).code).toBe("JSON_MALFORMED");
    } finally {
      await log.end();
    }
  });

  test("a key is not held back by forgeries in its name", async () => {
    stoppedClock();
    const log = await startTestLog("memory", {
      flags: { "limits-entries-per-second-per-key": "1" },
    });
    try {
      const good = await rawSubmission();
      for (let i = 0; i < 5; i++)
        await submit(log, { ...good, signature: changed(good.signature) });
      expect((await submit(log, good)).status).toBe(201);
      expect(problemIn(await submit(log, good)).code).toBe("RATE_LIMITED");
    } finally {
      await log.end();
    }
  });

  test("bodies together hold no more memory than is set aside", async () => {
    const log = await startTestLog("memory", {
      flags: {
        "limits-inflight-bytes": String(MAX_BODY_BYTES),
        "limits-body-timeout-ms": String(PATIENCE_MS),
      },
    });
    const clock = stoppedClock();
    try {
      const head = "POST /v1/entries HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
      const half = `${head}Content-Length: 4000000\r\n\r\n${" ".repeat(3_000_000)}`;
      const { answer } = await sendInPart(log, half);
      const refused = await post(log, " ".repeat(2_000_000));
      expect(problemIn(refused)).toMatchObject({ code: "OVERLOADED", limit: MAX_BODY_BYTES });
      clock.advance(PATIENCE_MS);
      clock.goOn();
      expect(await answer).toContain("BODY_TIMEOUT");
      expect((await submit(log, await rawSubmission())).status).toBe(201);
    } finally {
      await log.end();
    }
  });
});
