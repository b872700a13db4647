/** The arguments of `verify-bundle`: what is asked, by which root, and what is missing. */
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import type { Signer } from "../../../client/keys/signer.ts";
import { toBase64, toHex, utf8 } from "../../../schema/bytes.ts";
import { startTestLog, type TestLog } from "../../server/http/harness.ts";
import { messageBundle, newWitness, rootOf, spkiOf, tlogOf } from "../sigstore/bundles.ts";
import { newSigner } from "../test-log.ts";
import { Workplace } from "./in-process.ts";

const place = new Workplace();
const ARTIFACT = utf8("released\n");
const DIGEST = `sha256:${toHex(nodeCrypto.sha256(ARTIFACT))}`;
let log: TestLog;

function pem(signer: Signer): string {
  return `-----BEGIN PUBLIC KEY-----\n${toBase64(spkiOf(signer))}\n-----END PUBLIC KEY-----\n`;
}

function write(name: string, content: string | Uint8Array): void {
  writeFileSync(place.path(name), content);
}

beforeAll(async () => {
  log = await startTestLog("memory");
  const ada = newSigner("p256");
  write("tool.tar", ARTIFACT);
  write("ada.pem.pub", pem(ada));
  write("eve.pub", pem(newSigner("p256")));
  const ssh = Buffer.from(ada.ssh?.wire ?? new Uint8Array(0)).toString("base64");
  write("ada.pub", `ecdsa-sha2-nistp256 ${ssh} ada@laptop\n`);
  write("tool.sigstore.json", JSON.stringify(await messageBundle(log, ada, ARTIFACT)));
  // The clock of the commands in these tests stands in 2023.
  write("root.json", rootOf([tlogOf(log, { validFor: { start: "2020-01-01T00:00:00Z" } })]));
  const { origin, vkey } = log.parts.key;
  write("trust.toml", `trust = 1\n[[log]]\norigin = "${origin}"\nvkeys = ["${vkey}"]\n`);
  const witness = newWitness("one.example.test");
  write("witnesses.policy", `witness one ${witness.vkey}\nquorum one\n`);
});
afterAll(async () => {
  await log.end();
  place.remove();
});

const bundle = ["--bundle", "tool.sigstore.json"];
const key = ["--key", "ada.pem.pub"];
const root = ["--trusted-root", "root.json"];

describe("verify-bundle", () => {
  test.each([
    ["a file and a PEM key", ["tool.tar", ...key, ...root]],
    ["a digest", [DIGEST, ...key, ...root]],
    ["an OpenSSH key", ["tool.tar", "--key", "ada.pub", ...root]],
    ["a trust file alone", ["tool.tar", ...key, "--trust", "trust.toml"]],
    ["both", ["tool.tar", ...key, ...root, "--trust", "trust.toml"]],
    ["the staging flag, which the suite may give", ["tool.tar", "--staging", ...key, ...root]],
  ])("is yes by %s", async (_, args) => {
    const { status, answer } = await place.asked("verify-bundle", ...bundle, ...args);
    expect({ status, answer }).toMatchObject({ status: 0, answer: { ok: true, entries: [{}] } });
  });

  test("says in words why it is no, with status 1", async () => {
    const no = await place.countersign(
      "verify-bundle",
      "tool.tar",
      ...bundle,
      ...root,
      "--key",
      "eve.pub",
    );
    expect(no).toMatchObject({ status: 1, stderr: "" });
    expect(no.stdout).toMatch(/^no: the signature is refused/);
    const policy = ["--witness-policy", "witnesses.policy"];
    const { answer } = await place.asked(
      "verify-bundle",
      "tool.tar",
      ...bundle,
      ...key,
      ...root,
      ...policy,
    );
    expect(answer).toMatchObject({
      refusal: { code: "WITNESSES_TOO_FEW", need: "one.example.test" },
    });
    const two = [...root, "--min-logs", "2"];
    const { answer: alone } = await place.asked(
      "verify-bundle",
      "tool.tar",
      ...bundle,
      ...key,
      ...two,
    );
    expect(alone).toMatchObject({ refusal: { code: "LOGS_TOO_FEW", need: 2 } });
  });

  test.each([
    ["nobody who must have signed", ["tool.tar", ...root], "--key"],
    [
      "a key and an identity",
      ["tool.tar", ...key, "--certificate-identity", "a", ...root],
      "--key",
    ],
    [
      "an identity without its issuer",
      ["tool.tar", "--certificate-identity", "a", ...root],
      "--key",
    ],
    ["no root", ["tool.tar", ...key], "--trusted-root"],
    ["no root of staging", ["tool.tar", "--staging", ...key], "--trusted-root"],
    ["half a digest", ["sha256:abc", ...key, ...root], "ARTIFACT"],
    ["no whole number", ["tool.tar", ...key, ...root, "--min-logs", "two"], "--min-logs"],
  ])("cannot be asked with %s", async (_, args, field) => {
    const { status, answer } = await place.asked("verify-bundle", ...bundle, ...args);
    expect({ status, answer }).toMatchObject({
      status: 2,
      answer: { error: { code: "USAGE", field } },
    });
  });

  test("cannot be asked with a key file that is none", async () => {
    const { status, answer } = await place.asked(
      "verify-bundle",
      "tool.tar",
      ...bundle,
      ...root,
      "--key",
      "tool.tar",
    );
    expect({ status, answer }).toMatchObject({ status: 2, answer: { error: { field: "--key" } } });
  });
});
