/**
 * Counting people: the arithmetic of the rules, over claims that are already checked.
 *
 * A rule counts people. However many signatures, keys, receipts or logs somebody has, they are
 * one; whoever wrote a commit does not review it; and what a platform signed for whoever was
 * logged in counts for nobody (it never becomes a claim, `claims.ts`). Builders count together
 * only where the same input gave the same digest, and a builder who says two things about one
 * output counts for neither.
 *
 * Pure: no clock, no network, no cryptography.
 *
 * @module
 */
import { existedBeforeOf } from "../quorum.ts";
import type { Role } from "../trust.ts";
import type { BuildClaim, Claim, CommitClaim, ReleaseClaim, ReviewClaim } from "./claims.ts";
import { Retired } from "./claims.ts";
import type { Counted, NotCounted, NotCountedReason } from "./verdict.ts";

/** Claims of one question, with a place for those that did not help. */
export class Counter {
  readonly notCounted: NotCounted[] = [];
  readonly #noted = new Set<string>();
  readonly #claims: readonly Claim[];
  readonly #retired: Retired;

  constructor(claims: readonly Claim[]) {
    this.#claims = claims;
    this.#retired = new Retired(claims);
  }

  /** The commit itself, signed by a person with the role author who still stands by it. */
  author(isCommit: (claim: CommitClaim) => boolean): CommitClaim | undefined {
    return this.#commits(isCommit).find((claim) =>
      this.#retired.spent(claim)
        ? this.#aside(claim, { code: "RETIRED", person: claim.person.name })
        : this.#hasRole(claim, "author"),
    );
  }

  /** A reviewer's rejection of a commit that its own key has not taken back. */
  rejection(commit: string): ReviewClaim | undefined {
    return this.#reviews(commit).find(
      (claim) =>
        claim.verdict === "reject" &&
        !this.#retired.unsaid(claim) &&
        claim.person.roles.has("reviewer"),
    );
  }

  /** One approval for each reviewer of this very commit and tree who is not its author. */
  reviewers(commit: string, tree: string, author: string): ReviewClaim[] {
    const approvals = this.#reviews(commit).filter((claim) => {
      if (claim.verdict !== "approve")
        return this.#aside(claim, { code: "NOT_AN_APPROVAL", person: claim.person.name });
      if (claim.tree !== tree) return this.#aside(claim, { code: "OTHER_SUBJECT" });
      if (this.#retired.spent(claim))
        return this.#aside(claim, { code: "RETIRED", person: claim.person.name });
      if (claim.person.name === author)
        return this.#aside(claim, { code: "OWN_COMMIT", person: author });
      return this.#hasRole(claim, "reviewer");
    });
    return onePerPerson(approvals);
  }

  /**
   * The largest group of builders who agree: one claim for each person, all of one input, all with
   * an equal `answer`. `answer` is `undefined` for a build that is not about the question.
   */
  builders(answer: (claim: BuildClaim) => string | undefined): BuildClaim[] {
    const all = this.#claims.filter((claim) => claim.kind === "build");
    const contradictsItself = this.#contradictions(all);
    const groups = new Map<string, BuildClaim[]>();
    for (const claim of all) {
      const given = answer(claim);
      if (given === undefined) {
        this.#aside(claim, { code: "OTHER_SUBJECT" });
        continue;
      }
      const person = claim.person.name;
      if (this.#retired.spent(claim)) this.#aside(claim, { code: "RETIRED", person });
      else if (!this.#hasRole(claim, "builder")) continue;
      else if (contradictsItself(claim)) this.#aside(claim, { code: "CONTRADICTS_ITSELF", person });
      else {
        const name = JSON.stringify([claim.inputsDigest, given]);
        const group = groups.get(name);
        if (group === undefined) groups.set(name, [claim]);
        else group.push(claim);
      }
    }
    const ranked = [...groups.values()]
      .map((group) => ({ group, people: onePerPerson(group) }))
      .toSorted((a, b) => b.people.length - a.people.length);
    for (const { group } of ranked.slice(1))
      for (const claim of group)
        this.#aside(claim, { code: "OTHER_OUTPUT", person: claim.person.name });
    return ranked[0]?.people ?? [];
  }

  /** A maintainer's release statement that names this digest (hex). */
  release(sha256: string): ReleaseClaim | undefined {
    const releases = this.#claims.filter((claim) => claim.kind === "release");
    return releases.find((claim) => {
      if (!claim.outputs.some((output) => output.sha256 === sha256))
        return this.#aside(claim, { code: "OTHER_SUBJECT" });
      if (this.#retired.spent(claim))
        return this.#aside(claim, { code: "RETIRED", person: claim.person.name });
      return this.#hasRole(claim, "maintainer");
    });
  }

  #commits(isCommit: (claim: CommitClaim) => boolean): CommitClaim[] {
    const commits = this.#claims.filter((claim) => claim.kind === "commit");
    return commits.filter(
      (claim) => isCommit(claim) || this.#aside(claim, { code: "OTHER_SUBJECT" }),
    );
  }

  #reviews(commit: string): ReviewClaim[] {
    const reviews = this.#claims.filter((claim) => claim.kind === "review");
    return reviews.filter(
      (claim) => claim.commit === commit || this.#aside(claim, { code: "OTHER_SUBJECT" }),
    );
  }

  /** Whether a builder has two digests for one output, and the same key has not taken one back. */
  #contradictions(builds: readonly BuildClaim[]): (claim: BuildClaim) => boolean {
    const answers = new Map<string, Set<string>>();
    const key = ({ person, inputsDigest, system }: BuildClaim, name: string): string =>
      JSON.stringify([person.name, inputsDigest, system, name]);
    for (const claim of builds)
      if (!this.#retired.unsaid(claim))
        for (const { name, sha256 } of claim.outputs) {
          const output = key(claim, name);
          answers.set(output, (answers.get(output) ?? new Set()).add(sha256));
        }
    return (claim) =>
      claim.outputs.some(({ name }) => (answers.get(key(claim, name))?.size ?? 0) > 1);
  }

  /** The last question about a claim that would help. */
  #hasRole(claim: Claim, role: Role): boolean {
    const person = claim.person.name;
    if (claim.against !== undefined) return this.#aside(claim, claim.against);
    return (
      claim.person.roles.has(role) || this.#aside(claim, { code: "ROLE_MISSING", person, role })
    );
  }

  /** Remember why a claim did not help, once, and answer no. */
  #aside(claim: Claim, reason: NotCountedReason): false {
    const { file } = claim.receipt;
    const note = JSON.stringify([file, reason.code]);
    if (!this.#noted.has(note)) this.notCounted.push({ file, reason });
    this.#noted.add(note);
    return false;
  }
}

/** The first claim of each person. */
function onePerPerson<T extends Claim>(claims: readonly T[]): T[] {
  const people = new Map<string, T>();
  for (const claim of claims)
    if (!people.has(claim.person.name)) people.set(claim.person.name, claim);
  return [...people.values()];
}

/** A counted claim as the answer shows it. */
export function counted(claim: Claim): Counted {
  const { file, head, index, signer } = claim.receipt;
  const by = { person: claim.person.name, signer, file, origin: head.origin, index };
  const existedBefore = existedBeforeOf(head.witnessed);
  return existedBefore === undefined ? by : { ...by, existedBefore };
}
