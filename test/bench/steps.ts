/** Says every few seconds how far a long part of a bench has come. */
const EVERY_MS = 10_000;

export class Steps {
  readonly #what: string;
  readonly #end: number;
  #said = performance.now();

  constructor(what: string, end: number) {
    this.#what = what;
    this.#end = end;
  }

  at(done: number): void {
    if (done < this.#end && performance.now() - this.#said < EVERY_MS) return;
    this.#said = performance.now();
    const [some, all] = [done, this.#end].map((count) => count.toLocaleString("en"));
    process.stderr.write(`… ${this.#what}: ${some} of ${all}\n`);
  }
}
