/**
 * What a log remembers of its promises, and where: which times it has given to which entries, so
 * that a promise that is asked for again is the same bytes, also from the next process.
 *
 * All entries that were durable at one moment have one time. So a line stands for a range of
 * entries, from the size in the line before it (or `floor`) up to its own, with the root of that
 * size: the leaf hashes are the log's own, and need not be here.
 *
 *     countersign-promises/v1
 *     <origin>
 *     <floor>                                   no promise is given below this index
 *     <size> <base64 root> <time> <deadline>    any number of them, sizes increasing
 *     <SHA-256 of the lines before, with their line feeds, hex>
 *
 * It lies beside the head guard and, like it, outside every backup: a store that comes back from an
 * older copy must not forget what was promised. The guard's lock is its lock. It is replaced whole.
 *
 * Spec: docs/formats.md §Promises file.
 *
 * @module
 */
import { equal, fromBase64, fromHex, fromUtf8, toBase64, toHex, utf8 } from "../../schema/bytes.ts";
import { type Failure, failure, type Result, success, unwrap } from "../../schema/error.ts";
import { asHash, type Sha256 } from "../../schema/tlog/hash.ts";
import type { TreeHead } from "../../schema/tlog/proof.ts";
import { parseSize } from "../../schema/tlog/size.ts";
import { readSmallFile, replaceFile } from "../small-file.ts";

const FIRST_LINE = "countersign-promises/v1";
/** A line is a second at least, and entries that are published leave the file: a day and a half. */
export const MAX_PROMISED_RANGES = 131_072;
/** Above that many of the longest lines. */
const MAX_BYTES = 16_777_216;

/** One moment: every entry up to `size` that had no time before. */
export interface PromisedRange extends TreeHead {
  /** Seconds since 1970. */
  readonly time: number;
  readonly deadline: number;
}

export interface PromiseMemory {
  /** No promise is given for an index below it. */
  readonly floor: number;
  /** Sizes increase, and are above `floor`. */
  readonly ranges: readonly PromisedRange[];
}

export const NO_PROMISES: PromiseMemory = { floor: 0, ranges: [] };

/**
 * - `write` is durable when it returns, and whole or not at all after a crash.
 * - A rejected `write` may have happened; writing again is safe.
 */
export interface PromiseStore {
  /** Where it is, for messages. */
  readonly place: string;
  /** Throws `STORE_CORRUPT`, `STORE_NEWER`, `FILE_UNREADABLE`, `TOO_LARGE`. */
  readonly read: () => Promise<PromiseMemory>;
  readonly write: (memory: PromiseMemory) => Promise<void>;
}

export function promisesPath(guard: string): string {
  return `${guard}.promises`;
}

export function filePromises(sha256: Sha256, origin: string, place: string): PromiseStore {
  return {
    place,
    read: async () => {
      const bytes = await readSmallFile(place, MAX_BYTES);
      return bytes === undefined ? NO_PROMISES : unwrap(parsePromises(sha256, origin, bytes));
    },
    write: (memory) => replaceFile(place, formatPromises(sha256, origin, memory)),
  };
}

/** For a log that ends with the process. */
export function memoryPromises(): PromiseStore {
  let kept = NO_PROMISES;
  return {
    place: "memory",
    read: async () => kept,
    write: async (memory) => {
      kept = memory;
    },
  };
}

export function formatPromises(
  sha256: Sha256,
  origin: string,
  { floor, ranges }: PromiseMemory,
): Uint8Array {
  const rows = ranges.map(
    ({ size, root, time, deadline }) => `${size} ${toBase64(root)} ${time} ${deadline}\n`,
  );
  const text = `${FIRST_LINE}\n${origin}\n${floor}\n${rows.join("")}`;
  return utf8(`${text}${toHex(sha256(utf8(text)))}\n`);
}

/** `STORE_NEWER` for a later version, `STORE_CORRUPT` for anything else that is wrong. */
export function parsePromises(
  sha256: Sha256,
  origin: string,
  bytes: Uint8Array,
): Result<PromiseMemory> {
  const lines = (fromUtf8(bytes) ?? "").split("\n");
  const [first, name, floorText, ...rest] = lines;
  if (first?.startsWith("countersign-promises/") === true && first !== FIRST_LINE)
    return failure("STORE_NEWER", "the promises file has a newer format than this program", {
      field: "promises",
      expected: FIRST_LINE,
    });
  const end = rest.pop();
  const stated = fromHex(rest.pop() ?? "");
  const floor = parseSize(floorText ?? "");
  if (first !== FIRST_LINE || end !== "" || stated === undefined || !floor.ok) return bad("form");
  const text = utf8(`${lines.slice(0, -2).join("\n")}\n`);
  if (!equal(stated, sha256(text))) return bad("sum");
  if (name !== origin) return bad(`it is of the log ${name ?? ""}`);
  const ranges: PromisedRange[] = [];
  for (const [i, line] of rest.entries()) {
    const range = parseRange(line);
    const above = ranges.at(-1)?.size ?? floor.value;
    if (range === undefined || range.size <= above) return bad(`line ${i + 4}`);
    ranges.push(range);
  }
  const memory = { floor: floor.value, ranges };
  return equal(bytes, formatPromises(sha256, origin, memory)) ? success(memory) : bad("form");
}

function parseRange(line: string): PromisedRange | undefined {
  const [sizeText = "", rootText = "", timeText = "", deadlineText = "", ...more] = line.split(" ");
  const [size, time, deadline] = [sizeText, timeText, deadlineText].map((one) => parseSize(one));
  const root = asHash(fromBase64(rootText) ?? new Uint8Array());
  if (root === undefined || more.length > 0) return undefined;
  if (size?.ok !== true || time?.ok !== true || deadline?.ok !== true) return undefined;
  if (deadline.value <= time.value) return undefined;
  return { size: size.value, root, time: time.value, deadline: deadline.value };
}

function bad(what: string): Failure {
  return failure("STORE_CORRUPT", `the promises file is damaged: ${what}`, {
    field: `promises.${what}`,
    hint: "bring it back from where it went; the log gives no promises without it (docs/operate.md)",
  });
}
