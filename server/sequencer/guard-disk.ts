/**
 * The head guard as a file: what its thread does, plain and synchronous.
 *
 * A write is: whole file under another name, fsync, rename over the old one, fsync of the folder.
 * After a crash there is the old guard or the new one, never a part of one. `stage` takes the room
 * for the other file ahead, so that a full disk shows before the store commits; it writes filler
 * and not the head, because a signed head that is not committed must not be on a disk (I1).
 *
 * @module
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { type ErrorCode, LogError, unwrap } from "../../schema/error.ts";
import { syncFolder } from "../durable-file.ts";
import { type Lock, takeLock } from "../lock.ts";
import { formatGuard, parseGuard } from "./guard.ts";
import type { GuardedHead } from "./ports.ts";

/** Errors of the system that say "no room" before anything was replaced. */
const FULL: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** Above the guard of a log with a key of every kind. */
const STAGED_BYTES = 16_384;

export class GuardDisk {
  readonly #path: string;
  readonly #draft: string;
  #lock: Lock | undefined;

  /**
   * Takes the guard for this process. A folder that is not there has no guard, and none is made.
   * Throws `STORE_LOCKED`.
   */
  constructor(path: string) {
    this.#path = path;
    this.#draft = `${path}.new`;
    if (existsSync(dirname(path))) this.#lock = takeLock(lockOf(path), `the head guard ${path}`);
  }

  read(): GuardedHead | undefined {
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(this.#path);
    } catch (cause) {
      if (codeOf(cause) === "ENOENT") return undefined;
      throw new LogError("FILE_UNREADABLE", "the head guard cannot be read", {
        field: this.#path,
        cause,
      });
    }
    return unwrap(parseGuard(bytes));
  }

  /** Only for `init`. Throws `STORE_EXISTS` where there is a guard, whole or damaged. */
  create(head: GuardedHead): void {
    this.#fillDraft(formatGuard(head), true);
    try {
      // Unlike a rename, a link never replaces.
      linkSync(this.#draft, this.#path);
    } catch (cause) {
      throw codeOf(cause) === "EEXIST"
        ? new LogError("STORE_EXISTS", `there is a head guard already: ${this.#path}`, {
            field: this.#path,
          })
        : cause;
    } finally {
      rmSync(this.#draft, { force: true });
    }
    syncFolder(dirname(this.#path));
  }

  /** Room for the next guard. Throws `STORAGE_FULL`; the guard is as it was. */
  stage(): void {
    this.#mustExist();
    this.#fillDraft(new Uint8Array(STAGED_BYTES), false);
  }

  write(head: GuardedHead): void {
    this.#mustExist();
    this.#fillDraft(formatGuard(head), true);
    renameSync(this.#draft, this.#path);
    syncFolder(dirname(this.#path));
  }

  close(): void {
    rmSync(this.#draft, { force: true });
    this.#lock?.release();
    this.#lock = undefined;
  }

  /** Writes over what is there instead of cutting it off first: that would give the room back. */
  #fillDraft(bytes: Uint8Array, durable: boolean): void {
    try {
      const file = openSync(this.#draft, existsSync(this.#draft) ? "r+" : "w", 0o600);
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, undefined, at);
        ftruncateSync(file, bytes.length);
        if (durable) fsyncSync(file);
      } finally {
        closeSync(file);
      }
    } catch (cause) {
      const code: ErrorCode = FULL.has(codeOf(cause)) ? "STORAGE_FULL" : "STORAGE_FAILED";
      throw new LogError(code, "the head guard cannot be written", {
        field: this.#draft,
        hint: "free space for the folder of the guard; the log resumes by itself",
        cause,
      });
    }
  }

  #mustExist(): void {
    if (existsSync(this.#path)) return;
    throw new LogError("GUARD_MISSING", "the head guard is gone; only init makes one", {
      field: this.#path,
    });
  }
}

/** Beside the guard: copies of one store that share a guard exclude each other. */
function lockOf(path: string): string {
  return `${path}.lock`;
}

function codeOf(cause: unknown): unknown {
  return cause instanceof Error && "code" in cause ? cause.code : undefined;
}
