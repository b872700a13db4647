/** What is left of an erased content to those who ask the log, and what of it to those who bring it again. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { httpTransport } from "../../../client/fetch.ts";
import { fileSubmission } from "../../../client/keys/signer.ts";
import { LogReader } from "../../../client/log.ts";
import { unannounced } from "../../../client/lookup/erased.ts";
import { followIndex } from "../../../client/lookup/follow-index.ts";
import { fetchHead } from "../../../client/update.ts";
import { verifyReceipt } from "../../../client/verify/receipt.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { LogError } from "../../../schema/error.ts";
import { postingsPath } from "../../../schema/http/lookup-request.ts";
import { contentPath } from "../../../schema/http/paths.ts";
import { INDEX_V1 } from "../../../schema/index/generation.ts";
import { MAPFN_V1 } from "../../../schema/index/mapfn.ts";
import { initialState } from "../../../schema/index/re-execute.ts";
import { formatReceipt } from "../../../schema/receipt.ts";
import type { RunningLog } from "../../../server/serve.ts";
import { digestRequest } from "../../vectors/rekor.ts";
import * as made from "../../vectors/signers.ts";
import { sha256 } from "../fixture.ts";
import { ask, makeSigner, post, problemIn, submit } from "../http/harness.ts";
import { Operated, trustedOf } from "../operated.ts";

const SECRET = utf8("Ada lives at number 7\n");
const digest = sha256(SECRET);
const [ada, bob] = [await makeSigner(), await makeSigner()];
const secret = await fileSubmission(ada, SECRET);

/** Waits until the index has what the erasure needs; every other refusal is thrown. */
async function eraseWhenIndexed(log: RunningLog): Promise<{ statement: number; refused: string }> {
  for (let refused = ""; ; ) {
    try {
      return { ...(await log.erase(digest, "personal data")), refused };
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== "INDEX_NOT_READY") throw error;
      refused = error.message;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

describe("an erased content", () => {
  let operated: Operated;
  let log: RunningLog & { readonly port: number };
  let end: () => void;
  let serving: Promise<void>;
  beforeAll(async () => {
    operated = await Operated.init(mkdtempSync(join(tmpdir(), "countersign-erased-")), {
      "index-enabled": "on",
    });
    const started = Promise.withResolvers<typeof log>();
    const ended = Promise.withResolvers<void>();
    end = ended.resolve;
    serving = operated.serving(async (running) => {
      started.resolve(running);
      await ended.promise;
    });
    log = await started.promise;
    await submit(log, secret);
    await submit(log, await fileSubmission(bob, utf8("nothing to hide\n")));
    const { statement, refused } = await eraseWhenIndexed(log);
    expect(statement).toBe(3);
    if (refused !== "") expect(refused).toMatch(/entry 1 is under no leaf|being opened/);
  });
  afterAll(async () => {
    end();
    await serving;
    rmSync(operated.folder, { recursive: true, force: true });
  });

  const ports = () => ({
    crypto: nodeCrypto,
    generation: INDEX_V1,
    log: trustedOf(log),
    transport: httpTransport(log.url),
  });

  test("is 410 by its digest, 0xfffffffe in its tile, and its entry is given all the same", async () => {
    const answer = await ask(log, contentPath(digest));
    expect(answer.status).toBe(410);
    expect(problemIn(answer).code).toBe("CONTENT_ERASED");
    const head = await fetchHead(ports());
    const slots = await Array.fromAsync(new LogReader(ports(), head).contents(0));
    expect(slots.map(({ content }) => content.state)).toEqual(["held", "erased", "held", "held"]);
    expect((await ask(log, "/v1/entries/1")).status).toBe(200);
  });

  test("leaves a receipt that verifies with the content at hand, and says so without it", async () => {
    const head = await fetchHead(ports());
    const receipt = await new LogReader(ports(), head).receipt(1);
    expect(receipt.content).toBeUndefined();
    const trust = { logs: [trustedOf(log)], people: [], rules: [] };
    const verdict = await verifyReceipt(
      { crypto: nodeCrypto, trust },
      { name: "receipt", bytes: formatReceipt({ ...receipt, content: SECRET }) },
    );
    expect(verdict.ok).toBe(true);
    const without = await verifyReceipt(
      { crypto: nodeCrypto, trust },
      { name: "receipt", bytes: formatReceipt(receipt) },
    );
    expect(without).toMatchObject({ ok: false, refusal: { code: "CONTENT_MISSING" } });
  });

  test("is refused again through every door: by the same signer, another, a batch line, a digest", async () => {
    for (const signer of [ada, bob]) {
      const answer = await submit(log, await fileSubmission(signer, SECRET));
      expect([answer.status, problemIn(answer).code]).toEqual([422, "CONTENT_REFUSED"]);
    }
    const lines = await ask(log, "/v1/entries:batch", {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: `${JSON.stringify(secret)}\n`,
    });
    expect(lines.body.toString()).toContain("CONTENT_REFUSED");
    const bare = await ask(log, "/api/v2/log/entries", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(digestRequest(SECRET, made.p256Signer("carol"))),
    });
    expect(bare.status).toBe(400);
    expect(bare.body.toString()).toContain("erased this content");
    expect(log.published().size).toBe(4);
    expect((await post(log, JSON.stringify(await fileSubmission(ada, utf8("x"))))).status).toBe(
      201,
    );
  });

  test("leaves its postings, and the index can be executed again with them, at its word", async () => {
    expect((await ask(log, postingsPath(1))).status).toBe(200);
    for (const index of [2, 9]) expect((await ask(log, postingsPath(index))).status).toBe(404);
    const state = initialState(sha256, MAPFN_V1, log.origin);
    const [followed] = await Array.fromAsync(followIndex(ports(), state, 2));
    expect(followed).toMatchObject({ state: "accepted", taken: [1] });
    expect(await unannounced(ports(), [1])).toEqual([]);
    expect(await unannounced(ports(), [1, 2])).toEqual([2]);
    const lying = { ...ports(), erased: async () => [] };
    const [refused] = await Array.fromAsync(followIndex(lying, state, 2));
    expect(refused).toMatchObject({ state: "refused" });
  });

  test("is no damage to fsck", async () => {
    const { status, text } = await operated.run("fsck");
    expect(text).toContain("1 content was erased");
    expect(status).toBe(0);
  });
});
