/**
 * `urn:countersign:release:v1`: a release is one commit under one ref, with its artifacts, and
 * it stays so.
 *
 * Shape: release.schema.json. Spec: docs/formats.md §Statements.
 *
 * @module
 */
import type { Fields } from "../fields.ts";
import { checkArtifacts } from "./build-result.ts";
import { type Common, checkCommon, readCommon } from "./common.ts";
import {
  type Artifact,
  artifacts,
  contradiction,
  GIT_ID,
  optionalText,
  PURL,
  present,
  REF_NAME,
  repository,
  text,
} from "./forms.ts";
import type { PredicateContext, PredicateKind, Subject } from "./predicate.ts";

export const RELEASE_TYPE = "urn:countersign:release:v1";

export interface Release extends Common {
  readonly repo: { readonly uri: string };
  /** Usually a tag: `refs/tags/v1.0.0`. */
  readonly ref: string;
  /** The commit, peeled where the ref names a tag object. */
  readonly gitCommit: string;
  readonly purl?: string;
  /** May be empty: a release of source alone. */
  readonly artifacts: readonly Artifact[];
  readonly immutable: true;
}

export const release: PredicateKind<Release> = { predicateType: RELEASE_TYPE, read, check };

function read(fields: Fields): Release {
  const immutable = fields.boolean("immutable");
  if (!immutable) return fields.refuse("immutable", "true");
  return {
    ...readCommon(fields),
    repo: repository(fields, "repo"),
    ref: text(fields, "ref", REF_NAME),
    gitCommit: text(fields, "gitCommit", GIT_ID),
    artifacts: artifacts(fields, "artifacts", 0),
    immutable,
    ...present({ purl: optionalText(fields, "purl", PURL) }),
  };
}

function check(made: Release, context: PredicateContext): void {
  checkCommon(context.sha256, made, context.fields);
  const isCommit = ({ digest }: Subject): boolean =>
    digest["gitCommit"] === made.gitCommit && Object.keys(digest).length === 1;
  if (!context.subject.some(isCommit))
    contradiction(
      context.subjectPath,
      "The subject of a release must name its commit.",
      "a subject whose only digest is gitCommit = predicate.gitCommit",
    );
  const rest = context.subject.filter((subject) => !isCommit(subject));
  checkArtifacts(made.artifacts, rest, context, "artifacts");
}
