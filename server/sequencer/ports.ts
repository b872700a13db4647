/**
 * What the sequencer needs, and what it gives. There is no clock, key, file or logger hidden
 * elsewhere in this folder: everything it may touch is named here and passed in.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import type { LogError } from "../../schema/error.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import type { TreeHead } from "../../schema/tlog/proof.ts";
import type { NewEntry, Storage } from "../storage/storage.ts";

/** A head with the note that states it. */
export interface SignedHead extends TreeHead {
  /** The signed note. Empty at size 0 only. */
  readonly checkpoint: Uint8Array;
}

/**
 * A head that anybody may see: durable, guarded, witnessed where there is a policy, and the newest
 * that this process answers with. Its note is served at `/checkpoint`.
 */
export type PublishedHead = SignedHead;

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

/** The moments of an entry for those who answer before it is published. */
export interface Submission {
  /** The entries are durable under these indexes. No receipt may be given yet (I3). */
  readonly committed: Promise<readonly Appended[]>;
  /** Their head is in the guard: from here on it may be said that they are in the log (I6). */
  readonly guarded: Promise<void>;
  /** The first published head that covers them all. */
  readonly published: Promise<PublishedHead>;
  /** Nobody listens to `published` any more: it may stay unanswered. */
  readonly leave: () => void;
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

/** What a round of witnesses asks about the tree: all that is committed, published or not. */
export interface CommittedTree {
  /** The size that is committed and guarded: what this log has signed. */
  readonly size: () => number;
  readonly consistency: (older: number, newer: number) => readonly Hash[];
  readonly root: (size: number) => Hash;
}

/** Whom the witnesses report to. */
export interface CosignHost {
  readonly tree: CommittedTree;
  /** A note under the log's own key contradicts its tree: the log ends for good. */
  readonly contradicted: (reason: LogError) => void;
  /** A head that had its quorum got more lines. */
  readonly late: (head: SignedHead) => void;
  /** What `due` says has changed. */
  readonly changed: () => void;
}

/** Those who must have seen a head before anybody else does (I9). Left out where there is no policy. */
export interface Cosigners {
  readonly attach: (host: CosignHost) => void;
  /** Why nothing may be signed now (I6, or no quorum remains); `undefined` where it may. */
  readonly refusal: () => LogError | undefined;
  /** Whether the lines of its note are a quorum of the running policy. */
  readonly isWitnessed: (head: SignedHead) => Promise<boolean>;
  /** Milliseconds until a round for this head makes sense; 0 is now. */
  readonly due: (head: SignedHead, isPublished: boolean) => number;
  /** One round, one at a time: the head with a quorum of lines, or `undefined` where none came. */
  readonly round: (head: SignedHead) => Promise<SignedHead | undefined>;
  readonly close: () => Promise<void>;
}

/**
 * Where the published note outlives the process.
 *
 * - `write` is durable when it returns, and whole or not at all after a crash.
 * - A rejected `write` may have happened; writing again is safe.
 */
export interface PublishedNotes {
  readonly place: string;
  /** `undefined` where there is none. */
  readonly read: () => Promise<Uint8Array | undefined>;
  readonly write: (note: Uint8Array) => Promise<void>;
}

export interface Witnessing {
  readonly cosigners: Cosigners;
  readonly notes: PublishedNotes;
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
  /** Entries that may be durable and not witnessed; beyond it callers get `OVERLOADED`. */
  readonly unwitnessedEntries: number;
}

export const DEFAULT_LIMITS: SequencerLimits = {
  batchEntries: 4_096,
  batchBytes: 64 * 1_048_576,
  poolEntries: 65_536,
  poolBytes: 256 * 1_048_576,
  deadline: 30_000,
  unwitnessedEntries: 65_536,
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
  /** Told when a batch is committed and guarded: its publication, where there are no witnesses. */
  readonly onPublished?: (event: BatchEvent) => void;
  /** Why no new entry may name a content, asked for each when its batch is planned. */
  readonly refuses?: (contentDigest: Hash) => LogError | undefined;
  /** Left out: a head is published when it is guarded. */
  readonly witnessing?: Witnessing;
  /**
   * Entry 0, appended where the log is still without entries. Left out by everybody but `init`:
   * then a log without entries is refused, because its `init` did not finish.
   */
  readonly genesis?: NewEntry;
  readonly limits?: Partial<SequencerLimits>;
}

/** One batch, as metrics see it. Times in milliseconds by the port's clock. */
export interface BatchEvent {
  /** The committed head. */
  readonly head: SignedHead;
  /** New leaves. */
  readonly entries: number;
  /** Duplicates answered with the batch. */
  readonly duplicates: number;
  readonly milliseconds: number;
}

/**
 * - `ready`: appends are taken.
 * - `full`: the last batch found no room; reads go on, and the next append tries again.
 * - `waiting`: the log may not sign until its witnesses have answered (I6); reads go on.
 * - `closing`: `close` was called; what waits is still sequenced.
 * - `stopped`: for good. `reason` says why; only a new process goes on from here.
 */
export type SequencerState =
  | { readonly state: "ready" }
  | { readonly state: "full"; readonly reason: LogError }
  | { readonly state: "waiting"; readonly reason: LogError }
  | { readonly state: "closing" }
  | { readonly state: "stopped"; readonly reason: LogError };

/** What waits, for limits and metrics. */
export interface PoolLoad {
  readonly entries: number;
  readonly bytes: number;
}
