import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readBytes, stateFolder, writeNew, writeWhole } from "../../../client/cli/files.ts";
import type { Io } from "../../../client/cli/io.ts";

let io: Io;

beforeEach(() => {
  io = {
    stdout: { write: () => undefined },
    stderr: { write: () => undefined },
    env: {},
    cwd: mkdtempSync(join(tmpdir(), "countersign-files-")),
    isTty: false,
    now: () => 0,
  };
});
afterEach(() => rmSync(io.cwd, { recursive: true, force: true }));

describe("files are read with a limit", () => {
  test("up to the limit whole, and one byte more is refused with both names", async () => {
    writeFileSync(join(io.cwd, "f"), Buffer.alloc(200_000, 7));
    expect((await readBytes(io, "f", 200_000)).length).toBe(200_000);
    await expect(readBytes(io, "f", 199_999)).rejects.toMatchObject({
      code: "TOO_LARGE",
      detail: { field: "f", limit: 199_999 },
    });
  });
  test("a device without an end is read to the limit, not for ever", async () => {
    await expect(readBytes(io, "/dev/zero", 1000)).rejects.toMatchObject({ code: "TOO_LARGE" });
  });
  test("what is not there is named", async () => {
    await expect(readBytes(io, "none", 10)).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
      detail: { field: "none" },
    });
  });
});

describe("files are written whole or not at all", () => {
  test("a second write replaces, and nothing else is left behind", async () => {
    await writeWhole(io, "a/b/f", "one");
    await writeWhole(io, "a/b/f", "two");
    expect(readFileSync(join(io.cwd, "a/b/f"), "utf8")).toBe("two");
    expect(readdirSync(join(io.cwd, "a/b"))).toEqual(["f"]);
  });
  test("a new file is never written over another", async () => {
    await writeNew(io, "f", "one");
    await expect(writeNew(io, "f", "two")).rejects.toThrow(/exists already/);
    expect(readFileSync(join(io.cwd, "f"), "utf8")).toBe("one");
    expect(readdirSync(io.cwd)).toEqual(["f"]);
  });
  test("where a file stands in place of a folder, it is named", async () => {
    await writeNew(io, "f", "one");
    await expect(writeWhole(io, "f/g", "x")).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
  });
});

describe("the state folder", () => {
  test("is the one of XDG, else below HOME, never relative", () => {
    const at = (env: Io["env"]): string => stateFolder({ ...io, env });
    expect(at({ XDG_STATE_HOME: "/x", HOME: "/h" })).toBe("/x/countersign");
    expect(at({ XDG_STATE_HOME: "x", HOME: "/h" })).toBe("/h/.local/state/countersign");
    expect(() => at({ HOME: "" })).toThrow(/no folder/);
  });
});
