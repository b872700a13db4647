/**
 * What was logged as files: a receipt, or until there is one the log's promise.
 *
 * @module
 */
import type { Submitted } from "../submit.ts";
import { timeText } from "../time-text.ts";
import type { Io } from "./io.ts";
import { entryName, savePromise, saveReceipt } from "./receipts.ts";

/** What an entry came to: the paths of its files. */
export type Kept =
  | { readonly index: number; readonly receipt: string }
  | { readonly index: number; readonly promise: string; readonly deadline: string };

/** Writes down what an entry was answered with. */
export async function keep(io: Io, folder: string, submitted: Submitted): Promise<Kept> {
  if (submitted.kind === "receipt") {
    const { receipt } = submitted;
    return { index: receipt.entry.index, receipt: await saveReceipt(io, folder, receipt) };
  }
  const { promise, entry } = submitted;
  const path = await savePromise(io, folder, promise, entryName(promise.index, entry.leafBytes));
  return { index: promise.index, promise: path, deadline: timeText(promise.deadline) };
}

export function keptText(kept: Kept): string {
  if ("receipt" in kept) return `entry ${kept.index}, ${kept.receipt}`;
  return `entry ${kept.index}, no receipt yet: promised by ${kept.deadline}, ${kept.promise}`;
}
