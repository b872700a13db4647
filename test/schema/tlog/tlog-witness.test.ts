import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toBase64, utf8 } from "../../../schema/bytes.ts";
import { asHash, HASH_BYTES } from "../../../schema/tlog/hash.ts";
import { MAX_SIZE } from "../../../schema/tlog/size.ts";
import {
  formatAddCheckpoint,
  formatTlogSize,
  MAX_ADD_CHECKPOINT_BYTES,
  parseAddCheckpoint,
  parseTlogSize,
  witnessedCheckpointPath,
} from "../../../schema/tlog/tlog-witness.ts";
import { failureOf, sha256, valueOf } from "./support.ts";

const hash = fc.uint8Array({ minLength: HASH_BYTES, maxLength: HASH_BYTES }).map((bytes) => {
  const found = asHash(bytes);
  if (found === undefined) throw new Error("not 32 bytes");
  return found;
});
const line = toBase64(new Uint8Array(HASH_BYTES));

describe("an add-checkpoint request", () => {
  test("is read back as it was written, whatever its checkpoint is", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: MAX_SIZE }),
        fc.array(hash, { maxLength: 63 }),
        fc.uint8Array({ maxLength: 300 }),
        (oldSize, proof, checkpoint) => {
          const request = { oldSize, proof, checkpoint };
          expect(valueOf(parseAddCheckpoint(formatAddCheckpoint(request)))).toEqual(request);
        },
      ),
    );
  });

  test("is written line for line as the specification has it", () => {
    const [proof] = fc.sample(fc.array(hash, { minLength: 2, maxLength: 2 }), 1);
    const body = formatAddCheckpoint({ oldSize: 7, proof: proof ?? [], checkpoint: utf8("x\n") });
    const [first, second] = (proof ?? []).map(toBase64);
    expect(new TextDecoder().decode(body)).toBe(`old 7\n${first}\n${second}\n\nx\n`);
  });

  test.each([
    ["no empty line", "old 0\nx\n"],
    ["nothing", ""],
    ["no old size", `${line}\n\nx`],
    ["a leading zero", "old 01\n\nx"],
    ["two spaces", "old  1\n\nx"],
    ["a sign", "old +1\n\nx"],
    ["more than 2^53 − 1", "old 9007199254740993\n\nx"],
    ["a short hash", "old 1\nAAAA\n\nx"],
    ["base64 without padding", `old 1\n${line.slice(0, -1)}\n\nx`],
    ["carriage returns", `old 1\r\n${line}\r\n\r\nx`],
    ["a proof of 64 hashes", `old 1\n${`${line}\n`.repeat(64)}\nx`],
  ])("with %s is refused", (_, text) => {
    expect(failureOf(parseAddCheckpoint(utf8(text))).detail.field).toBeDefined();
  });

  test("is refused beyond its limit, and searched no further than its longest head", () => {
    const large = new Uint8Array(MAX_ADD_CHECKPOINT_BYTES + 1);
    expect(failureOf(parseAddCheckpoint(large)).code).toBe("TOO_LARGE");
    const late = utf8(`old 1\n${"x".repeat(5_000)}\n\n`);
    expect(parseAddCheckpoint(late).ok).toBe(false);
  });
});

describe("the size in a conflict", () => {
  test("is a decimal number on one line", () => {
    expect(formatTlogSize(5)).toBe("5\n");
    expect(valueOf(parseTlogSize(utf8("5\n")))).toBe(5);
    for (const text of ["5", "5\n\n", " 5\n", "05\n", "-1\n", "", "\n", `${"9".repeat(40)}\n`])
      expect(parseTlogSize(utf8(text)).ok).toBe(false);
  });
});

test("a witness shows its checkpoint under the hash of the origin", () => {
  expect(witnessedCheckpointPath(sha256, "example.com/log")).toMatch(
    /^\/[0-9a-f]{64}\/checkpoint$/,
  );
  expect(witnessedCheckpointPath(sha256, "")).toBe(
    "/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/checkpoint",
  );
});
