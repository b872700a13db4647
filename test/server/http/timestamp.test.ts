/** The timestamp authority over HTTP, and the documents that name it. */
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import { MessageImprint, TimeStampReq, TimeStampResp } from "@peculiar/asn1-tsp";
import { AlgorithmIdentifier } from "@peculiar/asn1-x509";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toBase64 } from "../../../schema/bytes.ts";
import { IMPRINTS } from "../../../server/tsa/query.ts";
import { stoppedClock } from "../../until.ts";
import { type Answer, ask, problemIn, startTestLog, type TestLog } from "./harness.ts";

const PATH = "/api/v1/timestamp";
const QUERY = "application/timestamp-query";
const START = 1_790_000_000;

let log: TestLog;
let wall = START;
beforeAll(async () => {
  log = await startTestLog("memory", { now: () => wall * 1000 });
});
afterAll(async () => log.end());

function derQuery(oid: string = IMPRINTS[0].oid): Uint8Array {
  const hashAlgorithm = new AlgorithmIdentifier({ algorithm: oid });
  const hashedMessage = new OctetString(new Uint8Array(32));
  const messageImprint = new MessageImprint({ hashAlgorithm, hashedMessage });
  return new Uint8Array(AsnConvert.serialize(new TimeStampReq({ messageImprint })));
}

const JSON_QUERY = { artifactHash: toBase64(new Uint8Array(32)), hashAlgorithm: "sha256" };

async function post(body: Uint8Array | string, type: string): Promise<Answer> {
  return ask(log, PATH, { method: "POST", headers: { "content-type": type }, body });
}

/** Status and whether there is a token, of an answer that must be DER. */
function reply(answer: Answer): { readonly status: number; readonly token: boolean } {
  expect(answer.headers["content-type"]).toBe("application/timestamp-reply");
  expect(answer.headers["cache-control"]).toBe("no-store");
  const { status, timeStampToken } = AsnConvert.parse(answer.body, TimeStampResp);
  return { status: status.status, token: timeStampToken !== undefined };
}

describe("POST /api/v1/timestamp", () => {
  test("grants a query in DER and one in Sigstore's JSON", async () => {
    for (const answer of [
      await post(derQuery(), QUERY),
      await post(JSON.stringify(JSON_QUERY), "application/json; charset=utf-8"),
    ]) {
      expect(answer.status).toBe(200);
      expect(reply(answer)).toEqual({ status: 0, token: true });
    }
  });

  test("refuses a query in the language it came in", async () => {
    for (const body of [derQuery("1.3.14.3.2.26"), Buffer.from("no DER"), Buffer.alloc(0)]) {
      const answer = await post(body, QUERY);
      expect(answer.status).toBe(200);
      expect(reply(answer)).toEqual({ status: 2, token: false });
    }
    for (const body of ["{}", "[", JSON.stringify({ ...JSON_QUERY, hashAlgorithm: "md5" })]) {
      const answer = await post(body, "application/json");
      expect(answer.status).toBe(400);
      expect(problemIn(answer).code).toBe("FIELD_INVALID");
    }
  });

  test("bounds the body and names the types it takes", async () => {
    const large = await post(Buffer.alloc(4_097), QUERY);
    expect(problemIn(large)).toMatchObject({ code: "TOO_LARGE", limit: 4_096 });
    expect(problemIn(await post(derQuery(), "text/plain")).code).toBe("MEDIA_TYPE_UNSUPPORTED");
    expect(problemIn(await ask(log, PATH)).code).toBe("METHOD_NOT_ALLOWED");
  });

  test("I7 (F7) a clock that went back stops it in both languages, and appends go on", async () => {
    wall = START + 100;
    expect(reply(await post(derQuery(), QUERY)).token).toBe(true);
    wall -= 3_600;
    const der = await post(derQuery(), QUERY);
    expect(der.status).toBe(503);
    expect(der.headers["retry-after"]).toBe("3600");
    expect(reply(der)).toEqual({ status: 2, token: false });
    const json = await post(JSON.stringify(JSON_QUERY), "application/json");
    expect(json.status).toBe(503);
    expect(problemIn(json)).toMatchObject({ code: "CLOCK_REFUSED", retryAfter: 3_600 });
    wall = START + 200;
    expect(reply(await post(derQuery(), QUERY)).token).toBe(true);
  });

  test("counts a sender as other writes do", async () => {
    stoppedClock();
    const limited = await startTestLog("memory", {
      flags: { "limits-requests-per-second-per-address": "2" },
    });
    try {
      const headers = { "content-type": QUERY };
      const answers = await Promise.all(
        [1, 2, 3, 4].map(() => ask(limited, PATH, { method: "POST", headers, body: derQuery() })),
      );
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(2);
    } finally {
      await limited.end();
    }
  });
});

describe("a log whose timestamp authority is off", () => {
  test("has no such resource, and names none in its documents", async () => {
    const off = await startTestLog("memory", { flags: { "timestamp-authority": "off" } });
    try {
      const answer = await ask(off, PATH, { method: "POST", body: derQuery() });
      expect(problemIn(answer).code).toBe("NOT_FOUND");
      const root = (await ask(off, "/trusted_root.json")).body.toString();
      expect(root).toContain('"timestampAuthorities": []');
      expect((await ask(off, "/signing_config.json")).body.toString()).not.toContain("tsaUrls");
    } finally {
      await off.end();
    }
  });
});

describe("the documents for clients", () => {
  test("are served with their types, out of the running configuration", async () => {
    const root = await ask(log, "/trusted_root.json");
    expect(root.headers["content-type"]).toBe("application/json");
    expect(root.headers["cache-control"]).toBe("no-cache");
    expect(root.body.toString()).toContain('"start": "2026-09-21T14:13:20Z"');
    expect((await ask(log, "/signing_config.json")).body.toString()).toContain(PATH);
    const policy = await ask(log, "/witness_policy");
    expect(policy.headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(policy.body.toString()).toBe(`log ${log.vkey} https://${log.origin}\nquorum none\n`);
  });
});

describe("/readyz", () => {
  test("I7 shows the clock: a refusal is a reason only where time stamps are asked for", async () => {
    const well = await startTestLog("memory", { now: () => START * 1000 });
    try {
      expect((await ask(well, "/readyz")).body.toString()).toContain(
        '"clock","ok":true,"detail":"would sign 2026-09-21T14:13:20Z"',
      );
    } finally {
      await well.end();
    }
    const jumped = { now: () => START * 1000, clockFrom: START - 10 * 31_557_600 };
    for (const authority of ["on", "off"]) {
      const log = await startTestLog("memory", {
        ...jumped,
        flags: { "timestamp-authority": authority },
      });
      try {
        const answer = await ask(log, "/readyz");
        expect(answer.body.toString()).toContain("no time is signed: the clock of the machine");
        expect(answer.status).toBe(authority === "on" ? 503 : 200);
      } finally {
        await log.end();
      }
    }
  });
});
