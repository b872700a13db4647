/**
 * May I trust this commit, under my rules?
 *
 * `rule.for = "commit"` is asked over the receipts that are at hand. The commit is named by its
 * id, or given whole, which is better: then not only its id but every byte must be what the
 * author signed.
 *
 * The order: no log has forked → a rule exists → nobody with a say has rejected → the author →
 * the reviewers → the builders. The first that fails is the reason of the no.
 *
 * A receipt that was left out cannot be missed offline: whoever hands over the receipts could
 * withhold a rejection. That a set is complete is for a look-up with proof to say.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import { GIT_ID } from "../../schema/predicate/forms.ts";
import type { Rule } from "../trust.ts";
import {
  type BuildClaim,
  type Claims,
  type CommitClaim,
  type ReviewClaim,
  readClaims,
  readCommitObject,
} from "./claims.ts";
import type { ReceiptFile, VerifyPorts } from "./receipt.ts";
import { Counter, counted } from "./rules.ts";
import type { CommitYes, No, Refusal, RuleRefusal } from "./verdict.ts";

/** A commit by its lower-case hex id, or its raw object, as `git cat-file commit` prints it. */
export type AskedCommit = string | Uint8Array;

/**
 * Verify a commit offline.
 *
 * @returns yes with the people who stand for it, or no with the reason. Either lists every
 *   receipt that did not help, and the yes every head that could not be compared with the memory.
 * @throws {LogError} `FILE_UNREADABLE` where the memory cannot be read.
 */
export async function verifyCommit(
  ports: VerifyPorts,
  asked: AskedCommit,
  files: readonly ReceiptFile[],
): Promise<CommitYes | No> {
  const read = await readClaims(ports, files);
  const object = typeof asked === "string" ? undefined : asked;
  const id = typeof asked === "string" ? asked : readCommitObject(ports.crypto, asked)?.id;
  const no = (refusal: Refusal, notCounted = read.notCounted): No => ({
    ok: false,
    question: "commit",
    refusal,
    notCounted,
  });
  if (read.forked !== undefined) return no(read.forked);
  if (id === undefined || !GIT_ID.pattern.test(id))
    return no({ code: "SUBJECT_MALFORMED", message: "This is no commit and no commit id." });
  const rule = ports.trust.rules.find((known) => known.for === "commit");
  if (rule === undefined) return no({ code: "RULE_MISSING", question: "commit" });

  const counter = new Counter(read.claims);
  const judged = judgeCommit(counter, rule, id, object);
  const builders = judged.ok ? countBuilders(counter, rule, id) : [];
  const notCounted = withReasons(read, counter, judged.ok ? people(judged, builders) : []);
  if (!judged.ok) return no(judged.refusal, notCounted);
  if (builders.length < rule.builders)
    return no(tooFew("BUILDERS_TOO_FEW", builders, rule.builders), notCounted);
  const { author, reviewers } = judged;
  return {
    ok: true,
    question: "commit",
    commit: id,
    tree: author?.tree,
    author: author === undefined ? undefined : counted(author),
    reviewers: reviewers.map(counted),
    builders: builders.map(counted),
    heads: read.heads,
    completeness: { state: "not asked" },
    notCounted,
  };
}

export type JudgedCommit =
  | {
      readonly ok: true;
      readonly author: CommitClaim | undefined;
      readonly reviewers: readonly ReviewClaim[];
    }
  | { readonly ok: false; readonly refusal: RuleRefusal };

/** The part of a rule that is about a commit: nobody rejects it, its author, its reviewers. */
export function judgeCommit(
  counter: Counter,
  rule: Rule,
  commit: string,
  object?: Uint8Array,
): JudgedCommit {
  const rejection = counter.rejection(commit);
  if (rejection !== undefined) {
    const refusal = { by: rejection.person.name, file: rejection.receipt.file };
    return { ok: false, refusal: { code: "REJECTED", ...refusal } };
  }
  if (!rule.author) return { ok: true, author: undefined, reviewers: [] };
  const author = counter.author(
    (claim) => claim.commit === commit && (object === undefined || equal(claim.object, object)),
  );
  if (author === undefined) return { ok: false, refusal: { code: "AUTHOR_MISSING", commit } };
  const reviewers = counter.reviewers(commit, author.tree, author.person.name);
  if (reviewers.length < rule.reviewers)
    return { ok: false, refusal: tooFew("REVIEWERS_TOO_FEW", reviewers, rule.reviewers) };
  return { ok: true, author, reviewers };
}

/** Builders of a commit agree when everything they got out of it is equal. */
function countBuilders(counter: Counter, rule: Rule, commit: string): BuildClaim[] {
  if (rule.builders === 0) return [];
  return counter.builders((claim) => {
    if (claim.commit !== commit || claim.outputs.length === 0) return undefined;
    const outputs = claim.outputs.map(({ name, sha256 }) => `${sha256} ${name}`);
    return JSON.stringify([claim.system, outputs.toSorted((a, b) => (a < b ? -1 : 1))]);
  });
}

export function tooFew(
  code: "REVIEWERS_TOO_FEW" | "BUILDERS_TOO_FEW",
  claims: readonly (ReviewClaim | BuildClaim)[],
  need: number,
): RuleRefusal {
  return { code, have: claims.map(({ person }) => person.name), need };
}

function people(
  judged: Extract<JudgedCommit, { ok: true }>,
  builders: readonly BuildClaim[],
): string[] {
  const claims = [judged.author, ...judged.reviewers, ...builders];
  return claims.flatMap((claim) => (claim === undefined ? [] : [claim.receipt.file]));
}

/** Why each receipt did not help, in the order of the files; those that did are left out. */
export function withReasons(
  read: Claims,
  counter: Counter,
  helped: readonly string[],
): (typeof read.notCounted)[number][] {
  const files = new Set(helped);
  return [...read.notCounted, ...counter.notCounted].filter(({ file }) => !files.has(file));
}
