/**
 * The metrics of those who cosign for a log: its witnesses, or the verifiers of its index.
 *
 * @module
 */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

export class WitnessMeters {
  readonly #rounds: Histogram<"quorum">;
  readonly #failures: Counter<"witness" | "kind">;
  readonly #alarms: Gauge<"witness">;

  /** `prefix` begins the names; `one` is what each of them is called. */
  constructor(registry: Registry, prefix: string, one: string, buckets: readonly number[]) {
    const registers = [registry];
    this.#rounds = new Histogram({
      name: `${prefix}_round_seconds`,
      help: `One round of every ${one}, by whether it brought a quorum.`,
      labelNames: ["quorum"],
      buckets: [...buckets],
      registers,
    });
    this.#failures = new Counter({
      name: `${prefix}_failures_total`,
      help: `Requests to a ${one} without a cosignature that counts.`,
      labelNames: ["witness", "kind"],
      registers,
    });
    this.#alarms = new Gauge({
      name: `${prefix}_alarm`,
      help: `1 where the ${one} contradicts this log and is taken out.`,
      labelNames: ["witness"],
      registers,
    });
  }

  round(seconds: number, hasQuorum: boolean): void {
    this.#rounds.observe({ quorum: hasQuorum ? "yes" : "no" }, seconds);
  }

  failed(witness: string, kind: string): void {
    this.#failures.inc({ witness, kind });
  }

  alarm(witness: string, stands: boolean): void {
    this.#alarms.set({ witness }, stands ? 1 : 0);
  }
}
