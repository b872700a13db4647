/**
 * OpenSSL as an oracle for time stamps: it makes the query, and verifies the reply of a running
 * log under the log's root. Skipped, in words, where there is no `openssl ts`.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatChain } from "../../server/tsa/chain.ts";
import { ask, startTestLog, type TestLog } from "../server/http/harness.ts";

const hasOpenssl = spawnSync("openssl", ["ts", "-help"]).status === 0;

describe.skipIf(!hasOpenssl)("OpenSSL's verifier (skipped where `openssl ts` is missing)", () => {
  let log: TestLog;
  let folder: string;
  beforeAll(async () => {
    // OpenSSL judges the chain by the clock of the machine.
    const now = Math.floor(Date.now() / 1000) * 1000;
    log = await startTestLog("memory", { now: () => now });
    folder = mkdtempSync(join(tmpdir(), "countersign-openssl-"));
    const chain = log.parts.timestamps?.chain.certificates ?? [];
    writeFileSync(join(folder, "leaf.pem"), formatChain(chain.slice(0, 1)));
    writeFileSync(join(folder, "root.pem"), formatChain(chain.slice(-1)));
    writeFileSync(join(folder, "data"), "what is stamped\n");
    writeFileSync(join(folder, "other"), "what is not\n");
  });
  afterAll(async () => {
    await log.end();
    rmSync(folder, { recursive: true, force: true });
  });

  function openssl(...argv: readonly string[]): { readonly ok: boolean; readonly text: string } {
    const ran = spawnSync("openssl", argv, { cwd: folder, encoding: "utf8" });
    return { ok: ran.status === 0, text: ran.stdout + ran.stderr };
  }

  /** Makes `query` and `reply` in the folder. */
  async function stamp(...options: readonly string[]): Promise<void> {
    openssl("ts", "-query", "-data", "data", "-out", "query", ...options);
    const body = readFileSync(join(folder, "query"));
    const headers = { "content-type": "application/timestamp-query" };
    const answer = await ask(log, "/api/v1/timestamp", { method: "POST", headers, body });
    writeFileSync(join(folder, "reply"), answer.body);
  }

  const verify = (...what: readonly string[]): boolean =>
    openssl("ts", "-verify", "-in", "reply", "-CAfile", "root.pem", ...what).ok;

  test("accepts the chain as one for time stamps, strictly", () => {
    const chain = ["-CAfile", "root.pem", "-purpose", "timestampsign", "-x509_strict"];
    expect(openssl("verify", ...chain, "leaf.pem").text).toContain("OK");
  });

  test.each(["sha256", "sha384", "sha512"])("accepts a stamp over a %s", async (digest) => {
    await stamp(`-${digest}`, "-cert");
    expect(verify("-queryfile", "query")).toBe(true);
    expect(verify("-data", "data")).toBe(true);
    expect(verify("-data", "other")).toBe(false);
  });

  test("accepts one without certificates where it is given them, and without a nonce", async () => {
    await stamp("-sha256", "-no_nonce");
    expect(verify("-queryfile", "query")).toBe(false);
    expect(verify("-queryfile", "query", "-untrusted", "leaf.pem")).toBe(true);
  });

  test("refuses a reply in which any byte of the signed data was altered", async () => {
    await stamp("-sha256", "-cert");
    const reply = readFileSync(join(folder, "reply"));
    const time = reply.indexOf(new Date(log.parts.now()).toISOString().slice(0, 4), "latin1");
    for (const at of [time, time - 20, reply.length - 3]) {
      const altered = Buffer.from(reply);
      altered[at] = (altered[at] ?? 0) ^ 1;
      writeFileSync(join(folder, "reply"), altered);
      expect(verify("-data", "data"), `byte ${at}`).toBe(false);
    }
  });

  test("reads our refusals by their names", async () => {
    await stamp("-sha1");
    expect(openssl("ts", "-reply", "-in", "reply", "-text").text).toContain(
      "unrecognized or unsupported algorithm identifier",
    );
    await stamp("-sha256", "-tspolicy", "1.2.3.4");
    expect(openssl("ts", "-reply", "-in", "reply", "-text").text).toContain(
      "the requested TSA policy is not supported by the TSA",
    );
    expect(verify("-data", "data")).toBe(false);
  });
});
