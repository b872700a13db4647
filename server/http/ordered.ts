/**
 * Many tasks at once, their results one after the other in the order they were started.
 *
 * At most `limit` tasks are between their start and the delivery of their result: a slow
 * receiver therefore holds back the starts, not memory.
 *
 * @module
 */
export class OrderedWindow<T> {
  readonly #limit: number;
  readonly #deliver: (result: T) => Promise<void>;
  #tail: Promise<void> = Promise.resolve();
  #inside = 0;
  #waiting: (() => void)[] = [];

  /** `deliver` must not reject. */
  constructor(limit: number, deliver: (result: T) => Promise<void>) {
    this.#limit = limit;
    this.#deliver = deliver;
  }

  /** Resolves when the task has its place, not when it is done. The task must not reject. */
  async start(task: () => Promise<T>): Promise<void> {
    while (this.#inside >= this.#limit) await this.departure();
    this.#inside++;
    const result = task();
    this.#tail = this.#tail.then(async () => {
      await this.#deliver(await result);
      this.#inside--;
      const woken = this.#waiting;
      this.#waiting = [];
      for (const wake of woken) wake();
    });
  }

  /** The next delivery; `false`, at once, where nothing is inside. */
  async departure(): Promise<boolean> {
    if (this.#inside === 0) return false;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return true;
  }

  /** Everything that was started is delivered. */
  async drain(): Promise<void> {
    await this.#tail;
  }
}
