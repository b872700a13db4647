/**
 * Whether an entry is about the bytes that somebody asks about.
 *
 * A valid receipt of something else is the oldest trick against verifiers of this kind: the entry
 * must name the artifact itself, by its digest, in what was signed.
 *
 * @module
 */
import { equal, toHex } from "../../schema/bytes.ts";
import type { Reading } from "../../schema/entry/reading.ts";
import type { Sha256 } from "../../schema/tlog/hash.ts";

export interface Said {
  readonly content: Uint8Array;
  readonly reading: Reading;
  readonly gitObject: Uint8Array | undefined;
}

/** The content itself, the git object, or something that a statement has among its subjects. */
export function isAbout(sha256: Sha256, said: Said, artifact: Uint8Array): boolean {
  if (equal(said.content, artifact)) return true;
  if (said.gitObject !== undefined && equal(said.gitObject, artifact)) return true;
  if (said.reading.kind !== "statement") return false;
  const digest = toHex(sha256(artifact));
  return said.reading.statement.subject.some((subject) => subject.digest["sha256"] === digest);
}
