import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readFields } from "../../../schema/fields.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../../../schema/json.ts";
import buildResult from "../../../schema/predicate/build-result.schema.json" with { type: "json" };
import commitReview from "../../../schema/predicate/commit-review.schema.json" with {
  type: "json",
};
import refUpdate from "../../../schema/predicate/ref-update.schema.json" with { type: "json" };
import { KNOWN_PREDICATE_TYPES, readShape } from "../../../schema/predicate/registry.ts";
import release from "../../../schema/predicate/release.schema.json" with { type: "json" };
import slsaProvenance from "../../../schema/predicate/slsa-provenance.schema.json" with {
  type: "json",
};
import * as say from "../../vectors/statements.ts";

const SCHEMAS = [
  [commitReview, say.review()],
  [buildResult, say.build()],
  [refUpdate, say.refUpdate()],
  [release, say.release()],
  [slsaProvenance, say.provenance()],
] as const;

/** Every field that any example has, and those that none has. */
const NAMES = [
  ...new Set(SCHEMAS.flatMap(([, { predicate }]) => Object.keys(predicate))),
  ..."log seq prev supersedes uri digest name operator gitCommit gitTree id __proto__".split(" "),
];

/** Values that are right somewhere, and values that are right nowhere. */
const VALUES: readonly JsonValue[] = [
  null,
  true,
  false,
  0,
  1,
  -1,
  0.5,
  2 ** 53 - 1,
  2 ** 53,
  [],
  {},
  "",
  " ",
  "x",
  "\u0000",
  "é",
  "👍",
  say.COMMIT,
  say.COMMIT.toUpperCase(),
  `${say.COMMIT}\n`,
  say.FILE_SHA256,
  say.FILE_SHA256.slice(1),
  "0".repeat(40),
  say.REPOSITORY,
  "no scheme",
  "https://a b",
  "pkg:npm/x@1",
  "pkg:npm",
  "x".repeat(1024),
  "x".repeat(1025),
  "👍".repeat(1024),
  "👍".repeat(1025),
  `a:${"x".repeat(2046)}`,
  `a:${"x".repeat(2047)}`,
  "refs/heads/main",
  "refs/heads/",
  "refs/heads/a..b",
  "refs/a.lock",
  "refs/a.lockb",
  "refs/.a",
  "refs/a/.b",
  "refs/a.",
  "refs/a b",
  "refs/@{",
  "refs/a//b",
  "heads/main",
  "refs/\u007f",
  "refs/x[y",
  "refs/é",
  `refs/${"x".repeat(1019)}`,
  `refs/${"x".repeat(1020)}`,
  "2026-11-22T10:00:00Z",
  "2026-11-22T10:00:00.123Z",
  "2026-11-22T10:00:00+01:00",
  "2026-02-30T10:00:00Z",
  "2026-13-01T10:00:00Z",
  "2026-11-22T24:00:00Z",
  "2026-11-22 10:00:00Z",
  "approve",
  "withdraw",
  "change",
  "none",
  "low",
  "log.example.test+0123abcd+AQID",
  "log+x+y",
  { gitCommit: say.COMMIT },
  { gitCommit: "x" },
  { nixDrv: "/nix/store/x.drv" },
  { nixDrv: "" },
  { "9": "x" },
  { a: "b", c: "d" },
  { sha256: say.FILE_SHA256 },
  { sha256: "x" },
  { own: "x" },
  { own: 1 },
  { uri: say.REPOSITORY },
  { uri: "" },
  { name: "x", digest: { own: "x" } },
  { operator: "x" },
  [say.REPOSITORY],
  ["x"],
  [1],
  [{ name: "x", digest: { sha512: "x" } }],
  [{ name: "x", digest: { gitTag: say.COMMIT } }],
  [{ digest: { own: "x" } }],
  Array.from({ length: 64 }, () => say.REPOSITORY),
  Array.from({ length: 65 }, () => say.REPOSITORY),
];

type Change = {
  readonly path: readonly number[];
  readonly name: string;
  readonly value: JsonValue | undefined;
};

const change: fc.Arbitrary<Change> = fc.record({
  path: fc.array(fc.nat(9), { maxLength: 3 }),
  name: fc.constantFrom(...NAMES),
  value: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...VALUES) },
    { weight: 2, arbitrary: fc.constant(undefined) },
    {
      weight: 1,
      arbitrary: fc
        .json()
        .map((text) => parseJson(text))
        .map((json) => (json.ok ? json.value : null)),
    },
  ),
});

/** Set or remove one field, somewhere inside. */
function changed(value: JsonValue, { path, name, value: put }: Change): JsonValue {
  const [step, ...rest] = path;
  if (Array.isArray(value)) {
    const items: readonly JsonValue[] = value;
    if (items.length === 0) return put ?? [];
    const at = (step ?? 0) % items.length;
    return items.map((item, i) =>
      i === at ? changed(item, { path: rest, name, value: put }) : item,
    );
  }
  if (!isJsonObject(value)) return put ?? null;
  const keys = Object.keys(value);
  const key = step === undefined ? undefined : keys[step % (keys.length + 1)];
  const entries = new Map(Object.entries(value));
  const inner = key === undefined ? undefined : entries.get(key);
  if (key !== undefined && inner !== undefined && rest.length > 0)
    entries.set(key, changed(inner, { path: rest, name, value: put }));
  else if (put === undefined) entries.delete(key ?? name);
  else entries.set(key ?? name, put);
  return Object.fromEntries(entries);
}

test("there is a schema for every predicate type", () => {
  expect(SCHEMAS.map(([schema]) => schema.$id).sort()).toEqual([...KNOWN_PREDICATE_TYPES].sort());
});

describe.each(SCHEMAS)("$title", (schema, good) => {
  const validate = new Ajv2020({ strict: false, allErrors: false }).compile(schema);
  const both = (predicate: JsonValue): readonly [boolean, boolean] => [
    validate(predicate),
    readFields(predicate, "", (fields) => readShape(schema.$id, fields)).ok,
  ];

  test("its good example is good to the schema and to the code", () => {
    expect(schema.$id).toBe(good.predicateType);
    expect(both(good.predicate)).toEqual([true, true]);
  });

  test("each field alone, with each value or none: schema and code agree", () => {
    const paths: readonly (readonly number[])[] = [
      [],
      ...Array.from({ length: 10 }, (_, i) => [i]),
    ];
    let refused = 0;
    for (const value of [undefined, ...VALUES])
      for (const path of paths)
        for (const name of path.length === 0 ? NAMES : [""]) {
          const predicate = changed(good.predicate, { path, name, value });
          const [bySchema, byCode] = both(predicate);
          if (bySchema !== byCode)
            expect({ predicate, bySchema }).toEqual({ predicate, bySchema: byCode });
          if (!byCode) refused++;
        }
    expect(refused).toBeGreaterThan(100);
  });

  test("several fields at once, at any depth: schema and code agree", () => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const start: JsonObject = good.predicate;
        const predicate = changes.reduce<JsonValue>(changed, start);
        const [bySchema, byCode] = both(predicate);
        expect(byCode).toBe(bySchema);
      }),
      { numRuns: 1500 },
    );
  });
});
