import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { fromUtf8, toHex, utf8 } from "../../../schema/bytes.ts";
import { leafHash } from "../../../schema/tlog/hash.ts";
import {
  filePromises,
  formatPromises,
  NO_PROMISES,
  type PromiseMemory,
  parsePromises,
  promisesPath,
} from "../../../server/promises/store.ts";

const { sha256 } = nodeCrypto;
const ORIGIN = "log.test";
const root = leafHash(sha256, utf8("root"));
const MEMORY: PromiseMemory = {
  floor: 3,
  ranges: [
    { size: 5, root, time: 100, deadline: 200 },
    { size: 9, root, time: 101, deadline: 201 },
  ],
};

/** A file whose sum is right, whatever its lines are. */
function summed(...lines: readonly string[]): Uint8Array {
  const text = lines.map((line) => `${line}\n`).join("");
  return utf8(`${text}${toHex(sha256(utf8(text)))}\n`);
}

describe("the promises file", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "countersign-promises-"));
  });
  afterEach(async () => rm(folder, { recursive: true, force: true }));

  test("is read back as it was written, and replaced whole", async () => {
    const place = promisesPath(join(folder, "head.guard"));
    const store = filePromises(sha256, ORIGIN, place);
    expect(await store.read()).toEqual(NO_PROMISES);
    await store.write({ floor: 1, ranges: [] });
    await store.write(MEMORY);
    expect(await store.read()).toEqual(MEMORY);
    expect(await readdir(folder)).toEqual(["head.guard.promises"]);
  });

  test("is refused with any one byte changed, added or left out", () => {
    const bytes = formatPromises(sha256, ORIGIN, MEMORY);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = bytes.slice();
        changed[at] = (changed[at] ?? 0) ^ change;
        expect(parsePromises(sha256, ORIGIN, changed).ok).toBe(false);
        expect(parsePromises(sha256, ORIGIN, bytes.subarray(0, at)).ok).toBe(false);
      }),
      { numRuns: 300 },
    );
    expect(parsePromises(sha256, ORIGIN, utf8(`${fromUtf8(bytes) ?? ""}\n`)).ok).toBe(false);
  });

  test("of another log, of sizes that go back, or of a later version is refused", () => {
    const parse = (bytes: Uint8Array) => parsePromises(sha256, ORIGIN, bytes);
    expect(parse(formatPromises(sha256, "other.test", MEMORY))).toMatchObject({
      code: "STORE_CORRUPT",
    });
    const line = `5 ${"A".repeat(43)}= 100 200`;
    const first = "countersign-promises/v1";
    expect(parse(summed(first, ORIGIN, "3", line)).ok).toBe(true);
    expect(parse(summed(first, ORIGIN, "5", line)).ok).toBe(false);
    expect(parse(summed(first, ORIGIN, "3", line, line)).ok).toBe(false);
    expect(parse(summed(first, ORIGIN, "3", line.replace("200", "100"))).ok).toBe(false);
    expect(parse(summed(first, ORIGIN, "3", `${line} `)).ok).toBe(false);
    expect(parse(summed("countersign-promises/v2", ORIGIN))).toMatchObject({ code: "STORE_NEWER" });
  });
});
