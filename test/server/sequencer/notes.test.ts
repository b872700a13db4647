import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { utf8 } from "../../../schema/bytes.ts";
import { MAX_NOTE_BYTES } from "../../../schema/limits.ts";
import { fileNotes, MemoryNoteFile, memoryNotes } from "../../../server/sequencer/notes.ts";
import { notesContract } from "../../contract/notes.ts";
import { temporaryFolder } from "../fixture.ts";
import { rejectionOf } from "../refusal.ts";

describe("a published note in memory", () => {
  notesContract(async () => {
    const file = new MemoryNoteFile();
    return () => memoryNotes(file);
  });
});

describe("a published note on a disk", () => {
  notesContract(async () => {
    const folder = temporaryFolder();
    return () => fileNotes(folder);
  });

  test("a write that was cut off leaves the old note", async () => {
    const folder = temporaryFolder();
    const notes = fileNotes(folder);
    await notes.write(utf8("whole\n"));
    writeFileSync(`${notes.place}.new`, "cut o");
    expect(await notes.read()).toEqual(utf8("whole\n"));
    await notes.write(utf8("next\n"));
    expect(await notes.read()).toEqual(utf8("next\n"));
    expect(readdirSync(folder)).toEqual(["published.note"]);
  });

  test("what cannot be written or is no note is said by its place", async () => {
    const folder = temporaryFolder();
    const notes = fileNotes(folder);
    writeFileSync(notes.place, new Uint8Array(MAX_NOTE_BYTES + 1));
    expect(await rejectionOf(notes.read())).toMatchObject({
      code: "TOO_LARGE",
      detail: { field: notes.place },
    });
    rmSync(notes.place);
    mkdirSync(join(folder, "published.note"));
    expect((await rejectionOf(notes.write(utf8("x\n")))).code).toBe("STORAGE_FAILED");
    expect((await rejectionOf(notes.read())).code).toBe("FILE_UNREADABLE");
  });
});
