/**
 * The indexes of a running log: one for each mapfn that it keeps, side by side over the same entries.
 *
 * They know nothing of each other. Each has its own index log, guard, tables, thread and verifiers; what
 * belongs to the log and not to one of them (the feed of conflicts, hints, metrics) comes from the
 * current one.
 *
 * @module
 */

import type { LogError } from "../../schema/error.ts";
import type { Generation } from "../../schema/index/generation.ts";
import type { Config } from "../config.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Sequencer } from "../sequencer/log.ts";
import type { LogParts } from "../serve.ts";
import type { WitnessParts } from "../witnesses/open.ts";
import { runVerifiers, witnessingOf } from "../witnesses/run.ts";
import type { RunningWitnesses } from "../witnesses/running.ts";
import { IndexHandle } from "./handle.ts";
import type { IndexPlaces } from "./places.ts";
import { type IndexRunPorts, runIndex } from "./run.ts";

/** What an index is made of. */
export interface IndexParts {
  readonly places: IndexPlaces;
  /** Left out where nobody has to have executed it. */
  readonly verifiers?: WitnessParts;
  /** The script of its thread, where its mapfn is none of this program's own. */
  readonly worker?: URL;
}

export interface OpenIndex {
  readonly generation: Generation;
  readonly handle: IndexHandle;
  /** `undefined` where nobody has to have executed it. */
  readonly verifiers: RunningWitnesses | undefined;
}

/** What an index is opened beside. */
export interface BesideIndex {
  readonly config: Config;
  readonly sequencer: Sequencer;
  readonly metrics: Metrics;
  readonly stop: (reason: LogError) => void;
}

/** The oldest first. Neither waited for nor fatal: an index that cannot start is a failing check. */
export function openIndexes(parts: LogParts, beside: BesideIndex): readonly OpenIndex[] {
  return (parts.indexes ?? []).map((one) => openIndex(parts, one, beside));
}

/** The one that answers for the log itself; `undefined` where it keeps none. */
export function currentIndex(indexes: readonly OpenIndex[]): OpenIndex | undefined {
  return indexes[0];
}

function openIndex(
  parts: LogParts,
  { places, verifiers: verifierParts, worker }: IndexParts,
  { config, metrics, sequencer, stop }: BesideIndex,
): OpenIndex {
  const { crypto, key, logger, now, storage } = parts;
  const { generation } = places;
  const verifiers = runVerifiers(parts, generation, verifierParts, config, metrics);
  const { number } = generation;
  const ports: IndexRunPorts = {
    crypto,
    key,
    places,
    verifying: witnessingOf(verifiers, verifierParts),
    main: sequencer,
    mainReader: storage.reader,
    ...(worker === undefined ? {} : { worker }),
    onFatal: (reason) => {
      logger.fatal({ code: reason.code, err: reason, number }, "an index log stopped for good");
      stop(reason);
    },
    now,
    onConflict: ({ id, kind, slot, entries }) => {
      metrics.conflict(kind);
      const level = kind === "equivocation" ? "warn" : "info";
      logger[level]({ id, kind, slot: slot.type, entries }, "claims that contradict others");
    },
    onTrouble: (reason) => {
      logger.error({ code: reason.code, err: reason, number }, "an index cannot go on now");
    },
  };
  const handle = new IndexHandle(
    () => runIndex(ports),
    (reason) =>
      logger.error({ code: reason.code, err: reason, number }, "an index refuses to start"),
  );
  return { generation, handle, verifiers };
}
