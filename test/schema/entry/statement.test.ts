import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { utf8 } from "../../../schema/bytes.ts";
import { parseStatement } from "../../../schema/entry/statement.ts";
import { unwrap } from "../../../schema/error.ts";
import { type JsonObject, parseJson } from "../../../schema/json.ts";
import { KNOWN_PREDICATE_TYPES } from "../../../schema/predicate/registry.ts";
import * as say from "../../vectors/statements.ts";
import { sha256 } from "../support.ts";
import { reason } from "./support.ts";

const parse = (statement: say.StatementParts | JsonObject) =>
  parseStatement(sha256, say.payload(statement));
const GOOD = [say.review(), say.build(), say.refUpdate(), say.release(), say.provenance()];

test.each(GOOD.map((statement) => [statement.predicateType, statement] as const))(
  "%s is read with its meaning",
  (type, statement) => {
    const read = unwrap(parse(statement));
    expect(read?.predicateType).toBe(type);
    expect(read?.predicate).toEqual(statement.predicate);
    expect(read?.subject).toEqual(statement.subject);
    expect(type).toContain(read?.known?.kind.replace("slsa-", ""));
    // What was signed is what is read: no field is dropped or made up.
    expect(statement.predicate).toMatchObject(JSON.parse(JSON.stringify(read?.known?.value)));
  },
);

test("the registry knows these five types and no others", () => {
  expect([...KNOWN_PREDICATE_TYPES].sort()).toEqual(GOOD.map((s) => s.predicateType).sort());
});

describe("a statement", () => {
  test("of an unknown predicate type has subjects and no meaning", () => {
    const read = unwrap(parse(say.unknownStatement()));
    expect(read?.subject).toHaveLength(1);
    expect(read?.known).toBeUndefined();
    expect(read?.predicate).toEqual({ sunny: true });
  });

  test("without a predicate is taken for one with an empty predicate", () => {
    const { predicate: _, ...without } = say.unknownStatement();
    expect(unwrap(parse(without))?.predicate).toEqual({});
    const { predicate: __, ...review } = say.review();
    expect(reason(parse(review))[1]).toMatch(/^payload\.predicate\./);
  });

  test("keeps fields that nobody knows, and ignores them", () => {
    for (const good of GOOD) {
      const predicate = { ...good.predicate, somethingNew: { a: 1 } };
      const read = unwrap(parse({ ...good, predicate, extra: true }));
      expect(read?.predicate["somethingNew"]).toEqual({ a: 1 });
      expect(read?.known).toEqual(unwrap(parse(good))?.known);
    }
  });

  test.each(["https://in-toto.io/Statement/v0.1", "link", "layout"])(
    "of the older type %s is not read",
    (_type) => {
      expect(parse({ _type })).toEqual({ ok: true, value: undefined });
    },
  );

  test.each([
    ["another type", { _type: "https://in-toto.io/Statement/v1.1" }, "payload._type"],
    ["no type", { _type: null }, "payload._type"],
    ["no subject", { subject: [] }, "payload.subject"],
    ["a subject that is text", { subject: ["x"] }, "payload.subject[0]"],
    ["a subject without digest", { subject: [{ name: "x" }] }, "payload.subject[0].digest"],
    ["an empty digest set", { subject: [{ digest: {} }] }, "payload.subject[0].digest"],
    ["an empty digest", { subject: [{ digest: { own: "" } }] }, "payload.subject[0].digest.own"],
    [
      "a SHA-256 in capitals",
      { subject: [{ digest: { sha256: say.FILE_SHA256.toUpperCase() } }] },
      "payload.subject[0].digest.sha256",
    ],
    [
      "a commit id that is too short",
      { subject: [{ digest: { gitCommit: "abcdef" } }] },
      "payload.subject[0].digest.gitCommit",
    ],
    [
      "a name that is no text",
      { subject: [{ name: 1, digest: { own: "x" } }] },
      "payload.subject[0].name",
    ],
    ["an empty predicate type", { predicateType: "" }, "payload.predicateType"],
    ["a predicate that is a list", { predicate: [] }, "payload.predicate"],
  ])("with %s is refused, naming the field", (_, change, field) => {
    expect(reason(parse({ ...say.unknownStatement(), ...change }))).toEqual([
      "STATEMENT_INVALID",
      field,
    ]);
  });

  test("digests of algorithms nobody knows may be any text, also under strange names", () => {
    const digest = unwrap(parseJson('{"__proto__":"a","constructor":"b","dirHash":"h1:="}'));
    const subject = unwrap(parse({ ...say.unknownStatement(), subject: [{ digest }] }))?.subject;
    expect(Object.entries(subject?.[0]?.digest ?? {})).toEqual([
      ["__proto__", "a"],
      ["constructor", "b"],
      ["dirHash", "h1:="],
    ]);
  });

  test("that is not I-JSON is refused", () => {
    for (const text of ["", "{", '{"_type":"a","_type":"b"}', '"\\ud800"', "[1e999]", "\ufeff{}"])
      expect(reason(parseStatement(sha256, utf8(text)))).toEqual(["JSON_MALFORMED", "payload"]);
    expect(reason(parseStatement(sha256, Uint8Array.of(0x22, 0xff, 0x22)))[0]).toBe(
      "JSON_MALFORMED",
    );
  });

  test("of any JSON never throws", () => {
    fc.assert(
      fc.property(fc.constantFrom(...GOOD), fc.json(), fc.nat(5), (good, text, where) => {
        const keys = Object.keys(good.predicate);
        const key = keys[where % keys.length] ?? "x";
        parseStatement(sha256, utf8(text));
        const value = parseJson(text);
        if (!value.ok) return;
        parse({ ...good, predicate: { ...good.predicate, [key]: value.value } });
        parse({ ...good, subject: value.value });
      }),
      { numRuns: 500 },
    );
  });
});
