import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openImportState } from "../../../client/cli/import-state.ts";

const A = "a".repeat(40);
const B = "b".repeat(40);
const C = "c".repeat(64);
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-import-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("an import remembers how far it came", () => {
  test("what was added is there for the next run, of this log alone", async () => {
    const first = await openImportState(folder, "log+1", false);
    expect(first.has(A)).toBe(false);
    await first.add([
      { id: A, index: 7 },
      { id: C, index: 8 },
    ]);
    expect(first.has(A)).toBe(true);
    const second = await openImportState(folder, "log+1", false);
    expect([second.has(A), second.has(B), second.has(C)]).toEqual([true, false, true]);
    expect((await openImportState(folder, "log+2", false)).has(A)).toBe(false);
  });

  test("a line that a crash cut short is ignored, and what follows it is not lost", async () => {
    const first = await openImportState(folder, "log", false);
    await first.add([{ id: A, index: 1 }]);
    appendFileSync(first.path, `${B} `);
    const second = await openImportState(folder, "log", false);
    expect([second.has(A), second.has(B)]).toEqual([true, false]);
    await second.add([{ id: C, index: 3 }]);
    const third = await openImportState(folder, "log", false);
    expect([third.has(A), third.has(B), third.has(C)]).toEqual([true, false, true]);
  });

  test("lines that nobody of us wrote are no state", async () => {
    const first = await openImportState(folder, "log", false);
    await first.add([{ id: A, index: 1 }]);
    appendFileSync(first.path, `${B.toUpperCase()} 4\n${B}\n${B} -1\n`);
    expect((await openImportState(folder, "log", false)).has(B)).toBe(false);
  });

  test("a restart forgets, and forgets nothing on disk", async () => {
    const first = await openImportState(folder, "log", false);
    await first.add([{ id: A, index: 1 }]);
    expect((await openImportState(folder, "log", true)).has(A)).toBe(false);
    expect(readFileSync(first.path, "utf8")).toBe(`${A} 1\n`);
  });
});
