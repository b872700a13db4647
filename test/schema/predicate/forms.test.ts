import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PURL, REF_NAME, TIMESTAMP, URI } from "../../../schema/predicate/forms.ts";

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
      { numRuns: 150 },
    );
  });
});

test("a time is a time of that day, in UTC", () => {
  for (const time of ["2026-11-22T10:00:00Z", "2024-02-29T23:59:59.999999999Z"])
    expect(TIMESTAMP.pattern.test(time)).toBe(true);
  for (const time of [
    "2026-04-31T10:00:00Z",
    "2026-02-30T10:00:00Z",
    "2026-11-22T10:00:60Z",
    "2026-11-22T10:00:00",
    "26-11-22T10:00:00Z",
    "2026-11-22T10:00:00Z\n",
  ])
    expect(TIMESTAMP.pattern.test(time)).toBe(false);
});

test("a URI has a scheme and no white space", () => {
  for (const uri of ["https://x.test/a?b#c", "git+ssh://git@x.test:22/a", "urn:x:y"])
    expect(URI.pattern.test(uri)).toBe(true);
  for (const uri of [
    "x.test/a",
    "git@x.test:a",
    "https:",
    "https://a b",
    "1https://a",
    "https://é",
  ])
    expect(URI.pattern.test(uri)).toBe(false);
  expect(PURL.pattern.test("pkg:npm/%40scope/name@1.0.0")).toBe(true);
  expect(PURL.pattern.test("npm/name@1.0.0")).toBe(false);
});

test("long hostile text is refused", () => {
  for (const text of [
    `refs/${"a/".repeat(500)}`,
    "/.".repeat(512),
    `pkg:${"a".repeat(2000)}`,
    "9".repeat(1024),
  ])
    for (const form of [REF_NAME, TIMESTAMP, PURL]) expect(form.pattern.test(text)).toBe(false);
});
