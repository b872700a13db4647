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
  test("is a share of the keys, and time where there are few changes", async () => {
    const { seen, pace } = paced(1);
    const keys = 32_000_000;
    pace.consider({ keys: 0, snapshotChanges: 0 });
    pace.consider({ keys: 100_000, snapshotChanges: 131_071 });
    pace.consider({ keys, snapshotChanges: 499_999 });
    expect(seen.begun).toBe(0);
    pace.consider({ keys, snapshotChanges: 500_000 });
    expect(seen.begun).toBe(1);
    // One at a time.
    pace.consider({ keys, snapshotChanges: keys });
    expect(seen.begun).toBe(1);
    await new Promise(setImmediate);
    seen.now = HOUR_MS;
    pace.consider({ keys, snapshotChanges: 0 });
    expect(seen.begun).toBe(1);
    pace.consider({ keys, snapshotChanges: 1 });
    expect(seen.begun).toBe(2);
    await pace.close();
    pace.consider({ keys, snapshotChanges: keys });
    expect(seen.begun).toBe(2);
  });

  test("gives a snapshot as much time as steps had before its turn, within a bound", async () => {
    const turns: number[] = [];
    const waits = [0, 300, 90_000, 0];
    let now = 0;
    const { promise: written, resolve } = Promise.withResolvers<void>();
    const pace = new SnapshotPace({
      clock: () => now,
      write: async (milliseconds) => {
        now += milliseconds + (waits[turns.length] ?? 0);
        turns.push(milliseconds);
        if (turns.length === 5) resolve();
        return turns.length < 5;
      },
      onTrouble: (reason) => expect.fail(String(reason)),
    });
    pace.consider({ keys: 300_000, snapshotChanges: 300_000 });
    await written;
    expect(turns).toEqual([0, 20, 320, 1_000, 20]);
    await pace.close();
  });

  test("leaves off between two slices at the end", async () => {
    const { seen, pace, first } = paced(1_000_000);
    pace.consider({ keys: 300_000, snapshotChanges: 300_000 });
    await first;
    await pace.close();
    expect(seen.written).toBeLessThan(1_000);
  });

  test("tells of a snapshot that could not be written, and tries the next one", async () => {
    const { seen, pace } = paced(1, true);
    for (let n = 1; n <= 2; n++) {
      pace.consider({ keys: 300_000, snapshotChanges: 300_000 });
      await new Promise(setImmediate);
      expect(seen.troubles).toHaveLength(n);
    }
    await pace.close();
  });
});
