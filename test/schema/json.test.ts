import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, fromUtf8, utf8 } from "../../schema/bytes.ts";
import { unwrap } from "../../schema/error.ts";
import { canonicalJson, type JsonValue, parseJson } from "../../schema/json.ts";
import { MAX_JSON_DEPTH } from "../../schema/limits.ts";
import { jsonOf } from "../data.ts";
import { containing } from "./support.ts";

const canonicalText = (value: JsonValue): string => fromUtf8(canonicalJson(value)) ?? "";

describe("reading I-JSON", () => {
  test("every kind of value is read as the platform reads it", () => {
    const text =
      ' {"a" : [1, -0.5e-3, "x\\n\\u00e9\\ud83d\\ude00", true, false, null, {}, []]}\r\n\t';
    expect(unwrap(parseJson(text))).toEqual(JSON.parse(text));
    expect(unwrap(parseJson(utf8(text)))).toEqual(JSON.parse(text));
  });

  test.each([
    ["", 0],
    ["   ", 3],
    ["{", 1],
    ["[1,]", 3],
    ['{"a":1,}', 7],
    ["{'a':1}", 1],
    ['{"a" 1}', 5],
    ["[1 2]", 3],
    ["nul", 0],
    ["truefalse", 4],
    ["01", 1],
    ["-", 1],
    ["1.", 2],
    ["1.e3", 2],
    ["1e", 2],
    ["+1", 0],
    [".5", 0],
    ["NaN", 0],
    ["1 2", 2],
    ["\uFEFF{}", 0],
    ['"abc', 4],
    ['"é\\q"', 3],
    ['"\\u12g4"', 1],
    ['"a\nb"', 2],
    ['"a\u0000b"', 2],
    ["/* no */1", 0],
    ["\u00a01", 0],
  ])("%j is refused at byte %i", (text, at) => {
    expect(parseJson(text)).toMatchObject({
      ok: false,
      code: "JSON_MALFORMED",
      detail: { at: `${at}` },
    });
    expect(parseJson(utf8(text))).toMatchObject({ ok: false, detail: { at: `${at}` } });
  });

  test("the offset is counted in bytes of UTF-8", () => {
    expect(parseJson('["€", x]')).toMatchObject({ detail: { at: "8" } });
  });

  test.each([
    ['{"a":1,"a":1}', 7],
    ['{"a":1,"\\u0061":1}', 7],
    ['[{"b":{"a":1,"x":[{"k":1,"k":2}]}}]', 25],
    ['{"":1,"":2}', 6],
    ['{"__proto__":1,"__proto__":2}', 15],
    [`{${Array.from({ length: 20 }, (_, i) => `"k${i}":0`).join(",")},"k17":0}`, 151],
  ])("a name twice in one object is refused: %s", (text, at) => {
    expect(parseJson(text)).toMatchObject({
      ok: false,
      message: containing("twice"),
      detail: { at: `${at}` },
    });
  });

  test("one name in two objects is no duplicate", () => {
    const text = '{"a":{"a":[{"a":1},{"a":2}]},"b":{"a":1}}';
    expect(parseJson(text).ok).toBe(true);
  });

  test("__proto__ is a name like any other", () => {
    const value = unwrap(parseJson('{"__proto__":{"x":1}}'));
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(canonicalText(value)).toBe('{"__proto__":{"x":1}}');
  });

  test("nesting is limited, arrays and objects together", () => {
    const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
    expect(parseJson(nested(MAX_JSON_DEPTH)).ok).toBe(true);
    expect(parseJson(nested(MAX_JSON_DEPTH + 1))).toMatchObject({
      code: "JSON_MALFORMED",
      detail: { at: `${MAX_JSON_DEPTH}` },
    });
    expect(parseJson('[{"a":[1]}]', { maxDepth: 3 }).ok).toBe(true);
    expect(parseJson('[{"a":[1]}]', { maxDepth: 2 }).ok).toBe(false);
    expect(parseJson("[".repeat(1_000_000)).ok).toBe(false);
  });

  test.each([
    "9007199254740991",
    "-9007199254740991",
    "0",
    "-0",
    "1e3",
    "1.5e-300",
    "123456789012345",
  ])("the number %s is read", (text) => expect(unwrap(parseJson(text))).toBe(Number(text)));

  test.each([
    "9007199254740992",
    "-9007199254740992",
    "1e16",
    "9007199254740992.5",
    "1e400",
    "-1e400",
  ])("the number %s is refused: a double does not hold it exactly", (text) =>
    expect(parseJson(text)).toMatchObject({ ok: false, detail: { at: "0" } }),
  );

  test.each([
    '"\\ud800"',
    '"\\udc00"',
    '"\\ud800x"',
    '"\\ud800\\ud800"',
    '"\\udc00\\ud800"',
    '"\\ud800\\n"',
    '{"\\ud800":1}',
    '"\ud800"',
    '"\udc00x"',
    '"\\ufffe"',
    '"\\ufdd0"',
    '"\uffff"',
    '"\\ud83f\\udfff"',
    `"${String.fromCodePoint(0x10fffe)}"`,
  ])("a lone surrogate or noncharacter is refused: %j", (text) => {
    expect(parseJson(text).ok).toBe(false);
  });

  test("a pair of surrogates is read, escaped, plain and mixed", () => {
    expect(unwrap(parseJson('"\\ud83d\\ude00\u{1F600}"'))).toBe("\u{1F600}\u{1F600}");
  });

  test.each([
    ["bad continuation", "22ff22"],
    ["overlong", "22c0af22"],
    ["surrogate in UTF-8", "22eda08022"],
    ["cut short", "22e282"],
  ])("bytes that are not UTF-8 are refused: %s", (_name, hex) => {
    expect(parseJson(fromHex(hex) ?? new Uint8Array(0))).toMatchObject({ code: "JSON_MALFORMED" });
  });

  test("whatever is accepted, the platform accepts and means the same", () => {
    const pieces = fc.constantFrom(
      ...'{}[],:"\\ \n'.split(""),
      "0",
      "-1",
      "1.5",
      "1e9",
      "true",
      "null",
      '"a"',
      '"\\u0061"',
      '"b"',
      "\ud800",
      "é",
    );
    const text = fc.oneof(
      fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join("")),
      fc.json({ maxDepth: 4 }),
      fc.tuple(fc.json(), fc.nat(), pieces).map(([json, at, piece]) => {
        const cut = at % (json.length + 1);
        return json.slice(0, cut) + piece + json.slice(cut + 1);
      }),
    );
    fc.assert(
      fc.property(text, (input) => {
        const ours = parseJson(input);
        let theirs: unknown;
        try {
          theirs = JSON.parse(input);
        } catch {
          expect(ours.ok).toBe(false);
          return;
        }
        if (ours.ok) expect(ours.value).toEqual(theirs);
        // What the platform takes and we do not is a prohibition of RFC 7493, never the grammar.
        else expect(ours.message).toMatch(/twice|surrogate|nonchar|beyond|nested/);
      }),
      { numRuns: 3000 },
    );
  });

  test("it never throws, on any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(typeof parseJson(bytes).ok).toBe("boolean");
      }),
      { numRuns: 2000 },
    );
  });

  test("a hundred thousand names, escapes and digits are read in one pass", () => {
    const names = Array.from({ length: 100_000 }, (_, i) => `"${i * 4096}":0`).join(",");
    expect(parseJson(`{${names}}`).ok).toBe(true);
    expect(parseJson(`{${names},"0":1}`).ok).toBe(false);
    expect(parseJson(`"${"\\u0041".repeat(500_000)}"`).ok).toBe(true);
    expect(parseJson(`0.${"1".repeat(1_000_000)}`).ok).toBe(true);
  });
});

describe("writing RFC 8785", () => {
  const double = (hex: string): number =>
    new DataView((fromHex(hex) ?? new Uint8Array(8)).buffer).getFloat64(0);

  // RFC 8785 Appendix B.
  test.each([
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["8000000000000001", "-5e-324"],
    ["7fefffffffffffff", "1.7976931348623157e+308"],
    ["ffefffffffffffff", "-1.7976931348623157e+308"],
    ["4340000000000000", "9007199254740992"],
    ["c340000000000000", "-9007199254740992"],
    ["4430000000000000", "295147905179352830000"],
    ["44b52d02c7e14af5", "9.999999999999997e+22"],
    ["44b52d02c7e14af6", "1e+23"],
    ["44b52d02c7e14af7", "1.0000000000000001e+23"],
    ["444b1ae4d6e2ef4e", "999999999999999700000"],
    ["444b1ae4d6e2ef4f", "999999999999999900000"],
    ["444b1ae4d6e2ef50", "1e+21"],
    ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
    ["41b3de4355555553", "333333333.3333332"],
    ["41b3de4355555554", "333333333.33333325"],
    ["41b3de4355555555", "333333333.3333333"],
    ["41b3de4355555556", "333333333.3333334"],
    ["41b3de4355555557", "333333333.33333343"],
    ["becbf647612f3696", "-0.0000033333333333333333"],
    ["43143ff3c1cb0959", "1424953923781206.2"],
  ])("the double %s is written %s", (hex, text) => {
    expect(canonicalText(double(hex))).toBe(text);
  });

  test.each(["7fffffffffffffff", "7ff0000000000000"])("the double %s is refused", (hex) => {
    expect(() => canonicalJson(double(hex))).toThrow();
  });

  // RFC 8785 §3.2.2 and §3.2.3.
  test("the example of the specification is written as the specification writes it", () => {
    const source = String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`;
    const value = jsonOf<JsonValue>(utf8(source));
    expect(canonicalText(value)).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  test("names are sorted by UTF-16 units", () => {
    const names = ["\u20ac", "\r", "\ufb33", "1", "\ud83d\ude00", "\u0080", "\u00f6"];
    const value = Object.fromEntries(names.map((name) => [name, name]));
    const written: unknown = JSON.parse(canonicalText(value));
    // The platform lists the index-like name first whatever the order in the text was.
    expect(Object.keys(Object(written)).slice(1)).toEqual([
      "\r",
      "\u0080",
      "\u00f6",
      "\u20ac",
      "\ud83d\ude00",
      "\ufb33",
    ]);
    expect(canonicalText({ "\r": 0, "1": 0, "!": 0 })).toBe('{"\\r":0,"!":0,"1":0}');
  });

  test("a lone surrogate is not written", () => {
    expect(() => canonicalJson("\ud800")).toThrow();
  });

  test("what is read, written and read again is the same, and is its own canonical form", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value = parseJson(text);
        if (!value.ok) return;
        const bytes = canonicalJson(value.value);
        const again = unwrap(parseJson(bytes));
        // The platform's writer, like RFC 8785, writes -0 as 0.
        expect(again).toEqual(JSON.parse(JSON.stringify(value.value)));
        expect(canonicalJson(again)).toEqual(bytes);
      }),
    );
  });
});
