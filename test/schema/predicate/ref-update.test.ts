import { describe, expect, test } from "vitest";
import { COMMIT, FILE_SHA256, PARENT, refUpdate } from "../../vectors/statements.ts";
import { field } from "./rules.ts";

const zeros = "0".repeat(40);
const of = (algorithm: string, digest: string) => [{ digest: { [algorithm]: digest } }];

describe("a ref update", () => {
  test.each(["gitCommit", "gitTag", "gitTree", "gitBlob"])(
    "has the object named now for subject, as %s",
    (algorithm) => {
      expect(field(refUpdate(), of(algorithm, COMMIT))).toBe("accepted");
      expect(field(refUpdate(), of(algorithm, PARENT))).toBe("payload.subject");
    },
  );

  test("that deletes a ref has the object named before for subject", () => {
    expect(field(refUpdate({ new: zeros }), of("gitCommit", PARENT))).toBe("accepted");
    expect(field(refUpdate({ new: zeros }), of("gitCommit", COMMIT))).toBe("payload.subject");
    expect(field(refUpdate({ old: zeros }), of("gitCommit", COMMIT))).toBe("accepted");
  });

  test("with two subjects, two digests or another algorithm is refused", () => {
    const one = { digest: { gitCommit: COMMIT } };
    expect(field(refUpdate(), [one, one])).toBe("payload.subject");
    expect(field(refUpdate(), [{ digest: { gitCommit: COMMIT, gitTag: COMMIT } }])).toBe(
      "payload.subject",
    );
    expect(field(refUpdate(), of("sha1", COMMIT))).toBe("payload.subject");
  });

  test("between object ids of two kinds, or from nothing to nothing, is refused", () => {
    expect(field(refUpdate({ new: FILE_SHA256 }), of("gitCommit", FILE_SHA256))).toBe(
      "payload.predicate.new",
    );
    expect(field(refUpdate({ old: zeros, new: zeros }))).toBe("payload.predicate.new");
    const ids = { old: OLD, new: FILE_SHA256 };
    expect(field(refUpdate(ids), of("gitCommit", FILE_SHA256))).toBe("accepted");
  });
});

const OLD = FILE_SHA256.replace("e", "f");
