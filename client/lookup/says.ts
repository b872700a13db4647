/**
 * What an entry says, in one short line that reads on after the name of its signer.
 *
 * Texts of strangers are shown without control characters.
 *
 * @module
 */
import type { Reading } from "../../schema/entry/reading.ts";
import type { Statement } from "../../schema/entry/statement.ts";
import type { KnownPredicate } from "../../schema/predicate/registry.ts";
import { printable } from "../printable.ts";

/** Names that a line shows; more are counted. */
const MAX_NAMES = 3;
const VERDICT_WORDS = {
  approve: "approves",
  reject: "rejects",
  abstain: "abstains from judging",
  withdraw: "takes back a review of",
} as const;

export function saysText(reading: Reading): string {
  switch (reading.kind) {
    case "statement":
      return statementText(reading.statement);
    case "git-commit":
      return "signed this git commit";
    case "git-tag":
      return "signed this git tag";
    case "push-certificate":
      return "signed a push";
    case "checksum-file":
      return `signed a list of ${reading.lines.length} checksums`;
    case "simple-signing":
      return `signed the image sha256:${reading.signing.manifestDigest}`;
    case "log-statement":
      return "signed a statement of the log";
    case "pae":
    case "opaque":
      return `signed bytes (${printable(reading.mediaType)})`;
  }
}

function statementText(statement: Statement): string {
  const { known } = statement;
  if (known !== undefined) return printable(knownText(known, statement));
  return printable(`says ${statement.predicateType} of ${subjectNames(statement)}`);
}

function knownText(known: KnownPredicate, statement: Statement): string {
  switch (known.kind) {
    case "commit-review": {
      const { verdict, head, repo, targetRef } = known.value;
      return `${VERDICT_WORDS[verdict]} commit ${head.gitCommit} for ${targetRef} of ${repo.uri}`;
    }
    case "build-result": {
      const { output, system, input, deterministic } = known.value;
      const commit = Object.hasOwn(input, "gitCommit") ? ` from commit ${input["gitCommit"]}` : "";
      const promise = deterministic ? ", as the only possible output" : "";
      return `built ${listed(output.map(({ name, digest }) => `${name} ${digestText(digest)}`))}${commit} for ${system}${promise}`;
    }
    case "ref-update": {
      const { ref, repo, new: id, immutable } = known.value;
      return `set ${ref} of ${repo.uri} to ${id}${immutable === true ? ", for ever" : ""}`;
    }
    case "release": {
      const { ref, repo, gitCommit, artifacts } = known.value;
      return `released ${ref} of ${repo.uri} at commit ${gitCommit} with ${artifacts.length} artifacts`;
    }
    case "added":
      return known.value.says;
    case "slsa-provenance":
      return `says how ${subjectNames(statement)} was built by ${known.value.runDetails.builder.id}`;
  }
}

function subjectNames({ subject }: Statement): string {
  return listed(subject.map(({ name, digest }) => name ?? digestText(digest)));
}

function digestText(digest: Readonly<Record<string, string>>): string {
  const [first] = Object.entries(digest);
  return first === undefined ? "" : first.join(":");
}

function listed(names: readonly string[]): string {
  const more = names.length - MAX_NAMES;
  const shown = names.slice(0, MAX_NAMES).join(", ");
  return more > 0 ? `${shown} and ${more} more` : shown;
}
