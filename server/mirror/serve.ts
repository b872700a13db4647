/**
 * A mirror that goes on: it asks its log again and again, and serves what it has.
 *
 * A log that does not answer, or answers with bytes that do not belong to its signed head, is asked
 * again; meanwhile what is whole here is served, and `/readyz` says since when it is behind. A fork
 * ends it: the evidence goes to the caller, and a person has to look.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import { emptyRoot, type Sha256 } from "../../schema/tlog/hash.ts";
import type { Check } from "../http/ports.ts";
import { type Listening, listen } from "../http/server.ts";
import { splitAddress } from "../listen.ts";
import type { Logger } from "../observe/log.ts";
import { type MetricsServer, serveMetrics } from "../observe/metrics-server.ts";
import type { PublishedHead } from "../sequencer/ports.ts";
import { makeMirrorApp } from "./app.ts";
import { MirrorMetrics } from "./metrics.ts";
import type { Mirror, Synced } from "./sync.ts";

const MAX_CONNECTIONS = 1_024;
const KEEP_ALIVE_MS = 65_000;
const SILENT_MS = 120_000;
const GRACE_MS = 10_000;

export interface FollowPorts {
  readonly mirror: Mirror;
  readonly sha256: Sha256;
  readonly logger: Logger;
  /** Milliseconds; only differences are looked at. */
  readonly clock: () => number;
  /** Between two questions to the log. */
  readonly intervalMs: number;
  /** `host:port`, where it serves; `undefined` where it only copies. */
  readonly listen: string | undefined;
  readonly metricsListen: string | undefined;
  /** The same that ends a run of `mirror` ends the following. */
  readonly stop: AbortController;
}

export interface RunningMirror {
  readonly url: string | undefined;
  readonly metricsUrl: string | undefined;
  /** Rejects with what ended the following: `LOG_MISBEHAVED`, or a disk that fails. */
  readonly followed: Promise<void>;
  readonly close: () => Promise<void>;
}

export async function serveMirror(ports: FollowPorts): Promise<RunningMirror> {
  const follower = new Follower(ports);
  const metrics = new MirrorMetrics({
    size: () => follower.published().size,
    logSize: () => follower.shownSize,
    ready: () => follower.checks().every(({ ok }) => ok),
    age: () => follower.ageMs() / 1_000,
  });
  let server: Listening | undefined;
  let metricsServer: MetricsServer | undefined;
  if (ports.metricsListen !== undefined)
    metricsServer = await serveMetrics(metrics, splitAddress(ports.metricsListen));
  if (ports.listen !== undefined) {
    const app = makeMirrorApp({
      reader: ports.mirror.reader(),
      published: () => follower.published(),
      checks: () => follower.checks(),
      answered: (status) => metrics.request(status),
      logger: ports.logger,
    });
    server = await listen(app, {
      ...splitAddress(ports.listen),
      maxConnections: MAX_CONNECTIONS,
      keepAliveMs: KEEP_ALIVE_MS,
      silentMs: SILENT_MS,
    }).catch(async (error: unknown) => {
      await metricsServer?.close();
      throw error;
    });
  }
  const { stop } = ports;
  const followed = follower.run(stop.signal, (result) => metrics.poll(result));
  return {
    url: server?.url,
    metricsUrl: metricsUrlOf(ports.metricsListen, metricsServer),
    followed,
    close: async () => {
      stop.abort();
      await followed.catch(() => {});
      await server?.close(GRACE_MS);
      await metricsServer?.close();
    },
  };
}

function metricsUrlOf(listen = "", server?: MetricsServer): string | undefined {
  const host = listen.slice(0, listen.lastIndexOf(":"));
  return server === undefined ? undefined : `http://${host}:${server.port}`;
}

class Follower {
  readonly #ports: FollowPorts;
  readonly #since: number;
  #good: number | undefined;
  #trouble = "the log was not asked yet";
  shownSize = 0;

  constructor(ports: FollowPorts) {
    this.#ports = ports;
    this.#since = ports.clock();
  }

  published(): PublishedHead {
    const head = this.#ports.mirror.head;
    return head === undefined
      ? { size: 0, root: emptyRoot(this.#ports.sha256), checkpoint: new Uint8Array(0) }
      : { ...head.tree, checkpoint: head.note };
  }

  ageMs(): number {
    return this.#ports.clock() - (this.#good ?? this.#since);
  }

  checks(): readonly Check[] {
    const { size } = this.published();
    // One question may fail without a word; three in a row are an outage.
    const fresh = this.#good !== undefined && this.ageMs() <= 3 * this.#ports.intervalMs + 30_000;
    return [
      { name: "head", ok: size > 0, detail: `${size} entries are whole here` },
      { name: "log", ok: fresh, detail: fresh ? `it has ${this.shownSize}` : this.#trouble },
    ];
  }

  async run(signal: AbortSignal, count: (result: string) => void): Promise<void> {
    while (!signal.aborted) {
      count(await this.#once());
      await pause(this.#ports.intervalMs, signal);
    }
  }

  async #once(): Promise<string> {
    const { mirror, logger, clock } = this.#ports;
    try {
      const synced = await mirror.sync();
      this.shownSize = Math.max(this.shownSize, synced.shown.tree.size);
      if (synced.state === "refused") {
        logger.warn({ shown: synced.shown.tree.size }, synced.reason);
        return this.#behind("refused", synced.reason);
      }
      this.#good = clock();
      this.#tell(synced);
      return synced.state;
    } catch (error) {
      if (!(error instanceof LogError) || ENDS.has(error.code)) throw error;
      if (error.code === "STOPPING") return error.code;
      logger.warn({ code: error.code, field: error.detail.field }, error.message);
      return this.#behind(error.code, error.message);
    }
  }

  #tell({ state, shown, head, lost }: Exclude<Synced, { readonly state: "refused" }>): void {
    const { logger } = this.#ports;
    if (state === "first" || state === "advanced")
      logger.info({ size: head.tree.size }, "the mirror has grown");
    if (lost.length > 0)
      logger.error({ entries: lost }, "called erased, and no statement of the log says so");
    if (state === "stale") logger.warn({ shown: shown.tree.size }, "the log shows an older head");
  }

  #behind(result: string, trouble: string): string {
    this.#trouble = trouble;
    return result;
  }
}

/** What asking again does not heal. */
const ENDS: ReadonlySet<string> = new Set([
  "LOG_MISBEHAVED",
  "INTERNAL",
  "STORAGE_FAILED",
  "STORE_CORRUPT",
]);

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
