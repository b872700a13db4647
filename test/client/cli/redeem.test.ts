import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { verifyEvidence } from "../../../client/evidence.ts";
import { fileSubmission } from "../../../client/keys/signer.ts";
import { parseTrust } from "../../../client/trust.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { prepareSubmission } from "../../../schema/entry/prepare.ts";
import { unwrap } from "../../../schema/error.ts";
import type { Submission } from "../../../schema/http/messages.ts";
import { logKey, newSigner, type Served, serveLog, TestLog } from "../test-log.ts";
import { policyTable, policyText, TestWitness } from "../test-witness.ts";
import { Workplace } from "./in-process.ts";

const NOW = 1_700_000_000;
const TIMES = { time: NOW - 7_200, deadline: NOW - 3_600 };
const key = logKey();
const signer = newSigner();
const witnesses = [new TestWitness("w1.test"), new TestWitness("w2.test")];
let place: Workplace;
let log: TestLog;
let served: Served;
let one: Submission;
let other: Submission;

beforeEach(async () => {
  place = new Workplace();
  one = await fileSubmission(signer, utf8("one"));
  other = await fileSubmission(signer, utf8("other"));
  log = new TestLog("log.test", key);
  log.submit(await fileSubmission(signer, utf8("the first")));
  log.cosigners = witnesses.map((witness) => witness.at(NOW - 10));
  served = await serveLog(() => log);
  const head = `trust = 1\n[[log]]\norigin = "log.test"\nurl = "${served.url}"\nvkeys = ["${log.vkey}"]\n`;
  writeFileSync(place.path("trust.toml"), `${head}${policyTable(policyText(2, witnesses))}`);
});
afterEach(async () => {
  await served.close();
  place.remove();
});

const leafOf = (submission: Submission): Uint8Array => {
  const [entry] = unwrap(prepareSubmission(nodeCrypto.sha256, submission));
  return entry?.leafBytes ?? new Uint8Array();
};

const redeem = async (...files: readonly string[]) =>
  place.asked("redeem", ...files, "--trust", "trust.toml");

/** A promise of index 1 in a file. */
function promised(file: string, submission: Submission, times: typeof TIMES = TIMES): string {
  writeFileSync(place.path(file), log.promise(1, times, leafOf(submission)));
  return file;
}

/** Whether the one evidence file of the folder convicts the log, with nothing but the trust file. */
async function convicts(kind: string): Promise<boolean> {
  const [file = ""] = readdirSync(place.folder).filter((name) => name.endsWith(".evidence.json"));
  const trust = unwrap(parseTrust(nodeCrypto.sha256, readFileSync(place.path("trust.toml"))));
  const verdict = await verifyEvidence(nodeCrypto, trust, readFileSync(place.path(file)));
  return verdict.ok && verdict.kind === kind && verdict.accused.who === "log";
}

test("a promise is stored where the receipt will be, then pending, then kept with its receipt", async () => {
  const hour = { time: NOW, deadline: NOW + 3_600 };
  writeFileSync(place.path("one.json"), JSON.stringify(one));
  const note = log.promise(1, hour, leafOf(one));
  served.lie = (path, honest) =>
    path === "v1/entries" ? utf8(JSON.stringify({ entries: [], promises: [note] })) : honest;
  log.leaves.splice(1);
  const line = ["submit", "one.json", "--trust", "trust.toml", "--promise"];
  const { stdout, status } = await place.countersign(...line);
  expect(status).toBe(2);
  expect(stdout).toMatch(/entry 1, no receipt yet: promised by .*receipts\/000001-\w{12}\.promise/);
  const [file = ""] = readdirSync(place.path("receipts"));
  const path = `receipts/${file}`;
  // The log of this test has logged it all the same; an honest one would show it later.
  served.lie = (_, honest) => honest;
  const kept = await redeem(path);
  expect(kept).toMatchObject({ status: 0, answer: { redeemed: [{ state: "kept", index: 1 }] } });
  const receipt = path.replace(".promise", ".receipt.json");
  expect(existsSync(place.path(receipt))).toBe(true);
  const verified = await place.countersign("verify", receipt, "--trust", "trust.toml");
  expect(verified.status).toBe(0);
  // And no verifier takes the promise for it.
  expect((await place.countersign("verify", path, "--trust", "trust.toml")).status).toBe(1);
});

test("what is not there yet is pending, also after the deadline where no quorum shows it", async () => {
  const file = promised("a.promise", one);
  log.cosigners = [witnesses[0]?.at(NOW), witnesses[1]?.at(TIMES.deadline + 59)].filter(
    (cosign) => cosign !== undefined,
  );
  expect(await redeem(file)).toMatchObject({
    status: 2,
    answer: { redeemed: [{ state: "pending" }] },
  });
});

test("a promise that a whole quorum saw broken is late, and kept when it comes", async () => {
  const file = promised("a.promise", one);
  expect(await redeem(file)).toMatchObject({
    status: 3,
    answer: { redeemed: [{ state: "late" }] },
  });
  expect(await convicts("late-promise")).toBe(true);
  log.submit(one);
  expect(await redeem(file)).toMatchObject({ status: 0 });
});

test("a place that another entry got is lost, before the deadline too", async () => {
  const file = promised("a.promise", one, { time: NOW, deadline: NOW + 3_600 });
  log.submit(other);
  expect(await redeem(file)).toMatchObject({
    status: 3,
    answer: { redeemed: [{ state: "lost" }] },
  });
  expect(await convicts("lost-promise")).toBe(true);
});

test("two promises of one place convict the log without asking it", async () => {
  await served.close();
  const files = [promised("a.promise", one), promised("b.promise", other)];
  expect(await redeem(...files)).toMatchObject({ status: 3 });
  expect(await convicts("two-promises")).toBe(true);
});

test("a promise of a stranger, or of another entry than was sent, is no answer", async () => {
  writeFileSync(place.path("one.json"), JSON.stringify(one));
  const stranger = new TestLog("log.test");
  for (const note of [
    stranger.promise(1, TIMES, leafOf(one)),
    log.promise(1, TIMES, leafOf(other)),
  ]) {
    served.lie = () => utf8(JSON.stringify({ entries: [], promises: [note] }));
    const outcome = await place.countersign("submit", "one.json", "--trust", "trust.toml");
    expect(outcome).toMatchObject({ status: 3 });
    expect(outcome.stderr).toContain("RESPONSE_INVALID");
  }
  expect(existsSync(place.path("receipts"))).toBe(false);
  writeFileSync(place.path("s.promise"), stranger.promise(1, TIMES, leafOf(one)));
  expect((await place.countersign("redeem", "s.promise", "--trust", "trust.toml")).status).toBe(2);
});
