/**
 * The answers: yes with its evidence, or no with its reason. There is no third one, and no
 * warning that could be overlooked: what was not checked is a field of the yes.
 *
 * Reasons are a closed union with one member for each step of a check, so that a `switch` over
 * `refusal.code` is complete, and the compiler says so. `explain.ts` puts them into words.
 *
 * @module
 */

import type { Leaf } from "../../schema/entry/leaf.ts";
import type { Reading } from "../../schema/entry/reading.ts";
import type { Evidence } from "../../schema/evidence.ts";
import type { LookupKey } from "../../schema/index/lookup.ts";
import type { KeyType } from "../../schema/index/map-key.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import type { TreeHead } from "../../schema/tlog/proof.ts";
import type { Complete, OpaqueReport } from "../lookup/report.ts";
import type { LookupRefusal } from "../lookup/verdict.ts";
import type { Witnessed } from "../quorum.ts";
import type { SignatureReason, SignerEvidence } from "../signature/kind.ts";
import type { Question, Role } from "../trust.ts";

/** Why one receipt is not accepted, in the order of the checks. */
export type ReceiptRefusal =
  /** The file is neither a receipt nor a tlog-proof, or a field of it is malformed. */
  | { readonly code: "RECEIPT_MALFORMED"; readonly message: string; readonly field?: string }
  /** The checkpoint is of a log that the trust file does not name. */
  | { readonly code: "LOG_UNKNOWN"; readonly message: string }
  /** No trusted key signed the checkpoint, or a known key's signature is bad. */
  | { readonly code: "CHECKPOINT_REFUSED"; readonly origin: string; readonly message: string }
  /** A field beside the signed checkpoint says something else than the checkpoint does. */
  | { readonly code: "RECORD_CONTRADICTS"; readonly field: string }
  /** The proof does not lead from this leaf at this index to the signed root. */
  | { readonly code: "NOT_INCLUDED"; readonly index: number; readonly tree: TreeHead }
  /** The checkpoint lacks the witnesses that the trust file asks for. */
  | {
      readonly code: "WITNESSES_TOO_FEW";
      readonly origin: string;
      readonly size: number;
      /** Operators of trusted witnesses that cosigned it. */
      readonly have: readonly string[];
      /** The quorum, in words. */
      readonly need: string;
    }
  /** The leaf, or its content, breaks the rules of its kind. */
  | { readonly code: "LEAF_REFUSED"; readonly message: string; readonly field?: string }
  /** The receipt has no content, so that nobody can say what was signed. */
  | { readonly code: "CONTENT_MISSING"; readonly digest: Hash }
  /** The receipt is about something else than what was asked. */
  | { readonly code: "OTHER_CONTENT"; readonly asked: Hash; readonly logged: Hash }
  | {
      readonly code: "SIGNATURE_REFUSED";
      readonly reason: SignatureReason;
      readonly field: string;
      readonly message: string;
    }
  /** The log has signed two histories; the evidence convicts it before anybody. */
  | { readonly code: "LOG_FORKED"; readonly origin: string; readonly evidence: Evidence };

/** Why the rule of the trust file is not met. */
export type RuleRefusal =
  /** What was asked about is no commit, commit id or digest. */
  | { readonly code: "SUBJECT_MALFORMED"; readonly message: string }
  /** The trust file has no rule for this question. Nothing is asked for, so nothing is allowed. */
  | { readonly code: "RULE_MISSING"; readonly question: Question }
  | { readonly code: "AUTHOR_MISSING"; readonly commit: string }
  /** A reviewer has rejected this commit and not taken it back. */
  | { readonly code: "REJECTED"; readonly by: string; readonly file: string }
  | {
      readonly code: "REVIEWERS_TOO_FEW";
      readonly have: readonly string[];
      readonly need: number;
    }
  | {
      readonly code: "BUILDERS_TOO_FEW";
      readonly have: readonly string[];
      readonly need: number;
    }
  /** No logged statement leads from the artifact to a commit that could be judged. */
  | { readonly code: "COMMIT_UNNAMED" }
  /** No maintainer has released this artifact. */
  | { readonly code: "RELEASE_MISSING" };

/** Why a log's newest head does not do, where one was asked for. */
export type FreshRefusal = {
  readonly code: "HEAD_TOO_OLD";
  readonly origin: string;
  readonly size: number;
  /** Seconds since 1970 when a whole quorum had last seen it; absent where none is known. */
  readonly seenAt?: number;
  readonly boundSeconds: number;
};

/** Why a statement must not be used, where completeness was asked. `lookups.ts` has the questions. */
export type CompletenessReason =
  /** The index ends before it: it can be used when it is indexed. */
  | { readonly code: "NOT_INDEXED"; readonly size: number }
  /** No look-up of one of its own names is at hand. */
  | { readonly code: "NOT_LOOKED_UP"; readonly key: LookupKey }
  /** The log had only its digest when it was sequenced: it stands under none of its names. */
  | { readonly code: "OPAQUE"; readonly key: LookupKey }
  /** Indexes of entries by which its signer takes it back. */
  | { readonly code: "SUPERSEDED"; readonly by: readonly number[] }
  /** Its signer promises something else in another entry. */
  | {
      readonly code: "EQUIVOCATES";
      readonly slot: KeyType;
      readonly index: number;
      readonly other: number;
    }
  /** The index does not have what is in the log: against the log and who executed the index. */
  | {
      readonly code: "INDEX_OMITS";
      readonly origin: string;
      readonly index: number;
      readonly key: LookupKey;
    };

/** Why an answer cannot be called complete. */
export type LookupFailure =
  /** The log's answer proves nothing, with its reason. */
  | { readonly code: "LOOKUP_REFUSED"; readonly origin: string; readonly refusal: LookupRefusal }
  /** The index was newer once; sizes of the index log. */
  | {
      readonly code: "INDEX_STALE";
      readonly origin: string;
      readonly shown: number;
      readonly remembered: number;
    }
  /** No look-up of the question itself is at hand. */
  | { readonly code: "LOOKUP_MISSING"; readonly origin: string; readonly key: LookupKey };

export type Refusal =
  | ReceiptRefusal
  | RuleRefusal
  | FreshRefusal
  | CompletenessReason
  | LookupFailure;

/** Why a receipt that was there did not help. */
export type NotCountedReason =
  | ReceiptRefusal
  | CompletenessReason
  | { readonly code: "NO_CLAIM" }
  | { readonly code: "OTHER_SUBJECT" }
  | { readonly code: "OTHER_LOG" }
  | { readonly code: "SIGNER_UNKNOWN"; readonly signerId: Hash }
  | { readonly code: "PLATFORM_KEY"; readonly person: string }
  | { readonly code: "ROLE_MISSING"; readonly person: string; readonly role: Role }
  | { readonly code: "OWN_COMMIT"; readonly person: string }
  | { readonly code: "RETIRED"; readonly person: string }
  | { readonly code: "NOT_AN_APPROVAL"; readonly person: string }
  | { readonly code: "CONTRADICTS_ITSELF"; readonly person: string }
  | { readonly code: "OTHER_OUTPUT"; readonly person: string };

export interface NotCounted {
  /** Name of the receipt, as the caller gave it. */
  readonly file: string;
  readonly reason: NotCountedReason;
}

/**
 * How a receipt's head stands to what this machine remembers of the log.
 *
 * Offline only heads of equal size can be compared. `"not compared"` says that a fork would not
 * have been noticed by this check; `observe` of the receipt's head (`countersign update --receipts`)
 * settles it with the log at hand.
 */
export type Comparison =
  | { readonly state: "same as remembered" }
  | {
      readonly state: "not compared";
      /** Size of the remembered head; absent where nothing is remembered of this log. */
      readonly remembered?: number;
    };

/** A head that the answer stands on. */
export interface ComparedHead {
  readonly origin: string;
  readonly tree: TreeHead;
  readonly comparison: Comparison;
  /** Which witnesses of the trust file have seen it, and when all of them had. */
  readonly witnessed: Witnessed;
}

/** A log's newest head, fetched now, that a quorum of witnesses has seen within the bound. */
export interface FreshHead {
  readonly origin: string;
  readonly size: number;
  /** Seconds since 1970. */
  readonly seenAt: number;
}

/** Whether receipts could be missing that would change the answer. */
export type Completeness =
  /** Whoever gave us the receipts may have left some out. */
  | { readonly state: "not asked" }
  | {
      readonly state: "complete";
      /** Up to where, for each log. */
      readonly logs: readonly Complete[];
      /** Signers of the answer who also signed what nobody can read. */
      readonly opaque: readonly OpaqueReport[];
    };

/** What an answer that is yes stands on. */
interface Heads {
  readonly heads: readonly ComparedHead[];
  /** Whether everything that the logs have about the question was looked at. */
  readonly completeness: Completeness;
  /** Where it was asked for: the newest head of each of these logs. */
  readonly fresh?: readonly FreshHead[];
}

/** One entry of a trusted log, checked completely. */
export interface CheckedReceipt {
  readonly file: string;
  readonly head: ComparedHead;
  /** The log's verifier keys, as text: a statement may be meant for one log only. */
  readonly vkeys: readonly string[];
  readonly index: number;
  readonly leaf: Leaf;
  readonly contentDigest: Hash;
  readonly content: Uint8Array;
  readonly reading: Reading;
  /** The git object, put together again, where the entry is one. */
  readonly gitObject?: Uint8Array;
  readonly signer: SignerEvidence;
  /** Whose key it is, by the trust file. */
  readonly person?: string;
}

/** A person's statement that was counted. */
export interface Counted {
  readonly person: string;
  readonly signer: SignerEvidence;
  readonly file: string;
  readonly origin: string;
  readonly index: number;
  /** Seconds since 1970: a quorum of witnesses had seen it in the log by then. */
  readonly existedBefore?: number;
}

export interface ReceiptYes extends Heads {
  readonly ok: true;
  readonly question: "receipt";
  readonly receipt: CheckedReceipt;
}

export interface CommitYes extends Heads {
  readonly ok: true;
  readonly question: "commit";
  /** Hex object id. */
  readonly commit: string;
  /** Hex object id, where the rule asked for the author: it is read from what the author signed. */
  readonly tree: string | undefined;
  readonly author: Counted | undefined;
  readonly reviewers: readonly Counted[];
  readonly builders: readonly Counted[];
  readonly notCounted: readonly NotCounted[];
}

export interface ArtifactYes extends Heads {
  readonly ok: true;
  readonly question: "artifact" | "release";
  readonly digest: Hash;
  /** What it was built from, where a builder was counted. */
  readonly inputsDigest: string | undefined;
  readonly commit: string | undefined;
  readonly maintainer: Counted | undefined;
  readonly author: Counted | undefined;
  readonly reviewers: readonly Counted[];
  readonly builders: readonly Counted[];
  readonly notCounted: readonly NotCounted[];
}

export interface No {
  readonly ok: false;
  readonly question: "receipt" | Question;
  readonly refusal: Refusal;
  /** Every receipt that was there and did not help, with its reason. */
  readonly notCounted: readonly NotCounted[];
}

export type Verdict = ReceiptYes | CommitYes | ArtifactYes | No;
