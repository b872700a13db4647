/** A fork that no offline check can see: the receipt's head has another size than the memory. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fileSubmission } from "../../../client/keys/signer.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { formatReceipt } from "../../../schema/receipt.ts";
import { logKey, newSigner, type Served, serveLog, TestLog } from "../test-log.ts";
import { Workplace } from "./in-process.ts";

const key = logKey();
const log = new TestLog("log.test", key);
const fork = new TestLog("log.test", key);
const place = new Workplace();
let served: Served;
let where: string[];

beforeAll(async () => {
  const submission = await fileSubmission(newSigner(), utf8("a file"));
  for (const [folder, one] of [
    ["true", log.fill(3)],
    ["forged", fork.fill(3, " of the fork")],
  ] as const) {
    const [receipt] = one.log(submission);
    if (receipt === undefined) throw new Error("no receipt");
    mkdirSync(place.path(folder));
    writeFileSync(place.path(folder, "a.receipt.json"), formatReceipt(receipt));
    writeFileSync(place.path(folder, "b.receipt.json"), "{}");
  }
  log.fill(20);
  served = await serveLog(() => log);
  where = ["--vkey", log.vkey, "--log", served.url];
  await place.countersign("update", ...where);
});
afterAll(async () => {
  await served.close();
  place.remove();
});

const verify = (file: string): ReturnType<typeof place.asked> =>
  place.asked("verify", file, "--vkey", log.vkey);

test("offline both receipts hold, and say that their heads were not compared", async () => {
  for (const folder of ["true", "forged"])
    expect(await verify(`${folder}/a.receipt.json`)).toMatchObject({
      status: 0,
      answer: { heads: [{ comparison: { state: "not compared", remembered: 20 } }] },
    });
});

test("update --receipts finds that the true one is of this history", async () => {
  expect(await place.asked("update", ...where, "--receipts", "true")).toMatchObject({
    status: 0,
    answer: { state: "same", size: 20, receiptHeads: 1 },
  });
});

test("update --receipts convicts the log by the other, and remembers nothing of it", async () => {
  const { status, answer } = await place.asked("update", ...where, "--receipts", "forged");
  expect({ status, answer }).toMatchObject({ status: 3, answer: { state: "forked" } });
  const [evidence = ""] = readdirSync(place.folder).filter((name) => name.startsWith("fork-"));
  expect(await place.asked("evidence", "verify", evidence, "--vkey", log.vkey)).toMatchObject({
    status: 0,
    answer: { ok: true, kind: "fork-inconsistent" },
  });
  expect(await place.asked("update", ...where)).toMatchObject({
    status: 0,
    answer: { state: "same", size: 20 },
  });
});
