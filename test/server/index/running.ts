/** A log on disk with its index, run without HTTP, and asked as a client asks it. */

import { randomBytes } from "node:crypto";
import { expect } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { generateKey } from "../../../client/keys/key-file.ts";
import { privateKeySigner } from "../../../client/keys/private-key.ts";
import { verifyLookup } from "../../../client/lookup/verify.ts";
import { unwrap } from "../../../schema/error.ts";
import { INDEX_V1 } from "../../../schema/index/generation.ts";
import { formatLookup, type LookupKey } from "../../../schema/index/lookup.ts";
import { leafHash } from "../../../schema/tlog/hash.ts";
import { parseVkey } from "../../../schema/tlog/note.ts";
import { genesisEntry } from "../../../server/genesis.ts";
import { initIndex } from "../../../server/index/open.ts";
import { indexExists, indexPlaces } from "../../../server/index/places.ts";
import { type RunningIndex, runIndex } from "../../../server/index/run.ts";
import { initLog } from "../../../server/init.ts";
import { type LogKey, logKey } from "../../../server/log-key.ts";
import { type OpenLog, openLog } from "../../../server/open.ts";
import type { Witnessing } from "../../../server/sequencer/ports.ts";
import { until } from "../../until.ts";
import { entries } from "../entries.ts";
import { temporaryFolder } from "../fixture.ts";

const { sha256 } = nodeCrypto;
const ORIGIN = "log.example.test";
const clock = (): number => performance.now();
const onFatal = (reason: Error): void => {
  throw reason;
};

export interface Place {
  readonly key: LogKey;
  readonly place: { readonly folder: string; readonly guard: string };
}

export async function newLog(): Promise<Place> {
  const base = temporaryFolder();
  const place = { folder: `${base}/data`, guard: `${base}/head.guard` };
  const key = logKey(nodeCrypto, privateKeySigner(await generateKey("ed25519"), "test"), ORIGIN);
  const ports = { crypto: nodeCrypto, key, now: () => 1_700_000_000_000 };
  const databaseId = new Uint8Array(randomBytes(16));
  const genesis = await genesisEntry(ports);
  await initLog({ place, signer: key.checkpoints, crypto: nodeCrypto, clock, databaseId, genesis });
  const places = indexPlaces(place, INDEX_V1);
  expect(indexExists(places)).toBe(false);
  await initIndex(places, {
    crypto: nodeCrypto,
    signer: key.indexCheckpoints(INDEX_V1),
    origin: ORIGIN,
    databaseId: new Uint8Array(randomBytes(16)),
    clock,
  });
  expect(indexExists(places)).toBe(true);
  return { key, place };
}

export async function run(
  { key, place }: Place,
  verifying?: Witnessing,
): Promise<{ main: OpenLog; index: RunningIndex }> {
  const ports = { signer: key.checkpoints, crypto: nodeCrypto, clock, onFatal };
  const main = await openLog(place, ports);
  const index = await runIndex({
    crypto: nodeCrypto,
    key,
    places: indexPlaces(place, INDEX_V1),
    main: main.log,
    mainReader: main.storage.reader,
    mainDurable: async () => (await main.storage.readHead()).size,
    stepMs: 10,
    verifying,
    now: () => 1_700_000_000_000,
    onFatal,
  });
  return { main, index };
}

/** Until everything that is published is indexed. */
export async function caughtUp({
  main,
  index,
}: {
  main: OpenLog;
  index: RunningIndex;
}): Promise<void> {
  await until(() => {
    index.service.notify();
    return index.service.status().size === main.log.published().size;
  });
}

export async function ask(index: RunningIndex, key: LogKey, keys: readonly LookupKey[]) {
  const bundle = await index.service.lookup(keys, { entries: false, summaries: false });
  const vkey = unwrap(parseVkey(sha256, key.vkey));
  const log = { origin: ORIGIN, vkeys: [vkey], vkeyTexts: [key.vkey] };
  const ports = { crypto: nodeCrypto, log, verifiers: [], generation: INDEX_V1 };
  return verifyLookup(ports, formatLookup(bundle), keys);
}

export const leafKey = (n: number): LookupKey => {
  const [entry] = entries(n, n + 1);
  return { type: "leaf", fields: [leafHash(sha256, entry?.leaf ?? new Uint8Array(0))] };
};
