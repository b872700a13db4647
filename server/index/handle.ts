/**
 * An index while it opens, runs, or refuses to: the log starts without waiting for it.
 *
 * @module
 */
import { codedError, LogError } from "../../schema/error.ts";
import type { RunningIndex } from "./run.ts";

export type IndexHandleState =
  | { readonly state: "opening" }
  | { readonly state: "running"; readonly index: RunningIndex }
  /** A person has to look; the log goes on. */
  | { readonly state: "refused"; readonly reason: LogError };

export class IndexHandle {
  readonly #opened: Promise<void>;
  #state: IndexHandleState = { state: "opening" };

  /** `open` is called at once. What it throws is a refusal, and `refused` is told of it. */
  constructor(open: () => Promise<RunningIndex>, refused: (reason: LogError) => void) {
    this.#opened = open().then(
      (index) => {
        this.#state = { state: "running", index };
      },
      (error: unknown) => {
        const reason = codedError(error);
        this.#state = { state: "refused", reason };
        refused(reason);
      },
    );
  }

  get state(): IndexHandleState {
    return this.#state;
  }

  /** The running index. Throws `INDEX_NOT_READY` while there is none. */
  get(): RunningIndex {
    if (this.#state.state === "running") return this.#state.index;
    const opening = this.#state.state === "opening";
    throw new LogError(
      "INDEX_NOT_READY",
      opening
        ? "The index is being opened."
        : "The index refuses to start; its operator must look.",
      { field: "index", ...(opening ? { retryAfter: 5 } : {}) },
    );
  }

  async close(): Promise<void> {
    await this.#opened;
    if (this.#state.state === "running") await this.#state.index.close();
  }
}
