/**
 * The fault table over the memory driver, and what is the sequencer's own part in it. The same
 * table over SQLite is table.slow.test.ts.
 */
import { describe, expect, test } from "vitest";
import { LogError } from "../../schema/error.ts";
import { entry } from "../server/fixture.ts";
import { CALLS, type Call, MODES, type Mode, memoryWorld, start } from "./rig.ts";
import { faultTable, LIMITS } from "./table.ts";

faultTable("memory", memoryWorld);

describe("what is heard when a call gives no answer", () => {
  test.each(CALLS)(
    "I3 %s without an answer: nobody hears of a head before its guard is written",
    async (call) => {
      const world = await memoryWorld();
      const process = await start(world, { limits: LIMITS });
      process.fault = { call, mode: "unanswered", skip: 0 };
      const { committed, published } = process.log.appendDurable([entry(0)]);
      const outcomes = await Promise.allSettled([committed, published]);
      // An index is true once the commit is durable; a head only with its guard.
      expect(outcomes[0].status).toBe(call === "guard.write" ? "fulfilled" : "rejected");
      expect(outcomes[1].status).toBe("rejected");
      expect(process.log.published().size).toBe(1);
      await process.end();
    },
  );
});

describe("a fault in the first batch of all", () => {
  test.each(CALLS.flatMap((call) => MODES.map((mode): [Call, Mode] => [call, mode])))(
    "%s %s: the next start makes entry 0, once",
    async (call, mode) => {
      const world = await memoryWorld();
      const failing = start(world, { limits: LIMITS }, { call, mode, skip: 0 });
      await expect(failing).rejects.toBeInstanceOf(LogError);
      const again = await start(world, { limits: LIMITS });
      expect(again.log.published().size).toBe(1);
      await again.end();
    },
  );
});
