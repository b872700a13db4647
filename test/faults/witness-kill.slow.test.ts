/** A real witness dies by SIGKILL under load, again and again; test/long has many more. */
import { expect, test } from "vitest";
import { WitnessUnderFire } from "../long/witness-killed.ts";

test("W1 of everything ever answered, no two roots have one size, and nothing is forgotten", async () => {
  const witness = await WitnessUnderFire.make(4, 60);
  for (const milliseconds of [150, 40, 250]) await witness.live(milliseconds);
  expect(await witness.judge()).toEqual([]);
  expect(witness.answers).toBeGreaterThan(0);
}, 60_000);
