/**
 * The answer about a Sigstore bundle: yes with what it stands on, or no with the reason.
 *
 * Both are data. An exception only says that the question could not be asked: a trusted root that
 * cannot be read, a package that is not installed.
 *
 * @module
 */
import type { Hash } from "../../schema/tlog/hash.ts";
import type { TreeHead } from "../../schema/tlog/proof.ts";

/** Why a bundle is refused. The checks run in this order. */
export type BundleRefusal =
  /** The file is no bundle, or above a limit. */
  | { readonly code: "BUNDLE_MALFORMED"; readonly message: string; readonly field?: string }
  /** A certificate was asked for and the bundle has a plain key, or the other way round. */
  | { readonly code: "OTHER_MATERIAL"; readonly asked: Material; readonly found: Material }
  | { readonly code: "KEY_REFUSED"; readonly message: string }
  /** The bundle signs something else than what was asked about. */
  | { readonly code: "OTHER_ARTIFACT"; readonly asked: Hash; readonly field: string }
  | { readonly code: "SIGNATURE_REFUSED"; readonly message: string }
  /** A log that the trusted root, or the trust file, does not name. */
  | { readonly code: "LOG_UNKNOWN"; readonly logId: Uint8Array }
  /** The trusted root does not say since when the log's key counts. */
  | { readonly code: "LOG_KEY_UNDATED"; readonly log: string }
  | { readonly code: "LOG_KEY_NOT_VALID"; readonly log: string; readonly seconds: number }
  | { readonly code: "ENTRY_UNSUPPORTED"; readonly kind: string; readonly version: string }
  /** There is no inclusion proof with a checkpoint: a promise of the log is not enough. */
  | { readonly code: "PROOF_MISSING"; readonly field: string }
  /** A field beside the signed checkpoint says something else than it. */
  | { readonly code: "RECORD_CONTRADICTS"; readonly field: string }
  | { readonly code: "CHECKPOINT_REFUSED"; readonly log: string; readonly message: string }
  | { readonly code: "NOT_INCLUDED"; readonly index: number; readonly tree: TreeHead }
  /** The logged entry is of another signature, digest or key than the bundle's. */
  | { readonly code: "OTHER_ENTRY"; readonly field: string; readonly message: string }
  /** The checkpoint lacks the witnesses of the policy, or of the trust file. */
  | {
      readonly code: "WITNESSES_TOO_FEW";
      readonly log: string;
      /** Operators of trusted witnesses that cosigned it. */
      readonly have: readonly string[];
      /** The quorum, in words. */
      readonly need: string;
    }
  | { readonly code: "LOGS_TOO_FEW"; readonly have: readonly string[]; readonly need: number }
  /** Sigstore's own verifier says no. */
  | { readonly code: "SIGSTORE_REFUSED"; readonly reason: string; readonly message: string }
  | { readonly code: "TIMESTAMPS_TOO_FEW"; readonly have: readonly string[]; readonly need: number }
  | {
      readonly code: "OTHER_IDENTITY";
      readonly field: "identity" | "issuer";
      readonly asked: string;
      readonly found: string | undefined;
    };

export type Material = "key" | "certificate";

/** An entry of a trusted log, about this very signature, digest and key. */
export interface BundleEntry {
  /** Origin line of the checkpoint. */
  readonly origin: string;
  readonly logId: Uint8Array;
  readonly index: number;
  readonly tree: TreeHead;
  /** Operators of the witnesses whose quorum cosigned the checkpoint; none where nobody was asked for. */
  readonly witnesses: readonly string[];
}

export interface BundleTimestamp {
  /** Seconds since 1970. */
  readonly seconds: number;
  /** Who states it: where the authority is reached, or the log's own name. */
  readonly authority: string;
  /**
   * Whether somebody else than the log states it. The log's own authority, and the time in a
   * log's promise, are the log's word, and are never counted beside it.
   */
  readonly independent: boolean;
}

export type BundleSigner =
  | { readonly material: "key"; readonly signerId: Hash }
  | {
      readonly material: "certificate";
      readonly signerId: Hash;
      readonly identity: string;
      readonly issuer: string;
    };

export interface BundleYes {
  readonly ok: true;
  readonly question: "bundle";
  /** SHA-256 of what was asked about. */
  readonly digest: Hash;
  readonly signer: BundleSigner;
  readonly entries: readonly BundleEntry[];
  readonly timestamps: readonly BundleTimestamp[];
}

export interface BundleNo {
  readonly ok: false;
  readonly question: "bundle";
  readonly refusal: BundleRefusal;
}

export type BundleVerdict = BundleYes | BundleNo;

/** Inside this folder: a step of the question. */
export type Step<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: BundleRefusal };

export function pass<T>(value: T): Step<T> {
  return { ok: true, value };
}

export function refuse(refusal: BundleRefusal): {
  readonly ok: false;
  readonly refusal: BundleRefusal;
} {
  return { ok: false, refusal };
}
