/**
 * The fields of a git commit: tree, parents, author and committer in git's order, then any
 * other header (`encoding`, `mergetag`, …), an empty line, and the message.
 *
 * @module
 */
import { latin1 } from "../bytes.ts";
import { type Result, success } from "../error.ts";
import {
  type GitHashAlgorithm,
  type GitHeader,
  type GitIdentity,
  idAlgorithm,
  isLine,
  malformed,
  parseHeaders,
  parseIdentity,
} from "./lines.ts";

export interface GitCommit {
  readonly type: "commit";
  readonly hashAlgorithm: GitHashAlgorithm;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: GitIdentity;
  readonly committer: GitIdentity;
  /** Every header behind the committer, in order. */
  readonly headers: readonly GitHeader[];
  readonly message: Uint8Array;
}

/** Read signed bytes that begin with `tree `. Fails with `FIELD_INVALID`. */
export function parseCommit(payload: Uint8Array): Result<GitCommit> {
  const parsed = parseHeaders(payload);
  if (!parsed.ok) return parsed;
  const { headers, message } = parsed.value;
  const ids: string[] = [];
  for (const { name, value } of headers) {
    if (name !== (ids.length === 0 ? "tree" : "parent")) break;
    ids.push(latin1(value));
  }
  const [tree = "", ...parents] = ids;
  const hashAlgorithm = idAlgorithm(tree);
  if (hashAlgorithm === undefined || parents.some((id) => idAlgorithm(id) !== hashAlgorithm))
    return malformed(0, "tree and parents must be lower-case object ids of one length");
  const [author, committer, ...rest] = headers.slice(ids.length);
  if (!isLine(author, "author") || !isLine(committer, "committer"))
    return malformed(0, "author and committer must follow tree and parents, a line each");
  return success({
    type: "commit",
    hashAlgorithm,
    tree,
    parents,
    author: parseIdentity(author.value),
    committer: parseIdentity(committer.value),
    headers: rest,
    message,
  });
}
