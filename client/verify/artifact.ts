/**
 * May I trust this artifact, under my rules?
 *
 * `rule.for = "artifact"`: builders who got this very digest out of one and the same input; where
 * the rule also asks for author and reviewers, that input must be a commit, and they are asked of
 * it. `rule.for = "release"`: besides, a maintainer has released this digest, and the commit is
 * the one that the maintainer names.
 *
 * @module
 */
import { fromHex, toHex } from "../../schema/bytes.ts";
import { asHash, type Hash } from "../../schema/tlog/hash.ts";
import type { Rule } from "../trust.ts";
import { type BuildClaim, type ReleaseClaim, readClaims } from "./claims.ts";
import { type JudgedCommit, judgeCommit, tooFew, withReasons } from "./commit.ts";
import type { ReceiptFile, VerifyPorts } from "./receipt.ts";
import { Counter, counted } from "./rules.ts";
import type { ArtifactYes, No, NotCounted, Refusal } from "./verdict.ts";

/** Its bytes, or its SHA-256: 32 bytes, or 64 hex digits with or without `sha256:` before. */
export type AskedArtifact =
  | { readonly bytes: Uint8Array }
  | { readonly digest: Hash }
  | { readonly digestText: string };

/**
 * Verify an artifact offline.
 *
 * @param question which rule is asked: `"artifact"` (default) or `"release"`.
 * @returns as `verifyCommit`.
 * @throws {LogError} `FILE_UNREADABLE` where the memory cannot be read.
 */
export async function verifyArtifact(
  ports: VerifyPorts,
  asked: AskedArtifact,
  files: readonly ReceiptFile[],
  question: "artifact" | "release" = "artifact",
): Promise<ArtifactYes | No> {
  const read = await readClaims(ports, files);
  const counter = new Counter(read.claims);
  const no = (refusal: Refusal): No => {
    const notCounted = withReasons(read, counter, []);
    return { ok: false, question, refusal, notCounted };
  };
  if (read.forked !== undefined) return no(read.forked);
  const digest = digestOf(ports, asked);
  if (digest === undefined)
    return no({ code: "SUBJECT_MALFORMED", message: "This is no SHA-256 digest." });
  const rule = ports.trust.rules.find((known) => known.for === question);
  if (rule === undefined) return no({ code: "RULE_MISSING", question });
  const judged = judge(counter, rule, toHex(digest));
  if (!judged.ok) return no(judged.refusal);
  const { commit, release, builders } = judged;
  const claims = [release, commit?.author, ...(commit?.reviewers ?? []), ...builders];
  const helped = claims.flatMap((claim) => (claim === undefined ? [] : [claim.receipt.file]));
  return {
    ok: true,
    question,
    digest,
    inputsDigest: builders[0]?.inputsDigest,
    commit: release?.commit ?? builders[0]?.commit,
    maintainer: release === undefined ? undefined : counted(release),
    author: commit?.author === undefined ? undefined : counted(commit.author),
    reviewers: (commit?.reviewers ?? []).map(counted),
    builders: builders.map(counted),
    heads: read.heads,
    completeness: { state: "not asked" },
    notCounted: withReasons(read, counter, helped) satisfies NotCounted[],
  };
}

type Judged =
  | {
      readonly ok: true;
      readonly release: ReleaseClaim | undefined;
      readonly builders: readonly BuildClaim[];
      readonly commit: Extract<JudgedCommit, { ok: true }> | undefined;
    }
  | { readonly ok: false; readonly refusal: Refusal };

function judge(counter: Counter, rule: Rule, sha256: string): Judged {
  const release = rule.for === "release" ? counter.release(sha256) : undefined;
  if (rule.for === "release" && release === undefined)
    return { ok: false, refusal: { code: "RELEASE_MISSING" } };
  // With a release, only builds of the commit that it names are about the question.
  const builders = counter.builders((claim) =>
    claim.outputs.some((output) => output.sha256 === sha256) &&
    (release === undefined || claim.commit === release.commit)
      ? sha256
      : undefined,
  );
  if (builders.length < rule.builders)
    return { ok: false, refusal: tooFew("BUILDERS_TOO_FEW", builders, rule.builders) };
  const needed = rule.builders === 0 ? [] : builders;
  const commit = release?.commit ?? needed[0]?.commit;
  if (commit === undefined)
    return rule.author
      ? { ok: false, refusal: { code: "COMMIT_UNNAMED" } }
      : { ok: true, release, builders: needed, commit: undefined };
  const judged = judgeCommit(counter, rule, commit);
  return judged.ok ? { ok: true, release, builders: needed, commit: judged } : judged;
}

function digestOf(ports: VerifyPorts, asked: AskedArtifact): Hash | undefined {
  if ("bytes" in asked) return ports.crypto.sha256(asked.bytes);
  if ("digest" in asked) return asked.digest;
  const bytes = fromHex(asked.digestText.replace(/^sha256:/, ""));
  return bytes === undefined ? undefined : asHash(bytes);
}
