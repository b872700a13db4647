import fc from "fast-check";
import { parse, stringify } from "smol-toml";
import { describe, expect, test } from "vitest";
import { tomlPlaces } from "../../client/toml-places.ts";

const SOURCE = `# a comment with [brackets] and "quotes"
trust = 1

[[person]]
name = "A # not a comment"
keys = [
  "one", # first
  'two',
  """three
over lines""",
]
"odd key".sub = { x = 1, y = [ 2, 3 ] }

[[person]] # the second
name = 'B'
when = 1979-05-27 07:32:00Z

[person.more]
deep = true
[other]
z = -1.5e3
`;

describe("the place of a key", () => {
  const places = tomlPlaces(SOURCE);

  test.each([
    [["trust"], "2:1"],
    [["person", 0], "4:1"],
    [["person", 0, "name"], "5:1"],
    [["person", 0, "keys"], "6:1"],
    [["person", 0, "keys", 0], "7:3"],
    [["person", 0, "keys", 1], "8:3"],
    [["person", 0, "keys", 2], "9:3"],
    [["person", 0, "odd key", "sub"], "12:1"],
    [["person", 0, "odd key", "sub", "y"], "12:26"],
    [["person", 0, "odd key", "sub", "y", 1], "12:35"],
    [["person", 1], "14:1"],
    [["person", 1, "when"], "16:1"],
    [["person", 1, "more", "deep"], "19:1"],
    [["other", "z"], "21:1"],
  ])("%j is at %s", (path, place) => {
    expect(places(path)).toBe(place);
  });

  test("a missing key is looked for at the table around it", () => {
    expect(places(["person", 1, "roles"])).toBe("14:1");
    expect(places(["nothing"])).toBeUndefined();
  });

  test("carriage returns do not move it", () => {
    expect(tomlPlaces(SOURCE.replaceAll("\n", "\r\n"))(["other", "z"])).toBe("21:1");
  });
});

test("any text ends, accepted or not", () => {
  const piece = fc.constantFrom(
    '"',
    "'",
    '"""',
    "[",
    "]",
    "[[",
    "{",
    "}",
    "=",
    ",",
    ".",
    "#",
    "\n",
    "a",
    " ",
    "\\",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      tomlPlaces(pieces.join(""));
    }),
    { numRuns: 500 },
  );
});

test("each string of a generated document stands where it is said to stand", () => {
  const text = fc.string({ maxLength: 12, unit: "grapheme-ascii" });
  const document = fc.record({
    list: fc.array(text, { minLength: 1, maxLength: 4 }),
    table: fc.array(fc.record({ name: text, count: fc.integer() }), { minLength: 1, maxLength: 4 }),
  });
  fc.assert(
    fc.property(document, (value) => {
      const source = stringify(value);
      expect(parse(source)).toEqual(value);
      const places = tomlPlaces(source);
      const lines = source.split("\n");
      for (const i of value.table.keys()) {
        const [line = 0, column = 0] = (places(["table", i, "name"]) ?? "").split(":").map(Number);
        expect(lines[line - 1]?.slice(column - 1)).toMatch(/^name = /);
      }
      for (const [i, item] of value.list.entries()) {
        const [line = 0, column = 0] = (places(["list", i]) ?? "").split(":").map(Number);
        const rest = lines[line - 1]?.slice(column - 1) ?? "";
        expect(rest.startsWith(JSON.stringify(item)) || /^['"]/.test(rest)).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});
