import fc from "fast-check";
import { expect, test } from "vitest";
import { type ListGap, leavesOut, proveGap } from "../../../schema/index/gap.ts";
import { type Listed, summaryOf } from "../../../schema/index/record.ts";
import { sha256 } from "../tlog/support.ts";

const listOf = (indexes: readonly number[]): Listed[] =>
  indexes.map((index) =>
    index % 3 === 0 ? { index, claim: sha256(Uint8Array.of(index)) } : { index },
  );

test("every entry that a list leaves out is shown to be left out, and no other one", () => {
  const lists = fc.uniqueArray(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(lists, (indexes) => {
      const sorted = indexes.toSorted((a, b) => a - b);
      const list = listOf(sorted);
      const summary = summaryOf(sha256, list);
      const missing = Array.from({ length: 22 }, (_, i) => i).filter((i) => !sorted.includes(i));
      const gaps: ListGap[] = missing.map((index) => proveGap(sha256, list, index));
      for (const [i, index] of missing.entries())
        expect(leavesOut(sha256, summary, index, gaps[i])).toBe(true);
      // Whatever gap of this list is shown, an entry that is in it is not left out.
      for (const index of sorted)
        for (const { before, after } of gaps)
          for (const lie of [
            { before, after },
            { before },
            { after },
            { before: after, after: before },
          ])
            expect(leavesOut(sha256, summary, index, present(lie))).toBe(false);
    }),
    { numRuns: 60 },
  );
});

function present({
  before,
  after,
}: { [name in keyof ListGap]: ListGap[name] | undefined }): ListGap {
  return { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}

test("a gap of another list, or of places that are not side by side, shows nothing", () => {
  const list = listOf([1, 4, 6, 9]);
  const summary = summaryOf(sha256, list);
  const other = proveGap(sha256, listOf([1, 4, 7, 9]), 5);
  expect(leavesOut(sha256, summary, 5, other)).toBe(false);
  const [low, high] = [proveGap(sha256, list, 2), proveGap(sha256, list, 7)];
  const { before } = low;
  const { after } = high;
  if (before === undefined || after === undefined) expect.fail("no gap");
  expect(leavesOut(sha256, summary, 5, { before, after })).toBe(false);
  expect(() => proveGap(sha256, list, 4)).toThrow("in the list");
});
