/**
 * The folder of a mirror: plain files whose names are the paths under which they are served.
 *
 *     checkpoint                  the newest head that is whole here, as its log served it
 *     tile/…, tile/entries/…      hash tiles and entry bundles, full and partial
 *     slots/…                     one letter for each entry of a bundle: h held, n never held, e erased
 *     content/sha256/…, key/…     contents and key objects, each once
 *     erased/sha256/…             contents that the log erased: the index of its statement
 *     index/v1/postings/…         what the entries of such contents post
 *     mirror.json, seen.json      whose mirror this is; the newest head that was ever seen
 *     .tmp/, mirror.lock          files being written; who writes
 *
 * A file is written beside its place, made durable and renamed, so that a kill at any point leaves
 * the old file or the new one, whole. A rename is durable once its folder is: `settle` does that
 * for every folder that was written to, and the checkpoint is moved only after it (M1, sync.ts).
 *
 * Spec: docs/formats.md §Mirror folder. Vectors: test/server/mirror/.
 *
 * @module
 */
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
} from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { equal } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { MAX_CONTENT_BYTES, MAX_LEAF_BYTES } from "../../schema/limits.ts";
import { TILE_WIDTH } from "../../schema/tlog/tile.ts";
import { type Lock, takeLock } from "../lock.ts";

/** Bytes of the largest file that a mirror writes: a bundle of full leaves. */
const MAX_FILE_BYTES = Math.max(TILE_WIDTH * (2 + MAX_LEAF_BYTES), MAX_CONTENT_BYTES);

const NOTHING = new Uint8Array(0);

/** What is read of a mirror folder. Names are relative, as they come out of `tlog/tile.ts`. */
export interface MirrorFiles {
  /** For messages. */
  readonly path: string;
  /** `undefined` where there is no such file. Throws `STORE_CORRUPT` for one no mirror wrote. */
  read(name: string, maxBytes?: number): Uint8Array | undefined;
  /** Bytes of a file, `undefined` where there is none. */
  sizeOf(name: string): number | undefined;
  /** Names in a folder, none where there is no such folder. */
  list(name: string): readonly string[];
}

/** A folder to look at, whoever else writes to it. */
export class MirrorView implements MirrorFiles {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  read(name: string, maxBytes: number = MAX_FILE_BYTES): Uint8Array | undefined {
    let file: number;
    try {
      file = openSync(join(this.path, name), "r");
    } catch (cause) {
      if (isMissing(cause)) return undefined;
      throw failed(`${name} cannot be read`, cause);
    }
    try {
      const { size } = fstatSync(file);
      if (size > maxBytes) throw damaged(name, `it has ${size} bytes, more than a mirror writes`);
      const bytes = new Uint8Array(size);
      let at = 0;
      while (at < size) {
        const count = readSync(file, bytes, at, size - at, at);
        if (count === 0) throw damaged(name, "it became shorter while it was read");
        at += count;
      }
      return bytes;
    } catch (cause) {
      throw cause instanceof LogError ? cause : failed(`${name} cannot be read`, cause);
    } finally {
      closeSync(file);
    }
  }

  sizeOf(name: string): number | undefined {
    return statSync(join(this.path, name), { throwIfNoEntry: false })?.size;
  }

  list(name: string): readonly string[] {
    try {
      return readdirSync(join(this.path, name));
    } catch (cause) {
      if (isMissing(cause)) return [];
      throw failed(`${name} cannot be read`, cause);
    }
  }
}

/** The folder of the one process that writes to it. */
export class MirrorFolder extends MirrorView {
  readonly #lock: Lock;
  /** Folders made or seen by this process. */
  readonly #known = new Set<string>();
  /** Folders with renames that are not durable yet. */
  readonly #touched = new Set<string>();
  #drafts = 0;

  /** Makes the folder where it is not there. Throws `STORE_LOCKED` where another process has it. */
  static open(path: string): MirrorFolder {
    try {
      mkdirSync(join(path, ".tmp"), { recursive: true });
    } catch (cause) {
      throw failed(`${path} cannot be made`, cause);
    }
    return new MirrorFolder(path, takeLock(join(path, "mirror.lock"), `the mirror in ${path}`));
  }

  private constructor(path: string, lock: Lock) {
    super(path);
    this.#lock = lock;
    for (const draft of this.list(".tmp")) rmSync(join(path, ".tmp", draft), { force: true });
  }

  /** Whole or not at all. Durable once `settle` returned. Equal bytes are not written again. */
  async write(name: string, bytes: Uint8Array): Promise<void> {
    this.#makeFolder(dirname(name));
    if (this.sizeOf(name) === bytes.length && equal(this.read(name) ?? NOTHING, bytes)) return;
    const draft = join(this.path, ".tmp", String(this.#drafts++));
    try {
      {
        await using file: FileHandle = await open(draft, "wx");
        await file.writeFile(bytes);
        await file.sync();
      }
      await rename(draft, join(this.path, name));
    } catch (cause) {
      // Why it could not be written is what counts, not whether its traces could be removed.
      await rm(draft, { force: true }).catch(() => {});
      throw failed(`${name} cannot be written`, cause);
    }
  }

  /** Make every rename so far durable. */
  async settle(): Promise<void> {
    for (const folder of this.#touched)
      try {
        await using handle = await open(join(this.path, folder), "r");
        await handle.sync();
      } catch (cause) {
        throw failed(`${folder} cannot be made durable`, cause);
      }
    this.#touched.clear();
  }

  /** Files that are not needed any more. Not durable: they may come back after a power cut. */
  async remove(name: string): Promise<void> {
    await rm(join(this.path, name), { recursive: true, force: true });
  }

  close(): void {
    this.#lock.release();
  }

  /** A new folder is an entry of its parent, which must become durable as well. */
  #makeFolder(name: string): void {
    this.#touched.add(name);
    if (this.#known.has(name)) return;
    try {
      mkdirSync(join(this.path, name), { recursive: true });
    } catch (cause) {
      throw failed(`${name} cannot be made`, cause);
    }
    for (let at = name; !this.#known.has(at); at = dirname(at)) {
      this.#known.add(at);
      this.#touched.add(at);
      if (at === ".") break;
      this.#touched.add(dirname(at));
    }
  }
}

/** `name` is the file that is wrong. */
export function damaged(name: string, message: string): LogError {
  return new LogError("STORE_CORRUPT", `${name}: ${message}`, {
    field: name,
    hint: "`countersign mirror --check` names everything that is wrong; `--repair` takes it from the log again",
  });
}

function failed(message: string, cause: unknown): LogError {
  const full = codeOf(cause) === "ENOSPC" || codeOf(cause) === "EDQUOT";
  return new LogError(full ? "STORAGE_FULL" : "STORAGE_FAILED", message, { cause });
}

function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(String(codeOf(error)));
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
