/**
 * The index of a running log, put together: the index log's own store, guard and sequencer, and
 * the service that follows the main log.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import type { LogError } from "../../schema/error.ts";
import { MAPFN_V1 } from "../../schema/index/mapfn.ts";
import { emptyRoot, type Hash } from "../../schema/tlog/hash.ts";
import type { LogKey } from "../log-key.ts";
import { openLog } from "../open.ts";
import type { Sequencer } from "../sequencer/log.ts";
import type { PublishedHead, SequencerPorts } from "../sequencer/ports.ts";
import type { StorageReader } from "../storage/storage.ts";
import type { IndexPlaces } from "./places.ts";
import { IndexService } from "./service.ts";

export interface IndexRunPorts extends Pick<SequencerPorts, "onFatal"> {
  readonly crypto: Crypto;
  readonly key: LogKey;
  readonly places: IndexPlaces;
  /** The main log: its published part, and whether it may sign. */
  readonly main: Pick<Sequencer, "published" | "inclusion" | "state">;
  readonly mainReader: StorageReader;
  readonly stepMs?: number;
  /** Told of each leaf, with the keys under which a second value came. */
  readonly onLeaf?: (leafIndex: number, contradicted: readonly Hash[]) => void;
  readonly onTrouble?: (reason: LogError) => void;
}

export interface RunningIndex {
  readonly service: IndexService;
  /** The index log as a log: its published head, and what is below it. */
  readonly published: () => PublishedHead;
  readonly reader: StorageReader;
  readonly close: () => Promise<void>;
}

/** Throws why the index refuses to start; then nothing of it is held. */
export async function runIndex(ports: IndexRunPorts): Promise<RunningIndex> {
  const { crypto, key, places, main, mainReader, onFatal } = ports;
  const clock = (): number => performance.now();
  const nothing = { size: 0, root: emptyRoot(crypto.sha256), checkpoint: new Uint8Array(0) };
  const { log, storage } = await openLog(places.log, {
    signer: key.indexCheckpoints,
    crypto,
    clock,
    onFatal,
  });
  try {
    const service = await IndexService.open({
      sha256: crypto.sha256,
      log: { origin: key.origin, vkeys: [key.vkey] },
      mapfn: MAPFN_V1,
      folder: places.tables,
      logDatabase: places.logDatabase,
      main: {
        // I6: a log that may not sign yet signs no head of its index either.
        published: () => (main.state().state === "waiting" ? nothing : main.published()),
        reader: mainReader,
        inclusion: (index, head, leafHash) => main.inclusion(index, head, leafHash),
      },
      index: {
        published: () => log.published(),
        reader: storage.reader,
        inclusion: (index, head, leafHash) => log.inclusion(index, head, leafHash),
        committed: async () => (await storage.readHead()).size,
        append: (entries) => log.append(entries),
      },
      clock,
      ...(ports.stepMs === undefined ? {} : { stepMs: ports.stepMs }),
      ...(ports.onLeaf === undefined ? {} : { onLeaf: ports.onLeaf }),
      ...(ports.onTrouble === undefined ? {} : { onTrouble: ports.onTrouble }),
    });
    return {
      service,
      published: () => log.published(),
      reader: storage.reader,
      close: async () => {
        await service.close();
        await log.close();
      },
    };
  } catch (error) {
    await log.close();
    throw error;
  }
}
