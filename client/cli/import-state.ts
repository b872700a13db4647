/**
 * How far an import came: the ids of the objects whose entries are proved to be in a log.
 *
 * One text file for each log key, a line `<object id> <leaf index>` for each object. Lines are
 * only ever added, after the receipt was checked; a line that a crash cut short is ignored, and
 * its object is sent once more, which is a duplicate and costs nothing.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { mkdir, open, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { LogError } from "../../schema/error.ts";

export interface ImportState {
  readonly path: string;
  readonly has: (id: string) => boolean;
  /** Durable when it resolves. */
  readonly add: (done: readonly { readonly id: string; readonly index: number }[]) => Promise<void>;
}

const LINE = /^([0-9a-f]{40}|[0-9a-f]{64}) (\d{1,16})$/;

export async function openImportState(
  stateFolder: string,
  vkey: string,
  restart: boolean,
): Promise<ImportState> {
  const name = createHash("sha256").update(vkey).digest("hex").slice(0, 32);
  const path = join(stateFolder, "imports", `${name}.txt`);
  const text = restart ? "" : await readOrNothing(path);
  const lines = text.split("\n");
  // What follows the last line feed was cut short.
  const torn = lines.pop() !== "";
  const done = new Set<string>();
  for (const line of lines) {
    const id = LINE.exec(line)?.[1];
    if (id !== undefined) done.add(id);
  }
  let prefix = torn ? "\n" : "";
  return {
    path,
    has: (id) => done.has(id),
    add: async (items) => {
      if (items.length === 0) return;
      await append(path, prefix + items.map(({ id, index }) => `${id} ${index}\n`).join(""));
      prefix = "";
      for (const { id } of items) done.add(id);
    },
  };
}

async function append(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await using file = await open(path, "a");
    await file.appendFile(text);
    await file.datasync();
  } catch (cause) {
    throw new LogError("FILE_UNREADABLE", `${path} cannot be written`, { field: path, cause });
  }
}

async function readOrNothing(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return "";
    throw new LogError("FILE_UNREADABLE", `${path} cannot be read`, { field: path, cause });
  }
}
