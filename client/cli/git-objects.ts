/**
 * Commits as the `attest` and `verify` commands need them: by id, with tree and parents.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import { gitObjectId, parseGitObject } from "../../schema/git/object.ts";
import { MAX_CONTENT_BYTES } from "../../schema/limits.ts";
import { nodeCrypto } from "../crypto/node.ts";
import { gitHashOf } from "../git/hash.ts";
import { openRepository } from "../git/process.ts";
import { readRevision } from "../git/walk.ts";
import { pathOf } from "./files.ts";
import type { Io } from "./io.ts";

export interface CommitFacts {
  readonly id: string;
  readonly tree: string;
  readonly parents: readonly string[];
  /** The whole object. */
  readonly bytes: Uint8Array;
}

/** Whether a text is the full id of an object. */
export function isObjectId(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

/**
 * Read a commit of the repository at `path`. Throws FILE_UNREADABLE for anything else, and where
 * the bytes do not have the id that git has them under: nobody must sign for what they did not see.
 */
export async function readCommit(io: Io, path: string, revision: string): Promise<CommitFacts> {
  const repository = await openRepository(pathOf(io, path), io.env["PATH"] ?? "");
  // `^{commit}` follows tags, so that `v1.0` names the commit it tags.
  const { id, bytes } = await readRevision(repository, `${revision}^{commit}`, MAX_CONTENT_BYTES);
  const parsed = parseGitObject(bytes);
  if (!parsed.ok || parsed.value.type !== "commit")
    throw new LogError("FILE_UNREADABLE", `"${revision}" is no commit`, { field: "revision" });
  if (gitObjectId(gitHashOf(nodeCrypto), parsed.value, bytes) !== id)
    throw new LogError("FILE_UNREADABLE", `the bytes of "${revision}" do not have its id`, {
      field: "revision",
    });
  const { tree, parents } = parsed.value;
  return { id, tree, parents, bytes };
}

/** The object that a ref of the repository at `path` points to, tags not followed. */
export async function readRef(
  io: Io,
  path: string,
  ref: string,
): Promise<{ readonly id: string; readonly type: string }> {
  const repository = await openRepository(pathOf(io, path), io.env["PATH"] ?? "");
  return readRevision(repository, ref, MAX_CONTENT_BYTES);
}
