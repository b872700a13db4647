/**
 * A whole log, put together and running: sequencer, admission, HTTP, metrics.
 *
 * Order of the start: the sequencer proves that it continues its own past (I6) before a socket
 * is opened. Order of the end: no new connection, requests in flight are answered, the sequencer
 * drains and lets go of store and guard, metrics last. Nothing that was acknowledged is lost
 * either way; what is cut off after the grace time was not acknowledged.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import type { Crypto } from "../client/crypto/crypto.ts";
import type { LogError } from "../schema/error.ts";
import type { StatedEnd } from "../schema/index/index-end.ts";
import type { Hash } from "../schema/tlog/hash.ts";
import type { Policy } from "../schema/tlog/quorum.ts";
import type { Authority } from "./admission/authority.ts";
import { CheckPool } from "./admission/check-pool.ts";
import type { Config } from "./config.ts";
import type { Erased } from "./erasure/eraser.ts";
import { Refusals } from "./erasure/refusals.ts";
import { type Erasures, openErasures } from "./erasure/run.ts";
import { genesisEntry } from "./genesis.ts";
import { makeApp } from "./http/app.ts";
import { BLIND_SPOT } from "./http/health.ts";
import { type Listening, listen } from "./http/server.ts";
import {
  endOpenIndex,
  endWhenReady,
  type IndexParts,
  mustHaveNext,
  type OpenIndex,
  openIndexes,
} from "./index/indexes.ts";
import { splitAddress } from "./listen.ts";
import type { HeldClock } from "./log-clock.ts";
import type { LogKey } from "./log-key.ts";
import { askMirrors } from "./mirror/startup.ts";
import type { Logger } from "./observe/log.ts";
import { Metrics } from "./observe/metrics.ts";
import { type MetricsServer, serveMetrics } from "./observe/metrics-server.ts";
import { openPromises } from "./promises/run.ts";
import type { PromiseStore } from "./promises/store.ts";
import { Sequencer } from "./sequencer/log.ts";
import type { HeadGuard, PublishedHead } from "./sequencer/ports.ts";
import { httpPorts, type RunningParts } from "./serve-http.ts";
import { attachReadings } from "./serve-metrics.ts";
import type { Storage } from "./storage/storage.ts";
import type { TimestampAuthority } from "./tsa/authority.ts";
import type { Chain } from "./tsa/chain.ts";
import type { WitnessParts } from "./witnesses/open.ts";
import { runWitnesses, witnessingOf } from "./witnesses/run.ts";
import type { RunningWitnesses } from "./witnesses/running.ts";

/** More would outrun HTTP and the store, and each has a heap of its own. */
const MAX_CHECK_THREADS = 4;

/** Longer than any commit may take: a sender that waits for one is silent, and not gone. */
const COMMIT_MS = 90_000;

/** What a log is made of. The store and the guard are open; the log closes them. */
export interface LogParts {
  readonly storage: Storage;
  readonly guard: HeadGuard;
  readonly key: LogKey;
  readonly crypto: Crypto;
  readonly authority: Authority;
  readonly logger: Logger;
  /** Wall time, milliseconds since 1970: for log lines, never for what is signed. */
  readonly now: () => number;
  /** The clock of what the log signs (I7). */
  readonly clock: HeldClock;
  /** `undefined` where it is switched off. */
  readonly timestamps: TimestampAuthority | undefined;
  /** Chains that sign no more, for clients that verify what they signed. */
  readonly retiredChains?: readonly Chain[];
  /** Only where the store is new and lives in memory: elsewhere `init` has written entry 0. */
  readonly withGenesis?: boolean;
  /** Left out where there is no policy: then heads are published without witnesses. */
  readonly witnesses?: WitnessParts;
  /** What was promised; left out: the log gives no promises. */
  readonly promises?: PromiseStore;
  /** The indexes that the log keeps, the oldest first; left out where it keeps none. */
  readonly indexes?: readonly IndexParts[];
  /** Where the operator's commands leave requests; left out where nothing is on disk. */
  readonly dataFolder?: string;
}

export interface RunningLog {
  readonly origin: string;
  /** What clients pin. Never believed because it was served. */
  readonly vkey: string;
  readonly url: string;
  /** `undefined` where metrics are off. */
  readonly metricsUrl: string | undefined;
  readonly published: () => PublishedHead;
  /** The witness policy in force; `undefined` where there is none. */
  readonly policy: () => Policy | undefined;
  /** Erases a content. @throws LogError why it is still there */
  readonly erase: (digest: Hash, reason: string) => Promise<Erased>;
  /** Ends an index, by its number, for the next one. @throws LogError why it goes on */
  readonly endIndex: (number: number) => Promise<StatedEnd>;
  /** Reads both policies again; one that is refused leaves the old one in force. */
  readonly reload: () => Promise<void>;
  /** Resolves when the log stopped by itself (I5), with the reason. The process should end. */
  readonly stopped: Promise<LogError>;
  /** Ends the log; resolves when everything is closed. May be called again. */
  readonly close: () => Promise<void>;
}

/** One for each core, though one core has HTTP to do as well; see docs/decisions/. */
function checkThreads(): number {
  return Math.min(MAX_CHECK_THREADS, availableParallelism());
}

/** @throws LogError why the log refuses to start; then everything it took is closed again */
export async function serveLog(parts: LogParts, config: Config): Promise<RunningLog> {
  const metrics = new Metrics();
  const { promise: stopped, resolve: stop } = Promise.withResolvers<LogError>();
  const witnesses = runWitnesses(parts, config, metrics);
  const refusals = new Refusals();
  const sequencer = await openSequencer(parts, config, {
    metrics,
    witnesses,
    refusals,
    stop,
  }).catch(async (error) => {
    // Until it is open, store and guard are still ours to give back.
    await parts.clock.close();
    await parts.guard.close();
    await parts.storage.close();
    throw error;
  });
  const checks = new CheckPool({ threads: checkThreads() });
  let metricsServer: MetricsServer | undefined;
  let indexes: readonly OpenIndex[] = [];
  let erasures: Erasures | undefined;
  let endings = async (): Promise<void> => undefined;
  try {
    // The index reads what is erased: nothing of it may change while it opens.
    erasures = await openErasures(parts, { sequencer, refusals, indexes: () => indexes, stop });
    indexes = openIndexes(parts, { config, sequencer, metrics, stop });
    const endIndex = async (number: number): Promise<StatedEnd> =>
      endOpenIndex(parts, sequencer, indexes, number);
    const { end } = config.index;
    if (end !== undefined) mustHaveNext(indexes, end);
    if (end !== undefined) endings = endWhenReady(async () => endIndex(end), parts.logger);
    const promises = await openPromises(parts, config, sequencer);
    const running = { sequencer, checks, metrics, witnesses, indexes, refusals, promises };
    const ports = httpPorts(parts, config, running);
    const app = makeApp(ports);
    attachReadings(metrics, { ...running, app, budget: ports.budget });
    const { listen: metricsAt } = config.metrics;
    if (metricsAt !== "off") metricsServer = await serveMetrics(metrics, splitAddress(metricsAt));
    const server = await listen(app, {
      ...splitAddress(config.http.listen),
      maxConnections: config.http.max_connections,
      keepAliveMs: config.http.keep_alive_ms,
      silentMs: config.limits.body_timeout_ms + COMMIT_MS,
    });
    await app.readiness.read();
    announce(parts, config, sequencer, server);
    return toRunning(parts, config, {
      ...running,
      server,
      metricsServer,
      erasures,
      endIndex,
      endings,
      stopped,
    });
  } catch (error) {
    await metricsServer?.close();
    await checks.close();
    await erasures?.close();
    await endings();
    for (const { handle } of indexes) await handle.close();
    await parts.clock.close();
    await sequencer.close();
    throw error;
  }
}

interface SequencerParts {
  readonly metrics: Metrics;
  readonly witnesses: RunningWitnesses | undefined;
  readonly refusals: Refusals;
  readonly stop: (reason: LogError) => void;
}

async function openSequencer(
  parts: LogParts,
  config: Config,
  { metrics, witnesses, refusals, stop }: SequencerParts,
): Promise<Sequencer> {
  const { storage, guard, key, crypto, logger, now } = parts;
  for (const { digest } of (await storage.erased()).contents) refusals.add(digest);
  await askMirrors(parts, config.mirror.urls);
  const genesis = parts.withGenesis === true ? await genesisEntry(parts) : undefined;
  const witnessing = witnessingOf(witnesses, parts.witnesses);
  return Sequencer.open({
    storage,
    guard,
    signer: key.checkpoints,
    crypto,
    clock: () => performance.now(),
    refuses: refusals.of,
    limits: {
      poolEntries: config.limits.pending_entries,
      unwitnessedEntries: config.witness.pending_entries,
    },
    onFatal: (reason) => {
      logger.fatal({ code: reason.code, err: reason, at: now() }, "the log stopped for good");
      stop(reason);
    },
    onPublished: (event) => metrics.published(event.entries, event.milliseconds / 1000),
    ...(genesis === undefined ? {} : { genesis }),
    ...(witnessing === undefined ? {} : { witnessing }),
  });
}

/** One line for the operator, and a warning where the door stands open. */
function announce(
  { key, logger, witnesses }: LogParts,
  config: Config,
  sequencer: Sequencer,
  server: Listening,
): void {
  const { size } = sequencer.published();
  logger.info({ origin: key.origin, vkey: key.vkey, url: server.url, size }, "the log is open");
  if (witnesses === undefined) logger.info(BLIND_SPOT);
  const { entries_per_second, requests_per_second_per_address } = config.limits;
  const local = /^(127\.|::1$|localhost$)/.test(server.host);
  if (!local && entries_per_second === 0 && requests_per_second_per_address === 0)
    logger.warn("open to the network without rate limits: see limits.* in the configuration");
}

/** What `serveLog` has opened and `close` closes. */
interface Opened extends RunningParts {
  readonly erasures: Erasures;
  readonly endIndex: RunningLog["endIndex"];
  /** Looks no longer whether an index can end. */
  readonly endings: () => Promise<void>;
  readonly server: Listening;
  readonly metricsServer: MetricsServer | undefined;
  readonly stopped: Promise<LogError>;
}

function toRunning(parts: LogParts, config: Config, opened: Opened): RunningLog {
  const { sequencer, server, checks, metricsServer, witnesses, indexes } = opened;
  const { erasures, endIndex, endings, stopped } = opened;
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await server.close(config.shutdown.grace_ms);
    await checks.close();
    await erasures.close();
    await endings();
    for (const { handle } of indexes) await handle.close();
    // Before the guard is given back: its lock is the lock of the clock's file.
    await parts.clock.close();
    await sequencer.close();
    await metricsServer?.close();
    parts.logger.info({ size: sequencer.published().size }, "the log is closed");
  };
  const metricsHost = config.metrics.listen.slice(0, config.metrics.listen.lastIndexOf(":"));
  return {
    origin: parts.key.origin,
    vkey: parts.key.vkey,
    url: server.url,
    metricsUrl:
      metricsServer === undefined ? undefined : `http://${metricsHost}:${metricsServer.port}`,
    published: () => sequencer.published(),
    policy: () => witnesses?.policy,
    erase: erasures.erase,
    endIndex,
    reload: async () => {
      await witnesses?.reload();
      for (const { verifiers } of indexes) await verifiers?.reload();
    },
    stopped,
    close: () => (closing ??= close()),
  };
}
