/**
 * Metrics of a mirror, for Prometheus.
 *
 * @module
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";

export interface MirrorReadings {
  readonly size: () => number;
  /** The largest size the log has shown. */
  readonly logSize: () => number;
  readonly ready: () => boolean;
  /** Seconds since the log was last followed or found unchanged. */
  readonly age: () => number;
}

export class MirrorMetrics {
  readonly #registry = new Registry();
  readonly #polls: Counter<"result">;
  readonly #requests: Counter<"status">;

  constructor(readings: MirrorReadings) {
    const registers = [this.#registry];
    this.#polls = new Counter({
      name: "countersign_mirror_polls_total",
      help: "Times the log was asked for its head, by what came of it.",
      labelNames: ["result"],
      registers,
    });
    this.#requests = new Counter({
      name: "countersign_mirror_http_requests_total",
      help: "Requests answered, by status.",
      labelNames: ["status"],
      registers,
    });
    const gauge = (name: string, help: string, read: () => number): void => {
      const made: Gauge = new Gauge({ name, help, registers, collect: () => made.set(read()) });
    };
    gauge("countersign_mirror_tree_size", "Entries that are whole here.", readings.size);
    gauge("countersign_mirror_log_size", "Entries of the log's newest head.", readings.logSize);
    gauge("countersign_mirror_ready", "1 where /readyz says yes.", () => Number(readings.ready()));
    gauge("countersign_mirror_age_seconds", "Since the log was last followed.", readings.age);
    collectDefaultMetrics({ register: this.#registry });
  }

  poll(result: string): void {
    this.#polls.inc({ result });
  }

  request(status: number): void {
    this.#requests.inc({ status });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    return this.#registry.metrics();
  }
}
