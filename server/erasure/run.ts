/**
 * The erasing side of a running log: opened before anything is served, closed before the store.
 *
 * @module
 */

import { toHex } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { INDEX_V1 } from "../../schema/index/generation.ts";
import { parseIndexLeaf } from "../../schema/index/index-leaf.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import { ownDoor } from "../admission/own-door.ts";
import { endOfOpen, type OpenIndex } from "../index/indexes.ts";
import type { RunningIndex } from "../index/run.ts";
import type { Sequencer } from "../sequencer/log.ts";
import type { LogParts } from "../serve.ts";
import { type Erased, Eraser } from "./eraser.ts";
import type { Refusals } from "./refusals.ts";
import { EraseRequests } from "./requests.ts";

export interface Erasures {
  readonly erase: (digest: Hash, reason: string) => Promise<Erased>;
  readonly close: () => Promise<void>;
}

interface RunPorts {
  readonly sequencer: Sequencer;
  readonly refusals: Refusals;
  /** Opened after the statements of the log are carried out. */
  readonly indexes: () => readonly OpenIndex[];
  readonly stop: (reason: LogError) => void;
}

export async function openErasures(
  parts: LogParts,
  { sequencer, refusals, indexes, stop }: RunPorts,
): Promise<Erasures> {
  const { clock, crypto, dataFolder, key, logger, storage } = parts;
  const eraser = await Eraser.open({
    crypto,
    key,
    storage,
    sequencer,
    admit: ownDoor(crypto),
    refusals,
    indexed: () => {
      // What comes after its end is no matter of an index.
      const sizes = indexes()
        .filter((one) => endOfOpen(one) === undefined)
        .map(({ handle }) => indexedBy(handle.get()));
      return sizes.length === 0 ? undefined : Math.min(...sizes);
    },
    others: () =>
      indexes().flatMap(({ generation }) => (generation === INDEX_V1 ? [] : generation)),
    clock: () => clock.now(),
    onFatal: stop,
    onErased: async (digest, statement) => {
      logger.warn({ digest: toHex(digest), statement }, "a content was erased");
      for (const { handle } of indexes())
        if (handle.state.state === "running") await handle.state.index.conflicts.forget();
    },
  });
  const requests =
    dataFolder === undefined
      ? undefined
      : new EraseRequests(dataFolder, eraser, (error) =>
          logger.error({ err: error }, "an erasure could not be carried out"),
        );
  return {
    erase: (digest, reason) => eraser.erase(digest, reason),
    close: async () => {
      await requests?.close();
      await eraser.idle();
    },
  };
}

/** Entries under the newest leaf of the index that is published: with its quorum, where one is asked for. */
function indexedBy({ published, reader }: RunningIndex): number {
  const { size } = published();
  const [bytes] = size === 0 ? [] : reader.leaves(size - 1, size);
  const leaf = bytes === undefined ? undefined : parseIndexLeaf(bytes);
  if (leaf?.ok === false) throw new LogError("STORE_CORRUPT", leaf.message);
  return leaf === undefined ? 0 : leaf.value.main.size;
}
