import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { formatVkey, parseVkey } from "../../../schema/tlog/note.ts";
import { MAX_LOG_LIST_BYTES, parseLogList } from "../../../server/witness/logs.ts";
import { failureOf, valueOf } from "../../schema/tlog/support.ts";
import { ask } from "../http/harness.ts";
import { FakeLog, newWitness, noteKey, sha256, startWitness, writeLogs } from "./support.ts";

const [a, b, pq, witnessKey] = await Promise.all([
  noteKey("a.test"),
  noteKey("a.test", "ecdsa"),
  noteKey("pq.test", "mlDsa44"),
  noteKey("w.test", "cosignature"),
]);

function parse(text: string, own: readonly string[] = []): ReturnType<typeof parseLogList> {
  const keys = own.map((one) => valueOf(parseVkey(sha256, one)));
  return parseLogList(nodeCrypto, utf8(text), keys);
}

describe("a list of logs", () => {
  test("has several keys for one log, comments, places, and nothing else", () => {
    const list = valueOf(
      parse(`# known logs\n\nlog ${a.vkey}\n\tlog\t${b.vkey} https://a.test/\r\nlog ${pq.vkey}`),
    );
    expect(list.size).toBe(2);
    expect(list.keysOf("a.test")?.map(({ type }) => type)).toEqual([1, 2]);
    expect(list.keysOf("pq.test")).toHaveLength(1);
    expect(list.keysOf("constructor")).toBeUndefined();
    expect(valueOf(parse("")).size).toBe(0);
  });

  test("is refused whole, with the line that is wrong", () => {
    const weak = formatVkey(sha256, "weak.test", 1, new Uint8Array(32));
    for (const [line, code] of [
      ["witness w x", "FIELD_INVALID"],
      ["quorum none", "FIELD_INVALID"],
      ["log", "FIELD_INVALID"],
      [`log ${a.vkey} https://a.test/ more`, "FIELD_INVALID"],
      [`log ${a.vkey.slice(0, -4)}`, "KEY_REFUSED"],
      [`log ${a.vkey.replace("a.test", "b.test")}`, "FIELD_INVALID"],
      [`log ${weak}`, "KEY_REFUSED"],
      [`log ${witnessKey.vkey}`, "FIELD_INVALID"],
      [`log ${b.vkey}`, "FIELD_INVALID"],
    ] as const) {
      const failure = failureOf(parse(`log ${b.vkey}\n${line}\n`));
      expect(failure.detail.at, line).toBe("line 2");
      expect(failure.code, line).toBe(code);
    }
    expect(failureOf(parseLogList(nodeCrypto, Uint8Array.of(0xff), [])).code).toBe("FIELD_INVALID");
    const huge = new Uint8Array(MAX_LOG_LIST_BYTES + 1);
    expect(failureOf(parseLogList(nodeCrypto, huge, [])).code).toBe("TOO_LARGE");
  });

  test("never has the witness's own key: one key in two roles", () => {
    expect(failureOf(parse(`log ${pq.vkey}`, [pq.vkey])).message).toContain("own");
    expect(valueOf(parse(`log ${a.vkey}`, [pq.vkey])).size).toBe(1);
  });
});

test("is read again when told to; a bad file keeps the old one and says so", async () => {
  const [old, added] = await Promise.all([
    FakeLog.make("old.test", 4),
    FakeLog.make("new.test", 4),
  ]);
  const folder = await newWitness([old]);
  const witness = await startWitness(folder);
  onTestFinished(() => witness.close());
  const statusOf = async (log: FakeLog, from: number, to: number): Promise<number> =>
    (await ask(witness, "/add-checkpoint", { method: "POST", body: log.body(from, to) })).status;
  expect(await statusOf(added, 0, 2)).toBe(404);
  writeLogs(folder, [old, added]);
  expect(await witness.reload()).toBe(true);
  expect(await statusOf(added, 0, 2)).toBe(200);
  writeLogs(folder, [added, added]);
  expect(await witness.reload()).toBe(false);
  expect(await statusOf(old, 0, 2)).toBe(200);
  // It is asked at most once a second, and the witness stays ready.
  for (;;) {
    const { status, body } = await ask(witness, "/readyz");
    expect(status).toBe(200);
    if (body.toString().includes("line 2")) break;
    await sleep(50);
  }
  // A log that was taken off the list is unknown, and what was cosigned of it is not forgotten.
  writeLogs(folder, [added]);
  expect(await witness.reload()).toBe(true);
  expect(await statusOf(old, 2, 3)).toBe(404);
  writeLogs(folder, [old]);
  await witness.reload();
  expect(await statusOf(old, 0, 3)).toBe(409);
});
