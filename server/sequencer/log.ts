/**
 * The sequencer: takes entries, gives each its index, and lets the log grow batch by batch.
 *
 * Group commit without a timer: an entry that finds no commit running is committed at once; what
 * arrives meanwhile is the next batch. Latency is one commit when idle, batches grow with load.
 *
 * Publication is another loop (publication.ts): where witnesses are asked, heads are shown later
 * than they are committed.
 *
 * All state here is owned by one loop; between two of its steps nothing else changes it.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import type { NewEntry } from "../storage/storage.ts";
import { commitBatch, type Outcome, type Position } from "./commit.ts";
import { Pool, refuse, type Ticket } from "./pool.ts";
import {
  type Appended,
  type CommittedTree,
  DEFAULT_LIMITS,
  type PoolLoad,
  type PublishedHead,
  type SequencerLimits,
  type SequencerPorts,
  type SequencerState,
  type SignedHead,
  type Submission,
} from "./ports.ts";
import { Proofs } from "./proofs.ts";
import { Publication, sizeFor } from "./publication.ts";
import { firstPublished } from "./published.ts";
import { proveContinuity } from "./recover.ts";

export class Sequencer {
  readonly #ports: SequencerPorts;
  readonly #limits: SequencerLimits;
  readonly #pool: Pool;
  readonly #proofs: Proofs;
  readonly #publication: Publication;
  #position: Position;
  #state: SequencerState = { state: "ready" };
  /** Entries of the batch under way. */
  #taken = 0;
  #loop: Promise<void> | undefined;
  #batch: Promise<unknown> | undefined;
  #closed: Promise<void> | undefined;

  /**
   * Proves that this process continues its own past (I6), then takes appends. Storage and guard
   * are open already and belong to the sequencer from here on; where this throws, the caller
   * closes them. Throws the errors of recover.ts.
   */
  static async open(ports: SequencerPorts): Promise<Sequencer> {
    const position = await proveContinuity(ports);
    const proofs = new Proofs(ports.crypto.sha256, ports.storage.reader, position.edge);
    const tree = { ...treeOf(proofs), size: (): number => position.head.size };
    const published = await firstPublished(ports, headOf(position), tree);
    const sequencer = new Sequencer(ports, position, proofs, published);
    if (position.head.size === 0 && ports.genesis !== undefined)
      await sequencer.#begin(ports.genesis);
    sequencer.#publication.start();
    return sequencer;
  }

  private constructor(
    ports: SequencerPorts,
    position: Position,
    proofs: Proofs,
    published: PublishedHead,
  ) {
    this.#ports = ports;
    this.#limits = { ...DEFAULT_LIMITS, ...ports.limits };
    this.#pool = new Pool(this.#limits);
    this.#proofs = proofs;
    this.#position = position;
    this.#publication = new Publication({
      witnessing: ports.witnessing,
      tree: { ...treeOf(proofs), size: () => this.#position.head.size },
      committed: headOf(position),
      published,
      onFatal: (reason) => this.#stop([], reason),
    });
  }

  /** Entry 0 needs nobody's leave: nothing was signed before it, and nothing of it is shown. */
  async #begin(genesis: NewEntry): Promise<void> {
    const { committed } = this.#submit([genesis], true);
    await committed;
    await this.#loop;
    if (this.#state.state === "stopped") throw this.#state.reason;
  }

  /**
   * Log entries that admission has checked. Resolves once they are *published* (I3), with one
   * answer for each in their order. They are logged whole or not at all.
   *
   * Rejects with `OVERLOADED`, `STOPPING`, `WITNESSES_SILENT`, `STORAGE_FULL` or `STORAGE_FAILED`
   * (nothing was logged), `OUTCOME_UNKNOWN` (submit again later: a duplicate gets the original's
   * index), or `STORE_CORRUPT` where the original of a duplicate is damaged.
   */
  async append(entries: readonly NewEntry[]): Promise<readonly Appended[]> {
    const { committed, published } = this.appendDurable(entries);
    await published;
    return committed;
  }

  /**
   * As `append`, and rejects with `NOT_WITNESSED` and the index where the entries are durable and
   * their head has no quorum after so many milliseconds. Submitted again they get their receipt.
   */
  async appendWithin(
    entries: readonly NewEntry[],
    milliseconds: number,
  ): Promise<readonly Appended[]> {
    if (this.#ports.witnessing === undefined) return this.append(entries);
    return this.#publication.within(this.appendDurable(entries), milliseconds);
  }

  /** As `append`, with two answers: an index when durable, the head when provable. Throws the same. */
  appendDurable(entries: readonly NewEntry[]): Submission {
    return this.#submit(entries, false);
  }

  #submit(entries: readonly NewEntry[], isGenesis: boolean): Submission {
    const { state } = this.#state;
    if (state === "stopped" || state === "closing") {
      throw new LogError("STOPPING", "the log takes no entries any more; nothing was logged", {
        hint: "try again when it is back",
      });
    }
    const refusal = isGenesis ? undefined : this.#publication.refusal();
    if (refusal !== undefined) throw refusal;
    if (this.#ports.witnessing !== undefined) {
      const underWay = this.#taken + this.#pool.load.entries;
      this.#publication.mustHaveRoom(entries.length, underWay, this.#limits.unwitnessedEntries);
    }
    const { committed, guarded, published } = this.#pool.add(entries);
    // Not awaited: the loop never rejects, and everybody has a promise of their own.
    this.#loop ??= this.#run(isGenesis);
    return {
      committed: committed.promise,
      guarded: guarded.promise,
      published: published.promise,
      // Holds nothing of the entries: whoever keeps it may keep many.
      leave: () => this.#publication.leave(published),
    };
  }

  /** Resolves when the batch that is planned already, if any, is committed or refused. */
  async settled(): Promise<void> {
    await this.#batch;
  }

  /**
   * The first published head of at least `size`. Rejects where the log ends before there is one.
   */
  async reached(size: number): Promise<PublishedHead> {
    if (this.#state.state === "stopped") throw this.#state.reason;
    const waiter = Promise.withResolvers<PublishedHead>();
    this.#publication.wait(waiter, size);
    return waiter.promise;
  }

  /** What is committed and guarded, published or not: for those who show none of it. */
  readonly committedTree: Omit<CommittedTree, "consistency"> = {
    size: () => this.#position.head.size,
    root: (size) => this.#proofs.root(size),
  };

  /** The newest head that may be shown. */
  published(): PublishedHead {
    return this.#publication.published();
  }

  state(): SequencerState {
    if (this.#state.state !== "ready") return this.#state;
    const refusal = this.#publication.refusal();
    if (refusal !== undefined) return { state: "waiting", reason: refusal };
    const { problem } = this.#publication;
    return problem === undefined ? this.#state : { state: "full", reason: problem };
  }

  /** What waits for its commit, and what is durable and waits for witnesses. */
  load(): PoolLoad {
    const { entries, bytes } = this.#pool.load;
    return { entries: entries + this.#publication.pending, bytes };
  }

  /** For readiness: a log that was full is asked again whether it still is. */
  async recheck(): Promise<SequencerState> {
    if (this.#state.state !== "full") return this.state();
    const reason = await this.#ports.storage.checkRoom().catch(() => undefined);
    // Meanwhile a batch may have ended, either way.
    if (this.#state.state === "full")
      this.#state = reason === undefined ? { state: "ready" } : { state: "full", reason };
    return this.state();
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
    await this.#publication.close();
    if (this.state().state === "stopped") return;
    await this.#ports.guard.close();
    await this.#ports.storage.close();
  }

  async #run(isGenesis: boolean): Promise<void> {
    // One turn of the event loop: requests of the same moment share the first batch.
    await new Promise(setImmediate);
    while (!this.#pool.isEmpty && this.#state.state !== "stopped") {
      const tickets = this.#pool.take();
      const refusal = isGenesis ? undefined : this.#publication.refusal();
      if (refusal !== undefined) {
        for (const ticket of tickets) refuse(ticket, refusal);
        continue;
      }
      this.#taken = tickets.reduce((sum, { entries }) => sum + entries.length, 0);
      const began = this.#ports.clock();
      const batch = this.#commit(tickets);
      this.#batch = batch;
      const outcome = await batch;
      this.#batch = undefined;
      this.#taken = 0;
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

  /** What becomes of the tickets: their index now, step 6 and their head now or later. */
  #settle(tickets: readonly Ticket[], outcome: Outcome, began: number): void {
    // A contradiction may have ended the log while the batch was under way.
    if (this.#state.state === "stopped") {
      for (const ticket of tickets) refuse(ticket, this.#state.reason);
      return;
    }
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
      this.#publication.offer(headOf(outcome.position));
      if (this.#state.state === "full") this.#state = { state: "ready" };
    }
    let answered = 0;
    for (const { ticket, appended } of plan.placed) {
      answered += appended.length;
      ticket.committed.resolve(appended);
      ticket.guarded.resolve();
      this.#publication.wait(ticket.published, sizeFor(appended));
    }
    this.#ports.onPublished?.({
      head: headOf(this.#position),
      entries: plan.entries.length,
      duplicates: answered - plan.entries.length,
      milliseconds: this.#ports.clock() - began,
    });
  }

  /** I5. Everybody who waits hears the same, and nothing is asked of the disk any more. */
  #stop(tickets: readonly Ticket[], reason: LogError): void {
    if (this.#state.state === "stopped") return;
    this.#state = { state: "stopped", reason };
    this.#publication.stop(reason);
    for (const ticket of [...tickets, ...this.#pool.takeAll()]) refuse(ticket, reason);
    this.#ports.onFatal(reason);
  }

  #mustBePublished(size: number): void {
    const published = this.published().size;
    if (size > published) throw beyond(`size ${size}`, published);
  }
}

function headOf({ head: { size, root, checkpoint } }: Position): SignedHead {
  return { size, root, checkpoint };
}

function treeOf(proofs: Proofs): Pick<CommittedTree, "consistency" | "root"> {
  return {
    consistency: (older, newer) => proofs.consistency(older, newer),
    root: (size) => proofs.root(size),
  };
}

function beyond(what: string, limit: number): LogError {
  return new LogError("NOT_FOUND", `${what} is not published`, { limit });
}
