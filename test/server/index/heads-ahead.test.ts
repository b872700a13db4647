import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { emptyRoot } from "../../../schema/tlog/hash.ts";
import { HeadsAhead } from "../../../server/index/heads-ahead.ts";
import type { PublishedHead } from "../../../server/sequencer/ports.ts";
import { sha256 } from "../../schema/tlog/support.ts";

const headOf = (size: number): PublishedHead => ({
  size,
  root: emptyRoot(sha256),
  checkpoint: new Uint8Array(0),
});

/** Heads that came while `from` was indexed, and then one step after the other up to the last. */
function stepsFrom(from: number, sizes: readonly number[]): number[] {
  const ahead = new HeadsAhead();
  const newest = headOf(sizes.at(-1) ?? from);
  for (const size of sizes) ahead.note(headOf(size), from);
  const steps: number[] = [];
  for (let at = from; at < newest.size; ) {
    at = ahead.next(newest, at).size;
    steps.push(at);
  }
  return steps;
}

describe("the heads that an index goes through", () => {
  test("are the newest alone where it is near", () => {
    expect(stepsFrom(100, [200, 9_000, 16_484])).toEqual([16_484]);
  });

  test("are noted ones where it stood still, each as far as one step goes", () => {
    const sizes = Array.from({ length: 20 }, (_, i) => 5_000 * (i + 1));
    expect(stepsFrom(0, sizes)).toEqual([15_000, 30_000, 45_000, 60_000, 75_000, 90_000, 100_000]);
  });

  test("are the next one there is where that is farther than a step goes", () => {
    expect(stepsFrom(1, [50_000, 70_000, 200_000])).toEqual([50_000, 70_000, 200_000]);
  });

  test("go up to the newest, whatever came, and no step is longer than it must be", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1 }), (gaps) => {
        let size = 0;
        const sizes = gaps.map((gap) => (size += gap));
        const steps = stepsFrom(0, sizes);
        expect(steps.at(-1)).toBe(size);
        for (const [i, step] of steps.entries()) {
          expect(step).toBeGreaterThan(steps[i - 1] ?? 0);
          expect(step - (steps[i - 1] ?? 0)).toBeLessThanOrEqual(16_384);
        }
      }),
    );
  });
});
