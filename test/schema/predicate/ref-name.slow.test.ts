/** Ref names beside git itself, which is started for each of them. */
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { REF_NAME } from "../../../schema/predicate/forms.ts";

function gitAccepts(ref: string): boolean {
  try {
    execFileSync("git", ["check-ref-format", ref], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const git = ((): boolean => {
  try {
    execFileSync("git", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!git)("a ref name, beside git itself", () => {
  const part = fc.oneof(
    fc.constantFrom(
      "a",
      "main",
      ".",
      "..",
      ".lock",
      "@",
      "@{",
      "~",
      "^",
      ":",
      "?",
      "*",
      "[",
      "\\",
      " ",
      "-",
      "é",
      "{",
    ),
    fc.string({ minLength: 1, maxLength: 3 }).filter((text) => !text.includes("\0")),
  );

  test("is accepted and refused as git check-ref-format does", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(part, fc.constant("/")), { minLength: 1, maxLength: 5 }),
        (parts) => {
          const ref = `refs/${parts.join("")}`;
          expect([ref, REF_NAME.pattern.test(ref)]).toEqual([ref, gitAccepts(ref)]);
        },
      ),
      { numRuns: 600 },
    );
  });
});
