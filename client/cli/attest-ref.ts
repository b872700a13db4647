/**
 * `attest ref`: which object a branch or tag of a repository points to.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import { REF_UPDATE_TYPE } from "../../schema/predicate/ref-update.ts";
import { attest, commonFields, given, STATEMENT_OPTIONS } from "./attest.ts";
import type { Arguments, Command } from "./command.ts";
import { readRef } from "./git-objects.ts";
import type { ExitStatus, Io } from "./io.ts";
import { wholeNumber } from "./options.ts";

export const attestRef: Command = {
  name: "attest ref",
  summary: "Sign what a branch or tag points to.",
  about: [
    "A commit names no repository and no branch. This statement does: from --old to --new, as a signed push would say it.",
  ],
  positionals: [{ name: "REF", help: "the full name, e.g. refs/heads/main", required: true }],
  options: {
    uri: { type: "string", value: "URI", help: "which repository", required: true },
    new: { type: "string", value: "ID", help: "object that the ref points to now" },
    old: { type: "string", value: "ID", help: "object before (default: the ref was created)" },
    repo: { type: "string", value: "PATH", help: "read --new from the ref in this repository" },
    "annotated-tag": { type: "boolean", help: "--new is a tag object, not a commit" },
    immutable: { type: "boolean", help: "the ref will never point to anything else" },
    number: { type: "string", value: "N", help: "how many updates of this ref came before" },
    ...STATEMENT_OPTIONS,
  },
  examples: [
    {
      what: "a tag that will never move",
      line: "countersign attest ref refs/tags/v1.0 --repo . --uri https://example.org/tool.git --immutable --agent --trust trust.toml",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const [ref = ""] = args.positionals;
    const repo = args.value("repo");
    const found = repo === undefined ? undefined : await readRef(io, repo, ref);
    const now = args.value("new") ?? found?.id;
    const isTag = found?.type === "tag" || args.flag("annotated-tag");
    if (now === undefined)
      throw new LogError("USAGE", "it is not said what the ref points to", {
        field: "--new",
        hint: "give --new ID, or --repo PATH to read it",
      });
    const old = args.value("old") ?? "0".repeat(now.length);
    const predicate = given({
      repo: { uri: args.need("uri") },
      ref,
      old,
      new: now,
      immutable: args.flag("immutable") ? true : undefined,
      number: args.value("number") === undefined ? undefined : wholeNumber(args, "number"),
      ...commonFields(args),
    });
    // A deleted ref names nothing any more; the statement is about what it named.
    const object = /^0+$/.test(now) ? old : now;
    const subject = { name: ref, digest: { [isTag ? "gitTag" : "gitCommit"]: object } };
    return attest(args, io, REF_UPDATE_TYPE, [subject], predicate);
  },
};
