/**
 * The index of a running log: follows its published heads, one leaf of the index log for each that
 * it takes, and answers look-ups.
 *
 * Off the write path: nothing here holds up an entry. While a step is worked out, guarded or
 * waits for its quorum, the log goes on, and look-ups are answered from the step before (X5).
 *
 * - The newest published head is taken whenever the index is idle, at most one a second
 *   (step-pace.ts); an index that is far behind takes those before it first (heads-ahead.ts).
 * - A step that fails is abandoned and tried again, later each time; `status` says why.
 * - A leaf that the log contradicts stops the index for good. The log itself goes on.
 *
 * Spec: docs/formats.md §Index.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import type { MapPiece } from "../../schema/http/map-paths.ts";
import type { StatedEnd } from "../../schema/index/index-end.ts";
import type { Lookup, LookupEntry, LookupKey } from "../../schema/index/lookup.ts";
import type { PublishedHead } from "../sequencer/ports.ts";
import { Thread, threadScript } from "../thread.ts";
import type { FoundKeys } from "./engine.ts";
import { foundEntries } from "./found-entries.ts";
import { HeadsAhead } from "./heads-ahead.ts";
import { KeptHeads, mustNotBeBeyond, noSuchLeaf } from "./kept-heads.ts";
import { loggedLeaf } from "./logged-leaf.ts";
import type { IndexPorts, IndexState, IndexStatus } from "./ports.ts";
import type { ConflictQuestion, IndexAnswer, IndexRequest, IndexStanding } from "./protocol.ts";
import { indexEntry } from "./signer.ts";
import { SnapshotPace } from "./snapshot-pace.ts";
import { stepDistance } from "./step-pace.ts";

/** At most one leaf in this time, where nothing else is said; step-pace.ts. */
const STEP_MS = 1_000;
const NO_STANDING: IndexStanding = {
  leaves: 0,
  size: 0,
  keys: 0,
  mapBytes: 0,
  snapshotSize: 0,
  snapshotChanges: 0,
};
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

export class IndexService {
  readonly #ports: IndexPorts;
  readonly #thread: Thread<IndexRequest, IndexAnswer>;
  readonly #heads = new KeptHeads();
  #standing: IndexStanding = NO_STANDING;
  #state: IndexState = { state: "ready" };
  /** The shortest distance between two steps, and the one behind the last step. */
  readonly #stepMs: number;
  #distanceMs: number;
  #caughtUpAt: number;
  #stepAt = Number.NEGATIVE_INFINITY;
  #retryMs = FIRST_RETRY_MS;
  #end: StatedEnd | undefined;
  #held = false;
  #stepping: Promise<boolean> = Promise.resolve(false);
  #wake: () => void = () => undefined;
  #closing = false;
  readonly #ending = Promise.withResolvers<void>();
  #loop: Promise<void> = Promise.resolve();
  readonly #snapshots: SnapshotPace;
  readonly #ahead = new HeadsAhead();
  /** Looks for new heads also while a step waits for its quorum. */
  #watching: NodeJS.Timeout | undefined;

  /**
   * Opens the tables and replays what the index log has beyond them. Throws `STORE_CORRUPT` where
   * the index log and the log contradict each other.
   */
  static async open(ports: IndexPorts): Promise<IndexService> {
    const service = new IndexService(ports);
    try {
      await service.#open();
    } catch (error) {
      await service.#thread.end();
      throw error;
    }
    service.#watching = setInterval(() => service.#watch(), service.#stepMs).unref();
    service.#loop = service.#run();
    return service;
  }

  private constructor(ports: IndexPorts) {
    this.#ports = ports;
    this.#stepMs = ports.stepMs ?? STEP_MS;
    this.#distanceMs = this.#stepMs;
    this.#thread = new Thread(ports.worker ?? threadScript("./worker", import.meta.url));
    this.#caughtUpAt = ports.clock();
    this.#end = ports.end;
    this.#snapshots = new SnapshotPace({
      clock: ports.clock,
      write: async (milliseconds) =>
        (await this.#ask({ call: "snapshot", milliseconds })).more === true,
      onTrouble: (error) => ports.onTrouble?.(asError(error)),
    });
  }

  /** There may be a newer published head. */
  notify(): void {
    this.#wake();
  }

  status(): IndexStatus {
    const lagEntries = Math.max(0, this.#ports.main.published().size - this.#standing.size);
    const lagMs = lagEntries === 0 ? 0 : this.#ports.clock() - this.#caughtUpAt;
    return { ...this.#standing, state: this.#state, lagEntries, lagMs };
  }

  /** Everything under some keys. Throws `NOT_FOUND` where `at` is not kept, or nothing is indexed. */
  async lookup(
    keys: readonly LookupKey[],
    options: { readonly entries: boolean; readonly summaries: boolean; readonly at?: number },
  ): Promise<Lookup> {
    const { entries, summaries } = options;
    const { index, sha256 } = this.#ports;
    const at = this.#shown(options.at);
    const request = { call: "find", keys, summaries, ...(at === undefined ? {} : { at }) } as const;
    const { found } = await this.#ask(request);
    if (found === undefined || found.size === 0)
      throw new LogError("NOT_FOUND", "The index has no leaf of a signed head yet.", {
        field: "index",
        hint: "try again in a few seconds",
      });
    return {
      ...this.#heads.proved(sha256, index, found.leafIndex),
      main: found.main,
      tree: found.tree,
      answers: found.answers,
      entries: entries ? this.#entries(found) : [],
    };
  }

  /** X5: the leaf that is asked for, or the newest, as long as it is published. */
  #shown(at: number | undefined): number | undefined {
    const published = this.#ports.index.published().size;
    if (at !== undefined && at < published) return at;
    if (at === undefined && published >= this.#standing.leaves) return undefined;
    if (at === undefined && published > 0) return published - 1;
    throw noSuchLeaf(this.#end, published);
  }

  /** The update that leads to a leaf (`schema/index/update.ts`), also of one not yet published. */
  async update(leafIndex: number): Promise<Uint8Array | undefined> {
    return (await this.#ask({ call: "update", leafIndex })).update;
  }

  /** The right edge of the postings tree behind a leaf, hash after hash. */
  async edge(leafIndex: number): Promise<Uint8Array | undefined> {
    return (await this.#ask({ call: "edge", leafIndex })).edge;
  }

  /** A piece of the map; `undefined` where no version that is kept has it. */
  async piece(piece: MapPiece): Promise<Uint8Array | undefined> {
    return (await this.#ask({ call: "piece", piece })).piece;
  }

  /** Contradictions of what is indexed, or of what may be soon. */
  async ask(question: ConflictQuestion): Promise<IndexAnswer> {
    return this.#ask(question);
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

  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#watching);
    this.#ending.resolve();
    this.#wake();
    await this.#loop;
    await this.#snapshots.close();
    await this.#ask({ call: "close" }).catch(() => undefined);
    await this.#thread.end();
  }

  async #open(): Promise<void> {
    const { folder, logDatabase, log, generation, index } = this.#ports;
    await this.#ask({ call: "open", folder, logDatabase, log, mapfn: generation.id });
    const published = index.published().size;
    const committed = await index.committed();
    if (this.#standing.leaves > committed)
      throw new LogError("STORE_CORRUPT", "the index has leaves that the index log has not", {
        field: folder,
        hint: "`countersign index rebuild` makes it anew from the log",
      });
    mustNotBeBeyond(this.#end, committed);
    // All but the last: verifiers that are new to this index execute it from leaf 1 on, and nothing of
    // it is shown before they have. The last is a step like any other.
    while (this.#standing.leaves < Math.max(published, committed - 1)) {
      const { leaf, main } = loggedLeaf(this.#ports.index, this.#standing.leaves);
      await this.#ask({ call: "replay", leaf, main });
    }
    this.#heads.remember(this.#ports.index.published(), this.#standing.leaves);
    this.#snapshots.consider(this.#standing);
  }

  #watch(): void {
    this.#ahead.note(this.#ports.main.published(), this.#standing.size);
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
    const { leaves } = this.#standing;
    // Committed by the process before this one, and not published then.
    const unfinished = (await index.committed()) > leaves;
    if (!unfinished && this.#end !== undefined) {
      this.#state = { state: "ended", end: this.#end };
      return false;
    }
    const head = main.published();
    if (!unfinished && index.published().size < leaves) return this.#wait(notVerified(leaves - 1));
    if (!unfinished && head.size <= this.#standing.size) {
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
    const { grown } = await this.#ask({
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
    await this.#ask({ call: "keep" });
    this.#heads.remember(this.#ports.index.published(), this.#standing.leaves);
    if (main.published().size === this.#standing.size) this.#caughtUpAt = clock();
    else if (next.size >= head.size) this.#caughtUpAt = Math.max(this.#caughtUpAt, began);
    this.#state = { state: "ready" };
    this.#ports.onLeaf?.(grown.leafIndex, grown.contradicted);
    this.#snapshots.consider(this.#standing);
    return true;
  }

  #headAfter(newest: PublishedHead): PublishedHead & { readonly main: Uint8Array } {
    const head = this.#ahead.next(newest, this.#standing.size);
    return { ...head, main: head.checkpoint };
  }

  #wait(reason: LogError): false {
    this.#state = { state: "waiting", reason };
    return false;
  }

  /** The step that was cut off must come out as it was signed. */
  #mustBeLogged(leafIndex: number, grown: Uint8Array): void {
    if (equal(loggedLeaf(this.#ports.index, leafIndex).leaf, grown)) return;
    throw new LogError(
      "STORE_CORRUPT",
      `leaf ${leafIndex} of the index log is not the one that the log gives`,
      { field: `index leaf ${leafIndex}`, hint: "run `countersign fsck` on the log" },
    );
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
    const reason = asError(error);
    await this.#ask({ call: "abandon" }).catch(() => undefined);
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
    const waiting = this.#ports.main.published().size > this.#standing.size;
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

  async #ask(request: IndexRequest): Promise<IndexAnswer> {
    const answer = await this.#thread.ask(request);
    this.#standing = answer.standing;
    return answer;
  }

  #entries(found: FoundKeys): LookupEntry[] {
    const { index, main, sha256 } = this.#ports;
    return foundEntries(sha256, main, loggedLeaf(index, found.leafIndex), found);
  }
}

function asError(error: unknown): LogError {
  return error instanceof LogError
    ? error
    : new LogError("INTERNAL", String(error), { cause: error });
}

function notVerified(leafIndex: number): LogError {
  return new LogError("NOT_WITNESSED", `leaf ${leafIndex} waits for the index verifiers`, {
    field: "index.verifiers",
  });
}
