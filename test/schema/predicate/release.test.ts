import { describe, expect, test } from "vitest";
import { COMMIT, FILE_SHA256, PARENT, release } from "../../vectors/statements.ts";
import { field } from "./rules.ts";

const commit = { digest: { gitCommit: COMMIT } };
const file = { name: "tool-1.0.0.tar", digest: { sha256: FILE_SHA256 } };

describe("a release", () => {
  test("has its commit and its artifacts for subjects", () => {
    expect(field(release(), [file, commit])).toBe("accepted");
    expect(field(release({ artifacts: [] }), [commit])).toBe("accepted");
    expect(field(release(), [{ ...commit, name: "source" }, file])).toBe("accepted");
  });

  test.each([
    ["without its commit", [file], "payload.subject"],
    ["with another commit", [{ digest: { gitCommit: PARENT } }, file], "payload.subject"],
    [
      "with one commit more",
      [commit, { digest: { gitCommit: PARENT } }, file],
      "payload.subject[0]",
    ],
    ["without its artifact", [commit], "payload.predicate.artifacts[0]"],
    ["with one file more", [commit, file, { ...file, name: "x" }], "payload.subject[1]"],
  ])("%s is refused", (_, subject, expected) => {
    expect(field(release(), subject)).toBe(expected);
  });

  test("is immutable", () => {
    for (const immutable of [false, null, "true", 1])
      expect(field(release({ immutable }))).toBe("payload.predicate.immutable");
  });
});
