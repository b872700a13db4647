import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printable, withoutControls } from "../../client/printable.ts";

const HOSTILE = "a\u001b[2Jb\u202ec\u200b\u2028\nd\te\u{e0041}";

describe("a stranger's words on a terminal", () => {
  test("cannot move the cursor, change colours or turn the writing round", () => {
    expect(withoutControls(HOSTILE)).toBe("a\\u001b[2Jb\\u202ec\\u200b\\u2028\nd\te\\ue0041");
  });

  test("stay inside one line of ours, so that they cannot look like our answer", () => {
    expect(printable("bob\nyes: all is well\r\u2028")).toBe("bob yes: all is well  ");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });

  test("are cut where they are long", () => {
    expect(printable("x".repeat(100_000))).toHaveLength(501);
  });
});
