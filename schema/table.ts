/**
 * A table of what a program understands, one row for each kind: signatures, predicates, keys of the map.
 *
 * The rows of this program are there from the start. Whoever adds one does so before anything is read,
 * in each thread. A row is never replaced: what a name means does not change.
 *
 * @module
 */
import { LogError } from "./error.ts";

export class OpenTable<Row> {
  readonly #what: string;
  readonly #rows: Map<string, Row>;

  /** @param what what a row is, for the error */
  constructor(what: string, rows: Iterable<readonly [string, Row]>) {
    this.#what = what;
    this.#rows = new Map(rows);
  }

  get(name: string): Row | undefined {
    return this.#rows.get(name);
  }

  /** In the order in which they came. */
  get names(): readonly string[] {
    return [...this.#rows.keys()];
  }

  /** Throws `INTERNAL` where the name has a meaning already. */
  add(name: string, row: Row): void {
    if (this.#rows.has(name))
      throw new LogError("INTERNAL", `there is a ${this.#what} "${name}" already`);
    this.#rows.set(name, row);
  }
}
