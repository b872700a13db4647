/** The sequencer. @module */
import type { Hash } from "../../schema/tlog/hash.ts";
import type { NewEntry } from "../storage/storage.ts";
import type {
  Appended,
  PoolLoad,
  PublishedHead,
  SequencerPorts,
  SequencerState,
  Submission,
} from "./ports.ts";

export declare class Sequencer {
  private constructor();
  /** Proves that this process continues its own past (I6), then takes appends. */
  static open(ports: SequencerPorts): Promise<Sequencer>;
  /** Resolves once published (I3). The entries of one call are logged whole or not at all. */
  append(entries: readonly NewEntry[]): Promise<readonly Appended[]>;
  /** As `append`, for the batch endpoint: two answers. */
  appendDurable(entries: readonly NewEntry[]): Submission;
  published(): PublishedHead;
  state(): SequencerState;
  load(): PoolLoad;
  /** Asks a full storage whether there is room again; for readiness probes. */
  recheck(): Promise<SequencerState>;
  /** Inclusion proof of a published entry, checked before it is returned (I8). */
  inclusion(index: number, head: PublishedHead, leafHash: Hash): readonly Hash[];
  consistency(older: number, newer: number): readonly Hash[];
  /** Stops taking, sequences what waits, closes storage and guard. */
  close(): Promise<void>;
}
