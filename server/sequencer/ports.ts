/**
 * What the sequencer needs, and what it gives. There is no clock, key, file or logger hidden
 * elsewhere in this folder: everything it may touch is named here and passed in.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import type { LogError } from "../../schema/error.ts";
import type { TreeHead } from "../../schema/tlog/proof.ts";
import type { NewEntry, Storage } from "../storage/storage.ts";

/** A head that anybody may see: durable, guarded, and the newest that this process answers with. */
export interface PublishedHead extends TreeHead {
  /** The signed note, as it is served at `/checkpoint`. Empty at size 0 only. */
  readonly checkpoint: Uint8Array;
}

/** Where an entry went. */
export interface Appended {
  readonly index: number;
  /** The leaf was there before, or came twice in one batch: `index` is the original's (I8). */
  readonly duplicate: boolean;
  /**
   * The original is opaque, and this entry brings the content: it is for the caller to append the
   * entry's twin, which carries it.
   */
  readonly needsTwin?: true;
}

/** The two moments of an entry for those who answer twice: on disk, and provable. */
export interface Submission {
  /** The entries are durable under these indexes. No receipt may be given yet (I3). */
  readonly committed: Promise<readonly Appended[]>;
  /** The first published head that covers them all. */
  readonly published: Promise<PublishedHead>;
}

/**
 * Makes the checkpoint of a head, in memory only: nothing may leave the process by signing.
 * Deterministic is welcome, not required.
 */
export interface CheckpointSigner {
  readonly origin: string;
  /** Verifier keys (C2SP signed-note) under which every checkpoint of this log verifies. */
  readonly vkeys: readonly string[];
  readonly sign: (head: TreeHead) => Promise<Uint8Array>;
  /**
   * Whether entry 0 is the genesis of this signer's log. Throws `KEY_MISMATCH`, or `STORE_CORRUPT`
   * for what is no genesis.
   */
  readonly checkGenesis: (leaf: Uint8Array, content: Uint8Array | undefined) => void;
}

/** The newest head that this log's key has signed for others, kept outside the store (I6). */
export interface GuardedHead extends TreeHead {
  readonly origin: string;
  /** 16 random bytes, the same as in the store: a guard belongs to one store. */
  readonly databaseId: Uint8Array;
  /** The signed note of this size; empty at size 0, where nothing was signed. */
  readonly checkpoint: Uint8Array;
}

/**
 * The head guard.
 *
 * - `write` is durable when it returns, and whole or not at all after a crash.
 * - A rejected or unanswered `write` may have happened.
 * - Whoever opened it holds it alone, for life (`STORE_LOCKED` otherwise).
 */
export interface HeadGuard {
  /** Where it is, for messages. */
  readonly place: string;
  /** `undefined` where there is none. Throws `STORE_CORRUPT` where it cannot be read as a guard. */
  read(): Promise<GuardedHead | undefined>;
  /**
   * Prepares the next `write`, so that what it needs (room, an inode) is had before the store
   * commits. The guard itself stays. Throws `STORAGE_FULL` where there is no room.
   */
  stage(): Promise<void>;
  /** Replaces the guard. Throws `GUARD_MISSING` where there is none: only `init` makes one. */
  write(head: GuardedHead): Promise<void>;
  close(): Promise<void>;
}

export interface SequencerLimits {
  /** Entries of one commit. A single call may bring more; then it is a batch of its own. */
  readonly batchEntries: number;
  /** Bytes (leaves, contents, keys) of one commit, in the same way. */
  readonly batchBytes: number;
  /** Entries that may wait; beyond it callers get `OVERLOADED`. */
  readonly poolEntries: number;
  /** Bytes that may wait. */
  readonly poolBytes: number;
  /** Milliseconds after which an unanswered commit or guard write is an unknown outcome (I5). */
  readonly deadline: number;
}

export const DEFAULT_LIMITS: SequencerLimits = {
  batchEntries: 4_096,
  batchBytes: 64 * 1_048_576,
  poolEntries: 65_536,
  poolBytes: 256 * 1_048_576,
  deadline: 30_000,
};

export interface SequencerPorts {
  readonly storage: Storage;
  readonly guard: HeadGuard;
  readonly signer: CheckpointSigner;
  readonly crypto: Crypto;
  /** Wall time in milliseconds. Only measured, never signed or stored: no jump of it matters (I7). */
  readonly clock: () => number;
  /** Called once, when the sequencer stopped for good (I5). The process should end soon after. */
  readonly onFatal: (reason: LogError) => void;
  /** Told after each publication. Must not throw. */
  readonly onPublished?: (event: BatchEvent) => void;
  /**
   * Entry 0, appended where the log is still without entries. Left out by everybody but `init`:
   * then a log without entries is refused, because its `init` did not finish.
   */
  readonly genesis?: NewEntry;
  readonly limits?: Partial<SequencerLimits>;
}

/** One batch, as metrics see it. Times in milliseconds by the port's clock. */
export interface BatchEvent {
  readonly head: PublishedHead;
  /** New leaves. */
  readonly entries: number;
  /** Duplicates answered with the batch. */
  readonly duplicates: number;
  readonly milliseconds: number;
}

/**
 * - `ready`: appends are taken.
 * - `full`: the last batch found no room; reads go on, and the next append tries again.
 * - `closing`: `close` was called; what waits is still sequenced.
 * - `stopped`: for good. `reason` says why; only a new process goes on from here.
 */
export type SequencerState =
  | { readonly state: "ready" }
  | { readonly state: "full"; readonly reason: LogError }
  | { readonly state: "closing" }
  | { readonly state: "stopped"; readonly reason: LogError };

/** What waits, for limits and metrics. */
export interface PoolLoad {
  readonly entries: number;
  readonly bytes: number;
}
