/**
 * A small file that is replaced whole: another name, fsync, rename, fsync of the folder. After a
 * crash there is the old file or the new one, never a part of one.
 *
 * @module
 */
import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";
import { open, unlink } from "node:fs/promises";
import { dirname } from "node:path";

/** Durable when it returns. Throws what the system says; then the old file is as it was. */
export function replaceFile(path: string, bytes: Uint8Array): void {
  const draft = `${path}.new`;
  const file = openSync(draft, "w", 0o600);
  try {
    writeFileSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
  syncFolder(dirname(path));
}

/**
 * The same without holding up the main thread. `wanted` is asked when the bytes are on the disk,
 * in the same turn in which they take their place: where it says no, the old file stays.
 */
export async function replaceFileAhead(
  path: string,
  bytes: Uint8Array,
  wanted: () => boolean,
): Promise<void> {
  const draft = `${path}.ahead`;
  await writeDraft(draft, bytes);
  if (!wanted()) {
    await unlink(draft);
    return;
  }
  renameSync(draft, path);
  await syncFolderAside(dirname(path));
}

/** The whole of a file that is not in its place yet, on the disk; off the main thread. */
export async function writeDraft(draft: string, bytes: Uint8Array): Promise<void> {
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** `syncFolder` off the main thread. */
export async function syncFolderAside(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export function syncFolder(path: string): void {
  // Windows has no fsync of folders; its renames are written through.
  if (process.platform === "win32") return;
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
