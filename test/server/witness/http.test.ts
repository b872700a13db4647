/** Every answer of the witness protocol, asked for by hand over real HTTP. */
import { mkdtempSync, rmSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openCheckpoint } from "../../../client/cosignature.ts";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { concat, equal, toBase64, utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { parseCosignature } from "../../../schema/tlog/cosignature.ts";
import { parseSignatures, parseVkey } from "../../../schema/tlog/note.ts";
import {
  formatAddCheckpoint,
  MAX_ADD_CHECKPOINT_BYTES,
  witnessedCheckpointPath,
} from "../../../schema/tlog/tlog-witness.ts";
import { stoppedClock } from "../../until.ts";
import { type Answer, ask } from "../http/harness.ts";
import { sendInPart } from "../http/in-part.ts";
import {
  FakeLog,
  NAME,
  NOW,
  newWitness,
  noteKey,
  sha256,
  someHash,
  startWitness,
  type TestWitness,
} from "./support.ts";

let count = 0;
/** A new log for each test: one witness serves them all. */
const spare: FakeLog[] = [];
let witness: TestWitness;
let base = "";
let now = NOW;

beforeAll(async () => {
  for (let i = 0; i < 24; i++) spare.push(await FakeLog.make(`log${i}.example.test`));
  base = mkdtempSync(join(tmpdir(), "countersign-witness-"));
  witness = await startWitness(await newWitness(spare, base), { prefix: "/w" }, () => now);
});
afterAll(async () => {
  await witness.close();
  rmSync(base, { recursive: true, force: true });
});

function newLog(): FakeLog {
  const log = spare[count++];
  if (log === undefined) throw new Error("no log is left");
  return log;
}

function add(body: Uint8Array | string, agent?: Agent): Promise<Answer> {
  return ask(witness, "/w/add-checkpoint", {
    method: "POST",
    body,
    ...(agent === undefined ? {} : { agent }),
  });
}

function shown(log: FakeLog): Promise<Answer> {
  return ask(witness, `/w${witnessedCheckpointPath(sha256, log.origin)}`);
}

/** That an answer is two cosignatures of the witness over this note, and nothing else; their time. */
async function cosigned(answer: Answer, log: FakeLog, note: Uint8Array): Promise<number> {
  expect(answer.status, answer.body.toString()).toBe(200);
  const lines = unwrap(parseSignatures(answer.body.toString()));
  expect(lines.map(({ name }) => name)).toEqual([NAME, NAME]);
  const [logKey, ...ours] = [log.keys[0]?.vkey ?? "", ...witness.vkeys].map((text) =>
    unwrap(parseVkey(sha256, text)),
  );
  if (logKey === undefined) throw new Error("no key");
  const whole = concat(note, answer.body);
  const opened = unwrap(await openCheckpoint(nodeCrypto, whole, logKey, ours));
  expect(opened.cosignatures).toHaveLength(2);
  const times = opened.cosignatures.map(({ timestamp }) => timestamp);
  expect(new Set(times).size).toBe(1);
  return times[0] ?? 0;
}

describe("200", () => {
  test("the first checkpoint, from size 0 and without a proof", async () => {
    const log = newLog();
    const answer = await add(log.body(0, 5));
    expect(await cosigned(answer, log, log.note(5))).toBe(NOW / 1000);
    expect(answer.headers["content-type"]).toMatch(/^text\/plain/);
  });

  test("a longer one with its proof, up to sizes of every shape", async () => {
    const log = newLog();
    const sizes = [0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 40];
    for (const [i, size] of sizes.entries())
      await cosigned(await add(log.body(sizes[i - 1] ?? 0, size)), log, log.note(size));
  });

  test("the same once more: a new time, and the same lines within one second", async () => {
    const log = newLog();
    const first = await add(log.body(0, 4));
    expect((await add(log.body(4, 4))).body.toString()).toBe(first.body.toString());
    now += 61_000;
    const again = await add(log.body(4, 4));
    expect(await cosigned(again, log, log.note(4))).toBe(now / 1000);
    expect((await shown(log)).body.toString()).toContain(again.body.toString());
  });

  test("extension lines are signed as they are", async () => {
    const log = newLog();
    const options = { extensions: ["one extension", "and another"] };
    await cosigned(await add(log.body(0, 3, options)), log, log.note(3, options));
    expect((await shown(log)).body.toString()).toContain("\none extension\nand another\n\n");
  });

  test("lines of strangers are ignored, not answered, and do not stay", async () => {
    const log = newLog();
    const stranger = await noteKey("somebody.example.test");
    const text = log.text(6);
    const [ours = ""] = witness.vkeys;
    const key = unwrap(parseVkey(sha256, ours));
    const forged = { name: NAME, keyId: key.keyId, signature: new Uint8Array(72).fill(1) };
    const answer = await add(
      log.body(0, 6, { before: [stranger.line(text), forged], after: [stranger.line(text)] }),
    );
    await cosigned(answer, log, log.note(6));
    const { body } = await shown(log);
    expect(body.toString()).not.toContain("somebody");
    const line = body.toString().split("\n\u2014 ")[2] ?? "";
    const [, base64 = ""] = line.trim().split(" ");
    expect(unwrap(parseCosignature(4, Buffer.from(base64, "base64").subarray(4))).timestamp).toBe(
      Math.floor(now / 1000),
    );
    await cosigned(await add(log.body(6, 9)), log, log.note(9));
  });

  test("connections are kept, and requests may share them", async () => {
    const log = newLog();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    for (let size = 1; size < 9; size++) {
      const answer = await add(log.body(size - 1, size), agent);
      expect(answer.status).toBe(200);
      expect(answer.headers["connection"]).toBe("keep-alive");
    }
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
  });
});

describe("400", () => {
  test("an old size above that of the checkpoint", async () => {
    const log = newLog();
    expect((await add(log.body(7, 6))).status).toBe(400);
    expect((await shown(log)).status).toBe(404);
  });

  test("whatever is no request, or holds no checkpoint", async () => {
    const log = newLog();
    const good = Buffer.from(log.body(0, 6)).toString();
    const hash = toBase64(someHash());
    const [head = "", text = ""] = good.split("\n\n");
    for (const [what, body] of Object.entries({
      nothing: "",
      "no empty line": "old 0\n",
      "no old line": good.replace("old 0", "0"),
      "a size with a leading zero": good.replace("old 0", "old 00"),
      "a size with a sign": good.replace("old 0", "old +0"),
      "a size above 2^53": good.replace("old 0", "old 9007199254740993"),
      "a hash of 31 bytes": good.replace("old 0\n", `old 0\n${toBase64(new Uint8Array(31))}\n`),
      "64 hashes": good.replace("old 0\n", `old 0\n${`${hash}\n`.repeat(64)}`),
      "a checkpoint without signatures": `${head}\n\n${text}\n`,
      "a checkpoint of one line": `${head}\n\n${log.origin}\n\n\u2014 x AAAAAAAA\n`,
      "a size with a letter in the checkpoint": good.replace("\n6\n", "\n6a\n"),
      "a root of 33 bytes": good.replace(toBase64(log.root(6)), toBase64(new Uint8Array(33))),
      "a control character": good.replace(log.origin, `${log.origin}\r`),
    }))
      expect((await add(body)).status, what).toBe(400);
    expect((await add(Buffer.from([0xff, 0xfe, 0x0a, 0x0a]))).status).toBe(400);
    expect((await shown(log)).status).toBe(404);
  });
});

describe("403", () => {
  test("no signature of a trusted key, or a bad one beside a good one", async () => {
    const log = newLog();
    const impostor = await noteKey(log.origin);
    expect((await add(log.body(0, 6, { keys: [impostor] }))).status).toBe(403);
    const [line] = log.keys.map((key) => key.line(log.text(6)));
    if (line === undefined) throw new Error("no key");
    const bad = { ...line, signature: new Uint8Array(64).fill(3) };
    expect((await add(log.body(0, 6, { after: [bad] }))).status).toBe(403);
    expect((await add(log.body(0, 6, { before: [bad] }))).status).toBe(403);
    const other = log.body(0, 6, {
      keys: [],
      before: log.keys.map((key) => key.line(log.text(7))),
    });
    expect((await add(other)).status).toBe(403);
    expect((await shown(log)).status).toBe(404);
  });
});

describe("404", () => {
  test("a log that is not known, whoever signs", async () => {
    const log = newLog();
    const unknown = await FakeLog.make("unknown.example.test");
    expect((await add(unknown.body(0, 6))).status).toBe(404);
    expect((await add(log.body(0, 6, { origin: "unknown.example.test" }))).status).toBe(404);
    expect((await shown(unknown)).status).toBe(404);
  });

  test("a log of which nothing was cosigned, and every other path", async () => {
    expect((await shown(newLog())).status).toBe(404);
    for (const path of ["/", "/add-checkpoint", "/w/", "/w/checkpoint", "/w/add-checkpoint/"])
      expect((await ask(witness, path)).status, path).toBe(404);
    const upper = witnessedCheckpointPath(sha256, "x")
      .toUpperCase()
      .replace("CHECKPOINT", "checkpoint");
    expect((await ask(witness, `/w${upper}`)).status).toBe(404);
  });
});

describe("409", () => {
  test("an old size that is not the cosigned one: the body is the size, of its own type", async () => {
    const log = newLog();
    await add(log.body(0, 6));
    for (const from of [0, 3, 7]) {
      const answer = await add(log.body(from, 9));
      expect(answer.status).toBe(409);
      expect(answer.headers["content-type"]).toBe("text/x.tlog.size");
      expect(answer.body.toString()).toBe("6\n");
    }
    expect((await add(log.body(4, 4))).body.toString()).toBe("6\n");
    const first = await add(newLog().body(3, 5));
    expect(first.status).toBe(409);
    expect(first.body.toString()).toBe("0\n");
  });
});

describe("422", () => {
  test("a proof that does not lead there, is cut, longer, or of another history", async () => {
    const log = newLog();
    const checkpoint = log.note(11);
    await add(log.body(0, 6));
    const good = log.proof(6, 11);
    const other = log.fork(8);
    for (const [what, proof, note] of [
      ["none", [], checkpoint],
      ["cut", good.slice(1), checkpoint],
      ["longer", [...good, someHash()], checkpoint],
      ["of zeros", good.map(() => someHash(0)), checkpoint],
      ["for another size", log.proof(6, 12), checkpoint],
      ["of another root", good, log.note(11, { root: someHash() })],
      ["of a fork that began before", log.fork(3).proof(6, 11), log.fork(3).note(11)],
    ] as const)
      expect(
        (await add(formatAddCheckpoint({ oldSize: 6, proof, checkpoint: note }))).status,
        what,
      ).toBe(422);
    // A fork that begins later is no fork yet; once it is cosigned, the first history is one.
    expect((await add(other.body(6, 11))).status).toBe(200);
    expect((await add(log.body(11, 20))).status).toBe(422);
    await cosigned(await add(other.body(11, 20)), other, other.note(20));
  });

  test("a proof where there is nothing to prove", async () => {
    const log = newLog();
    const [from0, from6] = [0, 6].map((oldSize) =>
      formatAddCheckpoint({ oldSize, proof: [someHash()], checkpoint: log.note(6) }),
    );
    expect((await add(from0 ?? "")).status).toBe(422);
    await add(log.body(0, 6));
    expect((await add(from6 ?? "")).status).toBe(422);
  });

  test("size 0 with a root that is not the empty one", async () => {
    const log = newLog();
    expect((await add(log.body(0, 0, { root: someHash() }))).status).toBe(422);
    expect((await shown(log)).status).toBe(404);
    await cosigned(await add(log.body(0, 0)), log, log.note(0));
    expect((await add(log.body(0, 0, { root: someHash() }))).status).toBe(422);
  });

  test("W1 another root for the size that is cosigned", async () => {
    const log = newLog();
    await add(log.body(0, 6));
    const before = await shown(log);
    expect((await add(log.fork(2).body(6, 6))).status).toBe(422);
    expect((await shown(log)).body.toString()).toBe(before.body.toString());
  });
});

describe("what a witness shows", () => {
  test("the newest checkpoint with the signatures of its log and its own", async () => {
    const log = newLog();
    await add(log.body(0, 6));
    const answer = await add(log.body(6, 8));
    const { status, body, headers } = await shown(log);
    expect(status).toBe(200);
    expect(equal(body, concat(log.note(8), answer.body))).toBe(true);
    expect(headers["cache-control"]).toMatch(/max-age=\d$/);
    const head = await ask(witness, `/w${witnessedCheckpointPath(sha256, log.origin)}`, {
      method: "HEAD",
    });
    expect(head.headers["content-length"]).toBe(String(body.length));
  });

  test("health and readiness", async () => {
    expect((await ask(witness, "/healthz")).status).toBe(200);
    const { status, body } = await ask(witness, "/readyz");
    expect(status, body.toString()).toBe(200);
    expect(body.toString()).toContain('"name":"clock","ok":true');
  });
});

describe("requests that are no requests", () => {
  test("a compressed, an oversized and a wrong-method request are refused by their heads", async () => {
    const send = (headers: Readonly<Record<string, string>>, method = "POST"): Promise<Answer> =>
      ask(witness, "/w/add-checkpoint", { method, headers, body: gzipSync("old 0\n\n") });
    expect((await send({ "content-encoding": "gzip" })).status).toBe(415);
    expect((await send({}, "PUT")).status).toBe(405);
    expect((await send({}, "GET")).headers["allow"]).toBe("POST");
    const large = await ask(witness, "/w/add-checkpoint", {
      method: "POST",
      headers: { "transfer-encoding": "chunked" },
      body: new Uint8Array(MAX_ADD_CHECKPOINT_BYTES + 1),
    });
    expect(large.status).toBe(413);
  });

  test("a body that does not come is given up, and others are answered meanwhile", async () => {
    const log = newLog();
    const slow = await startWitness(await newWitness([log]), { "body-timeout-ms": "30000" });
    onTestFinished(() => slow.close());
    const clock = stoppedClock();
    const half = "POST /add-checkpoint HTTP/1.1\r\nContent-Length: 100\r\n\r\nold 0";
    const { answer } = await sendInPart(slow, half);
    const other = await ask(slow, "/add-checkpoint", { method: "POST", body: log.body(0, 3) });
    expect(other.status).toBe(200);
    clock.advance(30_000);
    clock.goOn();
    expect(await answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  test("one address, and one log, may ask so often and no more", async () => {
    stoppedClock();
    const logs = [newLog(), newLog()] as const;
    const folder = await newWitness(logs);
    const strict = await startWitness(folder, { "cosignatures-per-second-per-log": "1" });
    const send = (to: TestWitness, body: Uint8Array): Promise<Answer> =>
      ask(to, "/add-checkpoint", { method: "POST", body });
    expect((await send(strict, logs[0].body(0, 3))).status).toBe(200);
    const refused = await send(strict, logs[0].body(3, 4));
    expect(refused.status).toBe(429);
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    expect((await send(strict, logs[1].body(0, 3))).status).toBe(200);
    await strict.close();
    const few = await startWitness(folder, { "requests-per-second-per-address": "2" });
    onTestFinished(() => few.close());
    const answers = [1, 2, 3].map(() => send(few, utf8("old 0\n\n")));
    const statuses = (await Promise.all(answers)).map(({ status }) => String(status));
    expect(statuses.toSorted()).toEqual(["400", "400", "429"]);
  });
});
