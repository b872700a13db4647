import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../schema/json.ts";
import { formatVkey, SIGNATURE_TYPES } from "../../../schema/tlog/note.ts";
import {
  build,
  OTHER_SHA256,
  refUpdate,
  release,
  review,
  type StatementParts,
} from "../../vectors/statements.ts";
import { sha256 } from "../support.ts";
import { field } from "./rules.ts";

const log = formatVkey(
  sha256,
  "log.example.test",
  SIGNATURE_TYPES.ed25519,
  new Uint8Array(32).fill(7),
);

const OURS: readonly (readonly [string, (changes: JsonObject) => StatementParts])[] = [
  ["commit-review", review],
  ["build-result", build],
  ["ref-update", (changes) => refUpdate({ ...changes })],
  ["release", release],
];

describe.each(OURS)("%s", (_, make) => {
  test("may name a log, a number, the one before and the one it replaces", () => {
    expect(field(make({ log, seq: 0, prev: OTHER_SHA256, supersedes: OTHER_SHA256 }))).toBe(
      "accepted",
    );
    expect(field(make({ seq: 2 ** 53 - 1, prev: OTHER_SHA256 }))).toBe("accepted");
  });

  test.each([
    ["log", "log.example.test"],
    ["log", log.replace(/\+[0-9a-f]{8}\+/, "+00000000+")],
    ["log", `${log}A`],
    ["seq", -1],
    ["seq", 1.5],
    ["seq", "1"],
    ["prev", OTHER_SHA256.toUpperCase()],
    ["supersedes", `sha256:${OTHER_SHA256}`],
    ["supersedes", null],
  ])("with %s = %j is refused", (name, value) => {
    expect(field(make({ seq: 1, [name]: value }))).toBe(`payload.predicate.${name}`);
  });
});

test("prev without seq is refused", () => {
  expect(field(review({ prev: OTHER_SHA256 }))).toBe("payload.predicate.seq");
});
