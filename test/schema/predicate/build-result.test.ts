import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { inputsDigest } from "../../../schema/predicate/build-result.ts";
import { build, COMMIT, FILE_SHA256, OTHER_SHA256 } from "../../vectors/statements.ts";
import { sha256 } from "../support.ts";
import { field } from "./rules.ts";

const out = (name: string, digest: Record<string, string>) => ({ name, digest });
const one = out("a", { sha256: FILE_SHA256 });
const two = out("b", { sha256: OTHER_SHA256, own: "x" });
const both = build({ output: [one, two] });

describe("a build result", () => {
  test("has for inputsDigest the SHA-256 of the input's canonical JSON", () => {
    const text = `{"nixDrv":"/nix/store/é.drv"}`;
    const expected = createHash("sha256").update(text).digest("hex");
    expect(inputsDigest(sha256, { nixDrv: "/nix/store/é.drv" })).toBe(expected);
    const input = { nixDrv: "/nix/store/é.drv" };
    expect(field(build({ input, inputsDigest: expected }))).toBe("accepted");
    expect(field(build({ input }))).toBe("payload.predicate.inputsDigest");
  });

  test("has exactly one input", () => {
    for (const input of [
      {},
      { gitCommit: COMMIT, nixDrv: "x" },
      { gitCommit: COMMIT, note: "x" },
      [],
    ])
      expect(field(build({ input }))).toBe("payload.predicate.input");
    expect(field(build({ input: { gitCommit: "main" } }))).toBe(
      "payload.predicate.input.gitCommit",
    );
  });

  test("has its outputs, by name and digests, for subjects", () => {
    expect(field(both, [one, two])).toBe("accepted");
    expect(field(both, [two, { ...one, annotations: { a: 1 } }])).toBe("accepted");
    expect(field(both, [out("b", { own: "x", sha256: OTHER_SHA256 }), one])).toBe("accepted");
  });

  test.each([
    ["an output missing", [one], "payload.predicate.output[1]"],
    [
      "another digest",
      [one, out("b", { sha256: FILE_SHA256, own: "x" })],
      "payload.predicate.output[1]",
    ],
    ["a digest less", [one, out("b", { sha256: OTHER_SHA256 })], "payload.predicate.output[1]"],
    ["another name", [one, { ...two, name: "c" }], "payload.predicate.output[1]"],
    ["no name", [one, { digest: two.digest }], "payload.predicate.output[1]"],
    ["a subject more", [one, two, out("c", { own: "y" })], "payload.subject[2]"],
  ])("with %s is refused", (_, subject, expected) => {
    expect(field(both, subject)).toBe(expected);
  });

  test("may list one name with two digests", () => {
    const twice = [one, out("a", { sha256: OTHER_SHA256 })];
    expect(field(build({ output: twice }), twice)).toBe("accepted");
    expect(field(build({ output: twice }), [one])).toBe("payload.predicate.output[1]");
  });
});
