import { describe, expect, test } from "vitest";
import { latin1, utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { parseTag } from "../../../schema/git/tag.ts";
import { vector } from "../../data.ts";
import { matching } from "../support.ts";

const ID = "a".repeat(40);

describe("the fields of a tag", () => {
  test("are read from a tag that git made", () => {
    const tag = unwrap(parseTag(vector("git/sha1-unsigned.tag")));
    expect(tag).toMatchObject({
      type: "tag",
      hashAlgorithm: "sha1",
      object: matching(/^[0-9a-f]{40}$/),
      objectType: "commit",
      tag: "v-unsigned",
      tagger: { name: "Ben Example", email: "ben@example.org", seconds: 1_700_000_060 },
      headers: [],
    });
    expect(latin1(tag.message)).toBe("Nobody signed this\n");
  });

  test("the tagger may be missing, and further headers keep their order", () => {
    const old = unwrap(parseTag(utf8(`object ${ID}\ntype tree\ntag v1\n\nm`)));
    expect(old.tagger).toBeUndefined();
    const odd = unwrap(parseTag(utf8(`object ${ID}\ntype tag\ntag v1\nx y\ntagger T\n\n`)));
    expect(odd.headers.map(({ name }) => name)).toEqual(["x", "tagger"]);
    expect(odd.tagger).toBeUndefined();
  });

  test.each([
    ["a short id", `object ${ID}a\ntype commit\ntag v1\n\n`],
    ["an unknown type", `object ${ID}\ntype note\ntag v1\n\n`],
    ["another order", `object ${ID}\ntag v1\ntype commit\n\n`],
    ["no name", `object ${ID}\ntype commit\n\n`],
    ["a name in two lines", `object ${ID}\ntype commit\ntag v1\n v2\n\n`],
    ["a NUL in the name", `object ${ID}\ntype commit\ntag v1\0\n\n`],
  ])("are refused: %s", (_name, text) => {
    expect(parseTag(utf8(text))).toMatchObject({ ok: false, code: "FIELD_INVALID" });
  });
});
