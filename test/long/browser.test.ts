/**
 * The packed one-file bundle in a real browser: headless Chromium, where one is installed
 * (`CHROMIUM` names another place). It verifies a receipt of each kind and refuses each altered one.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fileSubmission } from "../../client/keys/signer.ts";
import { utf8 } from "../../schema/bytes.ts";
import { formatReceipt } from "../../schema/receipt.ts";
import { newSigner, TestLog } from "../client/test-log.ts";
import { policyTable, policyText, TestWitness } from "../client/test-witness.ts";
import { altered, receiptsOfEachKind } from "./receipts.ts";

const root = join(import.meta.dirname, "../..");
const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const profile = mkdtempSync(join(tmpdir(), "countersign-browser-"));

const VERIFY_ALL = `(async ({ receipts, trust }) => {
  const crypto = countersign.browserCrypto(globalThis.crypto.subtle);
  const trusted = countersign.parseTrust(crypto.sha256, trust);
  if (!trusted.ok) throw new Error(trusted.message);
  const ask = async (name, text) => {
    const bytes = new TextEncoder().encode(text);
    return (await countersign.verifyReceipt({ crypto, trust: trusted.value }, { name, bytes })).ok;
  };
  const answers = [];
  for (const { name, text, altered } of receipts)
    answers.push({ name, yes: await ask(name, text), no: await ask(name, altered) });
  return answers;
})`;

describe.skipIf(!existsSync(executablePath))("the packed bundle in headless Chromium", () => {
  let server: Server;
  let browser: Browser;
  let url = "";

  beforeAll(async () => {
    execFileSync(process.execPath, ["deploy/build.ts"], { cwd: root, stdio: "pipe" });
    const bundle = readFileSync(join(root, "dist/countersign/browser/countersign.js"));
    server = createServer((req, res) => {
      const script = req.url === "/countersign.js";
      res.setHeader("content-type", script ? "text/javascript" : "text/html");
      res.end(script ? bundle : '<!doctype html><script src="/countersign.js"></script>');
    });
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    const address = server.address();
    // WebCrypto wants a secure context: a page of localhost is one.
    if (typeof address === "object" && address !== null) url = `http://localhost:${address.port}/`;
    browser = await chromium.launch({
      executablePath,
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        `--crash-dumps-dir=${profile}`,
      ],
    });
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
    rmSync(profile, { recursive: true, force: true });
  });

  test("verifies a receipt of each kind, and refuses each when altered", async () => {
    const made = await receiptsOfEachKind();
    const receipts = made.receipts.map(({ name, bytes }) => {
      const text = Buffer.from(bytes).toString();
      return { name, text, altered: altered(text) };
    });
    const page = await browser.newPage();
    await page.goto(url);
    const order = JSON.stringify({ receipts, trust: made.trust });
    const answers: unknown = await page.evaluate(`${VERIFY_ALL}(${order})`);
    expect(answers).toEqual(receipts.map(({ name }) => ({ name, yes: true, no: false })));
  });

  test("N2 counts witnesses of both kinds, and refuses a head that one of them has left", async () => {
    const log = new TestLog();
    const [ed, pq] = [new TestWitness("ed.example"), new TestWitness("pq.example", 6)];
    const [index] = log.submit(await fileSubmission(newSigner(), utf8("a file")));
    const receiptBy = (...witnesses: readonly TestWitness[]): string => {
      log.cosigners = witnesses.map((witness) => witness.at(1_800_000_000));
      return Buffer.from(formatReceipt(log.receipt(index?.index ?? 0))).toString();
    };
    const table = policyTable(policyText(2, [ed, pq]));
    const trust = `trust = 1\n[[log]]\norigin = "log.test"\nvkeys = ["${log.vkey}"]\n${table}`;
    const receipts = [ed, pq].map((left) => ({
      name: left.name,
      text: receiptBy(ed, pq),
      altered: receiptBy(left === ed ? pq : ed),
    }));
    const page = await browser.newPage();
    await page.goto(url);
    const order = JSON.stringify({ receipts, trust });
    const answers: unknown = await page.evaluate(`${VERIFY_ALL}(${order})`);
    expect(answers).toEqual(receipts.map(({ name }) => ({ name, yes: true, no: false })));
  });
});
