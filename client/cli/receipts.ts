/**
 * Receipts as files of a folder: their names when written, and all of them when read.
 *
 * A name only helps people to find a file. What a receipt says is read from its bytes alone.
 *
 * @module
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { toHex } from "../../schema/bytes.ts";
import { leafContentDigest, parseLeaf } from "../../schema/entry/leaf.ts";
import { LogError } from "../../schema/error.ts";
import {
  formatReceipt,
  MAX_RECEIPT_BYTES,
  RECEIPT_SUFFIX,
  type Receipt,
} from "../../schema/receipt.ts";
import { MAX_PROMISE_BYTES } from "../../schema/tlog/promise.ts";
import type { SignedPromise } from "../promise.ts";
import { pathOf, readStart, writeWhole } from "./files.ts";
import type { Io } from "./io.ts";

export const DEFAULT_RECEIPTS = "receipts";
/** The other form of a receipt, C2SP tlog-proof. */
export const TLOG_PROOF_SUFFIX = ".tlog-proof";

/** A promise of a log. No verifier reads it as a receipt. */
export const PROMISE_SUFFIX = ".promise";

export interface ReceiptFile {
  /** As it is shown: the path that was given, or the name in the folder. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * Write one receipt; the path of its file. `name` is what the file is called after (an object
 * id, say); without one it is the index and the start of the content digest.
 */
export async function saveReceipt(
  io: Io,
  folder: string,
  receipt: Receipt,
  name?: string,
): Promise<string> {
  const { entry } = receipt;
  const path = join(folder, `${name ?? entryName(entry.index, entry.leafBytes)}${RECEIPT_SUFFIX}`);
  await writeWhole(io, path, formatReceipt(receipt));
  return path;
}

/** Write a promise where the receipt of its entry will be, under its name; the path of its file. */
export async function savePromise(
  io: Io,
  folder: string,
  { note }: SignedPromise,
  name: string,
): Promise<string> {
  const path = join(folder, `${name}${PROMISE_SUFFIX}`);
  await writeWhole(io, path, note);
  return path;
}

/** What the file of an entry is called that has no other name. */
export function entryName(index: number, leafBytes: Uint8Array): string {
  const leaf = parseLeaf(leafBytes);
  const digest = leaf.ok ? toHex(leafContentDigest(leaf.value)).slice(0, 12) : "leaf";
  return `${String(index).padStart(6, "0")}-${digest}`;
}

/**
 * Every receipt and tlog-proof of a folder, sorted by name. Folders below are not entered, and
 * what is no file (a pipe would never end) is passed over.
 *
 * One that is above the limit comes cut behind it: whoever parses it refuses it with its reason,
 * and one bad receipt does not keep the others from being counted.
 */
export async function readReceipts(io: Io, folder: string): Promise<ReceiptFile[]> {
  const names = await namesIn(io, folder, [RECEIPT_SUFFIX, TLOG_PROOF_SUFFIX]);
  return Promise.all(
    names.map(async (name) => ({
      name,
      bytes: await readStart(io, name, MAX_RECEIPT_BYTES + 1),
    })),
  );
}

/** Promises of a folder whose receipts are not there. One above the limit comes cut behind it. */
export async function readPromises(io: Io, folder: string): Promise<ReceiptFile[]> {
  const names = await namesIn(io, folder, [PROMISE_SUFFIX, RECEIPT_SUFFIX]);
  const there = new Set(names);
  const open = names
    .filter((name) => name.endsWith(PROMISE_SUFFIX))
    .filter((name) => !there.has(`${name.slice(0, -PROMISE_SUFFIX.length)}${RECEIPT_SUFFIX}`));
  return Promise.all(
    open.map(async (name) => ({ name, bytes: await readStart(io, name, MAX_PROMISE_BYTES + 1) })),
  );
}

async function namesIn(io: Io, folder: string, suffixes: readonly string[]): Promise<string[]> {
  const names: string[] = [];
  try {
    for (const name of (await readdir(pathOf(io, folder))).toSorted()) {
      if (!suffixes.some((suffix) => name.endsWith(suffix))) continue;
      const path = join(folder, name);
      if ((await stat(pathOf(io, path))).isFile()) names.push(path);
    }
  } catch (cause) {
    throw new LogError("FILE_UNREADABLE", `the folder ${folder} cannot be read`, {
      field: folder,
      cause,
    });
  }
  return names;
}
