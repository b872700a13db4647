import fc from "fast-check";
import { expect, test } from "vitest";
import { toHex, utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import {
  contentPath,
  ENTRIES_PATH,
  entryPath,
  keyPath,
  parseDigest,
  parseEntryName,
} from "../../../schema/http/paths.ts";
import { sha256 } from "../support.ts";

const digest = sha256(utf8("x"));

test("an entry is found by its index or its leaf hash, and the path is read back", () => {
  for (const name of [
    { by: "index", index: 0 },
    { by: "index", index: Number.MAX_SAFE_INTEGER },
    { by: "leaf-hash", leafHash: digest },
  ] as const)
    expect(unwrap(parseEntryName(entryPath(name).slice(ENTRIES_PATH.length + 1)))).toEqual(name);
});

test("64 digits are a leaf hash, not an index", () => {
  expect(unwrap(parseEntryName("1".repeat(64))).by).toBe("leaf-hash");
});

test.each([
  "",
  "-1",
  "01",
  "1.0",
  "1e3",
  "9007199254740992",
  "9".repeat(17),
  "x",
  "A".repeat(64),
  `${"0".repeat(64)}/`,
])("%j names no entry", (text) => {
  expect(parseEntryName(text)).toMatchObject({ code: "FIELD_INVALID", detail: { field: "entry" } });
});

test("contents and keys are named by their SHA-256 in lower-case hex", () => {
  expect(contentPath(digest)).toBe(`/content/sha256/${toHex(digest)}`);
  expect(keyPath(digest)).toBe(`/key/sha256/${toHex(digest)}`);
  expect(parseDigest(toHex(digest))).toEqual(digest);
  expect(parseDigest(toHex(digest).toUpperCase())).toBeUndefined();
  expect(parseDigest(toHex(digest).slice(2))).toBeUndefined();
});

test("no text makes the readers of names throw", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      parseEntryName(text);
      parseDigest(text);
    }),
  );
});
