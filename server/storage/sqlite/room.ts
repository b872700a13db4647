/**
 * Is there room for this batch? Asked before every transaction.
 *
 * A disk that is found full by COMMIT leaves an unknown outcome, which stops the log (I5); found
 * here, nothing has happened and the submitter hears 507. Two ways to be full are looked for:
 * free bytes of the file system, and the largest size a file may have (RLIMIT_FSIZE, the file
 * system's own limit), by writing one byte as far out as the batch may reach, into a probe file
 * that is cut back to nothing. Per-user block quotas that the system does not report in its free
 * bytes are found by COMMIT alone.
 *
 * @module
 */
import { closeSync, ftruncateSync, openSync, statfsSync, statSync, writeSync } from "node:fs";
import { LogError } from "../../../schema/error.ts";
import type { StoreFiles } from "./files.ts";
import type { PackedBatch } from "./packing.ts";

/** Errors of the system that mean "no room" and leave no doubt about what happened. */
const FULL: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** Pages that any transaction may touch: head, meta, tree edges. */
const BASE_PAGES = 64;
/** The pages of two index rows, and as many again for splits. Leaf and content count by bytes. */
const PAGES_PER_ENTRY = 4;
const PAGES_PER_TILE = 6;

export class Room {
  readonly #files: StoreFiles;
  readonly #folder: string;
  readonly #probe: number;
  readonly #pageBytes: number;

  constructor(folder: string, files: StoreFiles, pageBytes: number) {
    this.#folder = folder;
    this.#files = files;
    this.#pageBytes = pageBytes;
    this.#probe = openSync(files.probe, "w", 0o600);
  }

  freeBytes(): number {
    const system = statfsSync(this.#folder);
    return system.bavail * system.bsize;
  }

  /** `STORAGE_FULL` where the batch may not fit; without one, where the smallest may not. */
  check(batch?: PackedBatch): LogError | undefined {
    return this.checkBytes(this.#bound(batch));
  }

  /** The same for a transaction that writes `need` bytes at most. */
  checkBytes(need: number): LogError | undefined {
    try {
      // Once in the write-ahead file, once more when the checkpoint lets the database grow.
      const free = this.freeBytes();
      if (free < 2 * need) {
        return full(`${free} bytes are free and this may need ${2 * need}`, 2 * need);
      }
      const reach = Math.max(sizeOf(this.#files.wal), sizeOf(this.#files.database)) + need;
      writeSync(this.#probe, ZERO, 0, 1, reach);
      ftruncateSync(this.#probe, 0);
      return undefined;
    } catch (cause) {
      return isFull(cause)
        ? full("the system allows no larger file", need, cause)
        : new LogError("STORAGE_FAILED", "the data folder cannot be probed", {
            field: this.#folder,
            cause,
          });
    }
  }

  close(): void {
    closeSync(this.#probe);
  }

  /** No transaction of this batch writes more bytes than this. */
  #bound(batch: PackedBatch | undefined): number {
    const entries = batch === undefined ? 1 : batch.lengths.length / 3;
    const tiles = batch === undefined ? 2 : batch.places.length / 3;
    const data = batch?.data.length ?? 4_096;
    const pages = BASE_PAGES + PAGES_PER_ENTRY * entries + PAGES_PER_TILE * tiles;
    return pages * (this.#pageBytes + 24) + Math.ceil(data * 1.1);
  }
}

const ZERO = new Uint8Array(1);

function isFull(cause: unknown): boolean {
  return (
    cause instanceof Error &&
    "code" in cause &&
    typeof cause.code === "string" &&
    FULL.has(cause.code)
  );
}

function full(message: string, limit: number, cause?: unknown): LogError {
  return new LogError("STORAGE_FULL", message, {
    limit,
    expected: "free bytes for what is to be written",
    hint: "free space for the data folder; writing goes on by itself then",
    ...(cause === undefined ? {} : { cause }),
  });
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
