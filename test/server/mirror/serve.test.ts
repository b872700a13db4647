/** A mirror that goes on and serves: a client cannot tell it from its log but by what it takes in. */
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import type { Source } from "../../../client/fetch.ts";
import { LogReader } from "../../../client/log.ts";
import { fileMemory } from "../../../client/memory-file.ts";
import type { TrustedLog } from "../../../client/trust.ts";
import { fetchHead } from "../../../client/update.ts";
import { unwrap } from "../../../schema/error.ts";
import { contentPath } from "../../../schema/http/paths.ts";
import { parseVkey } from "../../../schema/tlog/note.ts";
import { MirrorFolder } from "../../../server/mirror/folder.ts";
import { type RunningMirror, serveMirror } from "../../../server/mirror/serve.ts";
import { Mirror } from "../../../server/mirror/sync.ts";
import { silentLogger } from "../../../server/observe/log.ts";
import { logKey, TestLog } from "../../client/test-log.ts";
import { until } from "../../until.ts";
import { ask, type TestLog as OwnLog, startTestLog, submissions } from "../http/harness.ts";
import { rejectionOf } from "../refusal.ts";
import { checked, run, served, sourceOf, temporaryFolder } from "./rig.ts";

async function serving(
  source: Source,
  log: TrustedLog,
): Promise<RunningMirror & { readonly url: string; readonly port: number; readonly path: string }> {
  const path = temporaryFolder();
  const folder = MirrorFolder.open(path);
  const memory = fileMemory(join(path, "seen.json"));
  const mirror = await Mirror.open({ crypto: nodeCrypto, source, log, folder, memory });
  const running = await serveMirror({
    mirror,
    sha256: nodeCrypto.sha256,
    logger: silentLogger,
    clock: () => performance.now(),
    intervalMs: 20,
    listen: "127.0.0.1:0",
    metricsListen: "127.0.0.1:0",
    stop: new AbortController(),
  });
  running.followed.catch(() => {});
  onTestFinished(async () => {
    await running.close();
    folder.close();
  });
  const { url = "" } = running;
  return { ...running, url, path, port: Number(new URL(url).port) };
}

/** Polls: the mirror follows on its own. */
async function reaches(mirror: { readonly port: number }, size: number): Promise<void> {
  await until(async () => {
    const { body } = await ask(mirror, "/checkpoint");
    return body.toString().split("\n")[1] === String(size);
  });
}

async function grow(log: OwnLog, count: number): Promise<void> {
  const lines = (await submissions(count)).map((one) => `${JSON.stringify(one)}\n`).join("");
  const headers = { "content-type": "application/x-ndjson" };
  await ask(log, "/v1/entries:batch", { method: "POST", headers, body: lines });
}

const trustedOf = ({ origin, vkey }: OwnLog): TrustedLog => ({
  origin,
  vkeys: [unwrap(parseVkey(nodeCrypto.sha256, vkey))],
  vkeyTexts: [vkey],
});

describe("a mirror of our log", () => {
  test("answers every resource with the log's own bytes and headers, and follows it", async () => {
    const log = await startTestLog("memory");
    onTestFinished(log.end);
    await grow(log, 270);
    const trusted = trustedOf(log);
    const mirror = await serving(sourceOf(log), trusted);
    await reaches(mirror, 271);
    await grow(log, 5);
    await reaches(mirror, 276);
    const reader = new LogReader(
      { crypto: nodeCrypto, transport: sourceOf(mirror), log: trusted },
      await fetchHead({ crypto: nodeCrypto, transport: sourceOf(mirror), log: trusted }),
    );
    const { content } = await reader.receipt(275);
    const paths = [
      "/checkpoint",
      "/tile/0/000",
      "/tile/0/001.p/20",
      "/tile/0/001.p/7",
      "/tile/1/000.p/1",
      "/tile/entries/000",
      "/tile/entries/001.p/20",
      "/tile/entries/001.p/3",
      "/tile/content/000",
      "/tile/content/001.p/20?from=7",
      "/api/v2/checkpoint",
      "/api/v2/tile/entries/000",
      contentPath(nodeCrypto.sha256(content ?? new Uint8Array(0))),
      "/tile/0/002",
      "/tile/0/001",
      "/tile/content/000?from=x",
      "/content/sha256/00",
      "/key/sha256/00",
    ];
    for (const path of paths) {
      const [ours, theirs] = [await ask(mirror, path), await ask(log, path)];
      expect(ours.status, path).toBe(theirs.status);
      expect(ours.body.equals(theirs.body), path).toBe(true);
      for (const name of ["content-type", "cache-control", "content-security-policy"])
        expect(ours.headers[name], path).toBe(theirs.headers[name]);
    }
    expect((await checked(mirror.path, trusted)).findings).toEqual([]);
  });

  test("can be mirrored in its turn", async () => {
    const log = await startTestLog("memory");
    onTestFinished(log.end);
    await grow(log, 3);
    const trusted = trustedOf(log);
    const mirror = await serving(sourceOf(log), trusted);
    await reaches(mirror, 4);
    const second = temporaryFolder();
    await run(second, sourceOf(mirror), trusted);
    expect(await checked(second, trusted)).toMatchObject({ size: 4, contents: true, findings: [] });
  });
});

describe("a mirror at work", () => {
  test("takes nothing in, says whether it is ready, and counts", async () => {
    const log = new TestLog().fill(3);
    const server = await served(() => log);
    const mirror = await serving(sourceOf(server), log.trusted);
    await reaches(mirror, 3);
    expect((await ask(mirror, "/v1/entries", { method: "POST", body: "{}" })).status).toBe(405);
    expect((await ask(mirror, "/v1/entries/0")).status).toBe(404);
    expect((await ask(mirror, "/tile/content/000.p/3")).status).toBe(404);
    expect((await ask(mirror, "/healthz")).status).toBe(200);
    expect((await ask(mirror, "/readyz")).status).toBe(200);
    expect((await ask(mirror, "/checkpoint", { method: "HEAD" })).body).toHaveLength(0);
    const metrics = await (await fetch(`${mirror.metricsUrl ?? ""}/metrics`)).text();
    expect(metrics).toContain("countersign_mirror_tree_size 3");
    expect(metrics).toContain('countersign_mirror_polls_total{result="first"} 1');
  });

  test("is not ready before it has a head, and goes on asking a log that does not answer", async () => {
    const log = new TestLog().fill(3);
    let open = false;
    const server = await served(
      () => log,
      (_, honest) => (open ? honest : undefined),
    );
    const mirror = await serving(sourceOf(server), log.trusted);
    const before = await ask(mirror, "/readyz");
    expect(before.status).toBe(503);
    expect((await ask(mirror, "/checkpoint")).status).toBe(404);
    open = true;
    await reaches(mirror, 3);
    expect((await ask(mirror, "/readyz")).status).toBe(200);
  });

  test("ends at a fork, with the evidence", async () => {
    const key = logKey();
    let log = new TestLog("fork.test", key).fill(5);
    const server = await served(() => log);
    const mirror = await serving(sourceOf(server), log.trusted);
    await reaches(mirror, 5);
    log = new TestLog("fork.test", key).fill(6, " other");
    const error = await rejectionOf(mirror.followed);
    expect(error.code).toBe("LOG_MISBEHAVED");
    expect(error.detail.evidence?.length).toBeGreaterThan(0);
    expect((await checked(mirror.path, log.trusted)).size).toBe(5);
  });
});
