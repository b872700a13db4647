/**
 * The commands in one process, against a real log over real HTTP: what they print for programs,
 * and their exit statuses. The stories (`test/stories/`) run them as people do.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestLog, type TestLog } from "../../server/http/harness.ts";
import { newSigner, signedCommit } from "../test-log.ts";
import { Workplace } from "./in-process.ts";

const place = new Workplace();
const { folder } = place;
const countersign = place.countersign.bind(place);
const asked = place.asked.bind(place);
const git = place.git.bind(place);
const writeCommit = place.writeCommit.bind(place);
let log: TestLog;
let where: string[];

beforeAll(async () => {
  log = await startTestLog("memory");
  where = ["--log", log.url, "--vkey", log.parts.key.vkey];
  mkdirSync(join(folder, "repo"));
  git("init", "--quiet");
  writeFileSync(join(folder, "notes.txt"), "Remember the milk.\n");
  await countersign("key", "generate", "-o", "ada.pem");
});
afterAll(async () => {
  await log.end();
  place.remove();
});

describe("signing and logging", () => {
  test("what is signed at once has a receipt that verifies, and is yes by status too", async () => {
    const signed = await asked("sign", "notes.txt", "--key", "ada.pem", ...where);
    expect(signed).toMatchObject({ status: 0, answer: { logged: [{ index: 1 }] } });
    const [receipt = ""] = readdirSync(join(folder, "receipts"));
    const verdict = await asked("verify", join("receipts", receipt), "--vkey", log.parts.key.vkey);
    expect(verdict).toMatchObject({ status: 0, answer: { ok: true, receipt: { index: 1 } } });
  });

  test("a bundle is written beside the receipt, and verify-bundle says yes to it", async () => {
    await countersign("key", "generate", "--type", "p256", "-o", "bob.pem");
    const { stdout } = await countersign("key", "show", "bob.pem");
    writeFileSync(join(folder, "bob.pub"), stdout.split("\n")[0] ?? "");
    const made = ["--bundle", "notes.sigstore.json"];
    const signed = await asked("sign", "notes.txt", "--key", "bob.pem", ...where, ...made);
    expect(signed).toMatchObject({ status: 0, answer: { bundle: "notes.sigstore.json" } });
    const { origin, vkey } = log.parts.key;
    const trust = `trust = 1\n[[log]]\norigin = "${origin}"\nvkeys = ["${vkey}"]\n`;
    writeFileSync(join(folder, "trust.toml"), trust);
    const question = [...made, "--key", "bob.pub", "--trust", "trust.toml"];
    expect(await countersign("verify-bundle", "notes.txt", ...question)).toMatchObject({
      status: 0,
    });
  });

  test("a key that no Sigstore client verifies gets its receipt, no bundle, and the reason", async () => {
    const bundle = ["--bundle", "none.sigstore.json"];
    const signed = await asked("sign", "notes.txt", "--key", "ada.pem", ...where, ...bundle);
    expect(signed).toMatchObject({ status: 1, answer: { logged: [{}], bundle: null } });
    expect(existsSync(join(folder, "none.sigstore.json"))).toBe(false);
    const { stdout } = await countersign(
      "sign",
      "notes.txt",
      "--key",
      "ada.pem",
      ...where,
      ...bundle,
    );
    expect(stdout).toMatch(/no bundle: no Sigstore client verifies .*; needed: .*ECDSA P-256/);
    const offline = await asked("sign", "notes.txt", "--key", "ada.pem", "-o", "x.json", ...bundle);
    expect(offline).toMatchObject({ status: 2, answer: { error: { field: "--bundle" } } });
  });

  test("of two files one is refused, the other is logged, and the status is no", async () => {
    await countersign("sign", "notes.txt", "--as", "ssh", "--key", "ada.pem", "-o", "a.json");
    writeFileSync(join(folder, "b.json"), '{"kind":"sshsig","content":"","signature":"x"}');
    const { status, answer } = await asked("submit", "b.json", "a.json", ...where);
    expect(status).toBe(1);
    expect(answer).toMatchObject({
      submitted: [
        { file: "b.json", error: {} },
        { file: "a.json", entries: [{}] },
      ],
    });
  });

  test("a submission file of the wrong shape names its field", async () => {
    writeFileSync(join(folder, "c.json"), '{"kind":"raw","content":7}');
    const { answer } = await asked("submit", "c.json", ...where);
    expect(answer).toMatchObject({ submitted: [{ error: { code: "FIELD_INVALID" } }] });
  });
});

describe("import git", () => {
  test("logs what is signed, counts what is not, names what is refused, and goes on", async () => {
    const signer = newSigner("ed25519");
    const { object: good } = await signedCommit(signer, "good");
    const bad = good.slice();
    bad[bad.length - 2] = (bad[bad.length - 2] ?? 0) ^ 1;
    for (const [name, bytes] of [
      ["good", good],
      ["bad", bad],
    ] as const)
      git("update-ref", `refs/heads/${name}`, writeCommit(bytes));
    const first = await asked("import", "git", "repo", ...where, "--receipts", "imported");
    expect(first).toMatchObject({
      status: 1,
      answer: {
        commits: 2,
        signed: { "ssh-ed25519": 2 },
        logged: 1,
        refused: [{ code: "SIGNATURE_INVALID", count: 1, example: git("rev-parse", "bad") }],
      },
    });
    const again = await asked("import", "git", "repo", "good", ...where, "--receipts", "imported");
    expect(again).toMatchObject({ status: 0, answer: { logged: 0, alreadyLogged: 1 } });
    const receipt = join("imported", `${git("rev-parse", "good")}.receipt.json`);
    const { answer } = await asked("verify", receipt, "--vkey", log.parts.key.vkey);
    expect(answer).toMatchObject({ ok: true, receipt: { reading: { kind: "git-commit" } } });
  });
});

describe("reading", () => {
  test("update says what the head became", async () => {
    expect((await asked("update", ...where)).answer).toMatchObject({ state: "same" });
  });
  test("entry shows the genesis as the log's own word", async () => {
    expect((await countersign("entry", "0", ...where)).stdout).toContain("the log itself");
  });
  test("an entry that is not there could not be asked about", async () => {
    const { status, answer } = await asked("entry", "12345", ...where);
    expect(status).toBe(2);
    expect(answer).toMatchObject({ error: { code: "NOT_FOUND" } });
    expect(await asked("entry", "minus-one", ...where)).toMatchObject({
      status: 2,
      answer: { error: { code: "USAGE", field: "ENTRY" } },
    });
  });
  test("a log that is known by another key has misbehaved before anything is believed", async () => {
    const other = "try.example+a454b165+AbZm+hhEEpGUf5tBtWziHkrrKSQDFxxKlXeOJIptirgR";
    const { status } = await asked("update", "--log", log.url, "--vkey", other);
    expect(status).toBe(3);
  });
});
