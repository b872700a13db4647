import fc from "fast-check";
import { expect, test } from "vitest";
import { GenerationCache } from "../../schema/cache.ts";

test("holds at most twice its limit, whatever is asked", () => {
  const cache = new GenerationCache<number>(4);
  for (let i = 0; i < 1_000; i++) {
    cache.set(`key ${i}`, i);
    cache.get(`key ${i >> 1}`);
    expect(cache.size).toBeLessThanOrEqual(8);
  }
});

test("never loses one of the last `limit` different keys, and never answers with another's value", () => {
  const operation = fc.record({ set: fc.boolean(), key: fc.integer({ min: 0, max: 12 }) });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const limit = 4;
      const cache = new GenerationCache<number>(limit);
      const stored = new Set<number>();
      let recent: number[] = [];
      for (const { set, key } of operations) {
        const found = cache.get(String(key));
        if (found !== undefined) expect(found).toBe(key);
        if (recent.includes(key)) expect(found).toBe(key);
        if (!stored.has(key)) expect(found).toBeUndefined();
        if (set) cache.set(String(key), key);
        if (set) stored.add(key);
        if (set || found !== undefined)
          recent = [key, ...recent.filter((other) => other !== key)].slice(0, limit);
      }
    }),
  );
});
