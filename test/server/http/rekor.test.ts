/** Rekor's write interface of a live log: what its clients send, and what they get. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { parseTrust } from "../../../client/trust.ts";
import { verifyReceipt } from "../../../client/verify/receipt.ts";
import { toBase64, toHex, utf8 } from "../../../schema/bytes.ts";
import { pae } from "../../../schema/entry/dsse.ts";
import { parseLeaf } from "../../../schema/entry/leaf.ts";
import { unwrap } from "../../../schema/error.ts";
import { parseJson } from "../../../schema/json.ts";
import { MAX_BODY_BYTES } from "../../../schema/limits.ts";
import { formatReceipt, type LogEntry, parseLogEntry } from "../../../schema/receipt.ts";
import { tokens } from "../../../server/admission/authority.ts";
import { isMessage } from "../../../server/http/openapi.ts";
import { stoppedClock } from "../../until.ts";
import { certified } from "../../vectors/certificates.ts";
import { digestRequest, dsseRequest } from "../../vectors/rekor.ts";
import * as made from "../../vectors/signers.ts";
import { expectLogged } from "./expect-logged.ts";
import { type Answer, ask, batch, DRIVERS, startTestLog, submit, type TestLog } from "./harness.ts";
import { sendInPart } from "./in-part.ts";

const { sha256 } = nodeCrypto;
const PATH = "/api/v2/log/entries";
const TYPE = "application/example";
const p256 = made.p256Signer("p256");
const rsa = made.rsaSigner();
let count = 0;
/** Bytes that were not logged yet. */
const fresh = (): Uint8Array => utf8(`content ${count++}\n`);

async function post(
  log: TestLog,
  body: unknown,
  headers: Readonly<Record<string, string>> = { "content-type": "application/json" },
): Promise<Answer> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return ask(log, PATH, { method: "POST", headers, body: text });
}

/** What a client does with the answer: everything against the vkey it knew before. */
async function verified(log: TestLog, answer: Answer): Promise<LogEntry> {
  expect(answer.status, answer.body.toString()).toBe(201);
  const value = unwrap(parseJson(new Uint8Array(answer.body)));
  expect(isMessage("TransparencyLogEntry", value)).toBe(true);
  const entry = unwrap(parseLogEntry(value, ""));
  await expectLogged(log, entry);
  return entry;
}

interface Status {
  readonly code: number;
  readonly message: string;
}

/** A refusal in Rekor's shape, with nothing else in it. */
function status(answer: Answer): Status {
  expect(answer.headers["content-type"]).toBe("application/json");
  const value: unknown = JSON.parse(answer.body.toString());
  if (!isMessage("RekorStatus", value)) throw new Error(answer.body.toString());
  const parsed: Status = JSON.parse(answer.body.toString());
  return parsed;
}

const content = async (log: TestLog, bytes: Uint8Array): Promise<Answer> =>
  ask(log, `/content/sha256/${toHex(sha256(bytes))}`);

describe.each(DRIVERS)("Rekor's interface of a log on %s", (driver) => {
  let log: TestLog;
  beforeAll(async () => {
    log = await startTestLog(driver);
  });
  afterAll(async () => {
    await log.end();
  });
  const size = (): number => log.published().size;

  test.each([
    ["P-256", p256],
    ["RSA", rsa],
    ["a certificate", certified(p256, "ada@example.org")],
  ])("I3 a digest by %s gets 201 and a proof under a checkpoint that is served", async (_, key) => {
    const bytes = fresh();
    const answer = await post(log, digestRequest(bytes, key));
    const entry = await verified(log, answer);
    expect(entry.index).toBe(size() - 1);
    expect((await ask(log, "/checkpoint")).body.toString()).toBe(entry.checkpoint);
    expect(unwrap(parseLeaf(entry.leafBytes))).toMatchObject({
      kind: "hashedrekord",
      digest: sha256(bytes),
    });
  });

  test("every field that Rekor writes is there, and no other", async () => {
    const answer = await post(log, digestRequest(fresh(), p256));
    const value: Record<string, unknown> = JSON.parse(answer.body.toString());
    expect(Object.keys(value)).toEqual([
      "logIndex",
      "logId",
      "kindVersion",
      "integratedTime",
      "inclusionPromise",
      "inclusionProof",
      "canonicalizedBody",
    ]);
    expect(value).toMatchObject({
      kindVersion: { kind: "hashedrekord", version: "0.0.2" },
      integratedTime: "0",
      inclusionPromise: null,
      inclusionProof: { logIndex: value["logIndex"] },
    });
  });

  test("I8 a duplicate gets 201, the original's index and a fresh proof", async () => {
    const bytes = fresh();
    const first = await verified(log, await post(log, digestRequest(bytes, p256)));
    await post(log, digestRequest(fresh(), p256));
    const again = await verified(log, await post(log, digestRequest(bytes, p256)));
    expect(again.index).toBe(first.index);
    expect(again.size).toBeGreaterThan(first.size);
    expect(size()).toBe(again.size);
  });

  test("I8 F10 300 identical posts at once become one leaf, and all get its index", async () => {
    const before = size();
    const body = JSON.stringify(digestRequest(fresh(), p256));
    const answers = await Promise.all(Array.from({ length: 300 }, () => post(log, body)));
    expect(size()).toBe(before + 1);
    for (const answer of answers) {
      expect(answer.status).toBe(201);
      expect(unwrap(parseLogEntry(unwrap(parseJson(answer.body)), "")).index).toBe(before);
    }
  });

  test("an envelope's content is held, a digest's content never was", async () => {
    const payload = fresh();
    const held = await verified(log, await post(log, dsseRequest(TYPE, payload, p256)));
    expect((await content(log, pae(TYPE, payload))).body).toEqual(Buffer.from(pae(TYPE, payload)));
    const bytes = fresh();
    const opaque = await verified(log, await post(log, digestRequest(bytes, p256)));
    expect((await content(log, bytes)).status).toBe(404);
    const contents = log.parts.storage.reader.contents(held.index, opaque.index + 1);
    expect(contents.map(({ state }) => state)).toEqual(["held", "never-held"]);
  });

  test("an opaque entry is proved, and says nothing until its content is at hand", async () => {
    const bytes = fresh();
    const entry = await verified(log, await post(log, digestRequest(bytes, p256)));
    const trust = unwrap(
      parseTrust(
        sha256,
        utf8(
          `trust = 1\n[[log]]\norigin = "${log.origin}"\nvkeys = ["${log.vkey}"]\nurl = "${log.url}"\n`,
        ),
      ),
    );
    const verify = async (artifact?: Uint8Array) =>
      verifyReceipt(
        { crypto: nodeCrypto, trust },
        { name: "a", bytes: formatReceipt({ entry }) },
        artifact,
      );
    expect(await verify()).toMatchObject({ ok: false, refusal: { code: "CONTENT_MISSING" } });
    expect(await verify(bytes)).toMatchObject({ ok: true });
    expect(await verify(fresh())).toMatchObject({ ok: false, refusal: { code: "OTHER_CONTENT" } });
  });

  describe("a content that comes later than its digest", () => {
    const kindsFrom = (from: number): string[] =>
      log.parts.storage.reader.leaves(from, size()).map((leaf) => unwrap(parseLeaf(leaf)).kind);

    test("T1 through Rekor's door: the entry is answered, and its twin is logged once", async () => {
      const payload = fresh();
      const first = await verified(log, await post(log, digestRequest(pae(TYPE, payload), p256)));
      for (let i = 0; i < 3; i++) {
        const later = await verified(log, await post(log, dsseRequest(TYPE, payload, p256)));
        expect(later.index).toBe(first.index);
        expect(kindsFrom(first.index)).toEqual(["hashedrekord", "countersign"]);
      }
      const again = await verified(log, await post(log, digestRequest(pae(TYPE, payload), p256)));
      expect(again.index).toBe(first.index);
      expect(again.size).toBe(first.index + 2);
      const states = log.parts.storage.reader.contents(first.index, size());
      expect(states.map(({ state }) => state)).toEqual(["never-held", "held"]);
      expect((await content(log, pae(TYPE, payload))).status).toBe(200);
    });

    test("T1 through the log's own door: both are answered, by one submission and by a batch", async () => {
      const bytes = fresh();
      const first = await verified(log, await post(log, digestRequest(bytes, p256)));
      const native = made.rawSubmission(bytes, p256);
      for (let i = 0; i < 2; i++) {
        const answer: { entries: { logIndex: string; kindVersion: { kind: string } }[] } =
          JSON.parse((await submit(log, native)).body.toString());
        expect(answer.entries.map((entry) => [entry.logIndex, entry.kindVersion.kind])).toEqual([
          [String(first.index), "hashedrekord"],
          [String(first.index + 1), "countersign"],
        ]);
      }
      const other = fresh();
      const second = await verified(log, await post(log, digestRequest(other, rsa)));
      const lines = await batch(log, [JSON.stringify(made.rawSubmission(other, rsa))]);
      expect(lines).toMatchObject([
        { entries: [{ index: second.index }, { index: second.index + 1 }] },
        { proofs: [{ index: second.index }, { index: second.index + 1 }] },
      ]);
      expect(size()).toBe(second.index + 2);
    });

    test("an envelope of which only one signature was opaque gets one twin", async () => {
      const payload = fresh();
      const first = await verified(log, await post(log, digestRequest(pae(TYPE, payload), p256)));
      const whole = made.dsseSubmission(TYPE, payload, rsa, p256);
      const answer: { entries: { logIndex: string; kindVersion: { kind: string } }[] } = JSON.parse(
        (await submit(log, whole)).body.toString(),
      );
      expect(answer.entries.map((entry) => [entry.logIndex, entry.kindVersion.kind])).toEqual([
        [String(first.index + 1), "hashedrekord"],
        [String(first.index), "hashedrekord"],
        [String(first.index + 2), "countersign"],
      ]);
    });

    test("at the same moment gives one hashedrekord, and a twin only where it was too late", async () => {
      for (let round = 0; round < 5; round++) {
        const before = size();
        const payload = fresh();
        const whole = JSON.stringify(dsseRequest(TYPE, payload, p256));
        const bare = JSON.stringify(digestRequest(pae(TYPE, payload), p256));
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, i) => post(log, i % 2 === 0 ? bare : whole)),
        );
        for (const answer of answers) expect((await verified(log, answer)).index).toBe(before);
        const [held] = log.parts.storage.reader.contents(before, before + 1);
        const expected = held?.state === "held" ? [] : ["countersign"];
        expect(kindsFrom(before)).toEqual(["hashedrekord", ...expected]);
        expect((await content(log, pae(TYPE, payload))).status).toBe(200);
      }
    });
  });
});

describe("a refusal on Rekor's interface", () => {
  let log: TestLog;
  beforeAll(async () => {
    log = await startTestLog("memory");
  });
  afterAll(async () => {
    await log.end();
  });

  const good = digestRequest(utf8("a"), p256);
  const text = JSON.stringify(good);
  const other = digestRequest(utf8("b"), p256).hashedRekordRequestV002;

  test.each([
    ["no JSON", "{", "At byte 1"],
    ["an unknown field", text.replace('"digest"', '"digests":1,"digest"'), "digests"],
    [
      "another digest",
      text.replace(good.hashedRekordRequestV002.digest, other.digest),
      "signature",
    ],
    [
      "another signature",
      text.replace(good.hashedRekordRequestV002.signature.content, other.signature.content),
      "signature",
    ],
    [
      "a digest of 31 bytes",
      text.replace(good.hashedRekordRequestV002.digest, toBase64(new Uint8Array(31))),
      "digest",
    ],
    [
      "Ed25519",
      JSON.stringify(digestRequest(utf8("a"), made.ed25519Signer("ada"))),
      "POST /v1/entries",
    ],
    [
      "P-384",
      JSON.stringify(digestRequest(utf8("a"), made.p384Signer("p384"))),
      "POST /v1/entries",
    ],
    [
      "an envelope by Ed25519",
      JSON.stringify(dsseRequest(TYPE, utf8("a"), made.ed25519Signer("ada"))),
      "POST /v1/entries",
    ],
    ["the log's own submission", JSON.stringify(made.rawSubmission(utf8("a"), p256)), "kind"],
  ])("of %s has status 400 and code 3, and says why", async (_, body, word) => {
    const before = log.published();
    expect(body).not.toBe(text);
    const answer = await post(log, body);
    expect(answer.status).toBe(400);
    expect(status(answer)).toMatchObject({ code: 3 });
    expect(status(answer).message).toContain(word);
    expect(log.published()).toBe(before);
  });

  test("of a body that is too large, compressed or of another type names the limit or the type", async () => {
    const large = await post(log, `{"a":"${"x".repeat(MAX_BODY_BYTES)}"}`);
    expect([large.status, status(large).code]).toEqual([413, 3]);
    expect(status(large).message).toContain(String(MAX_BODY_BYTES));
    const form = await post(log, text, { "content-type": "application/x-www-form-urlencoded" });
    expect([form.status, status(form).code]).toEqual([415, 3]);
    const packed = await post(log, text, {
      "content-type": "application/json",
      "content-encoding": "gzip",
    });
    expect([packed.status, status(packed).code]).toEqual([415, 3]);
  });

  test("a request without a type is read: Rekor does not look at it", async () => {
    expect((await post(log, text, {})).status).toBe(201);
  });

  test.each(["GET", "PUT", "DELETE"])(
    "%s is not implemented, as on Rekor's write host",
    async (method) => {
      const answer = await ask(log, PATH, { method });
      expect([answer.status, status(answer).code]).toEqual([501, 12]);
      expect(answer.headers["allow"]).toBe("POST");
    },
  );

  test("tiles are read under the same prefix", async () => {
    const checkpoint = await ask(log, "/api/v2/checkpoint");
    expect(checkpoint.body).toEqual((await ask(log, "/checkpoint")).body);
  });
});

describe("who may use Rekor's interface, and how often", () => {
  const start = async (
    options: Parameters<typeof startTestLog>[1],
    work: (log: TestLog) => Promise<void>,
  ): Promise<void> => {
    const log = await startTestLog("memory", options);
    try {
      await work(log);
    } finally {
      await log.end();
    }
  };

  test("without its token nobody, and nothing is read", async () => {
    const authority = tokens(sha256, "0123456789abcdef\n", "tokens");
    await start({ authority }, async (log) => {
      const body = JSON.stringify(digestRequest(utf8("a"), p256));
      const refused = await post(log, body);
      expect([refused.status, status(refused).code]).toEqual([403, 7]);
      const headers = {
        "content-type": "application/json",
        authorization: "Bearer 0123456789abcdef",
      };
      expect((await post(log, body, headers)).status).toBe(201);
    });
  });

  test("a key over its rate waits as Retry-After says", async () => {
    stoppedClock();
    const flags = { "limits-entries-per-second-per-key": "1" };
    await start({ flags }, async (log) => {
      const answers = await Promise.all(
        Array.from({ length: 3 }, async () => post(log, digestRequest(fresh(), p256))),
      );
      const late = answers.find((answer) => answer.status === 429);
      if (late === undefined) throw new Error("none was refused");
      expect(status(late).code).toBe(8);
      expect(late.headers["retry-after"]).toBe("1");
    });
  });

  test("bodies that fill the memory set aside are answered with 503 and code 14", async () => {
    const flags = {
      "limits-inflight-bytes": String(MAX_BODY_BYTES),
      "limits-body-timeout-ms": "30000",
    };
    await start({ flags }, async (log) => {
      const clock = stoppedClock();
      const head = `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
      const half = `${head}Content-Length: 4000000\r\n\r\n${" ".repeat(3_000_000)}`;
      const { answer } = await sendInPart(log, half);
      const refused = await post(log, " ".repeat(2_000_000));
      expect([refused.status, status(refused).code]).toEqual([503, 14]);
      expect(refused.headers["retry-after"]).toBe("1");
      clock.advance(30_000);
      clock.goOn();
      expect(await answer).toMatch(/^HTTP\/1\.1 408 [^]*"code":4,/);
    });
  });
});
