/**
 * What waits to be sequenced: calls in order of arrival, bounded by entries and bytes.
 *
 * Owned by the loop of log.ts. A call is a unit: its entries go into one batch, so that it is
 * logged whole or not at all.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import type { NewEntry } from "../storage/storage.ts";
import type { Appended, PoolLoad, PublishedHead, SequencerLimits } from "./ports.ts";

/** One call that waits. Each of its promises is settled once. */
export interface Ticket {
  readonly entries: readonly NewEntry[];
  readonly bytes: number;
  readonly committed: PromiseWithResolvers<readonly Appended[]>;
  readonly guarded: PromiseWithResolvers<void>;
  readonly published: PromiseWithResolvers<PublishedHead>;
}

export class Pool {
  readonly #limits: SequencerLimits;
  #waiting: Ticket[] = [];
  #load = { entries: 0, bytes: 0 };

  constructor(limits: SequencerLimits) {
    this.#limits = limits;
  }

  get load(): PoolLoad {
    return { ...this.#load };
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Throws `OVERLOADED` where too much waits already. A call alone is always taken. */
  add(entries: readonly NewEntry[]): Ticket {
    const bytes = bytesOf(entries);
    const { poolEntries, poolBytes } = this.#limits;
    const tooMany = this.#load.entries + entries.length > poolEntries;
    if (!this.isEmpty && (tooMany || this.#load.bytes + bytes > poolBytes)) {
      throw new LogError("OVERLOADED", "too many entries are waiting to be sequenced", {
        limit: tooMany ? poolEntries : poolBytes,
        expected: tooMany ? "entries that wait" : "bytes that wait",
        hint: "try again in a second",
      });
    }
    const ticket: Ticket = {
      entries,
      bytes,
      committed: Promise.withResolvers(),
      guarded: Promise.withResolvers(),
      published: Promise.withResolvers(),
    };
    // Whoever asks for one of the promises need not listen to the others.
    ticket.committed.promise.catch(() => undefined);
    ticket.guarded.promise.catch(() => undefined);
    ticket.published.promise.catch(() => undefined);
    this.#waiting.push(ticket);
    this.#count(ticket, 1);
    return ticket;
  }

  /** The next batch: as many calls as the limits let in, at least one. */
  take(): readonly Ticket[] {
    const { batchEntries, batchBytes } = this.#limits;
    let entries = 0;
    let bytes = 0;
    let count = 0;
    for (const ticket of this.#waiting) {
      entries += ticket.entries.length;
      bytes += ticket.bytes;
      if (count > 0 && (entries > batchEntries || bytes > batchBytes)) break;
      count++;
    }
    return this.#remove(count);
  }

  takeAll(): readonly Ticket[] {
    return this.#remove(this.#waiting.length);
  }

  #remove(count: number): readonly Ticket[] {
    const taken = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    for (const ticket of taken) this.#count(ticket, -1);
    return taken;
  }

  #count(ticket: Ticket, sign: 1 | -1): void {
    this.#load.entries += sign * ticket.entries.length;
    this.#load.bytes += sign * ticket.bytes;
  }
}

/** What a ticket still waits for fails for one reason. */
export function refuse(ticket: Ticket, reason: unknown): void {
  ticket.committed.reject(reason);
  ticket.guarded.reject(reason);
  ticket.published.reject(reason);
}

function bytesOf(entries: readonly NewEntry[]): number {
  let bytes = 0;
  for (const { leaf, content, key } of entries)
    bytes += leaf.length + (content?.length ?? 0) + (key?.bytes.length ?? 0);
  return bytes;
}
