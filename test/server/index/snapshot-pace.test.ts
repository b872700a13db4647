import { describe, expect, test } from "vitest";
import { SnapshotPace } from "../../../server/index/snapshot-pace.ts";

const HOUR_MS = 3_600_000;

/** A pace whose snapshots have so many slices, and what became of them. */
function paced(slices: number, fails = false) {
  const seen = { now: 0, begun: 0, written: 0, troubles: [] as unknown[] };
  let left = 0;
  const { promise: first, resolve } = Promise.withResolvers<void>();
  const pace = new SnapshotPace({
    clock: () => seen.now,
    write: async () => {
      resolve();
      if (fails) throw new Error("disk full");
      if (left === 0) {
        seen.begun++;
        left = slices;
      }
      left--;
      seen.written++;
      return left > 0;
    },
    onTrouble: (reason) => seen.troubles.push(reason),
  });
  return { seen, pace, first };
}

describe("the pace of snapshots", () => {
  test("is a share of the entries, and time where there are few", async () => {
    const { seen, pace } = paced(1);
    const size = 1_000_000;
    pace.consider({ size: 0, snapshotSize: 0 });
    pace.consider({ size: 100, snapshotSize: 0 });
    pace.consider({ size, snapshotSize: size - 60_000 });
    expect(seen.begun).toBe(0);
    pace.consider({ size, snapshotSize: size - 63_000 });
    expect(seen.begun).toBe(1);
    // One at a time.
    pace.consider({ size, snapshotSize: 0 });
    expect(seen.begun).toBe(1);
    await new Promise(setImmediate);
    seen.now = HOUR_MS;
    pace.consider({ size, snapshotSize: size });
    expect(seen.begun).toBe(1);
    pace.consider({ size, snapshotSize: size - 1 });
    expect(seen.begun).toBe(2);
    await pace.close();
    pace.consider({ size, snapshotSize: 0 });
    expect(seen.begun).toBe(2);
  });

  test("leaves off between two slices at the end", async () => {
    const { seen, pace, first } = paced(1_000_000);
    pace.consider({ size: 40_000, snapshotSize: 0 });
    await first;
    await pace.close();
    expect(seen.written).toBeLessThan(1_000);
  });

  test("tells of a snapshot that could not be written, and tries the next one", async () => {
    const { seen, pace } = paced(1, true);
    for (let n = 1; n <= 2; n++) {
      pace.consider({ size: 40_000, snapshotSize: 0 });
      await new Promise(setImmediate);
      expect(seen.troubles).toHaveLength(n);
    }
    await pace.close();
  });
});
