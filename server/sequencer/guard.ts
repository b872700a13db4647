/**
 * The head guard as bytes, and a guard in memory for tests.
 *
 * A guard says how far this log has signed for others. It lives outside the store and outside
 * every backup, so that a store which was put back to an older state is found out before it signs
 * a second root for a size (I6).
 *
 *     countersign-guard/v1
 *     <origin>
 *     <database id, 32 hex digits>
 *     <size, decimal>
 *     <root, base64>
 *     <an empty line, then the signed checkpoint of this size; nothing at size 0>
 *
 * Vectors: test/server/sequencer/guard.test.ts.
 *
 * @module
 */
import {
  concat,
  fromBase64,
  fromHex,
  fromUtf8,
  toBase64,
  toHex,
  utf8,
} from "../../schema/bytes.ts";
import { failure, LogError, type Result, success } from "../../schema/error.ts";
import { MAX_NOTE_BYTES } from "../../schema/limits.ts";
import { asHash } from "../../schema/tlog/hash.ts";
import { parseSize } from "../../schema/tlog/size.ts";
import type { GuardedHead, HeadGuard } from "./ports.ts";

const FIRST_LINE = "countersign-guard/v1";
const DATABASE_ID_BYTES = 16;

export function formatGuard(head: GuardedHead): Uint8Array {
  const lines = [
    FIRST_LINE,
    head.origin,
    toHex(head.databaseId),
    String(head.size),
    toBase64(head.root),
    "",
    "",
  ];
  return concat(utf8(lines.join("\n")), head.checkpoint);
}

/** `STORE_NEWER` for a guard of a later version, `STORE_CORRUPT` for anything that is no guard. */
export function parseGuard(bytes: Uint8Array): Result<GuardedHead> {
  const bad = (field: string): Result<GuardedHead> =>
    failure("STORE_CORRUPT", `the head guard is damaged: ${field}`, {
      field: `guard.${field}`,
      hint: "the guard, not the store: where no sound copy of it exists, move the file away and ask `countersign recover`",
    });
  if (bytes.length > 2 * MAX_NOTE_BYTES) return bad("size of the file");
  const text = fromUtf8(bytes);
  if (text === undefined) return bad("encoding");
  const [first, origin, id, size, root, empty] = text.split("\n", 6);
  if (first !== FIRST_LINE) {
    return first?.startsWith("countersign-guard/") === true
      ? failure("STORE_NEWER", "the head guard has a newer format than this program", {
          field: "guard",
          expected: FIRST_LINE,
        })
      : bad("first line");
  }
  if (origin === undefined || origin === "") return bad("origin");
  const databaseId = fromHex(id ?? "");
  if (databaseId?.length !== DATABASE_ID_BYTES) return bad("database id");
  const parsedSize = parseSize(size ?? "");
  if (!parsedSize.ok) return bad("size");
  const hash = asHash(fromBase64(root ?? "") ?? new Uint8Array(0));
  if (hash === undefined) return bad("root");
  const before = [first, origin, id, size, root, ""].join("\n").length + 1;
  if (empty !== "" || text.length < before) return bad("empty line");
  const checkpoint = utf8(text.slice(before));
  if ((checkpoint.length === 0) !== (parsedSize.value === 0)) return bad("checkpoint");
  return success({ origin, databaseId, size: parsedSize.value, root: hash, checkpoint });
}

/** What outlives the process: the file of a guard, without a file. */
export class MemoryGuardFile {
  bytes: Uint8Array | undefined;
  held = false;
}

export class MemoryGuard implements HeadGuard {
  readonly place = "memory";
  readonly #file: MemoryGuardFile;

  static async open(file: MemoryGuardFile): Promise<MemoryGuard> {
    if (file.held) throw new LogError("STORE_LOCKED", "another process holds the head guard");
    file.held = true;
    return new MemoryGuard(file);
  }

  private constructor(file: MemoryGuardFile) {
    this.#file = file;
  }

  async read(): Promise<GuardedHead | undefined> {
    if (this.#file.bytes === undefined) return undefined;
    const parsed = parseGuard(this.#file.bytes);
    if (!parsed.ok) throw new LogError(parsed.code, parsed.message, parsed.detail);
    return parsed.value;
  }

  async stage(): Promise<void> {
    mustBe(this.#file.bytes);
  }

  async write(head: GuardedHead): Promise<void> {
    mustBe(this.#file.bytes);
    this.#file.bytes = formatGuard(head);
  }

  async close(): Promise<void> {
    this.#file.held = false;
  }
}

function mustBe(bytes: Uint8Array | undefined): void {
  if (bytes === undefined)
    throw new LogError("GUARD_MISSING", "the head guard is gone; only init makes one");
}
