/**
 * When a snapshot of the map is written: when a start would have to set too many values in the map
 * of the one before, or when there are some and it has been long.
 *
 * A snapshot is as large as the map, so that the changes it waits for grow with the map. It is
 * written slice by slice; between two of them steps and look-ups have their turn, and then the
 * snapshot has as much time as they had: a step over thousands of entries takes a second, and with
 * one slice behind each of them a large snapshot would be old before it is whole.
 *
 * @module
 */
import type { IndexStanding } from "./protocol.ts";

/** As many changes as this part of the keys, and never fewer than so many: about a second of a start. */
const SHARE = 1 / 64;
const LEAST_CHANGES = 131_072;
const LONGEST_MS = 600_000;
const PAUSE_MS = 20;
/** A look-up waits no longer than this for a snapshot, whatever came before it. */
const LONGEST_TURN_MS = 1_000;

/** Changes behind a snapshot of a map with so many keys that make the next one due. */
export function changesDue(keys: number): number {
  return Math.max(LEAST_CHANGES, keys * SHARE);
}

export interface SnapshotPacePorts {
  /** Milliseconds, for pauses only. */
  readonly clock: () => number;
  /** Writes slices for about so long, and answers whether there is more. */
  readonly write: (milliseconds: number) => Promise<boolean>;
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
  consider({ keys, snapshotChanges }: Pick<IndexStanding, "keys" | "snapshotChanges">): void {
    const { clock, onTrouble } = this.#ports;
    const due =
      snapshotChanges >= changesDue(keys) ||
      (snapshotChanges > 0 && clock() - this.#beganAt >= LONGEST_MS);
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
    const { clock, write } = this.#ports;
    for (let turn = 0; !this.#closing; ) {
      const asked = clock();
      if (!(await write(turn))) return;
      const others = Math.max(0, clock() - asked - turn);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      turn = Math.min(LONGEST_TURN_MS, others + PAUSE_MS);
    }
  }
}
