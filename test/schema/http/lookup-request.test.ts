import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { utf8 } from "../../../schema/bytes.ts";
import {
  CLAIMS_PATH,
  formatLookupRequest,
  LOOKUP_PATH,
  type LookupRequest,
  lookupPath,
  parseLookupQuery,
  parseLookupRequest,
  parseUpdateRange,
  updatePath,
} from "../../../schema/http/lookup-request.ts";
import { INDEX_V1 } from "../../../schema/index/generation.ts";
import { type LookupKey, MAX_LOOKUP_KEYS } from "../../../schema/index/lookup.ts";
import { KEY_TYPES } from "../../../schema/index/map-key.ts";
import { failureOf, valueOf } from "../tlog/support.ts";

const types = Object.keys(KEY_TYPES).filter(
  (name): name is keyof typeof KEY_TYPES => name in KEY_TYPES,
);
const field = fc.oneof(fc.string({ unit: "grapheme" }), fc.uint8Array({ maxLength: 40 }));
const key: fc.Arbitrary<LookupKey> = fc
  .constantFrom(...types)
  .chain((type) =>
    fc
      .array(field, { minLength: KEY_TYPES[type].length, maxLength: KEY_TYPES[type].length })
      .map((fields) => ({ type, fields })),
  );
const at = fc.option(fc.nat(), { nil: undefined });

describe("a look-up over HTTP", () => {
  test("for one key is read out of its path as it was written", () => {
    fc.assert(
      fc.property(key, fc.boolean(), fc.boolean(), at, (one, entries, claims, leaf) => {
        const request: LookupRequest = {
          keys: [one],
          entries: entries && !claims,
          summaries: claims,
          ...(leaf === undefined ? {} : { at: leaf }),
          ...(claims && entries ? { form: "bytes" } : {}),
        };
        const path = lookupPath(request, claims);
        const [place, query = ""] = path.split("?");
        expect(place).toBe(claims ? CLAIMS_PATH : LOOKUP_PATH);
        expect(valueOf(parseLookupQuery(query, claims))).toEqual(request);
      }),
    );
  });

  test("for many keys is read out of its body as it was written", () => {
    fc.assert(
      fc.property(
        fc.array(key, { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        fc.boolean(),
        at,
        (keys, entries, summaries, leaf) => {
          const request = { keys, entries, summaries, ...(leaf === undefined ? {} : { at: leaf }) };
          const body = utf8(formatLookupRequest(request));
          expect(valueOf(parseLookupRequest(body))).toEqual(request);
        },
      ),
    );
  });

  test.each([
    ["", "type"],
    ["type=nothing", "type"],
    ["type=ref&field=a", "fields"],
    ["type=ref&field=a&field=b&field=c", "fields"],
    ["type=artifact&hex=0G", "fields[0]"],
    ["type=artifact&hex=0", "fields[0]"],
    ["type=artifact&hex=00&entries=yes", "entries"],
    ["type=artifact&hex=00&at=-1", "at"],
    ["type=artifact&hex=00&at=01", "at"],
    ["type=artifact&type=ref&hex=00", "query"],
    ["type=artifact&hex=00&more=1", "query"],
    ["type=artifact&hex=00&form=bytes", "form"],
  ])("is refused with the field that is wrong: %s", (query, named) => {
    expect(failureOf(parseLookupQuery(query, false)).detail.field).toBe(named);
  });

  test("of a summary comes in bytes or as a bundle, and in no other form", () => {
    expect(valueOf(parseLookupQuery("type=opaque&form=bytes", true)).form).toBe("bytes");
    expect(failureOf(parseLookupQuery("type=opaque&form=json", true)).detail.field).toBe("form");
  });

  test("for updates names a range of leaves behind leaf 0, and a bounded one", () => {
    expect(updatePath(INDEX_V1, 3, 9)).toBe("/index/v1/update/3-9");
    expect(valueOf(parseUpdateRange("3-9", 16))).toEqual({ from: 3, to: 9 });
    for (const range of ["0-1", "3-3", "4-3", "3", "3-4-5", "03-4", "-1-4", "1-18", "x-y", ""])
      expect(parseUpdateRange(range, 16).ok).toBe(false);
  });

  test("is refused for no keys, too many of them, or what is not known", () => {
    const one = { type: "opaque", fields: [] };
    const bodies: readonly [object, string][] = [
      [{ keys: [] }, "keys"],
      [{ keys: Array.from({ length: MAX_LOOKUP_KEYS + 1 }, () => one) }, "keys"],
      [{ keys: [one], more: 1 }, "more"],
      [{ keys: [one], at: "1" }, "at"],
      [{ keys: [{ ...one, fields: [{ hex: "00", more: 1 }] }] }, "keys[0].fields"],
      [{ keys: [{ type: "artifact", fields: [7] }] }, "keys[0].fields[0]"],
    ];
    for (const [body, named] of bodies)
      expect(failureOf(parseLookupRequest(utf8(JSON.stringify(body)))).detail.field).toBe(named);
    expect(failureOf(parseLookupRequest(utf8("{"))).code).toBe("JSON_MALFORMED");
  });
});
