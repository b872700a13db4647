/** The index of a log that runs as its own process: made by init, served, looked up, rebuilt. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { httpTransport } from "../../../client/fetch.ts";
import { openHead } from "../../../client/head.ts";
import { indexLogOf } from "../../../client/lookup/index-log.ts";
import { fetchSummary } from "../../../client/lookup/summary.ts";
import { verifyLookup } from "../../../client/lookup/verify.ts";
import { unwrap } from "../../../schema/error.ts";
import { lookupPath, updatePath } from "../../../schema/http/lookup-request.ts";
import { INDEX_V1 } from "../../../schema/index/generation.ts";
import type { LookupKey } from "../../../schema/index/lookup.ts";
import { parseUpdate } from "../../../schema/index/update.ts";
import { parseVkey } from "../../../schema/tlog/note.ts";
import { submissions, submit } from "../http/harness.ts";
import { run, type Served, serve } from "./served.ts";

const { sha256 } = nodeCrypto;

let folder: string;
let vkey: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-index-"));
  const made = run(folder, "init", "--log-origin", "index.example.test", "--json");
  vkey = /"vkey":\s*"([^"]+)"/.exec(made.stdout)?.[1] ?? expect.fail(made.stderr);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function stop({ child, exit }: Served): Promise<void> {
  child.kill("SIGTERM");
  expect(await exit).toBe(0);
}

const get = async (port: number, path: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}${path}`);

/** What the log says of a key, once it has indexed `size` entries. */
async function lookup(port: number, key: LookupKey, size: number) {
  const log = {
    origin: "index.example.test",
    vkeys: [unwrap(parseVkey(sha256, vkey))],
    vkeyTexts: [vkey],
  };
  const ports = { crypto: nodeCrypto, log, verifiers: [], generation: INDEX_V1 };
  for (;;) {
    const path = lookupPath({ keys: [key], entries: true, summaries: false });
    const answer = await get(port, path);
    if (answer.status === 200) {
      const bytes = new Uint8Array(await answer.arrayBuffer());
      const verdict = await verifyLookup(ports, bytes, [key]);
      if (!verdict.ok) return expect.fail(JSON.stringify(verdict.refusal));
      if (verdict.main.tree.size >= size) return { verdict, log };
    } else {
      // It is not open yet, or open and has made no leaf yet.
      const text = await answer.text();
      const isEmpty = answer.status === 404 && text.includes("no leaf of a signed head yet");
      if (answer.status !== 503 && !isEmpty) return expect.fail(text);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe("the index of a served log", () => {
  test("answers with proof what was said, is a log of its own, and can be rebuilt", async () => {
    const one = await serve(folder);
    const [first] = await submissions(1);
    if (first === undefined) expect.fail("no submission");
    const logged = await submit(one, first);
    expect(logged.status).toBe(201);
    const opaque: LookupKey = { type: "opaque", fields: [] };
    const { verdict, log } = await lookup(one.port, opaque, 2);
    expect(verdict.found).toMatchObject([{ kind: "absent" }]);

    const note = await (await get(one.port, "/index/v1/checkpoint")).arrayBuffer();
    const index = indexLogOf(sha256, log, INDEX_V1, []);
    const head = unwrap(await openHead(nodeCrypto, index, new Uint8Array(note)));
    const { size } = head.tree;
    expect(size).toBeGreaterThanOrEqual(2);
    const entries = await get(one.port, `/index/v1/tile/entries/000.p/${size}`);
    expect(entries.status).toBe(200);
    const update = await get(one.port, updatePath(INDEX_V1, 1, size));
    expect(unwrap(parseUpdate(new Uint8Array(await update.arrayBuffer())))).toHaveLength(size - 1);
    const summary = { keys: [opaque], entries: false, summaries: true, at: size - 1 };
    const whole = await get(one.port, lookupPath(summary, true));
    const transport = httpTransport(`http://127.0.0.1:${one.port}`);
    const together = await fetchSummary(transport, INDEX_V1, summary);
    expect(together).toEqual(new Uint8Array(await whole.arrayBuffer()));
    expect((await get(one.port, "/index/v1/head/newest")).status).toBe(400);
    expect((await get(one.port, "/v1/lookup?type=nothing")).status).toBe(400);
    expect((await get(one.port, "/index/v1/update/0-1")).status).toBe(400);
    expect((await get(one.port, "/readyz")).status).toBe(200);
    expect(run(folder, "index", "rebuild").status).toBe(2);
    await stop(one);

    expect(run(folder, "index", "init").stderr).toContain("STORE_EXISTS");
    expect(run(folder, "index", "rebuild").status).toBe(0);
    const two = await serve(folder);
    const again = await lookup(two.port, opaque, 2);
    expect(again.verdict.main.tree.size).toBe(verdict.main.tree.size);
    await stop(two);
  });
});
