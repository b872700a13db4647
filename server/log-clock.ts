/**
 * The clock of what the log signs: time stamps, promises, its own cosignatures.
 *
 * - I7  A time that was given out never comes back smaller, not after a restart either, and a jump
 *       of the machine's clock forward is not believed before somebody else's time agrees.
 *
 * Never back. A small file (`clock-file.ts`) says up to which second times may have been given
 * out. It is written ahead by a lease of {@link LEASE_SECONDS}, so that a busy log writes it twice
 * in that time and an idle one never; a clean end writes the last second itself. After a crash the
 * lease has to run out first. Whoever asks often calls `prepare` before `now`: then the file is
 * written while the lease still runs, and no fsync holds up the main thread. A clock that is one second behind (a correction,
 * a leap second) gets the last second again; one that is further behind gets `CLOCK_REFUSED` until
 * it has caught up.
 *
 * Forward. While the process runs, the machine's clock is held against the monotonic one: more than
 * {@link MAX_JUMP_SECONDS} ahead, all steps since the start together, is a jump. At a start only
 * the file can be asked: more than {@link MAX_PAUSE_SECONDS} after it is a jump or a long rest, and
 * nobody here can tell which. A witness can: a time of its own within {@link MAX_JUMP_SECONDS} of the
 * machine's ends the refusal. Without witnesses a person does, by `countersign clock --believe`
 * while the log is stopped. What was believed cannot be taken back: a clock far ahead that somebody
 * confirmed has to be waited for.
 *
 * Entries need no time: whatever this refuses, the log goes on appending.
 *
 * @module
 */
import { LogError } from "../schema/error.ts";

/** How far ahead of the last time the file is written, and how long a crash can hold times up. */
export const LEASE_SECONDS = 10;
/** A running process believes the machine's clock to be this far ahead of what it measured. */
export const MAX_JUMP_SECONDS = 600;
/** A start believes that the log has rested this long: a day. */
export const MAX_PAUSE_SECONDS = 86_400;
/** A clock that is this far behind gets the last second again. */
const MAX_SLIP_SECONDS = 1;

/** What signs a time asks this one, and no other. */
export interface LogClock {
  /**
   * Whole seconds since 1970, never less than any value given out before.
   * @throws LogError CLOCK_REFUSED
   */
  now(): number;
  /** The time that a trusted witness has just signed, in seconds since 1970. */
  witnessed(seconds: number): void;
}

/** Whether a time can be given out, for `/readyz` and `doctor`. Asking writes nothing. */
export type ClockState =
  | { readonly state: "ready"; readonly seconds: number }
  /** Behind by so little that it is a lease which runs out, or a slip. */
  | { readonly state: "waiting"; readonly reason: ClockRefusal }
  | { readonly state: "refused"; readonly reason: ClockRefusal };

export interface ClockRefusal {
  readonly message: string;
  readonly hint: string;
  /** Seconds after which it may be over by itself. */
  readonly retryAfter?: number;
}

/** The log's clock as the process holds it, from its start to its end. */
export interface HeldClock extends LogClock {
  /** Has the next times written down ahead, so that `now` need not. Never rejects. */
  prepare(): Promise<void>;
  state(): ClockState;
  /** Gives back what is left of the lease. Nothing is written after it, and it never rejects. */
  close(): Promise<void>;
}

/** The file of the clock. Whoever uses it holds the head guard beside it. */
export interface ClockStore {
  /** Where it is, for messages. */
  readonly place: string;
  /**
   * The second up to which times may have been given out; `undefined` where there is no file.
   * @throws LogError STORE_CORRUPT, STORE_NEWER, FILE_UNREADABLE
   */
  read(): number | undefined;
  /** Durable when it returns, and whole or not at all after a crash. */
  write(until: number): void;
  /**
   * The same without holding up the main thread. `wanted` is asked when the file is about to be
   * replaced, in the same turn: where it says no, the file stays as it is.
   */
  writeAhead(until: number, wanted: () => boolean): Promise<void>;
}

export interface ClockPorts {
  readonly store: ClockStore;
  /** The machine's clock, milliseconds since 1970. */
  readonly wall: () => number;
  /** Milliseconds since anything, never stepped. */
  readonly monotonic: () => number;
}

/** What the machine's clock is measured from. */
interface Anchor {
  readonly seconds: number;
  readonly monotonic: number;
  /** How far ahead of the measure it may be. */
  readonly bound: number;
}

export function openClock(ports: ClockPorts): HeldClock {
  const { store } = ports;
  try {
    const until = store.read();
    if (until !== undefined) return new DurableClock(ports, until);
    return new NoClock({
      message: `there is no clock file ${store.place}`,
      hint: "stop the log and run `countersign clock --believe TIME`, which makes one",
    });
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    return new NoClock({
      message: error.message,
      hint: error.detail.hint ?? "see docs/operate.md",
    });
  }
}

class DurableClock implements HeldClock {
  readonly #ports: ClockPorts;
  /** No smaller time is given out. */
  #floor: number;
  /** No greater time has been given out, whatever happens next: this is on the disk. */
  #until: number;
  /** What the file says, or will say once a write in flight is durable. */
  #inFile: number;
  #anchor: Anchor;
  #preparing: Promise<void> | undefined;
  #closed = false;

  constructor(ports: ClockPorts, until: number) {
    this.#ports = ports;
    this.#floor = until;
    this.#until = until;
    this.#inFile = until;
    this.#anchor = { seconds: until, monotonic: ports.monotonic(), bound: MAX_PAUSE_SECONDS };
    // A start that believes its machine measures from there on; one that does not goes on asking.
    const wall = this.#wall();
    if (wall >= until && wall - until <= MAX_PAUSE_SECONDS) this.#believe(wall);
  }

  now(): number {
    if (this.#closed)
      throw new LogError("STOPPING", "The log is shutting down; no time is signed.", {
        hint: "ask again when the log is back",
      });
    const state = this.state();
    if (state.state !== "ready") throw refused(state.reason);
    const { seconds } = state;
    if (this.#anchor.bound !== MAX_JUMP_SECONDS) this.#believe(seconds);
    if (seconds > this.#until) this.#extend(seconds + LEASE_SECONDS);
    this.#floor = seconds;
    return seconds;
  }

  async prepare(): Promise<void> {
    const state = this.state();
    if (state.state !== "ready" || state.seconds + LEASE_SECONDS / 2 <= this.#until) return;
    this.#preparing ??= this.#writeAhead(state.seconds + LEASE_SECONDS);
    if (state.seconds > this.#until) await this.#preparing;
  }

  witnessed(seconds: number): void {
    const wall = this.#wall();
    // A time before what was given out is refused whoever shares it, and nothing is measured from it.
    if (wall + MAX_SLIP_SECONDS < this.#floor) return;
    if (Math.abs(seconds - wall) <= MAX_JUMP_SECONDS) this.#believe(wall);
  }

  state(): ClockState {
    const wall = this.#wall();
    const behind = this.#floor - wall;
    if (behind > MAX_SLIP_SECONDS) {
      const waiting = behind <= LEASE_SECONDS + MAX_SLIP_SECONDS;
      return { state: waiting ? "waiting" : "refused", reason: wentBack(this.#floor, behind) };
    }
    const { seconds, monotonic, bound } = this.#anchor;
    const measured = seconds + (this.#ports.monotonic() - monotonic) / 1000;
    if (wall - measured > bound)
      return { state: "refused", reason: jumped(wall, Math.floor(measured), bound) };
    return { state: "ready", seconds: Math.max(wall, this.#floor) };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#preparing;
    if (this.#inFile <= this.#floor) return;
    try {
      this.#ports.store.write(this.#floor);
      this.#inFile = this.#floor;
    } catch {
      // The lease on the disk stays true; the next start waits for it.
    }
  }

  #wall(): number {
    return Math.floor(this.#ports.wall() / 1000);
  }

  #believe(seconds: number): void {
    const monotonic = this.#ports.monotonic();
    this.#anchor = { seconds, monotonic, bound: MAX_JUMP_SECONDS };
  }

  /** A write that was overtaken, or comes after the end, must not replace a later one. */
  async #writeAhead(until: number): Promise<void> {
    let taken = false;
    try {
      await this.#ports.store.writeAhead(until, () => {
        taken = !this.#closed && until > this.#inFile;
        if (taken) this.#inFile = until;
        return taken;
      });
      if (taken) this.#until = Math.max(this.#until, until);
    } catch {
      // `now` writes it itself then, and says what is wrong.
    } finally {
      this.#preparing = undefined;
    }
  }

  #extend(until: number): void {
    try {
      this.#ports.store.write(until);
    } catch (cause) {
      const { place } = this.#ports.store;
      throw new LogError("CLOCK_REFUSED", `the clock file ${place} cannot be written`, {
        field: place,
        hint: "free space for the folder of the head guard; times are signed again by themselves",
        cause,
      });
    }
    this.#until = until;
    this.#inFile = until;
  }
}

/** A log whose clock file is missing or unreadable signs no times. */
class NoClock implements HeldClock {
  readonly #reason: ClockRefusal;

  constructor(reason: ClockRefusal) {
    this.#reason = reason;
  }

  now(): number {
    throw refused(this.#reason);
  }

  async prepare(): Promise<void> {}

  witnessed(): void {}

  state(): ClockState {
    return { state: "refused", reason: this.#reason };
  }

  async close(): Promise<void> {}
}

function refused({ message, hint, retryAfter }: ClockRefusal): LogError {
  return new LogError("CLOCK_REFUSED", `No time is signed: ${message}.`, {
    hint,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}

function wentBack(floor: number, behind: number): ClockRefusal {
  return {
    message: `the clock of the machine is ${behind} s behind ${timeText(floor)}, which may have been signed`,
    hint: "set the clock; times are signed again when it has caught up",
    retryAfter: behind,
  };
}

function jumped(wall: number, measured: number, bound: number): ClockRefusal {
  return {
    message:
      `the clock of the machine says ${timeText(wall)} where ${timeText(measured)} was expected, ` +
      `more than ${bound} s later`,
    hint: "a witness's time ends this; without one set the clock, or stop the log and run `countersign clock --believe TIME`",
  };
}

/** RFC 3339 in UTC, whole seconds. */
export function timeText(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}
