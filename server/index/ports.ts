/**
 * What the index of a running log needs, and how it stands.
 *
 * @module
 */
import type { LogError } from "../../schema/error.ts";
import type { Generation } from "../../schema/index/generation.ts";
import type { StatedEnd } from "../../schema/index/index-end.ts";
import type { IndexedLog } from "../../schema/index/mapfn.ts";
import type { Hash, Sha256 } from "../../schema/tlog/hash.ts";
import type { PublishedHead } from "../sequencer/ports.ts";
import type { NewEntry, StorageReader } from "../storage/storage.ts";
import type { IndexStanding } from "./protocol.ts";

/** A log as the index sees it: its published part. */
export interface FollowedLog {
  readonly published: () => PublishedHead;
  readonly reader: Pick<StorageReader, "leaves" | "contents" | "key" | "together">;
  readonly inclusion: (index: number, head: PublishedHead, leafHash: Hash) => readonly Hash[];
}

/** The index log: a log like any other, with one writer. */
export interface IndexLogPort extends FollowedLog {
  /** Leaves that are committed, published or not. */
  readonly committed: () => Promise<number>;
  /** Resolves when the leaf is durable. */
  readonly append: (entries: readonly NewEntry[]) => Promise<unknown>;
  /** Resolves when so many leaves are published: with index verifiers, when their quorum has come. */
  readonly reached: (size: number) => Promise<unknown>;
  /** Why no leaf may be signed now. */
  readonly refusal: () => LogError | undefined;
}

export interface IndexPorts {
  readonly sha256: Sha256;
  readonly log: IndexedLog;
  readonly generation: Generation;
  /** The script of its thread, which has to know the mapfn; by default the one of this folder. */
  readonly worker?: URL;
  readonly folder: string;
  readonly logDatabase: string;
  readonly main: FollowedLog;
  readonly index: IndexLogPort;
  /** Where the log has ended it already. */
  readonly end?: StatedEnd;
  /** Milliseconds, for pauses only. */
  readonly clock: () => number;
  /** At most one leaf in so many milliseconds; in twice as many where steps are dear. */
  readonly stepMs?: number;
  /** Told of every leaf that is published, with the keys that have different values now. */
  readonly onLeaf?: (leafIndex: number, contradicted: readonly Hash[]) => void;
  /** Told when a step failed; the index goes on or not as `status` says. */
  readonly onTrouble?: (reason: LogError) => void;
}

export type IndexState =
  | { readonly state: "ready" }
  /** For its verifiers. Nothing is wrong here; look-ups show the leaf before. */
  | { readonly state: "waiting"; readonly reason: LogError }
  /** The last step failed and is tried again. */
  | { readonly state: "failing"; readonly reason: LogError }
  /** The log has stated that there is no further leaf. */
  | { readonly state: "ended"; readonly end: StatedEnd }
  /** For good. */
  | { readonly state: "stopped"; readonly reason: LogError };

export interface IndexStatus extends IndexStanding {
  readonly state: IndexState;
  /** Entries that are published and not indexed. */
  readonly lagEntries: number;
  /** Milliseconds since the index last had everything that was published. */
  readonly lagMs: number;
}
