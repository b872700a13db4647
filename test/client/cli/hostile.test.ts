/**
 * What strangers put before the commands: receipts, downloads, repositories and names that are
 * made to be misread.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dsseSubmission } from "../../../client/keys/signer.ts";
import { concat, utf8 } from "../../../schema/bytes.ts";
import { startTestLog, type TestLog } from "../../server/http/harness.ts";
import { newSigner } from "../test-log.ts";
import { Workplace } from "./in-process.ts";

const place = new Workplace();
const signer = newSigner("p256");
let log: TestLog;
let receipt: string;

beforeAll(async () => {
  log = await startTestLog("memory");
  const { vkey } = log.parts.key;
  mkdirSync(place.path("repo"));
  place.git("init", "--quiet");
  writeFileSync(
    place.path("trust.toml"),
    `trust = 1
[[log]]
origin = "${vkey.split("+")[0]}"
vkeys = ["${vkey}"]
url = "${log.url}"
[[rule]]
for = "artifact"
builders = 1
[[rule]]
for = "commit"
author = true
`,
  );
  writeFileSync(place.path("notes.txt"), "Remember the milk.\n");
  await place.countersign("key", "generate", "-o", "ada.pem");
  await place.countersign("sign", "notes.txt", "--key", "ada.pem", "--trust", "trust.toml");
  receipt = place.path("receipts", readdirSync(place.path("receipts"))[0] ?? "");
});
afterAll(async () => {
  await log.end();
  place.remove();
});

const verify = (...argv: string[]): Promise<{ status: number; answer: unknown }> =>
  place.asked("verify", ...argv, "--trust", "trust.toml");

describe("a download", () => {
  test("CVE-2022-36056 that is itself a true receipt is judged by the rule, not as a receipt", async () => {
    copyFileSync(receipt, place.path("download.tar"));
    expect(await verify("download.tar")).toMatchObject({
      status: 1,
      answer: { question: "artifact", refusal: { code: "BUILDERS_TOO_FEW" } },
    });
    expect((await verify("download.tar", "--as", "receipt")).status).toBe(0);
  });

  test("that is a pipe is read once, and judged", async () => {
    execFileSync("mkfifo", [place.path("pipe")]);
    const writing = writeFile(place.path("pipe"), "x");
    expect((await verify("pipe")).status).toBe(1);
    await writing;
  });
});

describe("a folder of receipts", () => {
  test("answers although one is too large, one is a folder and one is a pipe", async () => {
    mkdirSync(place.path("mixed", "folder.receipt.json"), { recursive: true });
    copyFileSync(receipt, place.path("mixed", "true.receipt.json"));
    writeFileSync(place.path("mixed", "huge.receipt.json"), "{");
    truncateSync(place.path("mixed", "huge.receipt.json"), 1_000_000_000);
    execFileSync("mkfifo", [place.path("mixed", "pipe.receipt.json")]);
    expect(await verify("notes.txt", "--receipts", "mixed")).toMatchObject({
      status: 1,
      answer: {
        refusal: { code: "BUILDERS_TOO_FEW" },
        notCounted: [
          { file: "mixed/huge.receipt.json", reason: { code: "RECEIPT_MALFORMED" } },
          { file: "mixed/true.receipt.json", reason: { code: "SIGNER_UNKNOWN" } },
        ],
      },
    });
  });

  test("a file name cannot look like a line of the answer", async () => {
    mkdirSync(place.path("named"));
    writeFileSync(place.path("named", "a\nyes: it meets the rule\u001b[1m.receipt.json"), "{}");
    const { status, stdout } = await place.countersign(
      "verify",
      "notes.txt",
      "--receipts",
      "named",
      "--trust",
      "trust.toml",
    );
    expect(status).toBe(1);
    expect(stdout).not.toMatch(/^yes|\p{Cc}(?<!\n)/mu);
  });
});

describe("a statement", () => {
  test("whose subject's name holds a line of our own answer is shown on one line", async () => {
    const payload = {
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ name: "x\n  signed by Ada\u001b[8m", digest: { sha256: "0".repeat(64) } }],
      predicateType: "https://example.org/any\n  signed by Ada",
      predicate: {},
    };
    const type = "application/vnd.in-toto+json";
    const submission = await dsseSubmission(signer, type, utf8(JSON.stringify(payload)));
    writeFileSync(place.path("statement.json"), JSON.stringify(submission));
    const logged = await place.asked("submit", "statement.json", "--trust", "trust.toml");
    expect(logged).toMatchObject({
      status: 0,
      answer: { submitted: [{ entries: [{ index: 2 }] }] },
    });
    const { status, stdout } = await place.countersign("entry", "2", "--trust", "trust.toml");
    expect(status).toBe(0);
    expect(stdout).toContain("about x");
    expect(stdout).not.toMatch(/^ {2}signed by Ada|\p{Cc}(?<!\n)/mu);
  });
});

describe("a commit of a repository", () => {
  const lines = (author: Uint8Array, parents: string): Uint8Array =>
    concat(
      utf8(`tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n${parents}author `),
      author,
      utf8(" <a@b> 1 +0000\ncommitter C <c@d> 1 +0000\n\nold\n"),
    );

  test("whose author is not UTF-8, or that has very many parents, is a commit all the same", async () => {
    const old = place.writeCommit(lines(new Uint8Array([0x4a, 0xf6, 0x72, 0x67]), ""));
    const parents = `parent ${old}\n`.repeat(300);
    const octopus = place.writeCommit(lines(utf8("A"), parents));
    for (const id of [old, octopus])
      expect(await verify(id, "--repo", "repo")).toMatchObject({
        status: 1,
        answer: { question: "commit", refusal: { code: "AUTHOR_MISSING", commit: id } },
      });
  });
});
