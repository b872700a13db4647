/**
 * Giving promises: what a log signs for an entry that is durable and not published yet.
 *
 * - P1  Never two promises for one index: a promise is given only for an entry that is committed and
 *       guarded, at a time that is durable before anything is signed, and what was promised by
 *       another history of this log is promised to nobody.
 * - I6  Only after the guard: the range that gets a time ends at a guarded head.
 * - I7  The time is the log clock's. Where it gives none, there is no promise.
 * - I8  Before a promise is signed its leaf is read back and hashed.
 *
 * A promise is made of the leaf hash, the index and the time and deadline of its range, and the
 * signature is deterministic (Ed25519): so the bytes of a promise need not be kept, and a duplicate
 * gets the same ones, also from a process that has started since. A crash between the file and the
 * answer leaves a time that nobody has heard of, and the next process gives out that one.
 *
 * Ranges that are published leave memory and file with the next write; their entries have receipts.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { type Hash, leafHash, type Sha256 } from "../../schema/tlog/hash.ts";
import type { LogClock } from "../log-clock.ts";
import type { CommittedTree } from "../sequencer/ports.ts";
import type { StorageReader } from "../storage/storage.ts";
import {
  MAX_PROMISED_RANGES,
  type PromisedRange,
  type PromiseMemory,
  type PromiseStore,
} from "./store.ts";

/** What a promise says beside its origin; the log's key makes the note of it. */
export interface NewPromise {
  readonly leafHash: Hash;
  readonly index: number;
  readonly time: number;
  readonly deadline: number;
}

export interface PromisePorts {
  readonly store: PromiseStore;
  /** What is committed and guarded. */
  readonly tree: Pick<CommittedTree, "size" | "root">;
  readonly published: () => { readonly size: number };
  readonly reader: Pick<StorageReader, "leaves">;
  readonly clock: Pick<LogClock, "now"> & { readonly prepare: () => Promise<void> };
  /** Deterministic. */
  readonly sign: (promise: NewPromise) => Promise<Uint8Array>;
  readonly sha256: Sha256;
  readonly deadlineSeconds: number;
}

/** An entry that is committed and guarded. */
export interface PromisedEntry {
  readonly index: number;
  readonly leafHash: Hash;
}

export class Promises {
  readonly #ports: PromisePorts;
  #memory: PromiseMemory;
  #writing: Promise<void> | undefined;

  /** Throws what the store throws: then it is not known what was promised, and nothing may be. */
  static async open(ports: PromisePorts): Promise<Promises> {
    return new Promises(ports, ofThisHistory(await ports.store.read(), ports.tree));
  }

  private constructor(ports: PromisePorts, memory: PromiseMemory) {
    this.#ports = ports;
    this.#memory = memory;
  }

  /**
   * A promise for each entry, or `undefined` where none may be given any more: the entry is
   * published, or another history of this log had its index.
   *
   * Throws `CLOCK_REFUSED` where the log has no time, `STORAGE_FULL` or `STORAGE_FAILED` where the
   * time cannot be kept, `STORE_CORRUPT` where an entry is not what its hash says.
   */
  async give(entries: readonly PromisedEntry[]): Promise<readonly (Uint8Array | undefined)[]> {
    const size = entries.reduce((most, { index }) => Math.max(most, index + 1), 0);
    if (size > this.#ports.tree.size())
      throw new LogError("INTERNAL", "a promise was asked for an entry that is not guarded");
    while (this.#covered < size) {
      this.#writing ??= this.#cover().finally(() => {
        this.#writing = undefined;
      });
      await this.#writing;
    }
    const given: (Uint8Array | undefined)[] = [];
    for (const entry of entries) given.push(await this.#sign(entry));
    return given;
  }

  /** Every entry below has a time, or needs none. */
  get #covered(): number {
    return this.#memory.ranges.at(-1)?.size ?? this.#memory.floor;
  }

  /** Gives a time to all that is guarded and has none, durably. */
  async #cover(): Promise<void> {
    const { clock, deadlineSeconds, published, store, tree } = this.#ports;
    await clock.prepare();
    const time = clock.now();
    const range = { time, deadline: time + deadlineSeconds };
    const kept = withoutPublished(this.#memory, published().size);
    const size = tree.size();
    const next =
      size <= kept.floor ? kept : extended(kept, { ...range, size, root: tree.root(size) });
    await store.write(next);
    this.#memory = next;
  }

  async #sign({ index, leafHash: hash }: PromisedEntry): Promise<Uint8Array | undefined> {
    const { reader, sha256, sign } = this.#ports;
    const { floor, ranges } = this.#memory;
    // Mostly it is one of the last.
    const before = ranges.findLastIndex(({ size }) => size <= index);
    const range = index < floor ? undefined : ranges[before + 1];
    if (range === undefined) return undefined;
    const [leaf] = reader.leaves(index, index + 1);
    if (leaf === undefined || !equal(leafHash(sha256, leaf), hash))
      throw new LogError("STORE_CORRUPT", `The leaf of entry ${index} has another hash.`, {
        field: `entries[${index}]`,
        hint: "the operator should run fsck",
      });
    return sign({ index, leafHash: hash, time: range.time, deadline: range.deadline });
  }
}

/** Entries of one second have one line. */
function extended({ floor, ranges }: PromiseMemory, range: PromisedRange): PromiseMemory {
  const last = ranges.at(-1);
  const same = last?.time === range.time && last.deadline === range.deadline;
  if (!same && ranges.length >= MAX_PROMISED_RANGES)
    throw new LogError("OVERLOADED", "too many promises wait to be kept", {
      limit: MAX_PROMISED_RANGES,
      expected: "seconds in which something was promised and is not published",
    });
  return { floor, ranges: [...(same ? ranges.slice(0, -1) : ranges), range] };
}

function withoutPublished({ floor, ranges }: PromiseMemory, published: number): PromiseMemory {
  if (published <= floor) return { floor, ranges };
  return { floor: published, ranges: ranges.filter(({ size }) => size > published) };
}

/**
 * P1. What was promised beyond this log's end, or under another root, was promised by a history that
 * is lost. It cannot be taken back, so nothing more is promised up to there.
 */
function ofThisHistory(
  { floor, ranges }: PromiseMemory,
  tree: Pick<CommittedTree, "size" | "root">,
): PromiseMemory {
  const isOurs = ({ size, root }: PromisedRange): boolean =>
    size <= tree.size() && equal(tree.root(size), root);
  const foreign = ranges.findLast((range) => !isOurs(range));
  if (foreign === undefined) return { floor, ranges };
  return { floor: foreign.size, ranges: ranges.filter(({ size }) => size > foreign.size) };
}
