/**
 * Every metric of the log in one table, for Prometheus. Names end in their unit.
 *
 * @module
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { WitnessMeters } from "./witness-meters.ts";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What is true at the moment somebody asks; read when `/metrics` is. */
export interface Readings {
  readonly treeSize: () => number;
  readonly ready: () => boolean;
  readonly pendingEntries: () => number;
  readonly inflightBytes: () => number;
  readonly inflightRequests: () => number;
  /** Seconds; left out where there are no witnesses. */
  readonly witnessedAge?: () => number;
  /** The same of the index; left out where it has no verifiers. */
  readonly verifiedAge?: () => number;
  /** Left out where the log keeps no index. */
  readonly index?: () => IndexReadings;
}

/** Where the index stands. */
export interface IndexReadings {
  readonly size: number;
  readonly leaves: number;
  readonly keys: number;
  readonly mapBytes: number;
  readonly lagEntries: number;
  readonly lagMs: number;
}

export class Metrics {
  readonly witnesses: WitnessMeters;
  readonly indexVerifiers: WitnessMeters;
  readonly #registry = new Registry();
  readonly #requests: Counter<"route" | "status">;
  readonly #seconds: Histogram<"route">;
  readonly #entries: Counter<"result">;
  readonly #refused: Counter<"code">;
  readonly #verify: Histogram;
  readonly #batch: Histogram;
  readonly #batchSeconds: Histogram;
  readonly #conflicts: Counter<"kind">;
  readonly #promises: Counter;

  constructor() {
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: "countersign_http_requests_total",
      help: "Requests answered, by route and status.",
      labelNames: ["route", "status"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "countersign_http_request_seconds",
      help: "From the head of a request to the end of its answer.",
      labelNames: ["route"],
      buckets: SECONDS,
      registers,
    });
    this.#entries = new Counter({
      name: "countersign_entries_total",
      help: "Entries answered with an index: new ones and ones that were there already.",
      labelNames: ["result"],
      registers,
    });
    this.#refused = new Counter({
      name: "countersign_refused_total",
      help: "Submissions refused, by error code.",
      labelNames: ["code"],
      registers,
    });
    this.#verify = new Histogram({
      name: "countersign_admission_seconds",
      help: "From the bytes of a submission to its checked entries.",
      buckets: SECONDS,
      registers,
    });
    this.#batch = new Histogram({
      name: "countersign_batch_entries",
      help: "New leaves of one commit.",
      buckets: [1, 4, 16, 64, 256, 1024, 4096],
      registers,
    });
    this.#batchSeconds = new Histogram({
      name: "countersign_batch_seconds",
      help: "From the start of a commit to its durable guard.",
      buckets: SECONDS,
      registers,
    });
    this.witnesses = new WitnessMeters(this.#registry, "countersign_witness", "witness", SECONDS);
    this.indexVerifiers = new WitnessMeters(
      this.#registry,
      "countersign_index_verifier",
      "index verifier",
      SECONDS,
    );
    this.#conflicts = new Counter({
      name: "countersign_conflicts_total",
      help: "Contradictions that were found in the index, by kind; each slot once for each kind.",
      labelNames: ["kind"],
      registers,
    });
    this.#promises = new Counter({
      name: "countersign_promises_total",
      help: "Entries answered with a promise, again or for the first time.",
      registers,
    });
  }

  /** So many entries were answered with a promise. */
  promised(count: number): void {
    this.#promises.inc(count);
  }

  /** A contradiction is new in the feed. */
  conflict(kind: string): void {
    this.#conflicts.inc({ kind });
  }

  /** A batch of `entries` new leaves took `seconds` from its start to its guard. */
  published(entries: number, seconds: number): void {
    this.#batch.observe(entries);
    this.#batchSeconds.observe(seconds);
  }

  request(route: string, status: number, seconds: number): void {
    this.#requests.inc({ route, status });
    this.#seconds.observe({ route }, seconds);
  }

  entry(duplicate: boolean): void {
    this.#entries.inc({ result: duplicate ? "duplicate" : "new" });
  }

  refused(code: string): void {
    this.#refused.inc({ code });
  }

  admitted(seconds: number): void {
    this.#verify.observe(seconds);
  }

  /** Called once, when the parts that are read exist. Also adds the process's own metrics. */
  attach(readings: Readings): void {
    const gauge = (name: string, help: string, read: () => number): void => {
      const made: Gauge = new Gauge({
        name,
        help,
        registers: [this.#registry],
        collect: () => made.set(read()),
      });
    };
    gauge("countersign_tree_size", "Entries of the published checkpoint.", readings.treeSize);
    gauge("countersign_ready", "1 where /readyz says yes.", () => (readings.ready() ? 1 : 0));
    gauge("countersign_pending_entries", "Entries not yet published.", readings.pendingEntries);
    const { witnessedAge } = readings;
    if (witnessedAge !== undefined)
      gauge(
        "countersign_witnessed_age_seconds",
        "Age of the quorum's cosignatures on the published head; -1 where there is none.",
        witnessedAge,
      );
    const { index, verifiedAge } = readings;
    if (verifiedAge !== undefined)
      gauge(
        "countersign_index_verified_age_seconds",
        "Age of the index verifiers' cosignatures on what look-ups show; -1 where there is none.",
        verifiedAge,
      );
    if (index !== undefined) {
      gauge("countersign_index_size", "Entries that are indexed.", () => index().size);
      gauge("countersign_index_leaves", "Leaves of the index log.", () => index().leaves);
      gauge("countersign_index_keys", "Keys of the map.", () => index().keys);
      gauge("countersign_index_map_bytes", "Memory of the map.", () => index().mapBytes);
      gauge("countersign_index_lag_entries", "Entries not indexed.", () => index().lagEntries);
      gauge("countersign_index_lag_seconds", "Age of that lag.", () => index().lagMs / 1000);
    }
    gauge("countersign_inflight_bytes", "Bytes of request bodies held.", readings.inflightBytes);
    gauge("countersign_inflight_requests", "Requests being answered.", readings.inflightRequests);
    collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    return this.#registry.metrics();
  }
}
