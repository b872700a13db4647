/** A real process dies by SIGKILL at each call of a batch, before it and after it; then a restart. */
import { expect, test } from "vitest";
import { findTrouble, live, Memory } from "../long/killed.ts";
import { newPlace } from "../server/fixture.ts";
import { CALLS } from "./rig.ts";

const PLANS = CALLS.flatMap((call) =>
  ["before", "after"].map((moment): [string, string] => [call, moment]),
);

test("SIGKILL at every call of every kind, one life after the other on one store", async () => {
  const place = await newPlace();
  const memory = new Memory();
  for (const [n, [call, moment]] of PLANS.entries()) {
    // The first life dies in its second batch already, later ones with more behind them.
    const { ended } = live(place, memory, `${call}:${1 + n * 2}:${moment}`);
    const { signal, errors } = await ended;
    expect(errors).toBe("");
    expect(signal, `${call} ${moment}`).toBe("SIGKILL");
    expect(memory.trouble).toEqual([]);
  }
  expect(memory.indexes.size).toBeGreaterThan(PLANS.length);
  expect(await findTrouble(place, memory)).toEqual([]);
}, 60_000);
