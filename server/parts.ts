/**
 * The parts of a log out of its configuration: store, guard, key, authority.
 *
 * Whatever was taken is given back where a later part refuses.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Crypto } from "../client/crypto/crypto.ts";
import { generateKey, openKeyFile } from "../client/keys/key-file.ts";
import { privateKeySigner } from "../client/keys/private-key.ts";
import type { Signer } from "../client/keys/signer.ts";
import { LogError } from "../schema/error.ts";
import { GENERATIONS } from "../schema/index/generation.ts";
import { emptyRoot } from "../schema/tlog/hash.ts";
import { type Authority, anyone, enrolledKeys, tokens } from "./admission/authority.ts";
import { ClockFile, ClockInMemory, clockPath } from "./clock-file.ts";
import type { Config } from "./config.ts";
import type { IndexParts } from "./index/indexes.ts";
import { type IndexPlaces, indexExists, indexPlaces } from "./index/places.ts";
import { type ClockStore, type HeldClock, openClock } from "./log-clock.ts";
import { type LogKey, logKey } from "./log-key.ts";
import type { Logger } from "./observe/log.ts";
import { mustBeApart, type Places, placesOf, type Surroundings } from "./places.ts";
import { filePromises, memoryPromises, promisesPath } from "./promises/store.ts";
import { formatGuard, MemoryGuard, MemoryGuardFile } from "./sequencer/guard.ts";
import { FileGuard } from "./sequencer/guard-file.ts";
import type { LogParts } from "./serve.ts";
import { MemoryDisk, MemoryStorage } from "./storage/memory/memory.ts";
import { DATABASE_ID_BYTES } from "./storage/sqlite/rows.ts";
import { SqliteStorage } from "./storage/sqlite/sqlite.ts";
import { TimestampAuthority } from "./tsa/authority.ts";
import { readChain } from "./tsa/chain.ts";
import {
  type NewAuthority,
  openStampingKey,
  type StampingKey,
  stampingKeyInMemory,
} from "./tsa/files.ts";
import { openWitnesses } from "./witnesses/open.ts";
import { INDEX_VERIFIERS, WITNESSES } from "./witnesses/policy.ts";

export interface OpenPorts extends Surroundings {
  readonly crypto: Crypto;
  readonly logger: Logger;
  readonly now: () => number;
}

/** @throws LogError why the log cannot be opened; nothing is held then */
export async function openParts(config: Config, ports: OpenPorts): Promise<LogParts> {
  const { crypto, logger, now } = ports;
  const authority = await openAuthority(config, ports);
  const retiredChains = config.timestamp.retired_chains.map((path) =>
    readChain(resolve(ports.cwd, path)),
  );
  const opened =
    config.storage.driver === "memory"
      ? await openMemory(config, ports)
      : await openSqlite(config, ports);
  return { ...opened, crypto, authority, retiredChains, logger, now };
}

type Opened = Pick<
  LogParts,
  | "storage"
  | "guard"
  | "key"
  | "clock"
  | "timestamps"
  | "promises"
  | "withGenesis"
  | "witnesses"
  | "indexes"
  | "dataFolder"
>;

/** Under the policy that the configuration names; without one a log has no witnesses. */
async function witnessesOf(
  { witness, index }: Config,
  { crypto, cwd }: OpenPorts,
  key: LogKey,
  folder: string | undefined,
): Promise<Pick<LogParts, "witnesses">> {
  if (witness.policy === undefined) return {};
  const places = { policy: resolve(cwd, witness.policy), folder };
  const rules = {
    vkeys: key.checkpoints.vkeys,
    allowSplit: witness.allow_split,
    ...(index.verifiers === undefined
      ? {}
      : { apartFrom: { kind: INDEX_VERIFIERS, path: resolve(cwd, index.verifiers) } }),
  };
  return { witnesses: await openWitnesses(crypto.sha256, rules, witness.timeout_ms, places) };
}

/** Who must have executed the index, under a policy of their own. */
async function verifiersOf(
  { witness, index }: Config,
  { crypto, cwd }: OpenPorts,
  key: LogKey,
  places: IndexPlaces,
): Promise<Pick<IndexParts, "verifiers">> {
  if (index.verifiers === undefined) return {};
  const rules = {
    kind: INDEX_VERIFIERS,
    // One file for all indexes: it may name any of them.
    vkeys: GENERATIONS.flatMap((generation) => key.indexCheckpoints(generation).vkeys),
    allowSplit: index.allow_split,
    ...(witness.policy === undefined
      ? {}
      : { apartFrom: { kind: WITNESSES, path: resolve(cwd, witness.policy) } }),
  };
  const files = { policy: resolve(cwd, index.verifiers), folder: places.log.folder };
  return { verifiers: await openWitnesses(crypto.sha256, rules, index.timeout_ms, files) };
}

/** Those that were made. A log from before there was an index has none until then. */
async function indexesOf(
  config: Config,
  ports: OpenPorts,
  key: LogKey,
  places: Places,
): Promise<Pick<LogParts, "indexes">> {
  if (config.index.enabled === "off") return {};
  const indexes: IndexParts[] = [];
  for (const generation of GENERATIONS) {
    const found = indexPlaces(places, generation);
    if (!indexExists(found)) continue;
    indexes.push({ places: found, ...(await verifiersOf(config, ports, key, found)) });
  }
  if (indexes.length > 0) return { indexes };
  ports.logger.warn("this log keeps no index: `countersign index init` makes one");
  return {};
}

async function openSqlite(config: Config, ports: OpenPorts): Promise<Opened> {
  const folder = resolve(ports.cwd, config.storage.folder);
  const storage = await SqliteStorage.open(folder);
  try {
    const { origin } = storage;
    mustBeOf(config, origin);
    const places = placesOf(ports.crypto.sha256, config, origin, ports);
    mustBeApart(places);
    const key = await openKey(config, ports, places.key, origin);
    const stamping = await openStamping(config, ports, places);
    const witnesses = await witnessesOf(config, ports, key, folder);
    const indexes = await indexesOf(config, ports, key, places);
    const guard = await FileGuard.open(places.guard);
    // Not before the guard is held: its lock is the lock of the clock's file.
    const file = new ClockFile(ports.crypto.sha256, origin, clockPath(places.guard));
    const clock = heldClock(file, ports);
    const timestamps = authorityOf(config, ports, clock, stamping);
    const promises = filePromises(ports.crypto.sha256, origin, promisesPath(places.guard));
    const opened = { storage, key, guard, clock, timestamps, promises, dataFolder: folder };
    return { ...opened, ...witnesses, ...indexes };
  } catch (error) {
    await storage.close();
    throw error;
  }
}

/** Without a key file the authority ends with the process too. */
async function openMemoryStamping(
  config: Config,
  ports: OpenPorts,
  authority: NewAuthority,
): Promise<StampingKey | undefined> {
  if (config.timestamp.authority === "on" && config.timestamp.key === undefined)
    return stampingKeyInMemory(authority);
  const places = placesOf(ports.crypto.sha256, config, authority.origin, ports);
  return openStamping(config, ports, places);
}

/** Nothing where the authority is switched off. */
async function openStamping(
  config: Config,
  ports: OpenPorts,
  places: Places,
): Promise<StampingKey | undefined> {
  if (config.timestamp.authority === "off") return undefined;
  return openStampingKey(places, (path) => openConfiguredKey(config, ports, path));
}

function authorityOf(
  { timestamp }: Config,
  { crypto }: OpenPorts,
  clock: HeldClock,
  stamping: StampingKey | undefined,
): TimestampAuthority | undefined {
  if (stamping === undefined) return undefined;
  return new TimestampAuthority({ crypto, clock, randomBytes }, stamping, timestamp.policy);
}

function heldClock(store: ClockStore, { now }: OpenPorts): HeldClock {
  return openClock({ store, wall: now, monotonic: () => performance.now() });
}

/** Where the configuration names a log, the store must be that log's. @throws LogError CONFIG_INVALID */
export function mustBeOf({ log }: Config, origin: string): void {
  if (log.origin === undefined || log.origin === origin) return;
  throw new LogError("CONFIG_INVALID", `The store is of ${origin}, not ${log.origin}.`, {
    field: "log.origin",
    expected: origin,
  });
}

/** A log that ends with the process. Without a key file its key does so too. */
async function openMemory(config: Config, ports: OpenPorts): Promise<Opened> {
  const { sha256 } = ports.crypto;
  const { origin } = config.log;
  if (origin === undefined)
    throw new LogError("CONFIG_INVALID", "A log in memory needs a name.", { field: "log.origin" });
  const key =
    config.log.key === undefined
      ? logKey(ports.crypto, privateKeySigner(await generateKey("ed25519"), "memory"), origin)
      : await openKey(config, ports, placesOf(sha256, config, origin, ports).key, origin);
  const databaseId = new Uint8Array(randomBytes(DATABASE_ID_BYTES));
  const file = new MemoryGuardFile();
  const root = emptyRoot(sha256);
  file.bytes = formatGuard({ origin, databaseId, size: 0, root, checkpoint: new Uint8Array(0) });
  const from = Math.floor(ports.now() / 1000);
  const clockInMemory = new ClockInMemory();
  clockInMemory.write(from);
  const clock = heldClock(clockInMemory, ports);
  const stamping = await openMemoryStamping(config, ports, { crypto: ports.crypto, origin, from });
  return {
    key,
    ...(await witnessesOf(config, ports, key, undefined)),
    clock,
    promises: memoryPromises(),
    timestamps: authorityOf(config, ports, clock, stamping),
    guard: await MemoryGuard.open(file),
    storage: await MemoryStorage.open(new MemoryDisk(sha256, origin, databaseId), sha256),
    withGenesis: true,
  };
}

async function openKey(
  config: Config,
  ports: OpenPorts,
  path: string,
  origin: string,
): Promise<LogKey> {
  return logKey(ports.crypto, await openConfiguredKey(config, ports, path), origin);
}

/** The key file, opened with the passphrase that the configuration names. */
export async function openConfiguredKey(
  config: Config,
  surroundings: Surroundings,
  path: string,
): Promise<Signer> {
  const passphrase = await passphraseOf(config, surroundings);
  return passphrase === undefined ? openKeyFile(path) : openKeyFile(path, async () => passphrase);
}

export async function passphraseOf(
  config: Config,
  surroundings: Surroundings,
): Promise<string | undefined> {
  const { passphrase_file } = config.log;
  if (passphrase_file === undefined) return undefined;
  const text = await readText(surroundings, "log.passphrase_file", passphrase_file);
  return text.replace(/\r?\n$/, "");
}

/** Who may append, by the configuration. @throws LogError CONFIG_INVALID, FILE_UNREADABLE */
export async function openAuthority(
  config: Config,
  ports: Surroundings & Pick<OpenPorts, "crypto">,
): Promise<Authority> {
  const { who, keys_file = "", token_file = "" } = config.admission;
  const { sha256 } = ports.crypto;
  switch (who) {
    case "anyone":
      return anyone;
    case "keys":
      return enrolledKeys(
        sha256,
        await readText(ports, "admission.keys_file", keys_file),
        keys_file,
      );
    case "token":
      return tokens(sha256, await readText(ports, "admission.token_file", token_file), token_file);
  }
}

async function readText(ports: Surroundings, field: string, path: string): Promise<string> {
  try {
    return await readFile(resolve(ports.cwd, path), "utf8");
  } catch (cause) {
    throw new LogError("FILE_UNREADABLE", `${path} cannot be read`, { field, cause });
  }
}
