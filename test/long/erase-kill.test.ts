/** R1 a log that is killed while it erases has each content, or has it nowhere, and says which. */
import { describe, expect, test } from "vitest";
import { newPlace } from "../server/fixture.ts";
import { live, Told, troubles } from "./erased.ts";

const CALLS = ["storage.commit", "guard.write", "storage.erase"];
const MOMENTS = ["before", "after"];

describe("a log that is killed while it erases", () => {
  test("R1 at each call of storage and guard, before and after it", async () => {
    const place = await newPlace();
    const told = new Told();
    for (const call of CALLS)
      for (const moment of MOMENTS) {
        // The third commit of a life is a statement: two files are logged before it.
        const count = call === "storage.erase" ? (moment === "before" ? 1 : 2) : 5;
        const { signal, errors } = await live(place, told, { plan: `${call}:${count}:${moment}` });
        expect([signal, errors]).toEqual(["SIGKILL", ""]);
        expect(await troubles(place, told), `${call} ${moment}`).toEqual([]);
      }
    expect(told.erased.size).toBeGreaterThan(3);
    expect(told.erasing.size).toBeGreaterThan(told.erased.size);
  });

  test("R1 at any moment", async () => {
    const place = await newPlace();
    const told = new Told();
    // A slow machine has done little by the third life: the last ones are as long as it takes.
    for (let milliseconds = 10; milliseconds < 120 || told.logged.size < 3; milliseconds *= 2) {
      const { signal, errors } = await live(place, told, { milliseconds });
      expect(signal, errors).toBe("SIGKILL");
      expect(await troubles(place, told), `${milliseconds} ms`).toEqual([]);
    }
  });
});
