import { describe, expect, test } from "vitest";
import { latin1, utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import {
  displayText,
  idAlgorithm,
  isLine,
  lineEnd,
  parseHeaders,
  parseIdentity,
  startsAt,
  unfold,
} from "../../../schema/git/lines.ts";
import { hex } from "../support.ts";

describe("headers", () => {
  const read = (text: string): unknown => {
    const { headers, message } = unwrap(parseHeaders(utf8(text)));
    return [headers.map(({ name, value }) => [name, latin1(value)]), latin1(message)];
  };

  test.each([
    [
      "a b\nc d e\n\nm\n",
      [
        [
          ["a", "b"],
          ["c", "d e"],
        ],
        "m\n",
      ],
    ],
    ["a b\n c\n  d\n \n\nm", [[["a", "b\nc\n d\n"]], "m"]],
    [
      "a\nb \n\n",
      [
        [
          ["a", ""],
          ["b", ""],
        ],
        "",
      ],
    ],
    ["a\n b\n\n", [[["a", "\nb"]], ""]],
    ["a b", [[["a", "b"]], ""]],
    ["a b\n", [[["a", "b"]], ""]],
    ["\n\nm", [[], "\nm"]],
    ["", [[], ""]],
  ])("%j is read as %j", (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  test("a NUL is refused at its header, and kept in the message", () => {
    expect(parseHeaders(utf8("a b\nc\0d\n\nm"))).toMatchObject({
      code: "FIELD_INVALID",
      detail: { at: "4" },
    });
    expect(read("a b\n\nm\0")).toEqual([[["a", "b"]], "m\0"]);
  });

  test("more headers than any object has are refused by their number", () => {
    expect(parseHeaders(utf8("a b\n".repeat(10_000))).ok).toBe(true);
    expect(parseHeaders(utf8("a b\n".repeat(10_001)))).toMatchObject({
      code: "TOO_LARGE",
      detail: { limit: 10_000 },
    });
  });

  test("a header that goes on in a second line is not a line", () => {
    expect(isLine({ name: "a", value: utf8("b") }, "a")).toBe(true);
    expect(isLine({ name: "a", value: utf8("b\nc") }, "a")).toBe(false);
    expect(isLine(undefined, "a")).toBe(false);
  });
});

describe("identities", () => {
  test.each([
    [
      "A B <a@b> 1700000000 +0100",
      { name: "A B", email: "a@b", seconds: 1_700_000_000, zone: "+0100" },
    ],
    ["A <> 0 -0000", { name: "A", email: "", seconds: 0, zone: "-0000" }],
    ["<a@b> 1 +0000", { name: "", email: "a@b", seconds: 1, zone: "+0000" }],
    ["SHA256:abc  1 +0000", { name: "SHA256:abc", email: "", seconds: 1, zone: "+0000" }],
    ["A <a <b> c> 1 +0000", { name: "A <a <b> c>", email: "", seconds: 1, zone: "+0000" }],
    ["A <a> 01 +0000", { name: "A <a> 01 +0000", email: "" }],
    ["A <a> 1 UTC", { name: "A <a> 1 UTC", email: "" }],
    ["A <a> 99999999999999999 +0000", { name: "A <a> 99999999999999999 +0000", email: "" }],
    ["nobody", { name: "nobody", email: "" }],
    ["", { name: "", email: "" }],
  ])("%j", (line, expected) => {
    expect(parseIdentity(utf8(line))).toEqual(expected);
  });

  test("a name that is not UTF-8 is shown a character for a byte", () => {
    expect(parseIdentity(hex("4af6 72 67 20 3c 61 3e 20 31 20 2b30303030")).name).toBe("J\u00f6rg");
    expect(displayText(utf8("€"))).toBe("€");
  });
});

describe("pieces", () => {
  test("which hash an id belongs to", () => {
    expect(idAlgorithm("a".repeat(40))).toBe("sha1");
    expect(idAlgorithm("0".repeat(64))).toBe("sha256");
    for (const id of ["", "A".repeat(40), "a".repeat(39), "a".repeat(41), `${"a".repeat(39)}\n`])
      expect(idAlgorithm(id)).toBeUndefined();
  });

  test("where a line ends and what it begins with", () => {
    expect(lineEnd(utf8("ab\nc"), 0)).toBe(3);
    expect(lineEnd(utf8("ab\nc"), 3)).toBe(4);
    expect(startsAt(utf8("abc"), 1, utf8("bc"))).toBe(true);
    expect(startsAt(utf8("abc"), 2, utf8("cd"))).toBe(false);
  });

  test("unfolding takes one space of each line but the first", () => {
    expect(latin1(unfold(utf8(" a\n b\n  c\n\n d")))).toBe(" a\nb\n c\n\nd");
  });
});
