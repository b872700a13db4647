/**
 * The published note: the newest head that this log has shown, with the cosignatures it was shown
 * with. A file beside the store, and one in memory for tests.
 *
 * It is no part of the store: whoever loses it loses nothing but the head that reads go on with
 * while a start waits for its witnesses.
 *
 * Format: the bytes of `/checkpoint` (docs/formats.md §Files).
 *
 * @module
 */
import { join } from "node:path";
import { MAX_NOTE_BYTES } from "../../schema/limits.ts";
import { readSmallFile, replaceFile } from "../small-file.ts";
import type { PublishedNotes } from "./ports.ts";

/** In the data folder. */
const NAME = "published.note";

export function fileNotes(folder: string): PublishedNotes {
  const place = join(folder, NAME);
  return {
    place,
    read: () => readSmallFile(place, MAX_NOTE_BYTES),
    write: (note) => replaceFile(place, note),
  };
}

/** What outlives the process: the file of a note, without a file. */
export class MemoryNoteFile {
  bytes: Uint8Array | undefined;
}

export function memoryNotes(file: MemoryNoteFile): PublishedNotes {
  return {
    place: "memory",
    read: async () => file.bytes,
    write: async (note) => {
      file.bytes = note;
    },
  };
}
