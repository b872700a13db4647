/**
 * Commits as the `attest` and `verify` commands need them: by id, with tree and parents.
 *
 * @module
 */
import { fromUtf8 } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { MAX_CONTENT_BYTES } from "../../schema/limits.ts";
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

/** Read a commit of the repository at `path`. Throws FILE_UNREADABLE for anything else. */
export async function readCommit(io: Io, path: string, revision: string): Promise<CommitFacts> {
  const repository = await openRepository(pathOf(io, path), io.env["PATH"] ?? "");
  // `^{commit}` follows tags, so that `v1.0` names the commit it tags.
  const object = await readRevision(repository, `${revision}^{commit}`, MAX_CONTENT_BYTES);
  const head = fromUtf8(object.bytes.subarray(0, 8192)) ?? "";
  const tree = /^tree ([0-9a-f]{40,64})\n/.exec(head)?.[1];
  if (object.type !== "commit" || tree === undefined)
    throw new LogError("FILE_UNREADABLE", `"${revision}" is no commit`, { field: "revision" });
  const headers = head.slice(0, head.indexOf("\nauthor "));
  const parents = [...headers.matchAll(/\nparent ([0-9a-f]{40,64})/g)].map(
    (match) => match[1] ?? "",
  );
  return { id: object.id, tree, parents, bytes: object.bytes };
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
