/**
 * The clock of cosignatures: a time that was given out never comes back smaller, after a restart
 * neither. The state keeps the newest one together with its head, so nothing else is written.
 *
 * A machine's clock that is a second behind gets the last second again; one that is further behind
 * gets no cosignature until it has caught up, nor does one that nobody has set, or that jumped ahead
 * while the process ran: a stamp from the future could not be taken back. A start believes its clock
 * if it is not behind, because a witness may have rested for any time.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import { MAX_JUMP_SECONDS, timeText } from "../log-clock.ts";

/** 2025-01-01: no witness ran before this program was written. */
const EARLIEST = 1_735_689_600;
/** A clock that is this far behind gets the last second again. */
const MAX_SLIP_SECONDS = 1;

export interface WitnessClock {
  /** Whole seconds since 1970. @throws LogError CLOCK_REFUSED */
  now(): number;
}

export interface ClockPorts {
  /** The machine's clock, milliseconds since 1970. */
  readonly wall: () => number;
  /** Milliseconds since anything, never stepped. */
  readonly monotonic: () => number;
  /** The newest time that was given out, in seconds. */
  readonly newest: () => number;
}

export function witnessClock({ wall, monotonic, newest }: ClockPorts): WitnessClock {
  let anchor = { wall: wall(), monotonic: monotonic() };
  return {
    now() {
      const at = wall();
      const seconds = Math.floor(at / 1000);
      if (seconds < EARLIEST)
        throw refused(`the clock of the machine says ${timeText(seconds)}`, "set the clock");
      const behind = newest() - seconds;
      if (behind > MAX_SLIP_SECONDS)
        throw refused(
          `the clock of the machine is ${behind} s behind ${timeText(newest())}, which was signed`,
          "set the clock; cosigning goes on when it has caught up",
          behind,
        );
      const passed = monotonic() - anchor.monotonic;
      if (at - anchor.wall - passed > MAX_JUMP_SECONDS * 1000)
        throw refused(
          `the clock of the machine jumped ahead to ${timeText(seconds)}`,
          "set the clock, or restart the witness if it is right",
        );
      // Measured anew from here, so that a clock that is slowly corrected does not add up to a jump.
      anchor = { wall: at, monotonic: anchor.monotonic + passed };
      return Math.max(seconds, newest());
    },
  };
}

function refused(message: string, hint: string, retryAfter?: number): LogError {
  return new LogError("CLOCK_REFUSED", `No time is signed: ${message}.`, {
    hint,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}
