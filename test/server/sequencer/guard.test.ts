import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { utf8 } from "../../../schema/bytes.ts";
import {
  formatGuard,
  MemoryGuard,
  MemoryGuardFile,
  parseGuard,
} from "../../../server/sequencer/guard.ts";
import { FileGuard } from "../../../server/sequencer/guard-file.ts";
import { guardContract, guardedHead } from "../../contract/guard.ts";
import { newGuardHead, temporaryFolder } from "../fixture.ts";

describe("a guard in memory", () => {
  guardContract(async () => {
    const file = new MemoryGuardFile();
    return {
      open: () => MemoryGuard.open(file),
      create: async (head) => {
        file.bytes = formatGuard(head);
      },
    };
  });
});

describe("a guard on a file", () => {
  guardContract(async () => {
    const path = join(temporaryFolder(), "head.guard");
    return {
      open: () => FileGuard.open(path),
      create: async (head) => {
        const guard = await FileGuard.open(path);
        await guard.create(head);
        await guard.close();
      },
    };
  });

  test("is created once: a second creation is refused and changes nothing", async () => {
    const path = join(temporaryFolder(), "head.guard");
    const guard = await FileGuard.open(path);
    await guard.create(newGuardHead());
    await guard.write(await guardedHead(5));
    await expect(guard.create(newGuardHead())).rejects.toMatchObject({ code: "STORE_EXISTS" });
    expect((await guard.read())?.size).toBe(5);
    await guard.close();
  });

  test("I1 staging puts no part of a signed head on the disk", async () => {
    const path = join(temporaryFolder(), "head.guard");
    const guard = await FileGuard.open(path);
    await guard.create(newGuardHead());
    await guard.stage();
    expect(new Set(readFileSync(`${path}.new`))).toEqual(new Set([0]));
    await guard.close();
    expect(existsSync(`${path}.new`)).toBe(false);
  });

  test("what a kill left half-written is written over", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "head.guard");
    const first = await FileGuard.open(path);
    await first.create(newGuardHead());
    await first.close();
    writeFileSync(`${path}.new`, "x".repeat(100_000));
    const guard = await FileGuard.open(path);
    await guard.write(await guardedHead(3));
    expect((await guard.read())?.size).toBe(3);
    await guard.close();
    expect(readdirSync(folder).toSorted()).toEqual(["head.guard", "head.guard.lock"]);
  });

  test("a folder that is not there has no guard, and none is made", async () => {
    const folder = join(temporaryFolder(), "gone");
    const guard = await FileGuard.open(join(folder, "head.guard"));
    expect(await guard.read()).toBeUndefined();
    await expect(guard.write(await guardedHead(1))).rejects.toMatchObject({
      code: "GUARD_MISSING",
    });
    await guard.close();
    expect(existsSync(folder)).toBe(false);
  });

  test("I6 a guard that is deleted while the log runs is not made anew", async () => {
    const path = join(temporaryFolder(), "head.guard");
    const guard = await FileGuard.open(path);
    await guard.create(newGuardHead());
    rmSync(path);
    await expect(guard.write(await guardedHead(1))).rejects.toMatchObject({
      code: "GUARD_MISSING",
    });
    expect(existsSync(path)).toBe(false);
    await guard.close();
  });
});

describe("the bytes of a guard", () => {
  test("are these", () => {
    const text = Buffer.from(formatGuard(newGuardHead())).toString();
    expect(text).toBe(
      "countersign-guard/v1\nlog.example.test/fixture\n000102030405060708090a0b0c0d0e0f\n0\n" +
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n",
    );
  });

  test("come back as they were", async () => {
    for (const head of [newGuardHead(), await guardedHead(1), await guardedHead(123_456)])
      expect(parseGuard(formatGuard(head))).toMatchObject({ ok: true, value: { size: head.size } });
  });

  test("every flipped bit before the checkpoint is refused or changes a value that the start checks", async () => {
    const bytes = formatGuard(await guardedHead(77));
    const headEnd = Buffer.from(bytes).indexOf("\n\n") + 2;
    for (let bit = 0; bit < headEnd * 8; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const parsed = parseGuard(flipped);
      if (parsed.ok)
        expect(Buffer.from(formatGuard(parsed.value)).equals(Buffer.from(bytes))).toBe(false);
    }
  });

  test("a newer version is told from damage", () => {
    expect(parseGuard(utf8("countersign-guard/v2\nanything"))).toMatchObject({
      code: "STORE_NEWER",
    });
    expect(parseGuard(utf8(""))).toMatchObject({ code: "STORE_CORRUPT" });
  });

  test("any other bytes are refused and never throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(parseGuard(bytes).ok).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});
