/**
 * A bounded cache in two generations. When the young one is full it becomes the old one and
 * the former old one is forgotten; what is asked for again moves back to the young one. So
 * no entry that was used among the last `limit` different ones is lost, at most twice `limit`
 * are held, and a stranger who sends a new key each time costs us no more than that.
 *
 * @module
 */

export class GenerationCache<T> {
  readonly #limit: number;
  #young = new Map<string, T>();
  #old = new Map<string, T>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Entries held now; never above twice the limit. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string): T | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    this.set(key, old);
    return old;
  }

  set(key: string, value: T): void {
    if (this.#young.size >= this.#limit && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }
}
