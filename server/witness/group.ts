/**
 * Steps of many logs that wait for the disk together: what comes in while one transaction is written
 * goes into the next, so that a fsync serves as many logs as ask at one time.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import type { WitnessClock } from "./clock.ts";
import type { Step, WitnessState } from "./state.ts";
import type { WitnessedHead } from "./state-file.ts";

/** Bounds the time that one transaction keeps everybody else waiting. */
const MAX_STEPS = 64;

interface Waiting {
  readonly step: Step;
  readonly resolve: (head: WitnessedHead | undefined) => void;
  readonly reject: (reason: unknown) => void;
}

export interface GroupPorts {
  readonly state: Pick<WitnessState, "advance">;
  readonly clock: WitnessClock;
  /** I5: with the reason for which the process must end. */
  readonly onFatal: (reason: LogError) => void;
  readonly onCommitted: (steps: number, seconds: number) => void;
}

export class StepGroup {
  readonly #ports: GroupPorts;
  #waiting: Waiting[] = [];
  #scheduled = false;

  constructor(ports: GroupPorts) {
    this.#ports = ports;
  }

  /** The head as it was made durable; `undefined` where the log no longer stood where the step begins. */
  take(step: Step): Promise<WitnessedHead | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ step, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const group = this.#waiting.splice(0, MAX_STEPS);
      try {
        const heads = this.#commit(group.map(({ step }) => step));
        group.forEach(({ resolve }, i) => resolve(heads[i]));
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
      this.#schedule();
    });
  }

  #commit(steps: readonly Step[]): readonly (WitnessedHead | undefined)[] {
    const started = performance.now();
    const result = this.#ports.state.advance(steps, this.#ports.clock.now());
    if (result.state === "failed") throw result.error;
    if (result.state === "unknown") {
      const fatal = new LogError("OUTCOME_UNKNOWN", "the disk did not say what it has written", {
        hint: "start the witness again: it reads from the disk what is true",
        cause: result.cause,
      });
      this.#ports.onFatal(fatal);
      throw fatal;
    }
    this.#ports.onCommitted(steps.length, (performance.now() - started) / 1000);
    return result.heads;
  }
}
