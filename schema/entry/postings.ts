/**
 * How many postings an entry can have in an index, counted before it is admitted: an index
 * never truncates, so what is too much is refused here.
 *
 * An upper bound by what a content names: digests, outputs, refs. Equal postings are counted as
 * often as they are named.
 *
 * Spec: docs/formats.md §Postings.
 *
 * @module
 */
import { failure, type Result, success } from "../error.ts";
import { MAX_POSTINGS } from "../limits.ts";
import type { Artifact } from "../predicate/forms.ts";
import type { Subject } from "../predicate/predicate.ts";
import type { KnownPredicate } from "../predicate/registry.ts";
import type { Reading } from "./reading.ts";
import type { Statement } from "./statement.ts";

/** Every entry: leaf, statement, signer, artifact. */
const EVERY_ENTRY = 4;
/** A digest or a slot is found with and without its signer. */
const BOTH_WAYS = 2;
/** superseded, signer-seq. */
const COMMON = 2;
/** Ids under both hashes, content, tree or tagged object with and without signer. */
const GIT_OBJECT = 8;
/** repo of a push certificate; ref, its value and the object it names, both ways. */
const EACH_REF_UPDATE = 1 + 2 * BOTH_WAYS;

/** An upper bound of the postings of an entry with this content. */
export function countPostings(reading: Reading): number {
  switch (reading.kind) {
    case "statement":
      return EVERY_ENTRY + statementPostings(reading.statement);
    case "git-commit":
    case "git-tag":
      return EVERY_ENTRY + GIT_OBJECT;
    case "push-certificate": {
      const updates = reading.object.type === "push-certificate" ? reading.object.updates : [];
      return EVERY_ENTRY + GIT_OBJECT + EACH_REF_UPDATE * updates.length;
    }
    case "checksum-file":
      return EVERY_ENTRY + BOTH_WAYS * reading.lines.length;
    case "simple-signing":
      return EVERY_ENTRY + BOTH_WAYS;
    case "log-statement":
    case "pae":
    case "opaque":
      return EVERY_ENTRY;
  }
}

/** TOO_LARGE where an entry could have more postings than an index takes. */
export function checkPostings(reading: Reading): Result<number> {
  const count = countPostings(reading);
  if (count <= MAX_POSTINGS) return success(count);
  return failure(
    "TOO_LARGE",
    `The content names so much that it could have ${count} postings; the limit is ${MAX_POSTINGS}.`,
    { field: "content", limit: MAX_POSTINGS, expected: "fewer subjects, outputs, lines or refs" },
  );
}

function statementPostings({ subject, known }: Statement): number {
  // A subject's name or URI may be one that is looked up as it is (purl, store path).
  const subjects = BOTH_WAYS * digests(subject) + subject.length;
  return subjects + (known === undefined ? 0 : predicatePostings(known, subject));
}

function predicatePostings(known: KnownPredicate, subject: readonly Subject[]): number {
  switch (known.kind) {
    case "commit-review":
      return COMMON + 2 + 1; // repo, ref; verdict-by
    case "build-result":
      return COMMON + BOTH_WAYS * digests(known.value.output) + 3; // builder; drv, store path
    case "ref-update":
      return COMMON + 2 + BOTH_WAYS; // repo, ref; ref-value and ref-by
    case "release":
      return COMMON + 2 + 1 + 1; // repo, ref; release-by; purl
    case "slsa-provenance":
      return BOTH_WAYS * digests(subject) + 1; // its subjects are its outputs; builder
    case "added":
      return COMMON + known.value.keys.length;
  }
}

function digests(things: readonly (Subject | Artifact)[]): number {
  let count = 0;
  for (const { digest } of things) count += Object.keys(digest).length;
  return count;
}
