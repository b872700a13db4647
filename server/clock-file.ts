/**
 * The file of the log's clock, and one in memory for logs that end with the process.
 *
 * It lies beside the head guard and, like it, outside every backup: an older copy would let times
 * come back (I7). The guard's lock is its lock.
 *
 *     countersign-clock/v1
 *     <origin>
 *     <seconds since 1970, decimal>
 *     <SHA-256 of the three lines before, with their line feeds, hex>
 *
 * Spec: docs/formats.md §Clock file. Vectors: test/server/clock-file.test.ts.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { equal, fromHex, fromUtf8, toHex, utf8 } from "../schema/bytes.ts";
import { failure, LogError, type Result, success, unwrap } from "../schema/error.ts";
import type { Sha256 } from "../schema/tlog/hash.ts";
import { parseSize } from "../schema/tlog/size.ts";
import { replaceFile, replaceFileAhead } from "./durable-file.ts";
import type { ClockStore } from "./log-clock.ts";

const FIRST_LINE = "countersign-clock/v1";
/** The year 9999: the last that RFC 3339 and RFC 3161 can write. */
const MAX_SECONDS = 253_402_300_799;

export function clockPath(guard: string): string {
  return `${guard}.clock`;
}

export function formatClock(sha256: Sha256, origin: string, until: number): Uint8Array {
  const lines = `${FIRST_LINE}\n${origin}\n${until}\n`;
  return utf8(`${lines}${toHex(sha256(utf8(lines)))}\n`);
}

/** The seconds in it. `STORE_NEWER` for a later version, `STORE_CORRUPT` for anything else. */
export function parseClock(sha256: Sha256, origin: string, bytes: Uint8Array): Result<number> {
  const bad = (field: string): Result<number> =>
    failure("STORE_CORRUPT", `the clock file is damaged: ${field}`, {
      field: `clock.${field}`,
      hint: "move the file away, and run `countersign clock --believe TIME` with a time later than any that was signed",
    });
  const [first, name, seconds, sum, end] = (fromUtf8(bytes) ?? "").split("\n");
  if (first?.startsWith("countersign-clock/") === true && first !== FIRST_LINE)
    return failure("STORE_NEWER", "the clock file has a newer format than this program", {
      field: "clock",
      expected: FIRST_LINE,
    });
  const until = parseSize(seconds ?? "");
  if (first !== FIRST_LINE || end !== "" || !until.ok || until.value > MAX_SECONDS)
    return bad("form");
  const lines = utf8(`${first}\n${name ?? ""}\n${seconds ?? ""}\n`);
  const stated = fromHex(sum ?? "");
  if (stated === undefined || !equal(stated, sha256(lines))) return bad("sum");
  if (name !== origin) return bad(`it is of the log ${name ?? ""}`);
  if (!equal(bytes, formatClock(sha256, origin, until.value))) return bad("form");
  return success(until.value);
}

export class ClockFile implements ClockStore {
  readonly place: string;
  readonly #sha256: Sha256;
  readonly #origin: string;

  constructor(sha256: Sha256, origin: string, place: string) {
    this.#sha256 = sha256;
    this.#origin = origin;
    this.place = place;
  }

  read(): number | undefined {
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(this.place);
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
      throw new LogError("FILE_UNREADABLE", `the clock file ${this.place} cannot be read`, {
        field: this.place,
        cause,
      });
    }
    return unwrap(parseClock(this.#sha256, this.#origin, bytes));
  }

  write(until: number): void {
    replaceFile(this.place, formatClock(this.#sha256, this.#origin, until));
  }

  async writeAhead(until: number, wanted: () => boolean): Promise<void> {
    return replaceFileAhead(this.place, formatClock(this.#sha256, this.#origin, until), wanted);
  }
}

/** Outlives whoever opens a clock over it, and not the process. */
export class ClockInMemory implements ClockStore {
  readonly place = "memory";
  #until: number | undefined;

  read(): number | undefined {
    return this.#until;
  }

  write(until: number): void {
    this.#until = until;
  }

  async writeAhead(until: number, wanted: () => boolean): Promise<void> {
    if (wanted()) this.#until = until;
  }
}
