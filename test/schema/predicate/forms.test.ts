import { expect, test } from "vitest";
import { PURL, REF_NAME, TIMESTAMP, URI } from "../../../schema/predicate/forms.ts";

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
