import fc from "fast-check";
import { expect, test } from "vitest";
import { OrderedWindow } from "../../../server/http/ordered.ts";

test("results come in the order of their starts, whatever order the tasks end in", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(4), { maxLength: 40 }),
      fc.integer({ min: 1, max: 8 }),
      fc.scheduler(),
      async (delays, limit, scheduler) => {
        const delivered: number[] = [];
        let inside = 0;
        let most = 0;
        const window = new OrderedWindow<number>(limit, async (n) => {
          inside--;
          delivered.push(n);
        });
        const all = (async () => {
          for (const [n] of delays.entries())
            await window.start(async () => {
              inside++;
              most = Math.max(most, inside);
              await scheduler.schedule(Promise.resolve());
              return n;
            });
          await window.drain();
        })();
        await scheduler.waitFor(all);
        expect(delivered).toEqual(delays.map((_, n) => n));
        expect(most).toBeLessThanOrEqual(limit);
      },
    ),
    { numRuns: 50 },
  );
});

test("nothing inside means there is no departure to wait for", async () => {
  const window = new OrderedWindow<number>(1, async () => {});
  expect(await window.departure()).toBe(false);
});
