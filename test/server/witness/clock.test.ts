import { expect, test } from "vitest";
import { MAX_JUMP_SECONDS } from "../../../server/log-clock.ts";
import { witnessClock } from "../../../server/witness/clock.ts";
import { refusalOf } from "../refusal.ts";
import { NOW } from "./support.ts";

const START = NOW / 1000;

test("a clock that slips a second gets the last time again, one that is further behind gets none", () => {
  let [wall, newest] = [NOW, START + 1];
  const clock = witnessClock({ wall: () => wall, monotonic: () => 0, newest: () => newest });
  expect(clock.now()).toBe(newest);
  newest = START + 2;
  expect(refusalOf(() => clock.now())).toMatchObject({
    code: "CLOCK_REFUSED",
    detail: { retryAfter: 2 },
  });
  wall += 3_500;
  expect(clock.now()).toBe(START + 3);
});

test("a clock that nobody has set signs nothing, and no time is ever 0", () => {
  const clock = witnessClock({ wall: () => 0, monotonic: () => 0, newest: () => 0 });
  expect(refusalOf(() => clock.now()).code).toBe("CLOCK_REFUSED");
});

test("a jump ahead is not believed while the process runs; a long rest before the start is", () => {
  let [wall, monotonic] = [NOW, 0];
  const ports = { wall: () => wall, monotonic: () => monotonic, newest: () => 0 };
  const clock = witnessClock(ports);
  for (let hour = 0; hour < 48; hour++) {
    wall += 3_600_000;
    monotonic += 3_600_000;
    expect(clock.now()).toBe(Math.floor(wall / 1000));
  }
  wall += (MAX_JUMP_SECONDS + 1) * 1000;
  expect(refusalOf(() => clock.now()).detail.hint).toContain("restart");
  expect(witnessClock(ports).now()).toBe(Math.floor(wall / 1000));
  wall -= 2_000;
  expect(clock.now()).toBe(Math.floor(wall / 1000));
});
