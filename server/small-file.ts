/**
 * Small files that are replaced whole: after a crash there is the old one or the new one, never a
 * part of either.
 *
 * All of it is off the main thread, because a round of witnesses writes one each time; what may hold
 * the main thread up is durable-file.ts.
 *
 * A write is: whole file under another name, fsync, rename over the old one, fsync of the folder.
 * Whoever writes one file does so one write after the other.
 *
 * @module
 */
import { readFile, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { LogError } from "../schema/error.ts";
import { syncFolderAside, writeDraft } from "./durable-file.ts";

const FULL: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** `undefined` where there is none. @throws LogError FILE_UNREADABLE, TOO_LARGE */
export async function readSmallFile(
  path: string,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  try {
    if ((await stat(path)).size > maxBytes)
      throw new LogError("TOO_LARGE", `${path} has more than ${maxBytes} bytes`, {
        field: path,
        limit: maxBytes,
      });
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    if (cause instanceof LogError) throw cause;
    if (codeOf(cause) === "ENOENT") return undefined;
    throw new LogError("FILE_UNREADABLE", `${path} cannot be read`, { field: path, cause });
  }
}

/** Durable when it returns. @throws LogError STORAGE_FULL, STORAGE_FAILED; then the old file is there */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  try {
    const draft = `${path}.new`;
    await writeDraft(draft, bytes);
    await rename(draft, path);
    await syncFolderAside(dirname(path));
  } catch (cause) {
    const code = FULL.has(codeOf(cause)) ? "STORAGE_FULL" : "STORAGE_FAILED";
    throw new LogError(code, `${path} cannot be written`, { field: path, cause });
  }
}

function codeOf(cause: unknown): unknown {
  return cause instanceof Error && "code" in cause ? cause.code : undefined;
}
