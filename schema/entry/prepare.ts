/**
 * Admission without its signature check: from a submission to the entries it becomes.
 *
 * @module
 */
import type { Result } from "../error.ts";
import type { Submission } from "../http/messages.ts";
import type { Hash, Sha256 } from "../tlog/hash.ts";
import type { CheckedEntry } from "./check.ts";

/** One entry, ready but for the check of its signature (`client/signature/registry.ts`). */
export interface PreparedEntry extends CheckedEntry {
  readonly leafBytes: Uint8Array;
  /** RFC 6962 leaf hash of `leafBytes`. */
  readonly leafHash: Hash;
  readonly content: Uint8Array;
  /** A key too large for the leaf, to be stored beside it. */
  readonly keyObject?: { readonly digest: Hash; readonly bytes: Uint8Array };
}

/**
 * The entries of a submission, in the order of its signatures; all of them or none.
 * Everything is checked but the signatures themselves.
 */
export declare function prepareSubmission(
  sha256: Sha256,
  submission: Submission,
): Result<readonly PreparedEntry[]>;
