/**
 * Files of the command line: read with a limit, written whole or not at all.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { link, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { concat } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import type { Io } from "./io.ts";

/** A path as typed, against the folder of the process. */
export function pathOf(io: Io, path: string): string {
  return isAbsolute(path) ? path : join(io.cwd, path);
}

/** A file of at most `maxBytes` bytes. Throws FILE_UNREADABLE, TOO_LARGE. */
export async function readBytes(io: Io, path: string, maxBytes: number): Promise<Uint8Array> {
  const bytes = await readStart(io, path, maxBytes + 1);
  if (bytes.length <= maxBytes) return bytes;
  throw new LogError("TOO_LARGE", `${path} is larger than ${maxBytes} bytes`, {
    field: path,
    limit: maxBytes,
  });
}

/** The first `maxBytes` bytes of a file, or all of it where it has fewer. Throws FILE_UNREADABLE. */
export async function readStart(io: Io, path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    await using file = await open(pathOf(io, path), constants.O_RDONLY);
    const parts: Uint8Array[] = [];
    let size = 0;
    // Read to the limit instead of asking for the size: a pipe has none, and a file may grow.
    while (size < maxBytes) {
      const part = new Uint8Array(Math.min(65_536, maxBytes - size));
      const { bytesRead } = await file.read(part, 0, part.length);
      if (bytesRead === 0) break;
      size += bytesRead;
      parts.push(part.subarray(0, bytesRead));
    }
    return concat(...parts);
  } catch (cause) {
    throw unreadable("read", path, cause);
  }
}

/** Whole or not at all: written beside its place, made durable, then renamed over it. */
export async function writeWhole(io: Io, path: string, bytes: Uint8Array | string): Promise<void> {
  await place(io, path, bytes, rename);
}

/** As {@link writeWhole}, but refuses to replace a file that is there. */
export async function writeNew(io: Io, path: string, bytes: Uint8Array | string): Promise<void> {
  await place(io, path, bytes, async (from, to) => {
    await link(from, to);
    await rm(from);
  });
}

async function place(
  io: Io,
  path: string,
  bytes: Uint8Array | string,
  put: (from: string, to: string) => Promise<void>,
): Promise<void> {
  const target = pathOf(io, path);
  const beside = `${target}.${randomUUID()}.tmp`;
  try {
    await mkdir(dirname(target), { recursive: true });
    {
      await using file = await open(beside, "wx");
      await file.writeFile(bytes);
      await file.sync();
    }
    await put(beside, target);
  } catch (cause) {
    // Why it could not be written is what counts, not whether its traces could be removed.
    await rm(beside, { force: true }).catch(() => {});
    throw unreadable("written", path, cause);
  }
}

function unreadable(done: "read" | "written", path: string, cause: unknown): LogError {
  const exists = cause instanceof Error && "code" in cause && cause.code === "EEXIST";
  return new LogError(
    "FILE_UNREADABLE",
    exists ? `${path} exists already` : `${path} cannot be ${done}`,
    {
      field: path,
      cause,
      ...(exists ? { hint: "choose another name, or remove the file" } : {}),
    },
  );
}

/** Where this user's programs keep state (XDG base directories), with our folder in it. */
export function stateFolder(io: Io): string {
  const named = io.env["XDG_STATE_HOME"];
  if (named !== undefined && isAbsolute(named)) return join(named, "countersign");
  const home = io.env["HOME"] ?? io.env["USERPROFILE"];
  if (home === undefined || !isAbsolute(home))
    throw new LogError("USAGE", "there is no folder to keep state in", {
      field: "HOME",
      hint: "set XDG_STATE_HOME, or give --memory FILE",
    });
  return join(home, ".local", "state", "countersign");
}
