/**
 * The fault table of a log with witnesses: each call of a batch × each way to fail, and the one
 * call that publication adds, the writing of the published note.
 *
 * A batch that fails ends the log as it does without witnesses. A note that cannot be written ends
 * nothing: the head waits, like one whose quorum is late.
 */
import { describe, expect, test } from "vitest";
import { LogError } from "../../schema/error.ts";
import { memoryNotes } from "../../server/sequencer/notes.ts";
import type { PublishedNotes } from "../../server/sequencer/ports.ts";
import type { NewEntry } from "../../server/storage/storage.ts";
import { entries, entry } from "../server/entries.ts";
import { rejectionOf } from "../server/refusal.ts";
import { carriesQuorum, open, type WitnessedLog, witnessedWorld } from "../server/witnesses/rig.ts";
import { until } from "../until.ts";
import { CALLS, DEADLINE, MODES, Witness } from "./rig.ts";

const LIMITS = { deadline: DEADLINE };

async function submit(log: WitnessedLog, outside: Witness, added: readonly NewEntry[]) {
  try {
    outside.hears(added, await log.log.append(added));
    outside.sees(log.log.published());
    return "logged";
  } catch (error) {
    return error instanceof LogError ? error.code : String(error);
  }
}

async function ready(log: WitnessedLog): Promise<void> {
  await until(() => log.log.state().state === "ready" && log.log.published().size > 0);
}

describe("a fault in the middle of a batch, with witnesses", () => {
  test.each(CALLS.flatMap((call) => MODES.map((mode) => [call, mode] as const)))(
    "I9 %s %s: the log stops, and a restart publishes one history under its quorum",
    async (call, mode) => {
      const world = await witnessedWorld();
      const outside = new Witness();
      const first = await open(world, { limits: LIMITS });
      await ready(first);
      expect(await submit(first, outside, entries(0, 3))).toBe("logged");
      first.fault = { call, mode, skip: 0 };
      expect(await submit(first, outside, [entry(3)])).not.toBe("logged");
      expect(first.log.state().state).toBe("stopped");
      expect(first.log.published().size).toBe(4);
      // What no guard has is shown to no witness.
      expect(world.witnesses.every(({ seen }) => seen === undefined || seen.size <= 4)).toBe(true);
      await first.end();

      const second = await open(world, { limits: LIMITS });
      expect(second.log.published().size).toBe(4);
      await ready(second);
      outside.check(second.log, second.storage);
      expect(await submit(second, outside, entries(0, 5))).toBe("logged");
      outside.check(second.log, second.storage);
      expect(await carriesQuorum(world.policy, second.log.published())).toBe(true);
      await second.end();
    },
  );
});

describe("a published note that cannot be written", () => {
  test.each(["refused", "unanswered"] as const)(
    "I9 notes.write %s: nothing is shown before it is durable, and the next try publishes it",
    async (mode) => {
      const world = await witnessedWorld();
      const notes = memoryNotes(world.file);
      let faults = 0;
      const faulty: PublishedNotes = {
        ...notes,
        write: async (note) => {
          if (faults-- <= 0) return notes.write(note);
          if (mode === "unanswered") await notes.write(note);
          throw new Error(`injected: notes.write ${mode}`);
        },
      };
      const log = await open({ ...world, notes: faulty });
      await ready(log);
      faults = 1;
      const late = await rejectionOf(log.log.appendWithin([entry(0)], 50));
      expect(late.code).toBe("NOT_WITNESSED");
      expect(log.log.published().size).toBe(1);
      expect(log.log.state().state).toBe("full");
      await until(() => log.log.published().size === 2);
      expect(log.log.state().state).toBe("ready");
      expect(log.fatal).toEqual([]);
      await log.end();
      const again = await open(world);
      expect(again.log.published().size).toBe(2);
      await again.end();
    },
  );
});
