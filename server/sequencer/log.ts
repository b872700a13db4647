/**
 * The sequencer: takes entries, gives each its index, and lets the log grow batch by batch.
 *
 * Group commit without a timer: an entry that finds no commit running is committed at once; what
 * arrives meanwhile is the next batch. Latency is one commit when idle, batches grow with load.
 *
 * All state here is owned by one loop; between two of its steps nothing else changes it.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import type { NewEntry } from "../storage/storage.ts";
import { commitBatch, type Outcome, type Position } from "./commit.ts";
import { Pool, refuse, submissionOf, type Ticket } from "./pool.ts";
import {
  type Appended,
  DEFAULT_LIMITS,
  type PoolLoad,
  type PublishedHead,
  type SequencerLimits,
  type SequencerPorts,
  type SequencerState,
  type Submission,
} from "./ports.ts";
import { Proofs } from "./proofs.ts";
import { proveContinuity } from "./recover.ts";

export class Sequencer {
  readonly #ports: SequencerPorts;
  readonly #limits: SequencerLimits;
  readonly #pool: Pool;
  readonly #proofs: Proofs;
  #position: Position;
  #published: PublishedHead;
  #state: SequencerState = { state: "ready" };
  #loop: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  /**
   * Proves that this process continues its own past (I6), then takes appends. Storage and guard
   * are open already and belong to the sequencer from here on; where this throws, the caller
   * closes them. Throws the errors of recover.ts.
   */
  static async open(ports: SequencerPorts): Promise<Sequencer> {
    const sequencer = new Sequencer(ports, await proveContinuity(ports));
    if (sequencer.published().size === 0 && ports.genesis !== undefined)
      await sequencer.append([ports.genesis]);
    return sequencer;
  }

  private constructor(ports: SequencerPorts, position: Position) {
    this.#ports = ports;
    this.#limits = { ...DEFAULT_LIMITS, ...ports.limits };
    this.#pool = new Pool(this.#limits);
    this.#proofs = new Proofs(ports.crypto.sha256, ports.storage.reader, position.edge);
    this.#position = position;
    this.#published = publishedOf(position);
  }

  /**
   * Log entries that admission has checked. Resolves once they are *published* (I3), with one
   * answer for each in their order. They are logged whole or not at all.
   *
   * Rejects with `OVERLOADED`, `STOPPING`, `STORAGE_FULL` or `STORAGE_FAILED` (nothing was logged),
   * `OUTCOME_UNKNOWN` (submit again later: a duplicate gets the original's index), or
   * `STORE_CORRUPT` where the original of a duplicate is damaged.
   */
  async append(entries: readonly NewEntry[]): Promise<readonly Appended[]> {
    const { committed, published } = this.appendDurable(entries);
    await published;
    return committed;
  }

  /** As `append`, with two answers: an index when durable, the head when provable. Throws the same. */
  appendDurable(entries: readonly NewEntry[]): Submission {
    const { state } = this.#state;
    if (state === "stopped" || state === "closing") {
      throw new LogError("STOPPING", "the log takes no entries any more; nothing was logged", {
        hint: "try again when it is back",
      });
    }
    const ticket = this.#pool.add(entries);
    // Not awaited: the loop never rejects, and everybody has a promise of their own.
    this.#loop ??= this.#run();
    return submissionOf(ticket);
  }

  /** The newest head that may be shown. The same object until there is a newer one. */
  published(): PublishedHead {
    return this.#published;
  }

  state(): SequencerState {
    return this.#state;
  }

  load(): PoolLoad {
    return this.#pool.load;
  }

  /** For readiness: a log that was full is asked again whether it still is. */
  async recheck(): Promise<SequencerState> {
    if (this.#state.state !== "full") return this.#state;
    const reason = await this.#ports.storage.checkRoom().catch(() => undefined);
    // Meanwhile a batch may have ended, either way.
    if (this.#state.state === "full")
      this.#state = reason === undefined ? { state: "ready" } : { state: "full", reason };
    return this.#state;
  }

  /**
   * The proof that `leafHash` is entry `index` of a published head, verified against its root
   * before it is returned (I8). Throws `NOT_FOUND` beyond the head, `STORE_CORRUPT` where the
   * stored tiles do not prove it.
   */
  inclusion(index: number, head: PublishedHead, leafHash: Hash): readonly Hash[] {
    this.#mustBePublished(head.size);
    if (index >= head.size) throw beyond(`entry ${index}`, head.size);
    return this.#proofs.inclusion(index, head, leafHash);
  }

  /** Throws `NOT_FOUND` where `newer` is not published, `FIELD_INVALID` where it is the smaller. */
  consistency(older: number, newer: number): readonly Hash[] {
    this.#mustBePublished(newer);
    if (older > newer)
      throw new LogError("FIELD_INVALID", "the older size is the larger one", { field: "older" });
    return this.#proofs.consistency(older, newer);
  }

  /**
   * Takes nothing more, sequences what waits, and gives storage and guard back. After a stop for
   * good it touches neither of them: the end of the process gives them back.
   */
  async close(): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#state.state !== "stopped") this.#state = { state: "closing" };
    await this.#loop;
    if (this.state().state === "stopped") return;
    await this.#ports.guard.close();
    await this.#ports.storage.close();
  }

  async #run(): Promise<void> {
    // One turn of the event loop: requests of the same moment share the first batch.
    await new Promise(setImmediate);
    while (!this.#pool.isEmpty && this.#state.state !== "stopped") {
      const tickets = this.#pool.take();
      const began = this.#ports.clock();
      const outcome = await this.#commit(tickets);
      this.#settle(tickets, outcome, began);
    }
    this.#loop = undefined;
  }

  async #commit(tickets: readonly Ticket[]): Promise<Outcome> {
    try {
      return await commitBatch(this.#ports, this.#limits.deadline, this.#position, tickets);
    } catch (cause) {
      // A defect of ours. How far it got is not known, so it is treated as I5 says.
      const message = cause instanceof Error ? cause.message : String(cause);
      return { state: "fatal", reason: new LogError("OUTCOME_UNKNOWN", message, { cause }) };
    }
  }

  /** Step 6, and what becomes of the tickets. Nothing in here waits. */
  #settle(tickets: readonly Ticket[], outcome: Outcome, began: number): void {
    if (outcome.state === "fatal") {
      this.#stop(tickets, outcome.reason);
      return;
    }
    if (outcome.state === "refused") {
      for (const ticket of tickets) refuse(ticket, outcome.reason);
      if (this.#state.state !== "closing") this.#state = { state: "full", reason: outcome.reason };
      return;
    }
    const { plan, growth } = outcome;
    if (growth !== undefined) {
      this.#position = outcome.position;
      this.#proofs.grow(growth.edge, growth.full);
      this.#published = publishedOf(outcome.position);
      if (this.#state.state === "full") this.#state = { state: "ready" };
    }
    let answered = 0;
    for (const { ticket, appended } of plan.placed) {
      answered += appended.length;
      ticket.committed.resolve(appended);
      ticket.published.resolve(this.#published);
    }
    this.#ports.onPublished?.({
      head: this.#published,
      entries: plan.entries.length,
      duplicates: answered - plan.entries.length,
      milliseconds: this.#ports.clock() - began,
    });
  }

  /** I5. Everybody who waits hears the same, and nothing is asked of the disk any more. */
  #stop(tickets: readonly Ticket[], reason: LogError): void {
    this.#state = { state: "stopped", reason };
    for (const ticket of [...tickets, ...this.#pool.takeAll()]) refuse(ticket, reason);
    this.#ports.onFatal(reason);
  }

  #mustBePublished(size: number): void {
    if (size > this.#published.size) throw beyond(`size ${size}`, this.#published.size);
  }
}

function publishedOf({ head: { size, root, checkpoint } }: Position): PublishedHead {
  return { size, root, checkpoint };
}

function beyond(what: string, limit: number): LogError {
  return new LogError("NOT_FOUND", `${what} is not published`, { limit });
}
