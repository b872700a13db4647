/**
 * The steps of an index that can be asked for: the newest one and some before it.
 *
 * A look-up may name an older leaf, because index verifiers have signed that one and not the newest
 * yet, or because somebody asks twice of the same state. Every step here was kept (X5).
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import type { IndexPosition } from "./grow.ts";

/** Steps that can be asked for, the newest among them. */
const KEPT = 64;

export interface KeptStep {
  readonly leafIndex: number;
  readonly position: IndexPosition;
  /** The signed note of the main head. */
  readonly main: Uint8Array;
  /** Values that were set in the map up to this step, counted from some step on. */
  readonly changes: number;
}

export class KeptSteps {
  /** Oldest first. */
  readonly #before: KeptStep[] = [];
  #newest: KeptStep;

  constructor(first: KeptStep) {
    this.#newest = first;
  }

  get newest(): KeptStep {
    return this.#newest;
  }

  get oldest(): KeptStep {
    return this.#before[0] ?? this.#newest;
  }

  add(step: KeptStep): void {
    this.#before.push(this.#newest);
    this.#newest = step;
    if (this.#before.length >= KEPT) this.#before.shift();
  }

  /** The step of a leaf. Throws `NOT_FOUND` where it is not kept any more. */
  at(leafIndex: number): KeptStep {
    const step = this.newestFirst().find((one) => one.leafIndex === leafIndex);
    if (step !== undefined) return step;
    throw new LogError("NOT_FOUND", `The index does not keep its state at leaf ${leafIndex}.`, {
      field: "at",
      expected: `a leaf from ${this.oldest.leafIndex} to ${this.#newest.leafIndex}`,
    });
  }

  newestFirst(): readonly KeptStep[] {
    return [this.#newest, ...this.#before.toReversed()];
  }
}
