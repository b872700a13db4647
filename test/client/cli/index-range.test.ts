/** Ranges of leaves, and what they make together. */
import { describe, expect, test } from "vitest";
import { type AcceptedRange, joinRanges, splitRange } from "../../../client/cli/index-range.ts";

const part = (from: number, to: number): AcceptedRange => ({
  verdict: "accepted",
  from,
  to,
  entries: to,
  erased: [from],
  before: `state ${from}`,
  after: `state ${to}`,
});

describe("ranges of leaves", () => {
  test("are split without a gap and without an empty one", () => {
    for (const [from, to, jobs] of [
      [1, 2, 5],
      [1, 1, 3],
      [3, 11, 3],
    ] as const) {
      const parts = splitRange({ from, to }, jobs);
      expect(parts.length).toBe(Math.max(1, Math.min(jobs, to - from)));
      expect([parts[0]?.from, parts.at(-1)?.to]).toEqual([from, to]);
      for (const [i, one] of parts.entries()) {
        expect(one.from).toBe(parts[i - 1]?.to ?? from);
        if (to > from) expect(one.to).toBeGreaterThan(one.from);
      }
    }
  });

  test("X3 are one where each begins as the one before it ended, and refused else", () => {
    expect(joinRanges([part(1, 4), part(4, 9)])).toEqual({
      ...part(1, 9),
      erased: [1, 4],
    });
    const refused = { verdict: "refused", code: "LOG_MISBEHAVED" };
    expect(joinRanges([part(1, 4), part(5, 9)])).toMatchObject(refused);
    expect(joinRanges([part(1, 4), { ...part(4, 9), before: "another" }])).toMatchObject(refused);
    expect(
      joinRanges([part(1, 4), { ...part(4, 9), verdict: "refused", code: "X", reason: "y" }]),
    ).toMatchObject({ verdict: "refused", code: "X" });
    expect(joinRanges([])).toMatchObject(refused);
  });
});
