/**
 * Every metric of a witness in one table, for Prometheus. Names end in their unit.
 *
 * @module
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What is true at the moment somebody asks; read when `/metrics` is. */
export interface WitnessReadings {
  readonly ready: () => boolean;
  readonly logs: () => number;
  readonly heads: () => number;
  readonly newestTime: () => number;
  /** Whether the list of logs in force is not the one in its file, because that one is bad. */
  readonly listIsOld: () => boolean;
}

export class WitnessMetrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<"status">;
  readonly #seconds: Histogram;
  readonly #heads: Counter;
  readonly #commit: Histogram;
  readonly #contradictions: Counter<"origin">;
  readonly #leaves: Counter<"origin">;
  readonly #refusedIndexes: Counter<"origin">;

  constructor() {
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: "countersign_witness_requests_total",
      help: "Requests answered, by status.",
      labelNames: ["status"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "countersign_witness_request_seconds",
      help: "From the head of a request to the end of its answer.",
      buckets: SECONDS,
      registers,
    });
    this.#heads = new Counter({
      name: "countersign_witness_heads_total",
      help: "Heads made durable and cosigned, unchanged ones with a new time among them.",
      registers,
    });
    this.#commit = new Histogram({
      name: "countersign_witness_commit_seconds",
      help: "One transaction of the state, with its fsync.",
      buckets: SECONDS,
      registers,
    });
    this.#contradictions = new Counter({
      name: "countersign_witness_contradictions_total",
      help: "Checkpoints that prove, with the one cosigned before, that their log has signed two histories.",
      labelNames: ["origin"],
      registers,
    });
    this.#leaves = new Counter({
      name: "countersign_witness_index_leaves_total",
      help: "Of an index verifier: leaves of indexes that were executed and are right.",
      labelNames: ["origin"],
      registers,
    });
    this.#refusedIndexes = new Counter({
      name: "countersign_witness_index_refused_total",
      help: "Of an index verifier: checkpoints refused because a leaf does not follow from the log.",
      labelNames: ["origin"],
      registers,
    });
  }

  executed(origin: string): void {
    this.#leaves.inc({ origin });
  }

  refusedIndex(origin: string): void {
    this.#refusedIndexes.inc({ origin });
  }

  request(status: number, seconds: number): void {
    this.#requests.inc({ status });
    this.#seconds.observe(seconds);
  }

  committed(heads: number, seconds: number): void {
    this.#heads.inc(heads);
    this.#commit.observe(seconds);
  }

  contradicted(origin: string): void {
    this.#contradictions.inc({ origin });
  }

  /** Called once, when the parts that are read exist. Also adds the process's own metrics. */
  attach(readings: WitnessReadings): void {
    const gauge = (name: string, help: string, read: () => number | boolean): void => {
      const made: Gauge = new Gauge({
        name,
        help,
        registers: [this.#registry],
        collect: () => made.set(Number(read())),
      });
    };
    gauge("countersign_witness_ready", "1 where /readyz says yes.", readings.ready);
    gauge("countersign_witness_logs", "Logs in the list that is in force.", readings.logs);
    gauge("countersign_witness_heads", "Logs of which a head was cosigned.", readings.heads);
    gauge(
      "countersign_witness_newest_time_seconds",
      "Newest time that stands in a cosignature.",
      readings.newestTime,
    );
    gauge(
      "countersign_witness_list_is_old",
      "1 where the file with the logs is bad and the list before it is in force.",
      readings.listIsOld,
    );
    collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    return this.#registry.metrics();
  }
}
