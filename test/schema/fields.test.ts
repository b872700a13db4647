import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { unwrap } from "../../schema/error.ts";
import { type Fields, readFields, refuse, required } from "../../schema/fields.ts";
import { type JsonValue, parseJson } from "../../schema/json.ts";
import { containing, matching } from "./support.ts";

const value = unwrap(
  parseJson(
    '{"text":"abc","n":7,"yes":true,"b64":"QUJD","hex":"00ff","list":["a",{"x":1}],' +
      '"inner":{"deep":{"n":-1}},"objects":[{"sig":"QQ=="},{"sig":"Q"}],"nil":null}',
  ),
);

const field = (path: string, read: (fields: Fields) => unknown): unknown =>
  readFields(value, path, read);

describe("reading fields", () => {
  test("well-formed fields are read", () => {
    const result = readFields(value, "", (f) => [
      f.string("text", { max: 3 }),
      f.integer("n"),
      f.boolean("yes"),
      f.bytes("b64", { min: 3, max: 3 }),
      f.hex("hex", 2),
      f.array("list").length,
      f.object("inner").object("deep").integer("n", { min: -1 }),
      f.oneOf("text", ["xyz", "abc"]),
      f.optional("absent", (name) => f.string(name)),
      f.optional("text", (name) => f.string(name)),
      f.value("nil"),
    ]);
    expect(unwrap(result)).toEqual([
      "abc",
      7,
      true,
      Uint8Array.of(65, 66, 67),
      Uint8Array.of(0, 255),
      2,
      -1,
      "abc",
      undefined,
      "abc",
      null,
    ]);
  });

  test.each<[string, (fields: Fields) => unknown, string]>([
    ["missing", (f) => f.string("absent"), "envelope.absent"],
    ["no string", (f) => f.string("n"), "envelope.n"],
    ["null is not absent", (f) => f.optional("nil", (name) => f.string(name)), "envelope.nil"],
    ["no number", (f) => f.integer("text"), "envelope.text"],
    ["below the minimum", (f) => f.integer("n", { min: 8 }), "envelope.n"],
    ["negative", (f) => f.object("inner").object("deep").integer("n"), "envelope.inner.deep.n"],
    ["no boolean", (f) => f.boolean("n"), "envelope.n"],
    ["no base64", (f) => f.bytes("text"), "envelope.text"],
    ["hex of another length", (f) => f.hex("hex", 3), "envelope.hex"],
    ["not one of the set", (f) => f.oneOf("text", ["x", "y"]), "envelope.text"],
    ["no object", (f) => f.object("list"), "envelope.list"],
    ["no array", (f) => f.array("inner"), "envelope.inner"],
    ["an item that is no string", (f) => f.strings("list"), "envelope.list[1]"],
    ["an item that is no object", (f) => f.objects("list"), "envelope.list[0]"],
    [
      "a field of an item",
      (f) => f.objects("objects").map((item) => item.bytes("sig")),
      "envelope.objects[1].sig",
    ],
    ["an unknown field", (f) => f.only("text"), "envelope.n"],
    [
      "an inherited name",
      (f) => f.value("constructor") ?? f.string("constructor"),
      "envelope.constructor",
    ],
  ])("the failure names the field: %s", (_name, read, path) => {
    expect(field("envelope", read)).toMatchObject({
      ok: false,
      code: "FIELD_INVALID",
      message: containing(path),
      detail: { field: path, expected: matching(/./) },
    });
  });

  test("a field that is too long fails with its limit", () => {
    expect(field("", (f) => f.string("text", { max: 2 }))).toMatchObject({
      code: "TOO_LARGE",
      detail: { field: "text", limit: 2 },
    });
    expect(field("", (f) => f.array("list", { max: 1 }))).toMatchObject({ code: "TOO_LARGE" });
  });

  test.each<[JsonValue | undefined]>([[null], [1], ["x"], [[]], [undefined]])(
    "%j is no object",
    (other) => {
      expect(readFields(other, "", () => 1)).toMatchObject({ ok: false, code: "FIELD_INVALID" });
    },
  );

  test("a caller's own refusal and a failed result end the reading as they are", () => {
    expect(field("", () => refuse("STATEMENT_INVALID", "no"))).toMatchObject({
      code: "STATEMENT_INVALID",
    });
    expect(field("", () => required(parseJson("{")))).toMatchObject({ code: "JSON_MALFORMED" });
  });

  test("a defect in the reading function is not taken for bad input", () => {
    const defect = (): never => {
      throw new TypeError("a defect");
    };
    expect(() => field("", defect)).toThrow(TypeError);
  });

  test("no JSON makes it throw", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        const parsed = parseJson(JSON.stringify(json));
        if (!parsed.ok) return;
        const result = readFields(parsed.value, "x", (f) =>
          f.objects("a").map((o) => o.bytes("b")),
        );
        expect(typeof result.ok).toBe("boolean");
      }),
    );
  });
});
