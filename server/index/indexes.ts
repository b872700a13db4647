/**
 * The indexes of a running log: one for each mapfn that it keeps, side by side over the same entries.
 *
 * They know nothing of each other. Each has its own index log, guard, tables, thread and verifiers; what
 * belongs to the log and not to one of them (the feed of conflicts, hints, metrics) comes from the
 * current one.
 *
 * @module
 */

import { LogError } from "../../schema/error.ts";
import type { Generation } from "../../schema/index/generation.ts";
import type { StatedEnd } from "../../schema/index/index-end.ts";
import type { Config } from "../config.ts";
import type { Logger } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Sequencer } from "../sequencer/log.ts";
import type { LogParts } from "../serve.ts";
import type { WitnessParts } from "../witnesses/open.ts";
import { runVerifiers, witnessingOf } from "../witnesses/run.ts";
import type { RunningWitnesses } from "../witnesses/running.ts";
import { type EndableIndex, endIndex } from "./end-index.ts";
import { IndexHandle } from "./handle.ts";
import type { IndexPlaces } from "./places.ts";
import { type IndexRunPorts, runIndex } from "./run.ts";

/** How often it is looked whether the next index has caught up. */
const END_MS = 1_000;

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

/** The oldest that goes on, which answers for the log itself; `undefined` where it keeps none. */
export function currentIndex(indexes: readonly OpenIndex[]): OpenIndex | undefined {
  return indexes.find((one) => endOfOpen(one) === undefined) ?? indexes.at(-1);
}

/** Where it has ended, as far as that is known. */
export function endOfOpen({ handle }: Pick<OpenIndex, "handle">): StatedEnd | undefined {
  if (handle.state.state !== "running") return undefined;
  const { state } = handle.state.index.service.status();
  return state.state === "ended" ? state.end : undefined;
}

/** Ends one of them; the next one goes on. @throws LogError why not */
export async function endOpenIndex(
  parts: LogParts,
  sequencer: Sequencer,
  indexes: readonly OpenIndex[],
  number: number,
): Promise<StatedEnd> {
  const [one, next] = mustHaveNext(indexes, number);
  const { clock, crypto, key } = parts;
  const ports = { crypto, key, sequencer, clock: () => clock.now() };
  const running = ({ generation, handle }: OpenIndex): EndableIndex => ({
    generation,
    index: handle.get(),
  });
  return endIndex(ports, running(one), running(next));
}

/** An index, and the one that would go on. Throws `CONFIG_INVALID` where there is none. */
export function mustHaveNext(
  indexes: readonly OpenIndex[],
  number: number,
): readonly [OpenIndex, OpenIndex] {
  const at = indexes.findIndex(({ generation }) => generation.number === number);
  const [one, next] = at < 0 ? [] : indexes.slice(at);
  if (one !== undefined && next !== undefined) return [one, next];
  throw new LogError("CONFIG_INVALID", `Index ${number} has none after it that could go on.`, {
    field: "index.end",
    hint: "`countersign index init --index N` makes the next one",
  });
}

/** Ends it as soon as the next one has all that it has. What it gives back lets that be. */
export function endWhenReady(
  end: () => Promise<StatedEnd>,
  logger: Logger,
  everyMs: number = END_MS,
): () => Promise<void> {
  let working: Promise<void> = Promise.resolve();
  let isBusy = false;
  const attempt = async (): Promise<void> => {
    try {
      logger.warn({ ...(await end()) }, "an index has ended");
      clearInterval(timer);
    } catch (error) {
      if (error instanceof LogError && error.code === "INDEX_NOT_READY") return;
      clearInterval(timer);
      logger.error({ err: error }, "an index was not ended");
    }
  };
  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    working = attempt().finally(() => {
      isBusy = false;
    });
  }, everyMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await working;
  };
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
    stepMs: config.index.step_ms,
    mainDurable: async () => (await storage.readHead()).size,
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
