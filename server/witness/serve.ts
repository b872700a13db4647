/**
 * A whole witness or index verifier, put together and running: state, keys, list of logs, HTTP, metrics.
 *
 * Order of the start: the lock, the state and the keys it names, the list of logs and what they have of
 * us (W2), the socket last.
 * Order of the end: no new connection, requests in flight are answered, then the state is let go of.
 *
 * @module
 */
import { resolve } from "node:path";
import type { Crypto } from "../../client/crypto/crypto.ts";
import type { Source } from "../../client/fetch.ts";
import type { LogError } from "../../schema/error.ts";
import type { Evidence } from "../../schema/evidence.ts";
import { consume, limiter, networkOf } from "../admission/limit.ts";
import { clientAddress } from "../http/address.ts";
import { ByteBudget } from "../http/body.ts";
import { type Listening, listen } from "../http/server.ts";
import { splitAddress } from "../listen.ts";
import type { Logger } from "../observe/log.ts";
import { type MetricsServer, serveMetrics } from "../observe/metrics-server.ts";
import { type WitnessClock, witnessClock } from "./clock.ts";
import type { WitnessConfig } from "./config.ts";
import type { Cosigner } from "./cosigner.ts";
import { saveOnce } from "./evidence.ts";
import { makeWitnessApp, type WitnessApp } from "./http.ts";
import { openCosigners } from "./init.ts";
import { type Known, mustHaveRole, openLogs } from "./known-logs.ts";
import type { LogsFile } from "./logs-file.ts";
import { WitnessMetrics } from "./metrics.ts";
import { makeWitnessChecks } from "./readiness.ts";
import { askLogs } from "./recall.ts";
import { WitnessState } from "./state.ts";
import type { Role } from "./state-file.ts";
import { Witness } from "./witness.ts";

/** A connection on which nothing moves for so long beyond the time for a body is closed. */
const SILENT_MS = 30_000;

export interface WitnessSurroundings {
  readonly crypto: Crypto;
  readonly logger: Logger;
  /** Wall time, milliseconds since 1970. */
  readonly now: () => number;
  /** The folder relative paths start from. */
  readonly cwd: string;
  /** How a log is reached, to ask it at the start what it has of us (W2). Without it none is asked. */
  readonly reach?: (place: string) => Source;
  /** How an index verifier reads a log, each answer within `read_ms`. */
  readonly read?: (place: string, deadlineMs: number) => Source;
}

/** A witness that holds its state and answers requests; whose socket it is does not matter. */
export interface OpenWitness {
  readonly app: WitnessApp;
  readonly metrics: WitnessMetrics;
  readonly name: string;
  readonly vkeys: readonly string[];
  /** What its cosignatures mean. */
  readonly role: Role;
  /** Logs in the list in force. */
  readonly logs: () => number;
  /** Read the list of logs again; whether it is in force. */
  readonly reload: () => Promise<boolean>;
  /** Resolves when the witness stopped by itself (I5), with the reason. The process should end. */
  readonly stopped: Promise<LogError>;
  /** Gives the state back. No request may be in flight. */
  readonly release: () => void;
}

export interface RunningWitness
  extends Pick<OpenWitness, "name" | "vkeys" | "role" | "logs" | "reload" | "stopped"> {
  /** `http://host:port` and the prefix: submission and monitoring prefix. */
  readonly url: string;
  /** `undefined` where metrics are off. */
  readonly metricsUrl: string | undefined;
  /** Ends the witness; resolves when everything is closed. May be called again. */
  readonly close: () => Promise<void>;
}

/** @throws LogError why the witness refuses to start; then nothing is held */
export async function openWitness(
  config: WitnessConfig,
  surroundings: WitnessSurroundings,
): Promise<OpenWitness> {
  const { crypto, now, cwd } = surroundings;
  const folder = resolve(cwd, config.folder);
  const state = WitnessState.open(folder);
  let file: LogsFile | undefined;
  try {
    mustHaveRole(state, config);
    const cosigners = await openCosigners(crypto, folder, state.vkeys);
    const metrics = new WitnessMetrics();
    const known = await openLogs(config, { ...surroundings, state, cosigners, metrics });
    file = known.file;
    await recall(surroundings, { state, cosigners, file });
    const clock = witnessClock({
      wall: now,
      monotonic: () => performance.now(),
      newest: () => state.newestTime,
    });
    return assemble(config, surroundings, { state, cosigners, clock, metrics, ...known });
  } catch (error) {
    file?.close();
    state.close();
    throw error;
  }
}

/** @throws LogError GUARD_AHEAD where a log shows what this state does not remember */
async function recall(
  { crypto, logger, reach }: WitnessSurroundings,
  { state, cosigners, file }: Pick<Parts, "state" | "cosigners" | "file">,
): Promise<void> {
  if (reach === undefined) return;
  await askLogs({
    crypto,
    state,
    own: cosigners.map(({ vkey }) => vkey),
    places: file.list.places,
    reach,
    onSilent: (place, reason) => logger.info({ place, reason }, "a log does not show what it has"),
  });
}

interface Parts extends Known {
  readonly state: WitnessState;
  readonly cosigners: readonly Cosigner[];
  readonly clock: WitnessClock;
  readonly metrics: WitnessMetrics;
}

function assemble(
  config: WitnessConfig,
  { crypto, logger, cwd }: WitnessSurroundings,
  parts: Parts,
): OpenWitness {
  const { state, cosigners, file, clock, metrics, executor } = parts;
  const { promise: stopped, resolve: stop } = Promise.withResolvers<LogError>();
  const perLog = limiter(config.cosignatures_per_second_per_log);
  const perAddress = limiter(config.requests_per_second_per_address);
  const witness = new Witness({
    crypto,
    state,
    cosigners,
    clock,
    logs: () => file.list,
    ...(executor === undefined ? {} : { execute: (last, next) => executor.execute(last, next) }),
    admit: (origin) => consume(perLog, origin, 1, "cosignatures for this log"),
    onFatal: (reason) => {
      logger.fatal({ code: reason.code, err: reason }, "the witness stopped for good");
      stop(reason);
    },
    onContradiction: (origin, evidence) => {
      metrics.contradicted(origin);
      keepEvidence(logger, resolve(cwd, config.folder), origin, evidence);
    },
    onCommitted: (steps, seconds) => metrics.committed(steps, seconds),
  });
  const checks = makeWitnessChecks(parts);
  const app = makeWitnessApp({
    witness,
    prefix: config.prefix,
    admitAddress: (address) =>
      consume(perAddress, networkOf(address), 1, "requests from this address"),
    clientAddress: clientAddress(config.trusted_proxies),
    budget: new ByteBudget(config.inflight_bytes),
    bodyTimeoutMs: config.body_timeout_ms,
    checks,
    metrics,
    logger,
  });
  metrics.attach({
    ready: () => checks().every(({ ok }) => ok),
    logs: () => file.list.size,
    heads: () => state.count(),
    newestTime: () => state.newestTime,
    listIsOld: () => file.problem !== undefined,
  });
  return {
    app,
    metrics,
    name: cosigners[0]?.vkey.name ?? "",
    vkeys: state.vkeys,
    role: state.role,
    logs: () => file.list.size,
    reload: () => file.reload(),
    stopped,
    release: () => {
      executor?.close();
      file.close();
      state.close();
    },
  };
}

/** The answer to the log does not depend on it: a disk without room is no reason for another one. */
function keepEvidence(logger: Logger, folder: string, origin: string, evidence: Evidence): void {
  try {
    const file = saveOnce(folder, origin, evidence);
    // Said once: whoever has both notes can send them for ever.
    if (file !== undefined) logger.error({ origin, file }, "a log has signed two histories");
  } catch (err) {
    logger.error({ origin, err }, "a log has signed two histories; the evidence was not written");
  }
}

/** @throws LogError why the witness refuses to start; then nothing is held */
export async function serveWitness(
  config: WitnessConfig,
  surroundings: WitnessSurroundings,
): Promise<RunningWitness> {
  const open = await openWitness(config, surroundings);
  let metricsServer: MetricsServer | undefined;
  try {
    if (config.metrics !== "off")
      metricsServer = await serveMetrics(open.metrics, splitAddress(config.metrics));
    const server = await listen(open.app, {
      ...splitAddress(config.listen),
      maxConnections: config.max_connections,
      keepAliveMs: config.keep_alive_ms,
      silentMs: config.body_timeout_ms + SILENT_MS,
    });
    return running(config, surroundings, { open, server, metricsServer });
  } catch (error) {
    await metricsServer?.close();
    open.release();
    throw error;
  }
}

/** What `serveWitness` has opened and `close` closes. */
interface Opened {
  readonly open: OpenWitness;
  readonly server: Listening;
  readonly metricsServer: MetricsServer | undefined;
}

function running(
  config: WitnessConfig,
  { logger }: WitnessSurroundings,
  { open, server, metricsServer }: Opened,
): RunningWitness {
  const { name, vkeys, role, logs, reload, stopped } = open;
  const url = server.url + config.prefix;
  logger.info({ name, keys: vkeys.length, url, logs: logs() }, "the witness is open");
  if (logs() === 0) logger.warn("the list of logs is empty: every checkpoint will get a 404");
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await server.close(config.grace_ms);
    open.release();
    await metricsServer?.close();
    logger.info("the witness is closed");
  };
  const metricsHost = config.metrics.slice(0, config.metrics.lastIndexOf(":"));
  return {
    name,
    vkeys,
    role,
    url,
    metricsUrl:
      metricsServer === undefined ? undefined : `http://${metricsHost}:${metricsServer.port}`,
    logs,
    reload,
    stopped,
    close: () => (closing ??= close()),
  };
}
