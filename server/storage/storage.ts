/**
 * What the sequencer asks of a storage, as promises about consistency.
 *
 * - Reads see every commit that was answered `committed` before (read-after-write).
 * - `committed` means durable: a power cut a moment later loses nothing of it.
 * - The head moves in `commit` alone, by compare-and-swap on size, root and epoch.
 * - `open` takes the store for one process, for life; a second one is refused (`STORE_LOCKED`).
 *
 * Drivers: `memory/`, `sqlite/`. They share no code; `test/contract/storage.ts` is run over both.
 *
 * @module
 */
import type { LogError } from "../../schema/error.ts";
import type { Hash } from "../../schema/tlog/hash.ts";

/** Where the log stands. `epoch` counts openings of the store and fences a writer that was replaced. */
export interface StoredHead {
  readonly size: number;
  readonly root: Hash;
  readonly epoch: number;
  /** The signed checkpoint of this size; empty at size 0, when nothing was signed yet. */
  readonly checkpoint: Uint8Array;
}

export interface Blob {
  readonly digest: Hash;
  readonly bytes: Uint8Array;
}

/** An entry, checked by admission. */
export interface NewEntry {
  readonly leaf: Uint8Array;
  readonly leafHash: Hash;
  /** SHA-256 of the content, as the leaf names it. */
  readonly contentDigest: Hash;
  /** The content, or `undefined` for an opaque entry. Stored once under its digest. */
  readonly content: Uint8Array | undefined;
  /**
   * Only where an entry comes back from another copy of the log: it was logged with its content,
   * which the log has erased since. `content` is `undefined` then.
   */
  readonly erased?: {
    /** What it posts, where that copy still has it. */
    readonly postings: Uint8Array | undefined;
  };
  /** A key too large for the leaf, stored once under its digest. */
  readonly key: Blob | undefined;
}

/** A hash tile as it is after the batch: `hashes` holds 1 to 256 hashes, the growing tile's prefix. */
export interface TileWrite {
  readonly level: number;
  readonly index: number;
  readonly hashes: Uint8Array;
}

export interface Batch {
  /** In order; the first one gets the index `expected.size`. */
  readonly entries: readonly NewEntry[];
  readonly tiles: readonly TileWrite[];
  readonly size: number;
  readonly root: Hash;
  readonly checkpoint: Uint8Array;
}

export type CommitResult =
  /** Durable. */
  | { readonly state: "committed" }
  /** The head was not the expected one. Nothing was written. */
  | { readonly state: "conflict"; readonly head: StoredHead }
  /** Refused before the point of no return (disk full, say). Nothing was written; may be tried again. */
  | { readonly state: "failed"; readonly error: LogError }
  /** Nobody knows. I5: the process must end. */
  | { readonly state: "unknown"; readonly cause: unknown };

export type EraseResult = Exclude<CommitResult, { readonly state: "conflict" }>;

/** A content that a statement of the log takes out, for good. Its leaves and their proofs stay. */
export interface Erasure {
  readonly digest: Hash;
  /** Index of the statement. */
  readonly statement: number;
  /** What nothing could bring back: the canonical postings of each entry that has the content. */
  readonly postings: readonly { readonly index: number; readonly bytes: Uint8Array }[];
}

/** What the store says of erased contents. */
export interface ErasedContents {
  /** In the order of their statements. */
  readonly contents: readonly Omit<Erasure, "postings">[];
  /** Below this size every erase statement of the log has been carried out. */
  readonly upTo: number;
}

/** What a stored content looks like to a reader. */
export type StoredContent =
  | { readonly state: "held"; readonly bytes: Uint8Array }
  | { readonly state: "never-held" }
  | { readonly state: "erased" };

/** The writing side: one owner, the sequencer. */
export interface Storage {
  /** Random, made by `init`; the head guard carries the same. 16 bytes. */
  readonly databaseId: Uint8Array;
  readonly origin: string;
  /** Where it is, for messages. */
  readonly place: string;
  /** The head as it is on disk now. */
  readHead(): Promise<StoredHead>;
  /** For each leaf hash its index, in the order asked; strong dedup compares all 32 bytes. */
  findLeaves(hashes: readonly Hash[]): Promise<readonly (number | undefined)[]>;
  /**
   * Add a batch and move the head, both or neither. Refuses with `failed`
   * - `STORAGE_FULL` where there is no room: may be tried again;
   * - `INTERNAL` where a leaf hash is not that of its leaf (a bit flipped on the way);
   * - `STORE_CORRUPT` where a tile does not begin with what is stored of it (I4).
   *
   * A rejected promise means the same as `unknown`.
   */
  commit(expected: StoredHead, batch: Batch): Promise<CommitResult>;
  /**
   * Takes contents out, and notes up to which size erase statements are carried out now: all of it
   * or nothing, durable with `committed`. Old copies of their bytes are overwritten where the driver
   * can reach them. Refuses with `failed` as `commit` does.
   */
  erase(erasures: readonly Erasure[], upTo: number): Promise<EraseResult>;
  erased(): Promise<ErasedContents>;
  /** Whether a small batch would find room: `STORAGE_FULL` where it would not. */
  checkRoom(): Promise<LogError | undefined>;
  /** Bytes free for the store, where the system can say. */
  freeBytes(): Promise<number | undefined>;
  readonly reader: StorageReader;
  /** Gives the store back. Nothing may be called after it. */
  close(): Promise<void>;
}

/**
 * The reading side. It knows no published size: callers clamp (I4). Ranges are half-open.
 * A row that is missing although the head covers it throws `STORE_CORRUPT` and names it.
 */
export interface StorageReader {
  /** The stored hashes of a tile, at most 256; `undefined` where there is none yet. */
  tile(level: number, index: number): Uint8Array | undefined;
  leaves(from: number, to: number): readonly Uint8Array[];
  findLeaf(hash: Hash): number | undefined;
  /** Contents of entries `from` to `to`, in order. */
  contents(from: number, to: number): readonly StoredContent[];
  /** Bytes of those contents, 0 where there are none: to bound an answer before reading it. */
  contentSizes(from: number, to: number): readonly number[];
  /** Whether the entry was logged with its content, erased since or not; `false`: opaque for ever. */
  hasContent(index: number): boolean;
  content(digest: Hash): StoredContent;
  /** Entries from `from` to `to` that were logged with the content of this digest. */
  entriesWith(digest: Hash, from: number, to: number): readonly number[];
  /** The postings of an entry whose content was erased: they were kept when it was. */
  keptPostings(index: number): Uint8Array | undefined;
  key(digest: Hash): Uint8Array | undefined;
  /** What `read` answers, all of it from one commit, and in half the time for a handful of rows. */
  together<T>(read: () => T): T;
}
