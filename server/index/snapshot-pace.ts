/**
 * When a snapshot of the map is written: when a start would have to go through too many entries
 * again, or when there are some and it has been long.
 *
 * A snapshot is as large as the map, so that the entries it waits for grow with the log. It is
 * written slice by slice; between two of them steps and look-ups have their turn.
 *
 * @module
 */
import type { IndexStanding } from "./protocol.ts";

/** This part of the entries, and never fewer than so many. */
const SHARE = 1 / 16;
const LEAST_ENTRIES = 32_768;
const LONGEST_MS = 600_000;
const PAUSE_MS = 20;

export interface SnapshotPacePorts {
  /** Milliseconds, for pauses only. */
  readonly clock: () => number;
  /** Writes the next slice, and answers whether there is more. */
  readonly write: () => Promise<boolean>;
  /** Told of a snapshot that could not be written; the one before it is still there. */
  readonly onTrouble: (reason: unknown) => void;
}

export class SnapshotPace {
  readonly #ports: SnapshotPacePorts;
  #beganAt: number;
  #running: Promise<void> | undefined;
  #closing = false;

  constructor(ports: SnapshotPacePorts) {
    this.#ports = ports;
    this.#beganAt = ports.clock();
  }

  /** Begins one where it is due and none is being written. */
  consider({ size, snapshotSize }: Pick<IndexStanding, "size" | "snapshotSize">): void {
    const { clock, onTrouble } = this.#ports;
    const behind = size - snapshotSize;
    const due =
      behind >= Math.max(LEAST_ENTRIES, size * SHARE) ||
      (behind > 0 && clock() - this.#beganAt >= LONGEST_MS);
    if (!due || this.#running !== undefined || this.#closing) return;
    this.#beganAt = clock();
    this.#running = this.#write()
      .catch(onTrouble)
      .then(() => {
        this.#running = undefined;
      });
  }

  /** Leaves off after the slice that is under way. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#running;
  }

  async #write(): Promise<void> {
    while (!this.#closing && (await this.#ports.write()))
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
