/** Commands under a trust file that asks for witnesses. The clock of the commands stands still. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fileSubmission } from "../../../client/keys/signer.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { formatReceipt } from "../../../schema/receipt.ts";
import { logKey, newSigner, type Served, serveLog, TestLog } from "../test-log.ts";
import { policyTable, policyText, TestWitness } from "../test-witness.ts";
import { Workplace } from "./in-process.ts";

/** What `Workplace` says the time is. */
const NOW = 1_700_000_000;
const a = new TestWitness("a.example");
const b = new TestWitness("b.example", 6);
const c = new TestWitness("c.example");
const key = logKey();

let log: TestLog;
let served: Served;
let place: Workplace;
beforeEach(async () => {
  log = new TestLog("log.test", key);
  served = await serveLog(() => log);
  place = new Workplace();
  writeFileSync(
    place.path("trust.toml"),
    [
      `trust = 1\n[[log]]\norigin = "log.test"\nvkeys = ["${log.vkey}"]\nurl = "${served.url}"`,
      `fresh_seconds = 3600\n${policyTable(policyText(2, [a, b, c]))}`,
    ].join("\n"),
  );
  const [receipt] = log.log(await fileSubmission(newSigner(), utf8("a file")));
  if (receipt === undefined) throw new Error("no receipt");
  log.cosigners = [a.at(NOW - 90_000), b.at(NOW - 80_000)];
  mkdirSync(place.path("receipts"));
  writeFileSync(place.path("receipts", "a.receipt.json"), formatReceipt(log.receipt(0)));
});
afterEach(async () => {
  await served.close();
  place.remove();
});

const ask = (...argv: readonly string[]): ReturnType<typeof place.asked> =>
  place.asked(...argv, "--trust", "trust.toml");
const verify = (...more: readonly string[]): ReturnType<typeof place.asked> =>
  ask("verify", "receipts/a.receipt.json", ...more);

test("verify of a receipt never asks how old its witnesses' times are, and asks no server", async () => {
  expect(await verify()).toMatchObject({
    status: 0,
    answer: { heads: [{ witnessed: { state: "quorum", existedBefore: NOW - 80_000 } }] },
  });
  expect(served.asked).toEqual([]);
});

test("verify --fresh is yes when a quorum has seen the newest head within the bound", async () => {
  log.fill(9);
  log.cosigners = [a.at(NOW - 3600), b.at(NOW - 9), c.at(NOW + 100_000)];
  expect(await verify("--fresh")).toMatchObject({
    status: 0,
    answer: {
      ok: true,
      fresh: [{ origin: "log.test", size: 9, seenAt: NOW - 3600 }],
      heads: [{ comparison: { state: "not compared", remembered: 9 } }],
    },
  });
  const { stdout } = await place.countersign(
    "verify",
    "receipts/a.receipt.json",
    "--fresh",
    "--trust",
    "trust.toml",
  );
  expect(stdout).toContain(
    "newest   log.test at 9, seen by a quorum of witnesses at 2023-11-14T21:",
  );
});

test("verify --fresh is no when the newest head is too old, and says since when", async () => {
  log.cosigners = [a.at(NOW - 3601), b.at(NOW - 9)];
  expect(await verify("--fresh")).toMatchObject({
    status: 1,
    answer: {
      ok: false,
      refusal: { code: "HEAD_TOO_OLD", seenAt: NOW - 3601, boundSeconds: 3600 },
    },
  });
  const { stdout, status } = await place.countersign(
    "verify",
    "receipts/a.receipt.json",
    "--fresh",
    "--trust",
    "trust.toml",
  );
  expect(status).toBe(1);
  expect(stdout).toMatch(/^no: the newest head of log.test .* last seen by a quorum/);
});

test("verify --fresh is no when the newest head lacks its witnesses", async () => {
  log.fill(9);
  log.cosigners = [a.at(NOW)];
  expect(await verify("--fresh")).toMatchObject({
    status: 1,
    answer: { refusal: { code: "WITNESSES_TOO_FEW", have: ["a.example"] } },
  });
});

test("verify --fresh could not ask where the log does not answer", async () => {
  await served.close();
  expect(await verify("--fresh")).toMatchObject({
    status: 2,
    answer: { error: { code: "UNREACHABLE" } },
  });
  served = await serveLog(() => log);
});

test("verify --fresh could not ask where no witness tells the time", async () => {
  const alone = ["--vkey", log.vkey, "--log", served.url, "--fresh"];
  expect(await place.asked("verify", "receipts/a.receipt.json", ...alone)).toMatchObject({
    status: 2,
    answer: { error: { code: "USAGE" } },
  });
});

test("verify --fresh is status 3 with evidence when the newest head forks", async () => {
  log.fill(9);
  log.cosigners = [a.at(NOW), b.at(NOW)];
  await verify("--fresh");
  log = new TestLog("log.test", key).fill(12, " of the fork");
  const { status, answer } = await verify("--fresh");
  expect({ status, answer }).toMatchObject({
    status: 3,
    answer: { refusal: { code: "LOG_FORKED" } },
  });
});

test("update says who has seen the head, and its status is 1 when that was too long ago", async () => {
  expect(await ask("update")).toMatchObject({
    status: 1,
    answer: {
      state: "first",
      witnessed: { state: "quorum", by: ["a.example", "b.example"] },
      age: { state: "too old", seenAt: NOW - 90_000 },
    },
  });
  log.cosigners = [a.at(NOW), b.at(NOW)];
  expect(await ask("update")).toMatchObject({
    status: 0,
    answer: { state: "same", age: { state: "fresh", seenAt: NOW } },
  });
  const { stdout } = await place.countersign("update", "--trust", "trust.toml");
  expect(stdout).toContain(
    "witnessed by a.example, b.example, existed before 2023-11-14T22:13:20Z",
  );
});

test("N2 update remembers nothing of a head that lacks its witnesses, and says whom it lacks", async () => {
  log.cosigners = [b.at(NOW), b.at(NOW + 1)];
  expect(await ask("update")).toEqual({
    status: 1,
    answer: {
      state: "unwitnessed",
      origin: "log.test",
      size: 1,
      have: ["b.example"],
      need: "2 of (a.example, b.example, c.example)",
    },
  });
  const { stdout } = await place.countersign("update", "--trust", "trust.toml");
  expect(stdout).toContain("Nothing was remembered");
});

test("update of a log without witnesses says that nobody was asked for", async () => {
  const { stdout, status } = await place.countersign(
    "update",
    "--vkey",
    log.vkey,
    "--log",
    served.url,
  );
  expect(status).toBe(0);
  expect(stdout).toContain("no witness was asked for");
});

test("entry and submit hand out nothing under a head that lacks its witnesses", async () => {
  log.cosigners = [a.at(NOW)];
  expect(await ask("entry", "0")).toMatchObject({
    status: 1,
    answer: { error: { code: "WITNESSES_TOO_FEW" } },
  });
  log.cosigners = [a.at(NOW), c.at(NOW)];
  expect(await ask("entry", "0")).toMatchObject({
    status: 0,
    answer: { witnessed: { state: "quorum", by: ["a.example", "c.example"] } },
  });
});

/** Witnesses a and b on loopback, serving these notes; and a trust file that says where. */
async function serveWitnesses(notes: readonly (Uint8Array | undefined)[]): Promise<() => void> {
  const server = createServer((req, res) => {
    const note = notes[Number(req.url?.split("/")[1])];
    res.writeHead(note === undefined ? 500 : 200).end(note);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const urls = notes.map((_, i) => `http://127.0.0.1:${port}/${i}`);
  const text = `trust = 1\n[[log]]\norigin = "log.test"\nvkeys = ["${log.vkey}"]\nurl = "${served.url}"`;
  writeFileSync(
    place.path("trust.toml"),
    `${text}\n${policyTable(policyText(2, [a, b, c], urls))}`,
  );
  return () => server.close();
}

const shownBy = (of: TestLog, witness: TestWitness, size: number): Uint8Array => {
  of.cosigners = [witness.at(NOW)];
  return of.checkpoint(size);
};

test("update --gossip says what each witness has seen, and that one has no address", async () => {
  log.fill(9);
  const close = await serveWitnesses([shownBy(log, a, 9), shownBy(log, b, 4)]);
  log.cosigners = [a.at(NOW), b.at(NOW)];
  expect(await ask("update", "--gossip")).toMatchObject({
    status: 0,
    answer: {
      state: "first",
      witnesses: [
        { witness: "a.example", state: "agrees", size: 9 },
        { witness: "b.example", state: "lags", size: 4 },
        { witness: "c.example", state: "no address" },
      ],
    },
  });
  const { stdout } = await place.countersign("update", "--gossip", "--trust", "trust.toml");
  expect(stdout).toContain("b.example  lags at 4 entries, consistent");
  close();
});

test("update --gossip leaves a file that convicts when a witness shows another history: status 3", async () => {
  log.fill(9);
  const fork = new TestLog("log.test", key).fill(12, " of the fork");
  const close = await serveWitnesses([shownBy(log, a, 9), shownBy(fork, b, 5)]);
  log.cosigners = [a.at(NOW), b.at(NOW)];
  expect(await ask("update", "--gossip", "--evidence", "proofs")).toMatchObject({
    status: 3,
    answer: { state: "forked", witness: "b.example" },
  });
  const [file = ""] = readdirSync(place.path("proofs"));
  expect(
    await place.asked("evidence", "verify", `proofs/${file}`, "--vkey", log.vkey),
  ).toMatchObject({
    status: 0,
    answer: { ok: true, kind: "fork-inconsistent" },
  });
  close();
});

test("update --gossip is 1 for an answer that is no head, and 2 where nobody answered", async () => {
  log.fill(9);
  const impostor = new TestLog("log.test").fill(9);
  let close = await serveWitnesses([shownBy(log, a, 9), shownBy(impostor, b, 9)]);
  log.cosigners = [a.at(NOW), b.at(NOW)];
  expect(await ask("update", "--gossip")).toMatchObject({
    status: 1,
    answer: { witnesses: [{ state: "agrees" }, { state: "bad answer" }, {}] },
  });
  close();
  close = await serveWitnesses([undefined, undefined]);
  expect(await ask("update", "--gossip")).toMatchObject({
    status: 2,
    answer: { witnesses: [{ state: "silent" }, { state: "silent" }, {}] },
  });
  close();
});

test("update --gossip compares with a head that lacks its witnesses as well", async () => {
  log.fill(9);
  const fork = new TestLog("log.test", key).fill(9, " of the fork");
  const close = await serveWitnesses([shownBy(fork, a, 9), shownBy(fork, b, 9)]);
  log.cosigners = [];
  expect(await ask("update", "--gossip")).toMatchObject({ status: 3 });
  close();
});

test("update --gossip could not ask where the trust file names no witness", async () => {
  const where = ["--vkey", log.vkey, "--log", served.url];
  expect(await place.asked("update", "--gossip", ...where)).toMatchObject({
    status: 2,
    answer: { error: { code: "USAGE" } },
  });
});

test("submit of what is logged and not yet witnessed has no receipt yet, and goes on with the next", async () => {
  log.cosigners = [a.at(NOW), b.at(NOW)];
  const signer = newSigner();
  for (const name of ["one", "two"])
    writeFileSync(
      place.path(`${name}.submission.json`),
      JSON.stringify(await fileSubmission(signer, utf8(name))),
    );
  let asked = 0;
  served.lie = (path, honest, res) => {
    if (path !== "v1/entries" || asked++ > 0) return honest;
    res.writeHead(503, { "content-type": "application/problem+json" });
    const detail = "durable at index 1, not yet witnessed; retry";
    res.end(JSON.stringify({ code: "NOT_WITNESSED", detail, status: 503 }));
    return "answered";
  };
  const files = ["one.submission.json", "two.submission.json"];
  expect(await ask("submit", ...files)).toMatchObject({
    status: 2,
    answer: {
      submitted: [{ error: { code: "NOT_WITNESSED" } }, { entries: [{ index: 2 }] }],
    },
  });
  expect(await ask("submit", ...files)).toMatchObject({
    status: 0,
    answer: { submitted: [{ entries: [{ index: 1 }] }, { entries: [{ index: 2 }] }] },
  });
});
