/**
 * The index of a running log, put together: the index log's own store, guard and sequencer, and
 * the service that follows the main log.
 *
 * @module
 */
import { join } from "node:path";
import type { Crypto } from "../../client/crypto/crypto.ts";
import type { LogError } from "../../schema/error.ts";
import type { StatedEnd } from "../../schema/index/index-end.ts";
import { parseIndexLeaf } from "../../schema/index/index-leaf.ts";
import type { Lookup, LookupKey } from "../../schema/index/lookup.ts";
import { emptyRoot, type Hash } from "../../schema/tlog/hash.ts";
import type { LogKey } from "../log-key.ts";
import { type OpenLog, openLog } from "../open.ts";
import type { Sequencer } from "../sequencer/log.ts";
import type { PublishedHead, SequencerPorts, Witnessing } from "../sequencer/ports.ts";
import type { StorageReader } from "../storage/storage.ts";
import { conflictEvidence } from "./conflict-evidence.ts";
import { type Conflict, Conflicts } from "./conflicts.ts";
import { findEnd } from "./end-index.ts";
import type { IndexPlaces } from "./places.ts";
import type { FollowedLog, IndexLogPort } from "./ports.ts";
import { IndexService } from "./service.ts";

export interface IndexRunPorts extends Pick<SequencerPorts, "onFatal"> {
  readonly crypto: Crypto;
  readonly key: LogKey;
  readonly places: IndexPlaces;
  /** Who must have executed a leaf before it is shown, and where the shown head is kept. */
  readonly verifying?: Witnessing | undefined;
  /** The main log: its published part, and whether it may sign. */
  readonly main: Pick<Sequencer, "published" | "inclusion" | "state">;
  readonly mainReader: StorageReader;
  /** Entries of the main log that are durable, published or not. */
  readonly mainDurable: () => Promise<number>;
  readonly stepMs?: number;
  /** The thread of the index, where its mapfn is none of this program's own. */
  readonly worker?: URL;
  /** Milliseconds since 1970: when a conflict was found. */
  readonly now: () => number;
  /** Told of each leaf, with the keys that have different values now. */
  readonly onLeaf?: (leafIndex: number, contradicted: readonly Hash[]) => void;
  /** Told of each conflict that is new. */
  readonly onConflict?: (conflict: Conflict) => void;
  readonly onTrouble?: (reason: LogError) => void;
}

export interface RunningIndex {
  readonly service: IndexService;
  readonly conflicts: Conflicts;
  /** The evidence file of a conflict. */
  readonly evidence: (conflict: Conflict) => Promise<Uint8Array>;
  /** The index log as a log: its published head, and what is below it. */
  readonly published: () => PublishedHead;
  readonly reader: StorageReader;
  readonly close: () => Promise<void>;
}

/** Throws why the index refuses to start; then nothing of it is held. */
export async function runIndex(ports: IndexRunPorts): Promise<RunningIndex> {
  const { crypto, key, places, onFatal } = ports;
  const clock = (): number => performance.now();
  const { generation } = places;
  const opened = await openLog(places.log, {
    signer: key.indexCheckpoints(generation),
    crypto,
    clock,
    onFatal,
    ...(ports.verifying === undefined ? {} : { witnessing: ports.verifying }),
  });
  const { log, storage } = opened;
  const main = followed(ports);
  const early: Hash[] = [];
  let found = (keys: readonly Hash[]): void => void early.push(...keys);
  try {
    const end = await endStated(ports, storage.reader, (await storage.readHead()).size);
    const service = await IndexService.open({
      sha256: crypto.sha256,
      log: { origin: key.origin, vkeys: [key.vkey] },
      generation,
      ...(ports.worker === undefined ? {} : { worker: ports.worker }),
      folder: places.tables,
      logDatabase: places.logDatabase,
      main,
      index: indexLogPort(opened),
      clock,
      ...(end === undefined ? {} : { end }),
      ...(ports.stepMs === undefined ? {} : { stepMs: ports.stepMs }),
      onLeaf: (leaf, contradicted) => {
        found(contradicted);
        ports.onLeaf?.(leaf, contradicted);
      },
      ...(ports.onTrouble === undefined ? {} : { onTrouble: ports.onTrouble }),
    });
    const conflicts = await openConflicts(ports, service).catch(async (error: unknown) => {
      await service.close();
      throw error;
    });
    conflicts.add(early);
    found = (keys) => conflicts.add(keys);
    const { sha256 } = crypto;
    const lookup = (keys: readonly LookupKey[]): Promise<Lookup> =>
      service.lookup(keys, { entries: false, summaries: false });
    const evidencePorts = { sha256, logId: key.logId, main, lookup };
    return {
      service,
      conflicts,
      evidence: (conflict) => conflictEvidence(evidencePorts, conflict),
      published: () => log.published(),
      reader: storage.reader,
      close: async () => {
        await conflicts.close();
        await service.close();
        await log.close();
      },
    };
  } catch (error) {
    await log.close();
    throw error;
  }
}

/** The main log as its index follows it. */
function followed({ crypto, main, mainReader }: IndexRunPorts): FollowedLog {
  const nothing = { size: 0, root: emptyRoot(crypto.sha256), checkpoint: new Uint8Array(0) };
  return {
    // I6: a log that may not sign yet signs no head of its index either.
    published: () => (main.state().state === "waiting" ? nothing : main.published()),
    reader: mainReader,
    inclusion: (index, head, leafHash) => main.inclusion(index, head, leafHash),
  };
}

function indexLogPort({ log, storage }: OpenLog): IndexLogPort {
  return {
    published: () => log.published(),
    reader: storage.reader,
    inclusion: (index, head, leafHash) => log.inclusion(index, head, leafHash),
    committed: async () => (await storage.readHead()).size,
    append: (entries) => {
      const { committed, published, leave } = log.appendDurable(entries);
      published.catch(() => undefined);
      leave();
      return committed;
    },
    reached: (size) => log.reached(size),
    refusal: () => {
      const state = log.state();
      return state.state === "waiting" ? state.reason : undefined;
    },
  };
}

/**
 * Whether the log has ended this index: said behind the entries that it has, for no leaf of it is over
 * its end.
 */
async function endStated(
  { crypto, key, mainDurable, mainReader, places }: IndexRunPorts,
  index: StorageReader,
  leaves: number,
): Promise<StatedEnd | undefined> {
  const [bytes] = index.leaves(leaves - 1, leaves);
  const leaf = bytes === undefined ? undefined : parseIndexLeaf(bytes);
  const from = leaf?.ok === true ? leaf.value.main.size : 0;
  const size = await mainDurable();
  return findEnd({ crypto, key }, mainReader, places.generation, { from, size });
}

async function openConflicts(ports: IndexRunPorts, service: IndexService): Promise<Conflicts> {
  const { crypto, key, mainReader, places, now, onConflict, onTrouble } = ports;
  return Conflicts.open({
    sha256: crypto.sha256,
    origin: key.origin,
    path: join(places.tables, "conflicts.ndjson"),
    leaves: () => service.status().leaves,
    find: async (keys) => (await service.ask({ call: "conflicts", keys })).conflicts ?? [],
    contested: async (after) => {
      const question = { call: "contested", after: after ?? new Uint8Array(0) } as const;
      return (await service.ask(question)).contested ?? { keys: [] };
    },
    now,
    isGone: (index) => mainReader.keptPostings(index) !== undefined,
    ...(onConflict === undefined ? {} : { onConflict }),
    ...(onTrouble === undefined ? {} : { onTrouble }),
  });
}
