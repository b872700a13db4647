import { describe, expect, test } from "vitest";
import { latin1, utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { parseCommit } from "../../../schema/git/commit.ts";
import { vector } from "../../data.ts";
import { matching } from "../support.ts";

const [A, B, C] = ["a", "b", "c"].map((digit) => digit.repeat(40));
const PEOPLE = "author A <a> 1 +0000\ncommitter B <b> 2 -0330\n";

describe("the fields of a commit", () => {
  test("are read from a commit that git made", () => {
    const commit = unwrap(parseCommit(vector("git/sha256-unsigned.commit")));
    expect(commit).toMatchObject({
      type: "commit",
      hashAlgorithm: "sha256",
      tree: matching(/^[0-9a-f]{64}$/),
      parents: [matching(/^[0-9a-f]{64}$/)],
      author: {
        name: "Ada Example",
        email: "ada@example.org",
        seconds: 1_700_000_000,
        zone: "+0100",
      },
      committer: {
        name: "Ben Example",
        email: "ben@example.org",
        seconds: 1_700_000_060,
        zone: "-0330",
      },
      headers: [],
    });
    expect(latin1(commit.message)).toBe("Nobody signed this\n");
  });

  test("parents and further headers keep their order", () => {
    const text = `tree ${A}\nparent ${B}\nparent ${C}\n${PEOPLE}encoding x\nHG:extra y\n z\nparent ${A}\n\n`;
    const commit = unwrap(parseCommit(utf8(text)));
    expect(commit.parents).toEqual([B, C]);
    expect(commit.headers.map(({ name, value }) => [name, latin1(value)])).toEqual([
      ["encoding", "x"],
      ["HG:extra", "y\nz"],
      ["parent", A],
    ]);
  });

  test.each([
    ["a short tree", `tree ${A?.slice(1)}\n${PEOPLE}`],
    ["upper case", `tree ${A?.toUpperCase()}\n${PEOPLE}`],
    ["CR behind the tree", `tree ${A}\r\n${PEOPLE}`],
    ["a tree in two lines", `tree ${A}\n x\n${PEOPLE}`],
    ["parents of another length", `tree ${A}\nparent ${"b".repeat(64)}\n${PEOPLE}`],
    ["no author", `tree ${A}\ncommitter B <b> 2 +0000\n`],
    ["no committer", `tree ${A}\nauthor A <a> 1 +0000\n`],
    ["another order", `tree ${A}\ncommitter B\nauthor A\n`],
    ["a header before the author", `tree ${A}\nencoding x\n${PEOPLE}`],
    ["a second tree", `tree ${A}\ntree ${A}\n${PEOPLE}`],
    ["an author in two lines", `tree ${A}\nauthor A\n <a> 1 +0000\ncommitter B\n`],
    ["a NUL in the author", `tree ${A}\nauthor A\0B <a> 1 +0000\ncommitter B\n`],
    ["headers in the message", `tree ${A}\n\n${PEOPLE}`],
  ])("are refused: %s", (_name, text) => {
    expect(parseCommit(utf8(text))).toMatchObject({ ok: false, code: "FIELD_INVALID" });
  });
});
