/**
 * A large log with its index, made by the log's own code and as fast as it goes: entries signed in
 * threads, appended in whole batches by the sequencer into the store on disk; then one leaf of the
 * index log for each batch, by the index's own thread, appended to the index log. What comes out
 * is what `countersign serve` starts with.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import { join } from "node:path";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { openKeyFile } from "../../client/keys/key-file.ts";
import { unwrap } from "../../schema/error.ts";
import { INDEX_V1 } from "../../schema/index/generation.ts";
import { type IndexLeaf, parseIndexLeaf } from "../../schema/index/index-leaf.ts";
import { MAPFN_V1 } from "../../schema/index/mapfn.ts";
import { type PackedOutcomes, unpackOutcomes } from "../../server/admission/check-packing.ts";
import { type IndexPlaces, indexPlaces } from "../../server/index/places.ts";
import type { IndexAnswer, IndexRequest } from "../../server/index/protocol.ts";
import { indexEntry } from "../../server/index/signer.ts";
import { changesDue } from "../../server/index/snapshot-pace.ts";
import { IndexStore } from "../../server/index/store.ts";
import { type LogKey, logKey } from "../../server/log-key.ts";
import { type LogPlace, openLog } from "../../server/open.ts";
import type { SignedHead } from "../../server/sequencer/ports.ts";
import { Thread } from "../../server/thread.ts";
import type { EntryOrder } from "./indexed-worker.ts";
import { initOurs, ORIGIN } from "./ours.ts";
import { Steps } from "./steps.ts";

/** Entries of a batch, and of a step of the index: what a busy log publishes in about a second. */
const BATCH = 4_096;
/** Batches that each thread is asked for before they are needed. */
const AHEAD = 2;

export interface IndexedPlace {
  readonly folder: string;
  readonly vkey: string;
  readonly key: LogKey;
  readonly index: IndexPlaces;
}

/** What the index's thread did. */
export interface Built {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly entries: number;
  readonly postings: number;
  /** Of the map in the end. */
  readonly keys: number;
  readonly mapBytes: number;
  /** Entries of the snapshot that was left on the disk. */
  readonly snapshotSize: number;
}

export async function makePlace(folder: string): Promise<IndexedPlace> {
  const vkey = initOurs(folder);
  const key = logKey(nodeCrypto, await openKeyFile(join(folder, "key/log.pem")), ORIGIN);
  return { folder, vkey, key, index: indexPlaces(logPlace(folder), INDEX_V1) };
}

/** Appends entries until the log has `size`; answers a head for each batch. */
export async function fill(place: IndexedPlace, size: number): Promise<readonly SignedHead[]> {
  const threads = Array.from(
    { length: availableParallelism() },
    () => new Thread<EntryOrder, PackedOutcomes>(new URL("./indexed-worker.ts", import.meta.url)),
  );
  const { log } = await openLog(logPlace(place.folder), {
    signer: place.key.checkpoints,
    ...PORTS,
  });
  try {
    const heads: SignedHead[] = [];
    const steps = new Steps("entries made", size);
    const first = log.published().size;
    const orders = ordersOf(first, size);
    const made: Promise<PackedOutcomes>[] = [];
    let asked = 0;
    // Some batches ahead, and none is kept: a million entries are more than fits.
    const askMore = (): void => {
      for (; made.length < AHEAD * threads.length && asked < orders.length; asked++) {
        const order = orders[asked];
        if (order !== undefined) made.push(ask(threads, order, asked));
      }
    };
    for (askMore(); made.length > 0; askMore()) {
      const packed = await made.shift();
      const entries = (packed === undefined ? [] : unpackOutcomes(packed)).flatMap((one) => {
        if ("error" in one) throw one.error;
        return one.entries;
      });
      await log.append(entries);
      heads.push(log.published());
      steps.at(log.published().size);
    }
    return heads;
  } finally {
    await log.close();
    await Promise.all(threads.map((thread) => thread.end()));
  }
}

/**
 * One leaf of the index log for each head, as the running index makes them. Left as by a process that
 * ended at the worst moment: twice as many changes behind the snapshot of the map as make the next
 * one due, and the last leaf logged and not kept.
 */
export async function index(place: IndexedPlace, heads: readonly SignedHead[]): Promise<Built> {
  const { log, storage } = await openLog(place.index.log, {
    signer: place.key.indexCheckpoints(INDEX_V1),
    ...PORTS,
  });
  const newest = (): IndexLeaf => {
    const { size } = log.published();
    return unwrap(parseIndexLeaf(storage.reader.leaves(size - 1, size)[0] ?? new Uint8Array(0)));
  };
  const thread = await openIndexThread(place);
  try {
    const before = newest();
    let mapBytes = 0;
    let snapshotSize = 0;
    let changes = 0;
    const clock = new Stopwatch();
    const steps = new Steps("entries indexed", heads.at(-1)?.size ?? 0);
    for (const [i, { size, root, checkpoint }] of heads.entries()) {
      const { grown } = await clock.time(() =>
        thread.ask({ call: "grow", size, root, main: checkpoint }),
      );
      if (grown === undefined) throw new Error("the index's thread left out an answer");
      await log.append([indexEntry(nodeCrypto.sha256, grown.leaf, checkpoint)]);
      steps.at(size);
      if (i === heads.length - 1) break;
      const { standing } = await clock.time(() => thread.ask({ call: "keep" }));
      mapBytes = standing.mapBytes;
      const left = (heads.length - 2 - i) * (standing.snapshotChanges - changes);
      changes = standing.snapshotChanges;
      if (snapshotSize > 0 || left > 2 * changesDue(standing.keys)) continue;
      await thread.ask({ call: "snapshot", milliseconds: Number.MAX_SAFE_INTEGER });
      snapshotSize = size;
    }
    const { main, postings, keys } = newest();
    return {
      seconds: clock.seconds,
      cpuSeconds: clock.cpuSeconds,
      keys,
      mapBytes,
      snapshotSize,
      entries: main.size - before.main.size,
      postings: postings - before.postings,
    };
  } finally {
    await thread.end();
    await log.close();
  }
}

/** Time and CPU of the parts of a loop that are to be counted. */
class Stopwatch {
  seconds = 0;
  cpuSeconds = 0;

  async time<T>(work: () => Promise<T>): Promise<T> {
    const [begun, cpu] = [performance.now(), process.cpuUsage()];
    const done = await work();
    const { user, system } = process.cpuUsage(cpu);
    this.seconds += (performance.now() - begun) / 1000;
    this.cpuSeconds += (user + system) / 1e6;
    return done;
  }
}

/** The tables of an index that nothing runs. */
export function openIndexStore(place: IndexedPlace): IndexStore {
  const identity = { origin: ORIGIN, mapfn: MAPFN_V1 };
  return IndexStore.open(nodeCrypto.sha256, place.index.tables, identity);
}

/** The thread that runs the index of a log, opened. */
export async function openIndexThread(
  place: IndexedPlace,
): Promise<Thread<IndexRequest, IndexAnswer>> {
  const script = new URL("../../server/index/worker.ts", import.meta.url);
  const thread = new Thread<IndexRequest, IndexAnswer>(script);
  await thread.ask({
    call: "open",
    folder: place.index.tables,
    logDatabase: place.index.logDatabase,
    log: { origin: ORIGIN, vkeys: [place.vkey] },
    mapfn: MAPFN_V1,
  });
  return thread;
}

const PORTS = {
  crypto: nodeCrypto,
  clock: (): number => performance.now(),
  onFatal: (reason: Error): void => {
    throw reason;
  },
};

export function logPlace(folder: string): LogPlace {
  return { folder: join(folder, "data"), guard: join(folder, "guard/head.guard") };
}

function ordersOf(first: number, size: number): readonly EntryOrder[] {
  return Array.from({ length: Math.ceil((size - first) / BATCH) }, (_, i) => {
    const from = first + i * BATCH;
    return { from, to: Math.min(from + BATCH, size) };
  });
}

async function ask(
  threads: readonly Thread<EntryOrder, PackedOutcomes>[],
  order: EntryOrder,
  n: number,
): Promise<PackedOutcomes> {
  const thread = threads[n % threads.length];
  if (thread === undefined) throw new Error("there are no threads");
  return thread.ask(order);
}
