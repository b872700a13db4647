/** What was erased stays erased in every way in which a log comes back from a copy, and its index is made anew. */

import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { httpTransport } from "../../../client/fetch.ts";
import { fileSubmission } from "../../../client/keys/signer.ts";
import { followIndex } from "../../../client/lookup/follow-index.ts";
import type { TrustedLog } from "../../../client/trust.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { contentPath } from "../../../schema/http/paths.ts";
import { INDEX_V1 } from "../../../schema/index/generation.ts";
import { MAPFN_V1 } from "../../../schema/index/mapfn.ts";
import { initialState } from "../../../schema/index/re-execute.ts";
import { until } from "../../until.ts";
import { sha256 } from "../fixture.ts";
import { ask, makeSigner, submit } from "../http/harness.ts";
import { run } from "../mirror/rig.ts";
import { eraseWhenIndexed, Operated, trustedOf } from "../operated.ts";

const EARLY = utf8("in the old backup\n");
const LATE = utf8("not in the old backup\n");
const DIGESTS = [sha256(EARLY), sha256(LATE)];

/** The log with 6 entries, of which 1 and 3 lost their content; its store at 3 entries; mirrors before and after. */
let template: Operated;
let trusted: TrustedLog;
beforeAll(async () => {
  const log = await Operated.init(mkdtempSync(join(tmpdir(), "countersign-copies-")), {
    "index-enabled": "on",
  });
  const ada = await makeSigner();
  await log.serving(async (running) => {
    trusted = trustedOf(running);
    for (const bytes of [EARLY, utf8("public\n")])
      await submit(running, await fileSubmission(ada, bytes));
  });
  log.keep("data", "data-early");
  await log.serving(async (running) => {
    await submit(running, await fileSubmission(ada, LATE));
    await run(log.path("mirror-early"), httpTransport(running.url), trusted);
    for (const digest of DIGESTS) await eraseWhenIndexed(running, digest);
    await run(log.path("mirror"), httpTransport(running.url), trusted);
  });
  log.keep("data", "data-late");
  template = log;
  return () => rmSync(log.folder, { recursive: true, force: true });
});

/** The log's own store as it was, beside the newest index log. */
function rolledBack(): Operated {
  const log = template.copy();
  for (const ending of ["", "-wal", "-shm"]) log.lose(`data/log.db${ending}`);
  cpSync(log.path("data-early/log.db"), log.path("data/log.db"));
  return log;
}

/** Both are gone for whoever asks, the store is sound, and the index comes to the leaves that were signed. */
async function isErased(log: Operated): Promise<void> {
  expect((await log.run("index rebuild")).status).toBe(0);
  await log.serving(async (running) => {
    for (const digest of DIGESTS)
      expect((await ask(running, contentPath(digest))).status).toBe(410);
    await ready(running);
    const ports = {
      crypto: nodeCrypto,
      generation: INDEX_V1,
      transport: httpTransport(running.url),
      log: trusted,
    };
    const state = initialState(sha256, MAPFN_V1, trusted.origin);
    const followed = await Array.fromAsync(followIndex(ports, state, await leaves(running)));
    expect(followed.every((one) => one.state === "accepted")).toBe(true);
    expect(followed.flatMap((one) => (one.state === "accepted" ? one.taken : []))).toEqual([1, 3]);
  });
  const { status, text } = await log.run("fsck");
  expect(text).toContain("2 contents were erased");
  expect(status).toBe(0);
}

async function ready(log: { readonly port: number }): Promise<void> {
  await until(async () => (await ask(log, "/index/v1/checkpoint")).status === 200);
}

async function leaves(log: { readonly port: number }): Promise<number> {
  const note = (await ask(log, "/index/v1/checkpoint")).body.toString();
  return Number(note.split("\n")[1]);
}

describe("a store from an old backup, which still has a content that was erased since", () => {
  test("is refused, and comes back from a mirror without it", async () => {
    const log = rolledBack();
    await expect(log.serving(async () => undefined)).rejects.toMatchObject({ code: "GUARD_AHEAD" });
    const { status, text } = await log.run("recover", "--from", "mirror");
    expect(text).toContain("because the log has erased it: 1");
    expect(status).toBe(0);
    await isErased(log);
  });

  test("comes back from a newer store without it", async () => {
    const log = rolledBack();
    expect((await log.run("recover", "--refill", "data-late")).status).toBe(0);
    await isErased(log);
  });
});

describe("a damaged store", () => {
  function damaged(sql: string): Operated {
    const log = template.copy();
    const database = new Database(log.path("data/log.db"));
    database.exec(sql);
    database.close();
    return log;
  }

  const FORGOTTEN = `
    DELETE FROM content WHERE bytes IS NULL;
    DELETE FROM content_digest WHERE id NOT IN (SELECT id FROM content);
    DELETE FROM erased; DELETE FROM erased_postings;`;

  test("that has forgotten what it erased does not get it back from a mirror that lags", async () => {
    const log = damaged(FORGOTTEN);
    const { text } = await log.run("fsck", "--repair-from", "mirror-early");
    expect(text).toContain("0 contents");
    for (const digest of DIGESTS)
      await log.serving(async (running) => {
        expect((await ask(running, contentPath(digest))).status).toBe(410);
      });
  });

  test("gets back what the entries post, with the statement whose leaf was damaged", async () => {
    const log = damaged(`${FORGOTTEN}
      UPDATE leaf SET bytes = zeroblob(10) WHERE idx >= 4;`);
    const { status, text } = await log.run("fsck", "--repair-from", "mirror");
    expect(text).not.toContain("MISSING");
    expect(text).toContain("2 contents were erased");
    expect(status).toBe(0);
    await isErased(log);
  });

  test("whose content is gone without a word says so", async () => {
    const log = damaged(
      "UPDATE content SET bytes = NULL WHERE id = (SELECT content FROM leaf WHERE idx = 2)",
    );
    const { status, text } = await log.run("fsck");
    expect(text).toContain("it is gone, and no statement of the log says so");
    expect(status).toBe(1);
  });

  test("that still has what it said is gone is named, and the next start takes it out", async () => {
    const log = damaged(`
      UPDATE content SET bytes = x'00' WHERE bytes IS NULL;
      DELETE FROM erased; UPDATE erased_up_to SET size = 0;`);
    const before = await log.run("fsck");
    expect(before.status).toBe(1);
    expect(before.text).toContain("it is here: the next start takes it out");
    await log.serving(async () => undefined);
    expect((await log.run("fsck")).text).toContain("2 contents were erased");
  });
});
