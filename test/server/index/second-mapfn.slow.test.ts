/**
 * The step from one mapfn to the next, told from its beginning: a log with an index; a second index
 * beside it, which catches up from entry 0; the log's word that the first one ends; and what the log
 * and its clients make of it, also after a restart. What clients make of lies is in
 * test/client/lookup/index-ends.test.ts.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { httpTransport } from "../../../client/fetch.ts";
import { type AskPorts, askLookup, indexPorts } from "../../../client/lookup/ask.ts";
import { followIndex } from "../../../client/lookup/follow-index.ts";
import { ownKeys, readIndexEnds, withEnds } from "../../../client/lookup/index-ends.ts";
import type { LookupYes } from "../../../client/lookup/verdict.ts";
import { volatileMemory } from "../../../client/memory.ts";
import type { TrustedLog } from "../../../client/trust.ts";
import { fetchSigned } from "../../../client/update.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { pae } from "../../../schema/entry/dsse.ts";
import { LogError, unwrap } from "../../../schema/error.ts";
import { readFields } from "../../../schema/fields.ts";
import type { Submission } from "../../../schema/http/messages.ts";
import { type Generation, INDEX_V1, indexOrigin } from "../../../schema/index/generation.ts";
import type { StatedEnd } from "../../../schema/index/index-end.ts";
import type { LookupKey } from "../../../schema/index/lookup.ts";
import { initialState } from "../../../schema/index/re-execute.ts";
import { parseJson } from "../../../schema/json.ts";
import { makeIndex } from "../../../server/cli/index-log.ts";
import { loadConfig } from "../../../server/config-sources.ts";
import { indexExists, indexPlaces } from "../../../server/index/places.ts";
import { silentLogger } from "../../../server/observe/log.ts";
import { openParts } from "../../../server/parts.ts";
import { type RunningLog, serveLog } from "../../../server/serve.ts";
import * as made from "../../vectors/signers.ts";
import * as say from "../../vectors/statements.ts";
import { ask as fetchRaw, submit } from "../http/harness.ts";
import { Operated, trustedOf } from "../operated.ts";
import { BOTH, INDEX_V2, KEY_EVENT } from "./second.ts";

const ORIGIN = "operated.example.test";
const FLAGS = {
  "log-origin": ORIGIN,
  "log-key": "key.pem",
  "storage-folder": "data",
  "storage-guard": "guard/head.guard",
  "http-listen": "127.0.0.1:0",
  "metrics-listen": "off",
  "index-enabled": "on",
};
const ada = made.ed25519Signer("ada");
/** An index that opens, or has no leaf of a head yet. */
const NOT_YET: readonly string[] = ["INDEX_NOT_READY", "NOT_FOUND"];
/** /readyz is made anew once a second. */
const PATIENCE = { timeout: 60_000 };
type Port = RunningLog & { readonly port: number };

/** Ada's word that a key ends: a statement whose meaning only the second mapfn knows. */
function keyEvent(key: string): Submission {
  return made.dsseSubmission("application/vnd.in-toto+json", statementOf(key), ada);
}

function statementOf(key: string): Uint8Array {
  const event = { predicateType: KEY_EVENT, predicate: { event: "ends" } };
  return say.payload({ ...say.review(), subject: [{ digest: { sha256: key } }], ...event });
}

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
const [BEFORE, AFTER] = [say.FILE_SHA256, say.OTHER_SHA256];
const subject = (digest: string): LookupKey => ({
  type: "subject",
  fields: ["sha256", bytes(digest)],
});
const event = (key: string): LookupKey => ({ type: "key-event", fields: [bytes(key)] });

describe("moving a log to a second mapfn", () => {
  const operated = new Operated(mkdtempSync(join(tmpdir(), "countersign-second-")), FLAGS);
  const memory = volatileMemory();
  let log: Port;
  let end: StatedEnd;

  /** A program that knows both mapfns, started on the log. */
  async function start(more: Readonly<Record<string, string>> = {}): Promise<Port> {
    const { config } = loadConfig({ flags: { ...FLAGS, ...more }, env: {} });
    const at = { cwd: operated.folder, env: {}, now: () => 1.79e12 };
    const parts = await openParts(config, { ...at, crypto: nodeCrypto, logger: silentLogger });
    const place = { folder: operated.path("data"), guard: operated.path("guard/head.guard") };
    const second = { places: indexPlaces(place, INDEX_V2) };
    if (!indexExists(second.places)) await makeIndex(place, parts.key, INDEX_V2);
    const worker = new URL("./second-worker.ts", import.meta.url);
    const indexes = [...(parts.indexes ?? []), second].map((one) => ({ ...one, worker }));
    const running = await serveLog({ ...parts, indexes }, config);
    return { ...running, port: Number(new URL(running.url).port) };
  }

  function portsOf(generation: Generation, trusted: TrustedLog = trustedOf(log)): AskPorts {
    const transport = httpTransport(log.url);
    return { crypto: nodeCrypto, log: trusted, memory, transport, generation };
  }

  async function lookUp(ports: AskPorts, keys: readonly LookupKey[]): Promise<LookupYes> {
    const asked = await askLookup(ports, { keys, entries: true, summaries: false });
    return asked.state === "answered" ? asked.answer : expect.fail(`it is ${asked.state}`);
  }

  /** The same, as soon as the index has `size` entries. */
  async function complete(
    generation: Generation,
    size: number,
    keys: readonly LookupKey[],
  ): Promise<LookupYes> {
    for (;;) {
      const answer = await lookUp(portsOf(generation), keys).catch((error: unknown) => {
        if (error instanceof LogError && NOT_YET.includes(error.code)) return undefined;
        throw error;
      });
      if (answer !== undefined && answer.main.tree.size >= size) return answer;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function ready(name: string): Promise<string> {
    const answer = (await fetchRaw(log, "/readyz")).body;
    const read = readFields(unwrap(parseJson(new Uint8Array(answer))), "", (root) =>
      root
        .objects("checks")
        .flatMap((check) =>
          check.string("name") === name ? [`${check.boolean("ok")} ${check.string("detail")}`] : [],
        ),
    );
    return unwrap(read)[0] ?? "there is no such check";
  }

  /** Every leaf of an index, executed again. */
  async function execute(generation: Generation): Promise<readonly string[]> {
    const ports = portsOf(generation);
    const { size } = (await fetchSigned(indexPorts(ports))).tree;
    const from = initialState(nodeCrypto.sha256, generation.id, ORIGIN);
    return (await Array.fromAsync(followIndex(ports, from, size))).map(({ state }) => state);
  }

  beforeAll(async () => {
    expect((await operated.run("init")).status).toBe(0);
    // Entries from before there was a second mapfn.
    await operated.serving(async (before) => {
      await submit(before, keyEvent(BEFORE));
    });
    log = await start();
  });
  afterAll(async () => {
    await log.close();
    rmSync(operated.folder, { recursive: true, force: true });
  });

  test("the second index catches up from entry 0, and knows what the first one cannot", async () => {
    const { size } = log.published();
    const [a, b] = (await complete(INDEX_V2, size, [subject(BEFORE), event(BEFORE)])).found;
    expect([a?.kind, b?.kind]).toEqual(["present", "present"]);
    const [c, d] = (await complete(INDEX_V1, size, [subject(BEFORE), event(BEFORE)])).found;
    expect([c?.kind, d?.kind]).toEqual(["present", "absent"]);
    await expect.poll(() => ready("index"), PATIENCE).toMatch(/^true 2 entries/);
    await expect.poll(() => ready("index v2"), PATIENCE).toMatch(/^true 2 entries/);
    for (const generation of BOTH) expect(await execute(generation)).not.toContain("refused");
  });

  test("the log states the end of the first one, which is where it is then", async () => {
    await log.close();
    log = await start({ "index-end": "1" });
    await expect.poll(() => ready("index"), PATIENCE).toMatch(/^true ended with/);
    end = await log.endIndex(INDEX_V1.number);
    const [v1, v2] = [indexOrigin(ORIGIN, INDEX_V1), indexOrigin(ORIGIN, INDEX_V2)];
    const at = { indexOrigin: v1, successor: v2, entries: 2, statement: 2 };
    expect(end).toMatchObject(at);
    await expect(log.endIndex(INDEX_V2.number)).rejects.toThrow("none after it");
    await expect
      .poll(() => ready("index"), PATIENCE)
      .toBe(`true ended with ${end.leaves} leaves over 2 entries (entry 2); ${v2} goes on`);
  });

  test("X8 the log goes on, and the second index with it; the first one does not", async () => {
    await submit(log, keyEvent(AFTER));
    const { size } = log.published();
    const later = await complete(INDEX_V2, size, [event(BEFORE), event(AFTER)]);
    expect(later.found.map(({ kind }) => kind)).toEqual(["present", "present"]);
    const before = await lookUp(portsOf(INDEX_V1), [subject(BEFORE), subject(AFTER)]);
    expect(before.main.tree.size).toBe(end.entries);
    expect(before.found.map(({ kind }) => kind)).toEqual(["present", "absent"]);
    expect((await fetchSigned(indexPorts(portsOf(INDEX_V1)))).tree.size).toBe(end.leaves);
    for (const generation of BOTH) expect(await execute(generation)).not.toContain("refused");
  });

  test("a content is erased under both, unless the second one reads more in it than is kept", async () => {
    const text = utf8("Ada lives at number 7\n");
    await submit(log, made.rawSubmission(text, ada));
    await complete(INDEX_V2, log.published().size, [event(AFTER)]);
    const erased = await log.erase(nodeCrypto.sha256(text), "asked for");
    expect(erased.entries).toHaveLength(1);
    const said = pae("application/vnd.in-toto+json", statementOf(AFTER));
    await expect(log.erase(nodeCrypto.sha256(said), "asked for")).rejects.toThrow(
      "index 2 reads more in this content",
    );
    expect(await execute(INDEX_V2)).not.toContain("refused");
  });

  test("whoever asks the first one is told where to go on", async () => {
    const query = `type=subject&field=sha256&hex=${AFTER}`;
    const ended = await fetchRaw(log, `/v1/lookup?${query}`);
    expect(ended.headers["link"]).toBe('</v1/lookup?index=2>; rel="successor-version"');
    const next = await fetchRaw(log, `/v1/lookup?${query}&index=2`);
    expect(next.headers["link"]).toBeUndefined();
    const beyond = await fetchRaw(log, `/v1/lookup?${query}&at=${end.leaves}`);
    expect([beyond.status, beyond.body.toString()]).toEqual([
      404,
      expect.stringContaining(`what came later is in ${end.successor}`),
    ]);
    expect((await fetchRaw(log, `/v1/lookup?${query}&index=3`)).status).toBe(404);
  });

  test("a client reads the end out of the second index, and holds the first one to it", async () => {
    const answer = await lookUp(portsOf(INDEX_V2), ownKeys(nodeCrypto.sha256, trustedOf(log)));
    const ports = { crypto: nodeCrypto, log: trustedOf(log), memory };
    const ends = unwrap(await readIndexEnds(ports, BOTH, answer));
    expect(ends).toMatchObject([end]);
    const { end: known, main } = await lookUp(portsOf(INDEX_V1, withEnds(ports.log, ends)), [
      subject(BEFORE),
    ]);
    expect([known?.successor, main.tree.size]).toEqual([end.successor, end.entries]);
  });

  test("X8 a restart finds the end in the log, and the first index stays where it was", async () => {
    await log.close();
    log = await start();
    await submit(log, made.dsseSubmission("text/plain", new Uint8Array([1]), ada));
    const { size } = log.published();
    await complete(INDEX_V2, size, [event(AFTER)]);
    await expect.poll(() => ready("index"), PATIENCE).toMatch(/^true ended with/);
    const { main } = await complete(INDEX_V1, end.entries, [subject(BEFORE)]);
    expect(main.tree.size).toBe(end.entries);
    expect((await fetchSigned(indexPorts(portsOf(INDEX_V1)))).tree.size).toBe(end.leaves);
  });
});
