import fc from "fast-check";
import { expect, test } from "vitest";
import { toHex } from "../../../schema/bytes.ts";
import { compareBytes } from "../../../schema/index/map-key.ts";
import type { Listed } from "../../../schema/index/record.ts";
import { TouchedKeys } from "../../../schema/index/touched.ts";
import { sha256 } from "../tlog/support.ts";

const keyOf = (n: number): ReturnType<typeof sha256> => sha256(Uint8Array.of(n));
const entries = fc.array(
  fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.boolean()), {
    selector: ([key]) => key,
  }),
);

test("every key that is touched comes once, in the order of keys, with its list in that of the log", () => {
  fc.assert(
    fc.property(entries, (log) => {
      const touched = new TouchedKeys();
      const expected = new Map<string, Listed[]>();
      for (const [index, posted] of log.entries()) {
        const postings = posted.map(([n, claims]) => {
          const [key, claim] = [keyOf(n), keyOf(index)];
          const listed = claims ? { index, claim } : { index };
          expected.set(toHex(key), [...(expected.get(toHex(key)) ?? []), listed]);
          return claims ? { key, claim } : { key };
        });
        touched.add(index, postings);
      }
      const found = [...touched.sorted()];
      expect(found.map(({ key }) => key)).toEqual(
        found.map(({ key }) => key).toSorted(compareBytes),
      );
      expect(new Map(found.map(({ key, list }) => [toHex(key), list]))).toEqual(expected);
      expect(found).toHaveLength(expected.size);
    }),
  );
});
