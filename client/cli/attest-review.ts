/**
 * `attest review`: what a person thinks of a commit.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import { COMMIT_REVIEW_TYPE } from "../../schema/predicate/commit-review.ts";
import { attest, commonFields, given, STATEMENT_OPTIONS } from "./attest.ts";
import type { Arguments, Command } from "./command.ts";
import { isObjectId, readCommit } from "./git-objects.ts";
import type { ExitStatus, Io } from "./io.ts";
import { oneOf } from "./options.ts";

export const attestReview: Command = {
  name: "attest review",
  summary: "Sign what you think of a commit.",
  about: [
    "The review names the commit and its tree, so that it survives a rebase that changes nothing. With --repo both are read from the repository, and the base is the commit's first parent unless --base names another.",
    "A review is changed by a new one with --supersedes; a withdrawn one stays withdrawn.",
  ],
  positionals: [
    { name: "COMMIT", help: "the commit: a full id, or any revision with --repo", required: true },
  ],
  options: {
    uri: { type: "string", value: "URI", help: "which repository", required: true },
    verdict: {
      type: "string",
      value: "WORD",
      help: "approve, reject, abstain or withdraw",
      required: true,
    },
    target: {
      type: "string",
      value: "REF",
      help: "branch that the change is meant for (default: refs/heads/main)",
    },
    scope: {
      type: "string",
      value: "WORD",
      help: "what was looked at: change (default), tree or delta",
    },
    repo: {
      type: "string",
      value: "PATH",
      help: "read commit, tree and base from this repository",
    },
    tree: { type: "string", value: "ID", help: "tree of the commit, without --repo" },
    base: { type: "string", value: "ID", help: "commit that the change was compared with" },
    "patch-id": { type: "string", value: "ID", help: "`git patch-id --stable` of the change" },
    criteria: { type: "string", value: "URI", help: "what was looked for", multiple: true },
    thoroughness: { type: "string", value: "WORD", help: "none, low, medium or high" },
    understanding: { type: "string", value: "WORD", help: "none, low, medium or high" },
    comment: { type: "string", value: "TEXT", help: "public for ever" },
    "review-link": { type: "string", value: "URL", help: "where the review was talked about" },
    ...STATEMENT_OPTIONS,
  },
  examples: [
    {
      what: "approve the newest commit and log the review",
      line: "countersign attest review HEAD --repo . --uri https://example.org/tool.git --verdict approve --agent --trust trust.toml",
    },
    {
      what: "sign offline, log later",
      line: "countersign attest review HEAD --repo . --uri https://example.org/tool.git --verdict reject --comment 'breaks the parser' --key ada.pem -o review.submission.json",
    },
  ],
  run: review,
};

async function review(args: Arguments, io: Io): Promise<ExitStatus> {
  const change = await changeOf(args, io);
  const verdict = oneOf(args, "verdict", ["approve", "reject", "abstain", "withdraw"]);
  const levels = ["none", "low", "medium", "high"] as const;
  const predicate = given({
    repo: { uri: args.need("uri") },
    targetRef: args.value("target") ?? "refs/heads/main",
    base: { gitCommit: change.base },
    head: { gitCommit: change.commit, gitTree: change.tree },
    patchId: args.value("patch-id"),
    verdict,
    scope: oneOf(args, "scope", ["change", "tree", "delta"]) ?? "change",
    criteria: args.list("criteria").length > 0 ? args.list("criteria") : undefined,
    thoroughness: oneOf(args, "thoroughness", levels),
    understanding: oneOf(args, "understanding", levels),
    comment: args.value("comment"),
    reviewLink: args.value("review-link"),
    reviewedAt: new Date(io.now()).toISOString(),
    ...commonFields(args),
  });
  const subject = { digest: { gitCommit: change.commit, gitTree: change.tree } };
  return attest(args, io, COMMIT_REVIEW_TYPE, [subject], predicate);
}

interface Change {
  readonly commit: string;
  readonly tree: string;
  readonly base: string;
}

async function changeOf(args: Arguments, io: Io): Promise<Change> {
  const [revision = ""] = args.positionals;
  const repo = args.value("repo");
  if (repo === undefined) {
    const [tree, base] = [args.value("tree"), args.value("base")];
    if (!isObjectId(revision) || tree === undefined || base === undefined)
      throw new LogError("USAGE", "without --repo the review needs full ids", {
        field: "COMMIT, --tree, --base",
        hint: "give --repo PATH to read them from the repository",
      });
    return { commit: revision, tree, base };
  }
  const commit = await readCommit(io, repo, revision);
  const named = args.value("base");
  const base = named === undefined ? commit.parents[0] : (await readCommit(io, repo, named)).id;
  // A first commit has no parent: it is compared with nothing, as git writes "no object".
  return { commit: commit.id, tree: commit.tree, base: base ?? "0".repeat(commit.id.length) };
}
