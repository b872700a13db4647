import { describe, expect, test } from "vitest";
import { formatCheckpoint, parseCheckpoint } from "../../../schema/tlog/checkpoint.ts";
import vectors from "../../vectors/note/checkpoints.json" with { type: "json" };
import { failureOf, hasOneForm, hex, hexHash, valueOf } from "./support.ts";

describe("a checkpoint", () => {
  test.each(vectors.accepted)("of $origin, size $size, is read back as it was written", (one) => {
    const checkpoint = valueOf(parseCheckpoint(one.text));
    const { origin, size, extensions } = one;
    expect(checkpoint).toEqual({ origin, size, extensions, root: hex(one.root) });
    expect(formatCheckpoint(checkpoint)).toBe(one.text);
  });

  test.each(vectors.refused)("$text is refused, naming $field", ({ text, field }) => {
    expect(failureOf(parseCheckpoint(text))).toMatchObject({
      code: "FIELD_INVALID",
      detail: { field },
    });
  });

  test("has one form: what is accepted is what would be written", () => {
    const texts = vectors.accepted.map(({ text }) => text);
    hasOneForm(texts, parseCheckpoint, formatCheckpoint);
  });

  test("is not written with lines that would be read as other lines", () => {
    const root = hexHash("00".repeat(32));
    for (const origin of ["", "a\nb"])
      expect(() => formatCheckpoint({ origin, size: 1, root })).toThrow("lines");
    expect(() => formatCheckpoint({ origin: "a", size: 1, root, extensions: [""] })).toThrow(
      "lines",
    );
    expect(() => formatCheckpoint({ origin: "a", size: 2 ** 53, root })).toThrow("tree size");
  });
});
