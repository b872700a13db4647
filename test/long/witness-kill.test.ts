/** F1 for a witness: killed at random points, while it starts too, under load of lying logs. */
import { expect, test } from "vitest";
import { WitnessUnderFire } from "./witness-killed.ts";

const KILLS = 120;

test(`W1 ${KILLS} kills at random points under load, and every answer ever given`, async () => {
  let answers = 0;
  // A log ends somewhere, and a fork is decided once: a new witness for every dozen of lives.
  for (let n = 0; n < KILLS; n += 12) {
    const witness = await WitnessUnderFire.make(12, 400);
    // A negative time counts from the start of the process, and not from the first line it says.
    for (let life = 0; life < 12; life++)
      await witness.live(life % 6 === 5 ? -Math.random() * 900 : Math.random() * 400);
    expect(await witness.judge()).toEqual([]);
    answers += witness.answers;
  }
  expect(answers).toBeGreaterThan(KILLS);
  console.log(`${KILLS} kills, ${answers} cosigned heads`);
});
