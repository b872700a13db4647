/**
 * What every driver of the published note promises (`server/sequencer/ports.ts`), as one suite.
 */
import { expect, test } from "vitest";
import { utf8 } from "../../schema/bytes.ts";
import type { PublishedNotes } from "../../server/sequencer/ports.ts";

/** `open` is a new process's hold on the same place. */
export function notesContract(makePlace: () => Promise<() => PublishedNotes>): void {
  test("is not there until it is written", async () => {
    const open = await makePlace();
    expect(await open().read()).toBeUndefined();
  });

  test("I9 keeps the last note that was written, for the next process too", async () => {
    const open = await makePlace();
    const notes = open();
    for (const text of ["first\n", "a longer second one\n", "3\n"]) {
      await notes.write(utf8(text));
      expect(await notes.read()).toEqual(utf8(text));
      expect(await open().read()).toEqual(utf8(text));
    }
  });
}
