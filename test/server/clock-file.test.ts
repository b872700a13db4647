/** The clock's file in memory and on a disk under one contract, and its bytes. */
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { utf8 } from "../../schema/bytes.ts";
import { ClockFile, ClockInMemory, formatClock, parseClock } from "../../server/clock-file.ts";
import { openClock } from "../../server/log-clock.ts";
import { clockStoreContract } from "../contract/clock-store.ts";
import { temporaryFolder } from "./fixture.ts";

const { sha256 } = nodeCrypto;
const ORIGIN = "clock.example.test";

function fileIn(folder: string): ClockFile {
  return new ClockFile(sha256, ORIGIN, join(folder, "head.guard.clock"));
}

describe("a clock file in memory", () => {
  clockStoreContract(() => {
    const file = new ClockInMemory();
    return { open: () => file };
  });
});

describe("a clock file on a disk", () => {
  clockStoreContract(() => {
    const folder = temporaryFolder();
    return { open: () => fileIn(folder) };
  });

  test("is replaced whole, and leaves nothing else behind", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "head.guard.clock.new"), "half of a file that was bei");
    fileIn(folder).write(5);
    fileIn(folder).write(6);
    expect(readdirSync(folder)).toEqual(["head.guard.clock"]);
    expect(fileIn(folder).read()).toBe(6);
  });

  test("a folder that is gone refuses times and is not made anew", async () => {
    const folder = temporaryFolder();
    const file = fileIn(folder);
    file.write(1_000);
    let wall = 1_000_000;
    const clock = openClock({ store: file, wall: () => wall, monotonic: () => wall });
    rmSync(folder, { recursive: true });
    wall += 60_000;
    expect(() => clock.now()).toThrow(/cannot be written/);
    await clock.close();
    expect(existsSync(folder)).toBe(false);
  });
});

describe("the bytes of a clock file", () => {
  test("are these", () => {
    expect(Buffer.from(formatClock(sha256, ORIGIN, 1_790_000_000)).toString()).toBe(
      "countersign-clock/v1\nclock.example.test\n1790000000\n" +
        "49af785f787547ae2c8eb6d9f4a57a1c65966c1a9f23a0e661a86c9a454ea1b4\n",
    );
  });

  test("of another log, of a newer version, or damaged anywhere sign no time", () => {
    const bytes = formatClock(sha256, ORIGIN, 1_790_000_000);
    expect(parseClock(sha256, ORIGIN, bytes)).toEqual({ ok: true, value: 1_790_000_000 });
    expect(parseClock(sha256, "other.example", bytes)).toMatchObject({ code: "STORE_CORRUPT" });
    expect(parseClock(sha256, ORIGIN, utf8("countersign-clock/v2\n"))).toMatchObject({
      code: "STORE_NEWER",
    });
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(parseClock(sha256, ORIGIN, flipped).ok, String(bit)).toBe(false);
    }
    const folder = temporaryFolder();
    writeFileSync(join(folder, "head.guard.clock"), bytes.subarray(0, 40));
    const clock = openClock({ store: fileIn(folder), wall: () => 1.79e12, monotonic: () => 0 });
    expect(clock.state()).toMatchObject({ state: "refused" });
    expect(() => clock.now()).toThrow(/damaged/);
  });

  test("any other bytes are refused and never throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (attackerBytes) => {
        expect(parseClock(sha256, ORIGIN, attackerBytes).ok).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});
