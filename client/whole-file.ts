/**
 * A file that is whole at any time: the old one or the new one, whatever crashes when.
 *
 * Written to a temporary file, made durable, read back, renamed over the old one; then the folder
 * is made durable too. What cannot be read or written is `FILE_UNREADABLE`, with the name of what
 * it is.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { platform } from "node:process";
import { equal } from "../schema/bytes.ts";
import { LogError } from "../schema/error.ts";

/** The bytes; `undefined` where there is no such file. `what` is what the file is called. */
export async function readWholeFile(what: string, path: string): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new LogError("FILE_UNREADABLE", `The ${what} ${path} cannot be read.`, { cause: error });
  }
}

/** Durable when it returns, and never half there. Reads back what it wrote before renaming. */
export async function writeWholeFile(
  what: string,
  path: string,
  bytes: Uint8Array,
  mode = 0o600,
): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, "wx", mode);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    if (!equal(new Uint8Array(await readFile(temporary)), bytes))
      throw new Error("the bytes read back are not the bytes written");
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw new LogError("FILE_UNREADABLE", `The ${what} ${path} cannot be written.`, {
      cause: error,
      hint: "The old file is unharmed. Is the disk full, or the folder read-only?",
    });
  }
}

/** Makes the rename itself durable. Windows cannot open folders and needs no such step. */
async function syncFolder(path: string): Promise<void> {
  if (platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
