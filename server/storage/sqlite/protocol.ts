/**
 * What the store's thread is asked and answers.
 *
 * @module
 */
import type { LogError } from "../../../schema/error.ts";
import type { CommitResult, ErasedContents, Erasure, StoredHead } from "../storage.ts";
import type { PackedBatch } from "./packing.ts";
import type { Meta } from "./rows.ts";

export type Request =
  | { readonly call: "open"; readonly folder: string }
  | { readonly call: "head" }
  | { readonly call: "find"; readonly hashes: Uint8Array<ArrayBuffer> }
  | { readonly call: "commit"; readonly batch: PackedBatch }
  | { readonly call: "erase"; readonly erasures: readonly Erasure[]; readonly upTo: number }
  | { readonly call: "erased" }
  | { readonly call: "room" }
  | { readonly call: "free" }
  | { readonly call: "close" };

export interface Answer {
  readonly meta?: Meta;
  readonly head?: StoredHead;
  readonly found?: Float64Array<ArrayBuffer>;
  readonly result?: PlainCommitResult;
  readonly erased?: ErasedContents;
  readonly room?: PlainLogError | undefined;
  readonly free?: number;
}

/** A `LogError` without its class, which does not cross threads. */
export type PlainLogError = Pick<LogError, "code" | "message" | "detail">;

export type PlainCommitResult =
  | Exclude<CommitResult, { readonly state: "failed" | "unknown" }>
  | { readonly state: "failed"; readonly error: PlainLogError }
  | { readonly state: "unknown"; readonly cause: string };

export function plainError({ code, message, detail }: LogError): PlainLogError {
  const { cause, ...rest } = detail;
  return { code, message, detail: cause === undefined ? rest : { ...rest, cause: text(cause) } };
}

export function plainResult(result: CommitResult): PlainCommitResult {
  if (result.state === "failed") return { state: "failed", error: plainError(result.error) };
  if (result.state === "unknown") return { state: "unknown", cause: text(result.cause) };
  return result;
}

function text(cause: unknown): string {
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
}
