/**
 * An index follows the published heads of its log: one leaf of the index log for each that it takes.
 *
 * A step: the thread works it out → its leaf is appended to the index log, guarded, cosigned where
 * verifiers are asked, and published → the thread keeps it. A leaf that an end of the process cut
 * off from that is in the index log already: it is worked out again, and must come out as it was
 * signed.
 *
 * - The newest published head is taken whenever the index is idle, at most one a second
 *   (step-pace.ts); an index that is far behind takes those before it first (heads-ahead.ts).
 * - A step that fails is abandoned and tried again, later each time; `status` says why.
 * - A leaf that the log contradicts stops the index for good. The log itself goes on.
 *
 * All state here is owned by one loop; a step is never begun while another one is under way.
 *
 * Spec: docs/formats.md §Index.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import { codedError, LogError } from "../../schema/error.ts";
import type { StatedEnd } from "../../schema/index/index-end.ts";
import type { PublishedHead } from "../sequencer/ports.ts";
import { HeadsAhead } from "./heads-ahead.ts";
import type { IndexThread } from "./index-thread.ts";
import type { KeptHeads } from "./kept-heads.ts";
import { loggedLeaf, notAsLogged } from "./logged-leaf.ts";
import type { IndexPorts, IndexState, IndexStatus } from "./ports.ts";
import { indexEntry } from "./signer.ts";
import type { SnapshotPace } from "./snapshot-pace.ts";
import { stepDistance } from "./step-pace.ts";

/** At most one leaf in this time, where nothing else is said; step-pace.ts. */
const STEP_MS = 1_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/** What a step has to do with besides its ports. */
export interface FollowerParts {
  readonly thread: IndexThread;
  /** Told of the head over each leaf that is kept. */
  readonly heads: KeptHeads;
  readonly snapshots: SnapshotPace;
}

export class Follower {
  readonly #ports: IndexPorts;
  readonly #thread: IndexThread;
  readonly #heads: KeptHeads;
  readonly #snapshots: SnapshotPace;
  readonly #ahead = new HeadsAhead();
  #state: IndexState = { state: "ready" };
  #end: StatedEnd | undefined;
  /** The shortest distance between two steps, and the one behind the last step. */
  readonly #stepMs: number;
  #distanceMs: number;
  #caughtUpAt: number;
  #stepAt = Number.NEGATIVE_INFINITY;
  #retryMs = FIRST_RETRY_MS;
  #held = false;
  #stepping: Promise<boolean> = Promise.resolve(false);
  #wake: () => void = () => undefined;
  #closing = false;
  readonly #ending = Promise.withResolvers<void>();
  #loop: Promise<void> = Promise.resolve();
  /** Looks for new heads also while a step waits for its quorum. */
  #watching: NodeJS.Timeout | undefined;

  constructor(ports: IndexPorts, { thread, heads, snapshots }: FollowerParts) {
    this.#ports = ports;
    this.#thread = thread;
    this.#heads = heads;
    this.#snapshots = snapshots;
    this.#stepMs = ports.stepMs ?? STEP_MS;
    this.#distanceMs = this.#stepMs;
    this.#caughtUpAt = ports.clock();
    this.#end = ports.end;
  }

  /** From now on steps are made. */
  start(): void {
    this.#watching = setInterval(() => this.#watch(), this.#stepMs).unref();
    this.#loop = this.#run();
  }

  /** There may be a newer published head. */
  notify(): void {
    this.#wake();
  }

  status(): IndexStatus {
    const { standing } = this.#thread;
    const lagEntries = Math.max(0, this.#ports.main.published().size - standing.size);
    const lagMs = lagEntries === 0 ? 0 : this.#ports.clock() - this.#caughtUpAt;
    return { ...standing, state: this.#state, lagEntries, lagMs };
  }

  /** Where the log has stated that the index ends. */
  get stated(): StatedEnd | undefined {
    return this.#end;
  }

  /**
   * No further step begins; resolves when the one under way is done. What it gives back lets the index
   * go on.
   */
  async hold(): Promise<() => void> {
    this.#held = true;
    await this.#stepping.catch(() => undefined);
    return () => {
      this.#held = false;
      this.#wake();
    };
  }

  /** X8: the log has stated it, and it is where the index is held. */
  end(stated: StatedEnd): void {
    this.#end = stated;
    this.#state = { state: "ended", end: stated };
  }

  /** Lets the step under way end, and begins none. */
  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#watching);
    this.#ending.resolve();
    this.#wake();
    await this.#loop;
  }

  #watch(): void {
    this.#ahead.note(this.#ports.main.published(), this.#thread.standing.size);
  }

  async #run(): Promise<void> {
    while (!this.#closing && this.#state.state !== "stopped") {
      try {
        this.#stepping = this.#held ? Promise.resolve(false) : this.#step();
        if (!(await this.#stepping)) await this.#pause();
        else this.#retryMs = FIRST_RETRY_MS;
      } catch (error) {
        await this.#failed(error);
      }
    }
  }

  /** One leaf, if there is something to index. `false` where there is nothing to do now. */
  async #step(): Promise<boolean> {
    const { clock, index, main } = this.#ports;
    const { leaves } = this.#thread.standing;
    // Committed by the process before this one, and not published then.
    const unfinished = (await index.committed()) > leaves;
    if (!unfinished && this.#end !== undefined) {
      this.#state = { state: "ended", end: this.#end };
      return false;
    }
    const head = main.published();
    if (!unfinished && index.published().size < leaves) return this.#wait(notVerified(leaves - 1));
    if (!unfinished && head.size <= this.#thread.standing.size) {
      this.#caughtUpAt = clock();
      if (this.#state.state === "waiting") this.#state = { state: "ready" };
      return false;
    }
    if (clock() - this.#stepAt < this.#distanceMs) return false;
    const refusal = unfinished ? undefined : index.refusal();
    if (refusal !== undefined) return this.#wait(refusal);
    this.#stepAt = clock();
    const began = clock();
    const next = unfinished ? loggedLeaf(this.#ports.index, leaves) : this.#headAfter(head);
    const { grown } = await this.#thread.ask({
      call: "grow",
      size: next.size,
      root: next.root,
      main: next.main,
    });
    this.#distanceMs = stepDistance(this.#stepMs, clock() - began);
    if (grown === undefined)
      throw new LogError("INTERNAL", "the index's thread left out an answer");
    if (unfinished) this.#mustBeLogged(leaves, grown.leaf);
    else await index.append([indexEntry(this.#ports.sha256, grown.leaf, next.main)]);
    await this.#publication(leaves + 1);
    await this.#thread.ask({ call: "keep" });
    this.#heads.remember(this.#ports.index.published(), this.#thread.standing.leaves);
    if (main.published().size === this.#thread.standing.size) this.#caughtUpAt = clock();
    else if (next.size >= head.size) this.#caughtUpAt = Math.max(this.#caughtUpAt, began);
    this.#state = { state: "ready" };
    this.#ports.onLeaf?.(grown.leafIndex, grown.contradicted);
    this.#snapshots.consider(this.#thread.standing);
    return true;
  }

  #headAfter(newest: PublishedHead): PublishedHead & { readonly main: Uint8Array } {
    const head = this.#ahead.next(newest, this.#thread.standing.size);
    return { ...head, main: head.checkpoint };
  }

  #wait(reason: LogError): false {
    this.#state = { state: "waiting", reason };
    return false;
  }

  /** The step that was cut off must come out as it was signed. */
  #mustBeLogged(leafIndex: number, grown: Uint8Array): void {
    if (!equal(loggedLeaf(this.#ports.index, leafIndex).leaf, grown)) throw notAsLogged(leafIndex);
  }

  /** Until so many leaves are published: at once, or when the quorum of verifiers has come. */
  async #publication(size: number): Promise<void> {
    const { index } = this.#ports;
    if (index.published().size >= size) return;
    this.#wait(notVerified(size - 1));
    await Promise.race([index.reached(size), this.#ending.promise]);
    if (this.#closing) throw new LogError("STOPPING", "the index is being closed");
  }

  async #failed(error: unknown): Promise<void> {
    const reason = codedError(error);
    await this.#thread.ask({ call: "abandon" }).catch(() => undefined);
    if (this.#closing) return;
    const forGood = this.#thread.ended || reason.code === "STORE_CORRUPT";
    this.#state = { state: forGood ? "stopped" : "failing", reason };
    this.#ports.onTrouble?.(reason);
    if (forGood) return;
    await this.#sleep(this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
  }

  /** Until somebody says that there is more, and until the next step is due. */
  async #pause(): Promise<void> {
    const due = this.#stepAt + this.#distanceMs - this.#ports.clock();
    const waiting = this.#ports.main.published().size > this.#thread.standing.size;
    await this.#sleep(waiting ? Math.max(1, due) : this.#stepMs);
  }

  async #sleep(milliseconds: number): Promise<void> {
    if (this.#closing) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    this.#wake = () => {
      // A head that came early does not hurry a step; the end does.
      if (this.#closing || this.#ports.clock() - this.#stepAt >= this.#distanceMs) resolve();
    };
    await promise;
    clearTimeout(timer);
    this.#wake = () => undefined;
  }
}

function notVerified(leafIndex: number): LogError {
  return new LogError("NOT_WITNESSED", `leaf ${leafIndex} waits for the index verifiers`, {
    field: "index.verifiers",
  });
}
