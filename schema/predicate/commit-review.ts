/**
 * `urn:countersign:commit-review:v1`: what one person says about one change of a repository.
 *
 * The head is named by commit and by tree, so that a review survives a rebase that leaves the
 * tree as it was. Its subjects are exactly these two.
 *
 * Shape: commit-review.schema.json. Spec: docs/formats.md §Statements.
 *
 * @module
 */
import type { Fields } from "../fields.ts";
import { type Common, checkCommon, readCommon } from "./common.ts";
import {
  contradiction,
  GIT_ID,
  optionalComment,
  optionalText,
  present,
  REF_NAME,
  repository,
  TIMESTAMP,
  text,
  URI,
} from "./forms.ts";
import type { PredicateContext, PredicateKind } from "./predicate.ts";

export const COMMIT_REVIEW_TYPE = "urn:countersign:commit-review:v1";

const VERDICTS = ["approve", "reject", "abstain", "withdraw"] as const;
const SCOPES = ["change", "tree", "delta"] as const;
const LEVELS = ["none", "low", "medium", "high"] as const;
const MAX_CRITERIA = 64;

export type Verdict = (typeof VERDICTS)[number];
export type ReviewScope = (typeof SCOPES)[number];
export type ReviewLevel = (typeof LEVELS)[number];

export interface CommitReview extends Common {
  readonly repo: { readonly uri: string };
  /** The ref the change is meant for. */
  readonly targetRef: string;
  readonly base: { readonly gitCommit: string };
  readonly head: { readonly gitCommit: string; readonly gitTree: string };
  /** `git patch-id --stable` of base..head: survives a moved base. */
  readonly patchId?: string;
  /** `withdraw` takes back the statement that `supersedes` names. */
  readonly verdict: Verdict;
  /** What was looked at: the change, the whole tree, or what is new since the last review. */
  readonly scope: ReviewScope;
  /** What the reviewer held it against. */
  readonly criteria?: readonly string[];
  readonly thoroughness?: ReviewLevel;
  readonly understanding?: ReviewLevel;
  readonly comment?: string;
  readonly reviewLink?: string;
  readonly reviewedAt: string;
}

export const commitReview: PredicateKind<CommitReview> = {
  predicateType: COMMIT_REVIEW_TYPE,
  read,
  check,
};

function read(fields: Fields): CommitReview {
  const head = fields.object("head");
  const verdict = fields.oneOf("verdict", VERDICTS);
  const common = readCommon(fields);
  if (verdict === "withdraw" && common.supersedes === undefined)
    fields.refuse("supersedes", "the content digest of the statement that is withdrawn");
  return {
    ...common,
    repo: repository(fields, "repo"),
    targetRef: text(fields, "targetRef", REF_NAME),
    base: { gitCommit: text(fields.object("base"), "gitCommit", GIT_ID) },
    head: { gitCommit: text(head, "gitCommit", GIT_ID), gitTree: text(head, "gitTree", GIT_ID) },
    verdict,
    scope: fields.oneOf("scope", SCOPES),
    reviewedAt: text(fields, "reviewedAt", TIMESTAMP),
    ...present({
      patchId: optionalText(fields, "patchId", GIT_ID),
      criteria: fields.optional("criteria", () => criteria(fields)),
      thoroughness: fields.optional("thoroughness", (name) => fields.oneOf(name, LEVELS)),
      understanding: fields.optional("understanding", (name) => fields.oneOf(name, LEVELS)),
      comment: optionalComment(fields, "comment"),
      reviewLink: optionalText(fields, "reviewLink", URI),
    }),
  };
}

function criteria(fields: Fields): readonly string[] {
  const list = fields.strings("criteria");
  if (list.length > MAX_CRITERIA) fields.refuse("criteria", `at most ${MAX_CRITERIA} URIs`);
  list.forEach((uri, i) => {
    if (uri.length > URI.max || !URI.pattern.test(uri))
      fields.refuse(`criteria[${i}]`, URI.expected);
  });
  return list;
}

function check(review: CommitReview, context: PredicateContext): void {
  checkCommon(context.sha256, review, context.fields);
  const { head } = review;
  const named = { gitCommit: false, gitTree: false };
  context.subject.forEach((subject, i) => {
    for (const [algorithm, digest] of Object.entries(subject.digest)) {
      const known = algorithm === "gitCommit" || algorithm === "gitTree";
      if (!known || head[algorithm] !== digest)
        contradiction(
          `${context.subjectPath}[${i}].digest`,
          "The subject of a review disagrees with its head.",
          "gitCommit and gitTree of predicate.head, and nothing else",
        );
      named[algorithm] = true;
    }
  });
  if (!named.gitCommit || !named.gitTree)
    contradiction(
      context.subjectPath,
      "The subject of a review must name the head's commit and its tree.",
      "gitCommit and gitTree of predicate.head",
    );
}
