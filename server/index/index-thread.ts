/**
 * The thread of an index as those see it who ask it (engine-thread.ts is what it does).
 *
 * Every answer says where the index stands, so that nobody has to ask for that.
 *
 * @module
 */
import { Thread, threadScript } from "../thread.ts";
import type { IndexAnswer, IndexRequest, IndexStanding } from "./protocol.ts";

const NO_STANDING: IndexStanding = {
  leaves: 0,
  size: 0,
  keys: 0,
  mapBytes: 0,
  snapshotSize: 0,
  snapshotChanges: 0,
};

export class IndexThread {
  readonly #thread: Thread<IndexRequest, IndexAnswer>;
  #standing: IndexStanding = NO_STANDING;

  /** By default the script of this folder. */
  constructor(script: URL = threadScript("./worker", import.meta.url)) {
    this.#thread = new Thread(script);
  }

  /** Where the index stood when it answered last. */
  get standing(): IndexStanding {
    return this.#standing;
  }

  /** Whether it is gone: it answers nothing any more. */
  get ended(): boolean {
    return this.#thread.ended;
  }

  async ask(request: IndexRequest): Promise<IndexAnswer> {
    const answer = await this.#thread.ask(request);
    this.#standing = answer.standing;
    return answer;
  }

  /** Ends the thread as it stands. Ask it to close its files before. */
  async end(): Promise<void> {
    await this.#thread.end();
  }
}
