import fc from "fast-check";
import { expect, test } from "vitest";
import { stepDistance } from "../../../server/index/step-pace.ts";

test("the distance of two steps grows with what a step costs, and is bounded", () => {
  expect([0, 50, 75, 100, 5_000].map((took) => stepDistance(1_000, took))).toEqual([
    1_000, 1_000, 1_500, 2_000, 2_000,
  ]);
  fc.assert(
    fc.property(fc.nat(60_000), fc.nat(1_000_000), (shortest, took) => {
      const distance = stepDistance(shortest, took);
      expect(distance).toBeGreaterThanOrEqual(shortest);
      expect(distance).toBeLessThanOrEqual(2 * shortest);
      expect(stepDistance(shortest, took + 1)).toBeGreaterThanOrEqual(distance);
    }),
  );
});
