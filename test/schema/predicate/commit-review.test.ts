import { describe, expect, test } from "vitest";
import { COMMIT, OTHER_SHA256, PARENT, review, TREE } from "../../vectors/statements.ts";
import { field } from "./rules.ts";

const commit = { digest: { gitCommit: COMMIT } };
const tree = { digest: { gitTree: TREE } };

describe("a review", () => {
  test("names the head's commit and tree, as two subjects or as one", () => {
    expect(field(review(), [commit, tree])).toBe("accepted");
    expect(field(review(), [tree, commit])).toBe("accepted");
    expect(field(review(), [{ digest: { gitCommit: COMMIT, gitTree: TREE } }])).toBe("accepted");
  });

  test.each([
    ["without the tree", [commit], "payload.subject"],
    ["without the commit", [tree], "payload.subject"],
    ["of another commit", [{ digest: { gitCommit: PARENT } }, tree], "payload.subject[0].digest"],
    ["of another tree", [commit, { digest: { gitTree: PARENT } }], "payload.subject[1].digest"],
    [
      "of one more commit",
      [commit, tree, { digest: { gitCommit: PARENT } }],
      "payload.subject[2].digest",
    ],
    [
      "of a file too",
      [commit, tree, { digest: { sha256: OTHER_SHA256 } }],
      "payload.subject[2].digest",
    ],
    [
      "with commit and tree exchanged",
      [{ digest: { gitCommit: TREE } }, { digest: { gitTree: COMMIT } }],
      "payload.subject[0].digest",
    ],
  ])("%s is refused", (_, subject, expected) => {
    expect(field(review(), subject)).toBe(expected);
  });

  test("that withdraws names what it withdraws", () => {
    expect(field(review({ verdict: "withdraw" }))).toBe("payload.predicate.supersedes");
    expect(field(review({ verdict: "withdraw", supersedes: OTHER_SHA256 }))).toBe("accepted");
    expect(field(review({ verdict: "approve", supersedes: OTHER_SHA256 }))).toBe("accepted");
  });

  test("names the field that is wrong", () => {
    const head = { gitCommit: COMMIT };
    expect(field(review({ head }))).toBe("payload.predicate.head.gitTree");
    expect(field(review({ repo: "https://x.test" }))).toBe("payload.predicate.repo");
    expect(field(review({ criteria: ["x"] }))).toBe("payload.predicate.criteria[0]");
    expect(field(review({ thoroughness: "very" }))).toBe("payload.predicate.thoroughness");
    expect(field(review({ comment: "x".repeat(65_537) }))).toBe("payload.predicate.comment");
  });
});
