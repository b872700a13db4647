/**
 * What the check of a look-up bundle goes by, and what it answers.
 *
 * A no says which check failed, in the order of the checks (verify.ts), and keeps apart what proves
 * nothing and what convicts: a signed index that says something false of an entry.
 *
 * Spec: docs/formats.md §Index.
 *
 * @module
 */
import type { Generation } from "../../schema/index/generation.ts";
import type { EndOfIndex } from "../../schema/index/index-end.ts";
import type { LookupAnswer, LookupEntry, LookupKey } from "../../schema/index/lookup.ts";
import type { Summary } from "../../schema/index/record.ts";
import type { Crypto } from "../crypto/crypto.ts";
import type { Head } from "../head.ts";
import type { Witnessed, WitnessPolicy } from "../quorum.ts";
import type { TrustedLog } from "../trust.ts";

/** Why a bundle proves nothing, in the order of the checks. */
export type LookupRefusal =
  | { readonly code: "LOOKUP_MALFORMED"; readonly message: string; readonly field?: string }
  /** The index checkpoint or the main one is not signed by the log, or has a bad signature. */
  | { readonly code: "INDEX_HEAD_REFUSED"; readonly message: string }
  | { readonly code: "MAIN_HEAD_REFUSED"; readonly message: string }
  | LacksQuorum
  /** The leaf is not the newest of the index log, or is of another log or mapfn. */
  | { readonly code: "INDEX_LEAF_REFUSED"; readonly message: string }
  /** The index goes on beyond the end that its log has stated for it (X8). */
  | { readonly code: "INDEX_ENDED"; readonly message: string }
  /** The main checkpoint is not the head that the leaf names. */
  | { readonly code: "OTHER_HEAD"; readonly size: number }
  /** The pruned tree has another root than the leaf. */
  | { readonly code: "OTHER_MAP" }
  /** The answers are not about the keys that were asked for. */
  | { readonly code: "OTHER_KEYS"; readonly key: LookupKey }
  /** What is said of a key is not what the map has. */
  | { readonly code: "RECORD_REFUSED"; readonly key: LookupKey; readonly message: string }
  /** An entry is not in the log, or its content is another. */
  | { readonly code: "ENTRY_REFUSED"; readonly index: number; readonly message: string }
  | FalsePosting;

/** Signed, without the index verifiers or witnesses of the trust file: that accuses nobody. */
export interface LacksQuorum {
  readonly code: "VERIFIERS_TOO_FEW" | "WITNESSES_TOO_FEW";
  readonly message: string;
  /** The log has signed it all the same, and what it shows convicts the index. */
  readonly besides?: FalsePosting;
}

/** mapfn gives the entry other postings than the lists say: the index is false. */
export interface FalsePosting {
  readonly code: "FALSE_POSTING";
  readonly key: LookupKey;
  readonly index: number;
  /** What the index does to the entry under this key. */
  readonly how: "adds" | "alters" | "omits";
}

export function lacksQuorum(refusal: LookupRefusal): refusal is LacksQuorum {
  return refusal.code === "VERIFIERS_TOO_FEW" || refusal.code === "WITNESSES_TOO_FEW";
}

/** What a refusal says against the index, whatever else was wrong. */
export function falsehoodOf(refusal: LookupRefusal): FalsePosting | undefined {
  if (refusal.code === "FALSE_POSTING") return refusal;
  return lacksQuorum(refusal) ? refusal.besides : undefined;
}

/** What is proved of one key. */
export type Found = { readonly key: LookupKey } & (
  | { readonly kind: "absent" }
  | { readonly kind: "present"; readonly summary: Summary; readonly list?: LookupList }
);

export type LookupList = Extract<LookupAnswer, { readonly kind: "list" }>["list"];

export interface LookupYes {
  readonly ok: true;
  readonly origin: string;
  /** Which of its indexes answered. */
  readonly generation: Generation;
  /** Complete up to this many entries. */
  readonly main: Head;
  /** Who has executed the index: `not asked` is *map unverified*. */
  readonly verified: Witnessed;
  readonly found: readonly Found[];
  /** Where the index has ended: what came later is in the one after it. */
  readonly end?: EndOfIndex;
  /** The entries that were given, each checked against its lists. */
  readonly entries: readonly LookupEntry[];
}

export type LookupVerdict = LookupYes | { readonly ok: false; readonly refusal: LookupRefusal };

export interface LookupPorts {
  readonly crypto: Crypto;
  /** From the trust file. */
  readonly log: TrustedLog;
  /** Policies of index verifiers, from the trust file; none: the map is the log's word alone. */
  readonly verifiers: readonly WitnessPolicy[];
  /** Which of its indexes it is, by whose mapfn. */
  readonly generation: Generation;
}

export type Refused = Extract<LookupVerdict, { readonly ok: false }>;

export function refuse(refusal: LookupRefusal): Refused {
  return { ok: false, refusal };
}
