/**
 * `urn:countersign:ref-update:v1`: a ref of a repository now names another object. What a push
 * certificate says, for those who do not push signed.
 *
 * Shape: ref-update.schema.json. Spec: docs/formats.md §Statements.
 *
 * @module
 */
import type { Fields } from "../fields.ts";
import { type Common, checkCommon, readCommon } from "./common.ts";
import { contradiction, GIT_ID, present, REF_NAME, repository, text } from "./forms.ts";
import type { PredicateContext, PredicateKind } from "./predicate.ts";

export const REF_UPDATE_TYPE = "urn:countersign:ref-update:v1";

export interface RefUpdate extends Common {
  readonly repo: { readonly uri: string };
  readonly ref: string;
  /** Object id before; zeros where the ref is new. */
  readonly old: string;
  /** Object id after; zeros where the ref is deleted. */
  readonly new: string;
  /** The signer says that this ref will never name anything else. */
  readonly immutable?: boolean;
  /** Number of the update in the repository's own count. */
  readonly number?: number;
}

export const refUpdate: PredicateKind<RefUpdate> = {
  predicateType: REF_UPDATE_TYPE,
  read,
  check,
};

function read(fields: Fields): RefUpdate {
  return {
    ...readCommon(fields),
    repo: repository(fields, "repo"),
    ref: text(fields, "ref", REF_NAME),
    old: text(fields, "old", GIT_ID),
    new: text(fields, "new", GIT_ID),
    ...present({
      immutable: fields.optional("immutable", (name) => fields.boolean(name)),
      number: fields.optional("number", (name) => fields.integer(name)),
    }),
  };
}

const GIT_DIGESTS = ["gitCommit", "gitTag", "gitTree", "gitBlob"];

function check(update: RefUpdate, context: PredicateContext): void {
  checkCommon(context.sha256, update, context.fields);
  if (update.old.length !== update.new.length)
    contradiction(
      context.fields.name("new"),
      "The object ids before and after are of two kinds.",
      "as many digits as old",
    );
  const object = isZero(update.new) ? update.old : update.new;
  if (isZero(object))
    contradiction(
      context.fields.name("new"),
      "The update changes nothing: both object ids are zeros.",
      "an object id before or after",
    );
  const digests = context.subject.flatMap(({ digest }) => Object.entries(digest));
  const agrees = ([algorithm, digest]: [string, string]): boolean =>
    GIT_DIGESTS.includes(algorithm) && digest === object;
  if (context.subject.length !== 1 || digests.length !== 1 || !digests.every(agrees))
    contradiction(
      context.subjectPath,
      "The subject of a ref update must be the object that the ref names now.",
      `one subject with one digest (${GIT_DIGESTS.join(", ")}): predicate.new, or predicate.old of a deleted ref`,
    );
}

function isZero(id: string): boolean {
  return /^0+$/.test(id);
}
