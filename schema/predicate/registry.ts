/**
 * The predicates whose meaning is known. Any other is a statement whose subjects are indexed
 * and whose meaning is not.
 *
 * @module
 */
import type { Fields } from "../fields.ts";
import type { KeyField, KeyType } from "../index/map-key.ts";
import { OpenTable } from "../table.ts";
import { BUILD_RESULT_TYPE, type BuildResult, buildResult } from "./build-result.ts";
import { COMMIT_REVIEW_TYPE, type CommitReview, commitReview } from "./commit-review.ts";
import type { Common } from "./common.ts";
import type { PredicateContext, PredicateKind } from "./predicate.ts";
import { REF_UPDATE_TYPE, type RefUpdate, refUpdate } from "./ref-update.ts";
import { RELEASE_TYPE, type Release, release } from "./release.ts";
import { SLSA_PROVENANCE_TYPE, type SlsaProvenance, slsaProvenance } from "./slsa-provenance.ts";

/** A predicate with its meaning, told apart by `kind`. */
export type KnownPredicate =
  | { readonly kind: "commit-review"; readonly value: CommitReview }
  | { readonly kind: "build-result"; readonly value: BuildResult }
  | { readonly kind: "ref-update"; readonly value: RefUpdate }
  | { readonly kind: "release"; readonly value: Release }
  | { readonly kind: "slsa-provenance"; readonly value: SlsaProvenance }
  /** Of a type that was added to {@link addedPredicates}. */
  | { readonly kind: "added"; readonly value: AddedPredicate };

/**
 * What a predicate means whose type was added. The first mapfn knows no such type and posts nothing of
 * it; a later one posts `keys`.
 */
export interface AddedPredicate extends Common {
  /** What it says, in words that read on after the name of its signer. */
  readonly says: string;
  readonly keys: readonly AddedKey[];
}

/** A key that the statement is found under; `bySigner` puts the signer id before the fields. */
export interface AddedKey {
  readonly type: KeyType;
  readonly fields: readonly KeyField[];
  readonly bySigner: boolean;
  readonly claim?: KeyField;
}

/** By predicate type. Inside `readFields`: what the predicate means, or a refusal. */
export const addedPredicates: OpenTable<(context: PredicateContext) => AddedPredicate> =
  new OpenTable("type of predicates", []);

type Reader = (context: PredicateContext) => KnownPredicate;

const READERS: Readonly<Record<string, Reader>> = {
  [COMMIT_REVIEW_TYPE]: (c) => ({ kind: "commit-review", value: whole(commitReview, c) }),
  [BUILD_RESULT_TYPE]: (c) => ({ kind: "build-result", value: whole(buildResult, c) }),
  [REF_UPDATE_TYPE]: (c) => ({ kind: "ref-update", value: whole(refUpdate, c) }),
  [RELEASE_TYPE]: (c) => ({ kind: "release", value: whole(release, c) }),
  [SLSA_PROVENANCE_TYPE]: (c) => ({ kind: "slsa-provenance", value: whole(slsaProvenance, c) }),
};

export const KNOWN_PREDICATE_TYPES: readonly string[] = Object.keys(READERS);

/** Inside `readFields`: the predicate with its meaning; `undefined` for a type not known here. */
export function readPredicate(
  predicateType: string,
  context: PredicateContext,
): KnownPredicate | undefined {
  const reader = Object.hasOwn(READERS, predicateType) ? READERS[predicateType] : undefined;
  if (reader !== undefined) return reader(context);
  const added = addedPredicates.get(predicateType);
  return added && { kind: "added", value: added(context) };
}

/** Inside `readFields`: only the shape, as the JSON Schema file says it. */
export function readShape(predicateType: string, fields: Fields): boolean {
  const kinds = [commitReview, buildResult, refUpdate, release, slsaProvenance];
  const kind = kinds.find((known) => known.predicateType === predicateType);
  kind?.read(fields);
  return kind !== undefined;
}

function whole<T>(kind: PredicateKind<T>, context: PredicateContext): T {
  const predicate = kind.read(context.fields);
  kind.check(predicate, context);
  return predicate;
}
