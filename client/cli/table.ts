/**
 * Which commands there are and which file carries each out. A command's file is loaded when
 * it is called: `verify` must not pay for what `import git` needs.
 *
 * @module
 */
import type { Command } from "./command.ts";
import type { HelpGroup } from "./help.ts";
import { OPERATOR_COMMANDS } from "./operator.ts";

interface Entry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

const SIGNER: readonly Entry[] = [
  {
    name: "key generate",
    summary: "make a signing key",
    load: async () => (await import("./key.ts")).keyGenerate,
  },
  {
    name: "key show",
    summary: "show the public side of a key",
    load: async () => (await import("./key.ts")).keyShow,
  },
  {
    name: "sign",
    summary: "sign a file, to be logged now or later",
    load: async () => (await import("./sign.ts")).sign,
  },
  {
    name: "attest review",
    summary: "sign what you think of a commit",
    load: async () => (await import("./attest-review.ts")).attestReview,
  },
  {
    name: "attest build",
    summary: "sign what came out of a build",
    load: async () => (await import("./attest-build.ts")).attestBuild,
  },
  {
    name: "attest ref",
    summary: "sign what a branch or tag points to",
    load: async () => (await import("./attest-ref.ts")).attestRef,
  },
  {
    name: "attest release",
    summary: "sign which artifacts a release has",
    load: async () => (await import("./attest-release.ts")).attestRelease,
  },
  {
    name: "submit",
    summary: "log what was signed, and keep the receipts",
    load: async () => (await import("./submit.ts")).submit,
  },
  {
    name: "redeem",
    summary: "was what the log promised kept? the receipt, or evidence",
    load: async () => (await import("./redeem.ts")).redeem,
  },
  {
    name: "import git",
    summary: "log every signed commit and tag of a repository",
    load: async () => (await import("./import-git.ts")).importGit,
  },
];

const VERIFIER: readonly Entry[] = [
  {
    name: "trust init",
    summary: "pin a log: fetch what it serves, compare fingerprints, write the files",
    load: async () => (await import("./trust-init.ts")).trustInit,
  },
  {
    name: "verify",
    summary: "may this receipt, commit or artifact be trusted?",
    load: async () => (await import("./verify.ts")).verify,
  },
  {
    name: "lookup",
    summary: "what did anybody ever say about this? all of it, with proof",
    load: async () => (await import("./lookup.ts")).lookup,
  },
  {
    name: "lookup lock",
    summary: "what is known of each package that a lock file pins?",
    load: async () => (await import("./lookup-lock.ts")).lookupLock,
  },
  {
    name: "verify-bundle",
    summary: "is this artifact what a Sigstore bundle says?",
    load: async () => (await import("./verify-bundle.ts")).verifyBundleCommand,
  },
  {
    name: "update",
    summary: "fetch the log's newest head and check it against memory",
    load: async () => (await import("./update.ts")).update,
  },
  {
    name: "entry",
    summary: "fetch one entry, by index or leaf hash, and check it",
    load: async () => (await import("./entry.ts")).entry,
  },
  {
    name: "index verify",
    summary: "execute the index of a log again: is every leaf right?",
    load: async () => (await import("./index-verify.ts")).indexVerify,
  },
  {
    name: "monitor",
    summary: "watch logs, and tell of what happens to them and to names that matter",
    load: async () => (await import("./monitor.ts")).monitor,
  },
  {
    name: "monitor test",
    summary: "send a test alert through each channel of a monitor",
    load: async () => (await import("./monitor-test.ts")).monitorTest,
  },
  {
    name: "monitor init",
    summary: "write a monitor's configuration, with comments",
    load: async () => (await import("./monitor.ts")).monitorInit,
  },
  {
    name: "evidence verify",
    summary: "check a file that says a log misbehaved",
    load: async () => (await import("./evidence.ts")).evidenceVerify,
  },
];

export const COMMANDS: readonly Entry[] = [...SIGNER, ...VERIFIER];

export const HELP_GROUPS: readonly HelpGroup[] = [
  { title: "Sign and log", commands: SIGNER },
  { title: "Verify", commands: VERIFIER },
  { title: "Run a log (package countersign-server)", commands: OPERATOR_COMMANDS },
];
