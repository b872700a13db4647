/**
 * `clock`: what the log thinks of the machine's clock, and a person's word that it is right.
 *
 * A person who only agrees would agree to anything, so the word is the time itself, read from
 * another clock. It moves the log's clock forward and never back (I7).
 *
 * @module
 */
import type { Arguments, Command } from "../../client/cli/command.ts";
import type { ExitStatus, Io } from "../../client/cli/io.ts";
import { print, printJson } from "../../client/cli/output.ts";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { LogError } from "../../schema/error.ts";
import { ClockFile, clockPath } from "../clock-file.ts";
import { type ClockState, MAX_JUMP_SECONDS, openClock, timeText } from "../log-clock.ts";
import { FileGuard } from "../sequencer/guard-file.ts";
import { CONFIG_OPTIONS } from "./settings.ts";
import { stoppedLog } from "./stopped.ts";

export const clock: Command = {
  name: "clock",
  summary: "Show the log's clock, or confirm the machine's.",
  about: [
    "A log signs no time that is earlier than one it has signed, and believes no jump forward. Where it refuses although the machine's clock is right (after a long rest, or where the clock file is lost), read the time from another clock and give it with --believe. The log must be stopped.",
    "What is confirmed cannot be taken back: a log that has confirmed a time years ahead signs none until then.",
  ],
  positionals: [],
  options: {
    believe: {
      type: "string",
      value: "TIME",
      help: `the time now, from another clock, like 2026-11-27T12:00:00Z; within ${MAX_JUMP_SECONDS} seconds`,
    },
    ...CONFIG_OPTIONS,
  },
  examples: [
    { what: "what would be signed", line: "countersign clock --config countersign.toml" },
    {
      what: "after the log has rested for a month",
      line: "countersign clock --believe 2026-11-27T12:00:00Z --config countersign.toml",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const { origin, places } = await stoppedLog(args, io);
    const file = new ClockFile(nodeCrypto.sha256, origin, clockPath(places.guard));
    const time = args.value("believe");
    if (time !== undefined) {
      const guard = await FileGuard.open(places.guard);
      try {
        believe(file, timeOf(time), Math.floor(io.now() / 1000));
      } finally {
        await guard.close();
      }
    }
    return show(args, io, file);
  },
};

/** What a start would find, now that the log is stopped. */
export function clockState(file: ClockFile, io: Io): ClockState {
  return openClock({ store: file, wall: io.now, monotonic: () => 0 }).state();
}

function show(args: Arguments, io: Io, file: ClockFile): ExitStatus {
  const found = clockState(file, io);
  const ok = found.state !== "refused";
  if (args.json) printJson(io, { ...found, file: file.place });
  else if (found.state === "ready") print(io, `would sign ${timeText(found.seconds)}`);
  else print(io, `signs no time: ${found.reason.message}`, found.reason.hint);
  return ok ? 0 : 1;
}

function believe(file: ClockFile, told: number, machine: number): void {
  const refuse = (message: string, hint: string): never => {
    throw new LogError("CLOCK_REFUSED", message, { field: "--believe", hint });
  };
  if (Math.abs(told - machine) > MAX_JUMP_SECONDS)
    refuse(
      `The clock of the machine says ${timeText(machine)}, not ${timeText(told)}.`,
      "set the clock of the machine first",
    );
  const until = file.read();
  if (until !== undefined && until > machine)
    refuse(
      `Times up to ${timeText(until)} may have been signed, and none before may follow.`,
      "the clock has to catch up; nothing else helps",
    );
  file.write(machine);
}

function timeOf(text: string): number {
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time))
    throw new LogError("USAGE", `"${text}" is not a time`, {
      field: "--believe",
      expected: "a time in UTC, like 2026-11-27T12:00:00Z",
    });
  return time / 1000;
}
