/**
 * The fault table, generated: each call that a batch makes × each way to fail × restart × driver.
 *
 * After every fault the same must hold: whoever was told an index or a head was told the truth for
 * ever, every waiter was answered, and the next process goes on.
 */
import { describe, expect, test } from "vitest";
import { LogError } from "../../schema/error.ts";
import type { NewEntry } from "../../server/storage/storage.ts";
import { entries, entry } from "../server/fixture.ts";
import {
  CALLS,
  type Call,
  DEADLINE,
  MODES,
  type Mode,
  type Process,
  start,
  Witness,
  type World,
} from "./rig.ts";

export const LIMITS = { deadline: DEADLINE };

/** What a submitter hears: an index, or a code. */
async function submit(
  process: Process,
  witness: Witness,
  added: readonly NewEntry[],
): Promise<string> {
  try {
    const appended = await process.log.append(added);
    witness.hears(added, appended);
    witness.sees(process.log.published());
    return "logged";
  } catch (error) {
    return error instanceof LogError ? error.code : String(error);
  }
}

/** Whether it is known that nothing was committed when this call fails in this way. */
function isBeforeCommit(call: Call): boolean {
  return call !== "storage.commit" && call !== "guard.write";
}

/** Every call × every mode. */
const ROWS: readonly [Call, Mode][] = CALLS.flatMap((call) =>
  MODES.map((mode): [Call, Mode] => [call, mode]),
);

export function faultTable(driver: string, makeWorld: () => Promise<World>): void {
  describe(`${driver}: a fault in the middle of a batch`, () => {
    test.each(ROWS)(
      "I5 %s %s: the log stops, and a restart continues one history",
      async (call, mode) => {
        const world = await makeWorld();
        const witness = new Witness();
        const first = await start(world, { limits: LIMITS });
        expect(await submit(first, witness, entries(0, 3))).toBe("logged");
        first.fault = { call, mode, skip: 0 };
        // Three callers share the batch that fails; one of them sends a duplicate.
        const heard = await Promise.all([
          submit(first, witness, [entry(3)]),
          submit(first, witness, [entry(4), entry(0)]),
          submit(first, witness, [entry(3)]),
        ]);
        expect(first.fault).toBeUndefined();
        const expected = isBeforeCommit(call) ? "STORAGE_FAILED" : "OUTCOME_UNKNOWN";
        expect(heard).toEqual([expected, expected, expected]);
        expect(first.log.state().state).toBe("stopped");
        expect(first.fatal.map((reason) => reason.code)).toEqual([expected]);

        // No I/O after that, whatever is asked.
        const callsBefore = new Map(first.calls);
        expect(await submit(first, witness, [entry(5)])).toBe("STOPPING");
        expect(first.calls).toEqual(callsBefore);
        expect(first.log.published().size).toBe(4);
        await first.end();

        const second = await start(world, { limits: LIMITS });
        witness.check(second.log, second.storage);
        expect(await submit(second, witness, [entry(3), entry(4), entry(5)])).toBe("logged");
        expect(await submit(second, witness, entries(0, 6))).toBe("logged");
        witness.check(second.log, second.storage);
        expect(second.log.published().size).toBe(7);
        await second.end();
      },
    );
  });

  test(`${driver}: faults one after the other, and the history stays one`, async () => {
    const world = await makeWorld();
    const witness = new Witness();
    let next = 0;
    for (const call of CALLS)
      for (const mode of ["refused", "unanswered"] as const) {
        const process = await start(world);
        witness.check(process.log, process.storage);
        expect(await submit(process, witness, entries(next, next + 90))).toBe("logged");
        process.fault = { call, mode, skip: 0 };
        await submit(process, witness, entries(next + 45, next + 135));
        await process.end();
        next += 90;
      }
    const process = await start(world);
    expect(await submit(process, witness, entries(0, next + 45))).toBe("logged");
    expect(process.log.published().size).toBe(next + 46);
    witness.check(process.log, process.storage);
    await process.end();
  });
}
