/**
 * The interface of a predicate: one file for each type behind one registry (`registry.ts`).
 *
 * @module
 */
import type { Fields } from "../fields.ts";
import type { Sha256 } from "../tlog/hash.ts";
import type { DigestSet } from "./forms.ts";

/** What a statement is about. */
export interface Subject {
  readonly name?: string;
  readonly uri?: string;
  readonly digest: DigestSet;
}

/** Whatever a rule may look at besides the predicate itself. */
export interface PredicateContext {
  readonly sha256: Sha256;
  readonly subject: readonly Subject[];
  /** The predicate's own fields, to name them in a refusal. */
  readonly fields: Fields;
  /** The path of the subjects, for refusals. */
  readonly subjectPath: string;
}

export interface PredicateKind<T> {
  readonly predicateType: string;
  /** Inside `readFields`: the shape, exactly what the JSON Schema file beside says. */
  readonly read: (fields: Fields) => T;
  /** Inside `readFields`: what a schema cannot say: digests that agree, subjects that match. */
  readonly check: (predicate: T, context: PredicateContext) => void;
}
