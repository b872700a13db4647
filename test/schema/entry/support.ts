/** What the tests of entries share. */

import type { CountersignLeaf, HashedrekordLeaf } from "../../../schema/entry/leaf.ts";
import { type PreparedEntry, prepareSubmission } from "../../../schema/entry/prepare.ts";
import type { Failure, Result } from "../../../schema/error.ts";
import { unwrap } from "../../../schema/error.ts";
import type { Submission } from "../../../schema/http/messages.ts";
import { SUBMISSIONS } from "../../vectors/make-leaf.ts";
import { sha256 } from "../support.ts";

export { SUBMISSIONS } from "../../vectors/make-leaf.ts";

/** Every entry of the vectors, with the name of its file. */
export const ENTRIES: readonly (readonly [string, PreparedEntry])[] = SUBMISSIONS.flatMap(
  ([name, , submission]) => prepared(submission).map((entry) => [name, entry] as const),
);

export function prepared(submission: Submission): readonly PreparedEntry[] {
  return unwrap(prepareSubmission(sha256, submission));
}

/** The only entry of a submission. */
export function only(submission: Submission): PreparedEntry {
  const [entry, ...more] = prepared(submission);
  if (entry === undefined || more.length > 0) throw new Error("not one entry");
  return entry;
}

export function entryOf(name: string): PreparedEntry {
  const found = ENTRIES.find(([known]) => known === name)?.[1];
  if (found === undefined) throw new Error(`no vector ${name}`);
  return found;
}

export function countersignLeaf(name: string): CountersignLeaf {
  const { leaf } = entryOf(name);
  if (leaf.kind !== "countersign") throw new Error(`${name} is a ${leaf.kind}`);
  return leaf;
}

export function hashedrekordLeaf(name: string): HashedrekordLeaf {
  const { leaf } = entryOf(name);
  if (leaf.kind !== "hashedrekord") throw new Error(`${name} is a ${leaf.kind}`);
  return leaf;
}

/** Why it was refused; throws where it was not. */
export function refusalOf(result: Result<unknown>): Failure {
  if (result.ok) throw new Error("it was accepted");
  return result;
}

/** Code and field of a refusal, which is what a caller acts on. */
export function reason(result: Result<unknown>): readonly [string, string | undefined] {
  const { code, detail } = refusalOf(result);
  return [code, detail.field];
}
