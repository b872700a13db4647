import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatCheckpoint, parseCheckpoint } from "../../../schema/tlog/checkpoint.ts";
import { formatPromise, PROMISE_LABEL, parsePromise } from "../../../schema/tlog/promise.ts";
import vectors from "../../vectors/note/promises.json" with { type: "json" };
import { failureOf, hasOneForm, hex, hexHash, valueOf } from "./support.ts";

const leafHash = hexHash("ab".repeat(32));

describe("a promise", () => {
  test.each(vectors.accepted)("of $origin, index $index, is read back as it was written", (one) => {
    const promise = valueOf(parsePromise(one.text));
    const { origin, index, time, deadline } = one;
    expect(promise).toEqual({ origin, index, time, deadline, leafHash: hex(one.leafHash) });
    expect(formatPromise(promise)).toBe(one.text);
  });

  test.each(vectors.refused)("$text is refused, naming $field", ({ text, field }) => {
    expect(failureOf(parsePromise(text))).toMatchObject({
      code: "FIELD_INVALID",
      detail: { field },
    });
  });

  test("has one form: what is accepted is what would be written", () => {
    const texts = vectors.accepted.map(({ text }) => text);
    hasOneForm(texts, parsePromise, formatPromise);
  });

  test("and a checkpoint of one log are never one text, whatever its origin", () => {
    const line = fc.string({ minLength: 1 }).filter((text) => !text.includes("\n"));
    const origins = fc.oneof(line, fc.nat().map(String), fc.constant(PROMISE_LABEL));
    const numbers = fc.nat();
    fc.assert(
      fc.property(origins, numbers, (origin, n) => {
        const promise = formatPromise({ origin, leafHash, index: n, time: n, deadline: n + 1 });
        for (const name of [origin, `${origin}/index/v1`]) {
          const asHead = parseCheckpoint(promise);
          expect(asHead.ok && asHead.value.origin === name).toBe(false);
          const extensions = [origin, String(n), String(n + 1)];
          const head = formatCheckpoint({ origin: name, size: n, root: leafHash, extensions });
          const asPromise = parsePromise(head);
          expect(asPromise.ok && asPromise.value.origin === origin).toBe(false);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("is not written with an origin of no line or two, or a deadline that is over", () => {
    const parts = { leafHash, index: 1, time: 5, deadline: 6 };
    for (const origin of ["", "a\nb"])
      expect(() => formatPromise({ ...parts, origin })).toThrow("origin");
    expect(() => formatPromise({ ...parts, origin: "a", deadline: 5 })).toThrow("deadline");
    expect(() => formatPromise({ ...parts, origin: "a", index: -1 })).toThrow("index");
  });
});
