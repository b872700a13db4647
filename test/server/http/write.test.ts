import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { dsseSubmission } from "../../../client/keys/signer.ts";
import { fromUtf8, utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { type JsonValue, parseJson } from "../../../schema/json.ts";
import { type LogEntry, parseLogEntry } from "../../../schema/receipt.ts";
import { parseCheckpoint } from "../../../schema/tlog/checkpoint.ts";
import { leafHash } from "../../../schema/tlog/hash.ts";
import { isMessage } from "../../../server/http/openapi.ts";
import { expectLogged } from "./expect-logged.ts";
import {
  type Answer,
  ask,
  DRIVERS,
  makeSigner,
  post,
  problemIn,
  startTestLog,
  submissions,
  submit,
  type TestLog,
} from "./harness.ts";

const { sha256 } = nodeCrypto;

function jsonIn(answer: Answer): JsonValue {
  return unwrap(parseJson(new Uint8Array(answer.body)));
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function items(value: JsonValue | undefined): readonly JsonValue[] {
  return typeof value === "object" && value !== null && "length" in value
    ? Object.values(value)
    : [];
}

function entriesIn(answer: Answer): readonly JsonValue[] {
  const value = jsonIn(answer);
  if (!isMessage("SubmitAnswer", value)) throw new Error(answer.body.toString());
  return items(member(value, "entries"));
}

/** What a client does with an entry: everything against the vkey it knew before. */
async function verified(log: TestLog, value: JsonValue | undefined): Promise<LogEntry> {
  const entry = unwrap(parseLogEntry(value ?? null, "entry"));
  await expectLogged(log, entry);
  return entry;
}

describe.each(DRIVERS)("submissions to a log on %s", (driver) => {
  let log: TestLog;
  beforeAll(async () => {
    log = await startTestLog(driver);
  });
  afterAll(async () => {
    await log.end();
  });

  test("I3 an answer proves inclusion under a checkpoint that is served already", async () => {
    const [submission] = await submissions(1);
    if (submission === undefined) throw new Error("nothing to submit");
    const answer = await submit(log, submission);
    expect(answer.status).toBe(201);
    expect(answer.headers["content-type"]).toBe("application/json");
    const entry = await verified(log, entriesIn(answer)[0]);
    const served = (await ask(log, "/checkpoint")).body;
    expect(unwrap(parseCheckpoint(served.toString().split("\n\n")[0] + "\n")).size).toBe(
      entry.size,
    );
    expect(served.toString()).toBe(entry.checkpoint);
  });

  test("I8 a duplicate gets the original's index and a full, fresh receipt", async () => {
    const [first, second] = await submissions(2);
    if (first === undefined || second === undefined) throw new Error("nothing to submit");
    const original = await verified(log, entriesIn(await submit(log, first))[0]);
    await submit(log, second);
    const again = await submit(log, first);
    expect(again.status).toBe(201);
    const duplicate = await verified(log, entriesIn(again)[0]);
    expect(duplicate.index).toBe(original.index);
    expect(duplicate.size).toBeGreaterThan(original.size);
  });

  test("500 identical posts at once become one leaf, and all get its index", async () => {
    const [submission] = await submissions(1);
    const before = log.published().size;
    const body = JSON.stringify(submission);
    const answers = await Promise.all(Array.from({ length: 500 }, () => post(log, body)));
    expect(log.published().size).toBe(before + 1);
    for (const answer of answers) {
      expect(answer.status).toBe(201);
      expect(member(entriesIn(answer)[0], "logIndex")).toBe(String(before));
    }
    await verified(log, entriesIn(answers.at(250) ?? answers.at(0) ?? (await post(log, body)))[0]);
  });

  test("an envelope with two signatures becomes two entries over one content", async () => {
    const payload = utf8('{"a":1}');
    const [a, b] = [
      await dsseSubmission(await makeSigner(), "application/example+json", payload),
      await dsseSubmission(await makeSigner(), "application/example+json", payload),
    ];
    const both = {
      kind: "dsse" as const,
      envelope: {
        ...a.envelope,
        signatures: [...a.envelope.signatures, ...b.envelope.signatures],
      },
      verifiers: [...a.verifiers, ...b.verifiers],
    };
    const before = log.published().size;
    const entries = entriesIn(await submit(log, both));
    expect(entries).toHaveLength(2);
    for (const entry of entries) await verified(log, entry);
    const broken = {
      ...both,
      envelope: {
        ...both.envelope,
        signatures: [...a.envelope.signatures, ...a.envelope.signatures],
      },
    };
    const refused = problemIn(await submit(log, broken));
    expect(refused.code).toBe("SIGNATURE_INVALID");
    expect(refused.field).toContain("signatures[1]");
    expect(log.published().size).toBe(before + 2);
  });

  test("an entry is found by index and by leaf hash, with a fresh proof", async () => {
    const [submission] = await submissions(1);
    if (submission === undefined) throw new Error("nothing to submit");
    const entry = await verified(log, entriesIn(await submit(log, submission))[0]);
    const hash = Buffer.from(leafHash(sha256, entry.leafBytes)).toString("hex");
    for (const name of [String(entry.index), hash]) {
      const answer = await ask(log, `/v1/entries/${name}`);
      expect(answer.status).toBe(200);
      const value = jsonIn(answer);
      expect(isMessage("EntryAnswer", value)).toBe(true);
      const found = await verified(log, member(value, "entry"));
      expect(found.index).toBe(entry.index);
    }
  });

  test("I4 no look-up passes the published size, and names that are none are refused", async () => {
    const { size } = log.published();
    expect(problemIn(await ask(log, `/v1/entries/${size}`)).code).toBe("NOT_FOUND");
    expect(problemIn(await ask(log, `/v1/entries/${"ab".repeat(32)}`)).code).toBe("NOT_FOUND");
    for (const name of ["-1", "01", "1e3", "9007199254740993", "AB".repeat(32), "x", "%00", "1.0"])
      expect(problemIn(await ask(log, `/v1/entries/${name}`)).code, name).toBe("FIELD_INVALID");
  });

  test("entry 0 is the genesis and names the vkey", async () => {
    const answer = await ask(log, "/v1/entries/0");
    const entry = await verified(log, member(jsonIn(answer), "entry"));
    expect(entry.index).toBe(0);
    const leaf = fromUtf8(entry.leafBytes) ?? "";
    expect(leaf).toContain("application/vnd.countersign.log+json");
  });
});
