/**
 * `attest release`: which artifacts belong to a release, and which commit they are made from.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import { RELEASE_TYPE } from "../../schema/predicate/release.ts";
import { namedDigests } from "./artifacts.ts";
import { attest, commonFields, given, STATEMENT_OPTIONS } from "./attest.ts";
import type { Arguments, Command } from "./command.ts";
import { isObjectId, readCommit } from "./git-objects.ts";
import type { ExitStatus, Io } from "./io.ts";

export const attestRelease: Command = {
  name: "attest release",
  summary: "Sign which artifacts a release has.",
  about: [
    "A release never changes: the statement says `immutable`, and a second one contradicts it.",
  ],
  positionals: [{ name: "REF", help: "the tag, e.g. refs/tags/v1.0", required: true }],
  options: {
    uri: { type: "string", value: "URI", help: "which repository", required: true },
    artifact: {
      type: "string",
      value: "NAME=FILE",
      help: "what is released: a file, which is hashed, or NAME=sha256:HEX",
      required: true,
      multiple: true,
    },
    commit: { type: "string", value: "ID", help: "the commit it is made from" },
    repo: { type: "string", value: "PATH", help: "read --commit from the ref in this repository" },
    purl: { type: "string", value: "PURL", help: "package URL of the release" },
    ...STATEMENT_OPTIONS,
  },
  examples: [
    {
      what: "a tag and its archive",
      line: "countersign attest release refs/tags/v1.0 --repo . --uri https://example.org/tool.git --artifact tool-1.0.tar=dist/tool-1.0.tar --agent --trust trust.toml",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const [ref = ""] = args.positionals;
    const repo = args.value("repo");
    const revision = args.value("commit") ?? (repo === undefined ? undefined : ref);
    if (revision === undefined || (repo === undefined && !isObjectId(revision)))
      throw new LogError("USAGE", "it is not said which commit the release is made from", {
        field: "--commit",
        expected: "a full id, or --repo PATH to read it",
      });
    const commit = repo === undefined ? revision : (await readCommit(io, repo, revision)).id;
    const artifacts = await namedDigests(io, "artifact", args.list("artifact"));
    const predicate = given({
      repo: { uri: args.need("uri") },
      ref,
      gitCommit: commit,
      purl: args.value("purl"),
      artifacts,
      immutable: true,
      ...commonFields(args),
    });
    const subjects = [{ name: ref, digest: { gitCommit: commit } }, ...artifacts];
    return attest(args, io, RELEASE_TYPE, subjects, predicate);
  },
};
