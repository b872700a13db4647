import { randomBytes } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { generateKey } from "../../../client/keys/key-file.ts";
import { privateKeySigner } from "../../../client/keys/private-key.ts";
import { verifyLookup } from "../../../client/lookup/verify.ts";
import { unwrap } from "../../../schema/error.ts";
import { formatLookup, type LookupKey } from "../../../schema/index/lookup.ts";
import { MAPFN_V1 } from "../../../schema/index/mapfn.ts";
import { parseUpdate } from "../../../schema/index/update.ts";
import { leafHash } from "../../../schema/tlog/hash.ts";
import { parseVkey } from "../../../schema/tlog/note.ts";
import { initIndex } from "../../../server/index/open.ts";
import { indexExists, indexPlaces } from "../../../server/index/places.ts";
import { type RunningIndex, runIndex } from "../../../server/index/run.ts";
import { IndexStore } from "../../../server/index/store.ts";
import { initLog } from "../../../server/init.ts";
import { type LogKey, logKey } from "../../../server/log-key.ts";
import { type OpenLog, openLog } from "../../../server/open.ts";
import { genesisEntry } from "../../../server/serve.ts";
import { entries } from "../entries.ts";
import { temporaryFolder } from "../fixture.ts";

const { sha256 } = nodeCrypto;
const ORIGIN = "log.example.test";
const clock = (): number => performance.now();
const onFatal = (reason: Error): void => {
  throw reason;
};

interface Place {
  readonly key: LogKey;
  readonly place: { readonly folder: string; readonly guard: string };
}

async function newLog(): Promise<Place> {
  const base = temporaryFolder();
  const place = { folder: `${base}/data`, guard: `${base}/head.guard` };
  const key = logKey(nodeCrypto, privateKeySigner(await generateKey("ed25519"), "test"), ORIGIN);
  const ports = { crypto: nodeCrypto, key, now: () => 1_700_000_000_000 };
  const databaseId = new Uint8Array(randomBytes(16));
  const genesis = await genesisEntry(ports);
  await initLog({ place, signer: key.checkpoints, crypto: nodeCrypto, clock, databaseId, genesis });
  const places = indexPlaces(place);
  expect(indexExists(places)).toBe(false);
  await initIndex(places, {
    crypto: nodeCrypto,
    signer: key.indexCheckpoints,
    origin: ORIGIN,
    databaseId: new Uint8Array(randomBytes(16)),
    clock,
  });
  expect(indexExists(places)).toBe(true);
  return { key, place };
}

async function run({ key, place }: Place): Promise<{ main: OpenLog; index: RunningIndex }> {
  const ports = { signer: key.checkpoints, crypto: nodeCrypto, clock, onFatal };
  const main = await openLog(place, ports);
  const index = await runIndex({
    crypto: nodeCrypto,
    key,
    places: indexPlaces(place),
    main: main.log,
    mainReader: main.storage.reader,
    stepMs: 10,
    now: () => 1_700_000_000_000,
    onFatal,
  });
  return { main, index };
}

/** Until everything that is published is indexed. */
async function caughtUp({ main, index }: { main: OpenLog; index: RunningIndex }): Promise<void> {
  for (;;) {
    index.service.notify();
    if (index.service.status().size === main.log.published().size) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function ask(index: RunningIndex, key: LogKey, keys: readonly LookupKey[]) {
  const bundle = await index.service.lookup(keys, { entries: false, summaries: false });
  const vkey = unwrap(parseVkey(sha256, key.vkey));
  const log = { origin: ORIGIN, vkeys: [vkey], vkeyTexts: [key.vkey] };
  const ports = { crypto: nodeCrypto, log, verifiers: [], mapfn: MAPFN_V1 };
  return verifyLookup(ports, formatLookup(bundle), keys);
}

const leafKey = (n: number): LookupKey => {
  const [entry] = entries(n, n + 1);
  return { type: "leaf", fields: [leafHash(sha256, entry?.leaf ?? new Uint8Array(0))] };
};

describe("the index of a running log", () => {
  test("follows it, answers with proof, and goes on after a restart", async () => {
    const place = await newLog();
    let running = await run(place);
    await running.main.log.append(entries(1, 4));
    await caughtUp(running);
    const first = await ask(running.index, place.key, [leafKey(2), leafKey(9)]);
    expect(first).toMatchObject({ ok: true, found: [{ kind: "present" }, { kind: "absent" }] });
    await running.index.close();
    await running.main.log.append(entries(4, 12));
    await running.main.log.close();
    running = await run(place);
    await caughtUp(running);
    const second = await ask(running.index, place.key, [leafKey(2), leafKey(9)]);
    expect(second).toMatchObject({ ok: true, found: [{ kind: "present" }, { kind: "present" }] });
    const { leaves } = running.index.service.status();
    expect(running.index.published().size).toBe(leaves);
    const update = await running.index.service.update(leaves - 1);
    expect(unwrap(parseUpdate(update ?? new Uint8Array(0)))).toHaveLength(1);
    await running.index.close();
    await running.main.log.close();
  });

  test("is rebuilt from log and index log where its tables are gone", async () => {
    const place = await newLog();
    let running = await run(place);
    onTestFinished(async () => running.main.log.close());
    for (const to of [4, 8]) {
      await running.main.log.append(entries(to - 3, to));
      await caughtUp(running);
    }
    const before = running.index.service.status();
    expect(before.leaves).toBeGreaterThanOrEqual(3);
    await running.index.close();
    await running.main.log.close();
    IndexStore.remove(indexPlaces(place.place).tables);
    running = await run(place);
    const after = running.index.service.status();
    expect([after.leaves, after.size, after.keys]).toEqual([
      before.leaves,
      before.size,
      before.keys,
    ]);
    const verdict = await ask(running.index, place.key, [leafKey(2)]);
    expect(verdict).toMatchObject({ ok: true, found: [{ kind: "present" }] });
    await running.index.close();
  });
});
