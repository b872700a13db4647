/**
 * What each witness has cosigned last, in a small file of the data folder: JSON, size by URL.
 *
 * A convenience: whoever loses it begins with size 0, is told the size by the witness (409), and
 * goes on from there. So a write is put off for a moment, and one that fails is tried with the next.
 *
 * Format: docs/formats.md §Files.
 *
 * @module
 */
import { join } from "node:path";
import { fromUtf8, utf8 } from "../../schema/bytes.ts";
import { isSize } from "../../schema/tlog/size.ts";
import { readSmallFile, replaceFile } from "../small-file.ts";
import type { WitnessSizes } from "./ports.ts";

const NAME = "witness-sizes.json";
const MAX_BYTES = 1_048_576;
const DELAY_MS = 1_000;

/** For tests, and for a log that keeps nothing. */
export function memorySizes(sizes: Map<string, number> = new Map()): WitnessSizes {
  return {
    get: (url) => sizes.get(url) ?? 0,
    set: (url, size) => void sizes.set(url, size),
    close: async () => undefined,
  };
}

export async function fileSizes(folder: string): Promise<WitnessSizes> {
  const path = join(folder, NAME);
  const sizes = await read(path);
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  const write = (): void => {
    timer = undefined;
    const text = `${JSON.stringify(Object.fromEntries(sizes), null, 2)}\n`;
    writing = writing.then(() => replaceFile(path, utf8(text)).catch(() => undefined));
  };
  return {
    get: (url) => sizes.get(url) ?? 0,
    set: (url, size) => {
      if (sizes.get(url) === size) return;
      sizes.set(url, size);
      timer ??= setTimeout(write, DELAY_MS);
    },
    close: async () => {
      if (timer !== undefined) {
        clearTimeout(timer);
        write();
      }
      await writing;
    },
  };
}

/** What cannot be read is as good as nothing. */
async function read(path: string): Promise<Map<string, number>> {
  const bytes = await readSmallFile(path, MAX_BYTES).catch(() => undefined);
  const sizes = new Map<string, number>();
  try {
    const value: unknown = JSON.parse(fromUtf8(bytes ?? new Uint8Array(0)) ?? "");
    if (typeof value === "object" && value !== null)
      for (const [url, size] of Object.entries(value))
        if (typeof size === "number" && isSize(size)) sizes.set(url, size);
  } catch {
    return sizes;
  }
  return sizes;
}
