/**
 * The client's memory as one file that several processes may use at once.
 *
 * A change is: take the lock, read, compare, write the whole file (`whole-file.ts`), release the
 * lock. A crash at any point leaves either the old file or the new one, whole. A file that is not understood is never replaced: forgetting what a log has
 * shown is exactly what a forking log would ask for.
 *
 * The lock is `lock-file.ts`. The memory grows by one line for each log key and never shrinks.
 *
 * Spec: docs/formats.md §Memory file.
 *
 * @module
 */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { fromUtf8, utf8 } from "../schema/bytes.ts";
import { type Failure, failure, LogError, type Result, success } from "../schema/error.ts";
import { isJsonObject, type JsonValue, parseJson } from "../schema/json.ts";
import { MAX_NOTE_BYTES } from "../schema/limits.ts";
import { parseCheckpoint } from "../schema/tlog/checkpoint.ts";
import { parseNote } from "../schema/tlog/note.ts";
import { withLock } from "./lock-file.ts";
import { type Memory, newest, type RememberedHead, sameHead } from "./memory.ts";
import { readWholeFile, writeWholeFile } from "./whole-file.ts";

const MEDIA_TYPE = "application/vnd.countersign.memory+json;version=1";
/** Bytes of a memory file. */
const MAX_FILE_BYTES = 64 * MAX_NOTE_BYTES;

/**
 * A memory in the file `path`. The folder is made when first needed (mode 0700).
 *
 * Both methods throw `FILE_UNREADABLE` where the file cannot be read, written or understood, or
 * where the lock cannot be had; the hint says what to do.
 */
export function fileMemory(path: string): Memory {
  return {
    load: async (vkeys) => {
      const heads = await readHeads(path);
      return newest(vkeys.map((vkey) => heads.get(vkey)));
    },
    replace: async (vkeys, expected, next) => {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      return withLock(`${path}.lock`, async () => {
        const heads = await readHeads(path);
        if (!sameHead(newest(vkeys.map((vkey) => heads.get(vkey))), expected)) return false;
        for (const vkey of vkeys) heads.set(vkey, next);
        await writeWholeFile("memory file", path, formatMemory(heads));
        return true;
      });
    },
  };
}

async function readHeads(path: string): Promise<Map<string, RememberedHead>> {
  const bytes = await readWholeFile("memory file", path);
  if (bytes === undefined) return new Map();
  const heads = parseMemory(bytes);
  if (heads.ok) return heads.value;
  throw new LogError("FILE_UNREADABLE", `The memory file ${path} is damaged: ${heads.message}`, {
    ...heads.detail,
    hint:
      "Restore it from a backup. If you must, move it away and run update: from then on a fork " +
      "from before today cannot be noticed.",
  });
}

function parseMemory(bytes: Uint8Array): Result<Map<string, RememberedHead>> {
  if (bytes.length > MAX_FILE_BYTES)
    return failure("TOO_LARGE", `it is longer than ${MAX_FILE_BYTES} bytes`, {
      limit: MAX_FILE_BYTES,
    });
  const json = parseJson(bytes);
  if (!json.ok) return json;
  if (!isJsonObject(json.value)) return malformed("the top", "a JSON object");
  const { mediaType, logs, ...more } = json.value;
  if (mediaType !== MEDIA_TYPE) return malformed("mediaType", MEDIA_TYPE);
  if (!Array.isArray(logs)) return malformed("logs", "a list");
  const [unknown] = Object.keys(more);
  if (unknown !== undefined) return malformed(unknown, "no other field");
  const heads = new Map<string, RememberedHead>();
  for (const [i, log] of (logs as readonly JsonValue[]).entries()) {
    const head = readLog(log, `logs[${i}]`);
    if (!head.ok) return head;
    if (heads.has(head.value.vkey)) return malformed(`logs[${i}].vkey`, "each log key once");
    heads.set(head.value.vkey, head.value.head);
  }
  return success(heads);
}

function readLog(log: JsonValue, field: string): Result<{ vkey: string; head: RememberedHead }> {
  if (!isJsonObject(log)) return malformed(field, "an object");
  const { vkey, checkpoint: text } = log;
  if (typeof vkey !== "string" || typeof text !== "string")
    return malformed(field, "vkey and checkpoint, both texts");
  const checkpoint = utf8(text);
  const note = parseNote(checkpoint);
  if (!note.ok) return malformed(`${field}.checkpoint`, note.message);
  const head = parseCheckpoint(note.value.text);
  if (!head.ok) return malformed(`${field}.checkpoint`, head.message);
  return success({ vkey, head: { size: head.value.size, checkpoint } });
}

function malformed(field: string, expected: string): Failure {
  return failure("FIELD_INVALID", `${field} is not as expected (${expected})`, { field, expected });
}

function formatMemory(heads: ReadonlyMap<string, RememberedHead>): Uint8Array {
  const logs = [...heads].map(([vkey, head]) => ({ vkey, checkpoint: fromUtf8(head.checkpoint) }));
  return utf8(`${JSON.stringify({ mediaType: MEDIA_TYPE, logs }, null, 2)}\n`);
}
