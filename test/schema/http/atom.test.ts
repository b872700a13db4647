import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AtomFeed, formatAtom } from "../../../schema/http/atom.ts";

/** What is between tags is text; every tag is one of ours, and closed. */
function tagsOf(xml: string): string[] {
  const tags = [...xml.matchAll(/<[^>]*>/g)].map(([tag]) => tag);
  expect(xml.replace(/<[^>]*>/g, "")).not.toMatch(/[<>]|&(?!#\d+;)/);
  const open: string[] = [];
  for (const tag of tags) {
    const name = /^<\/?([a-z]+)/.exec(tag)?.[1];
    if (name === undefined || tag.endsWith("/>")) continue;
    if (tag.startsWith("</")) expect(open.pop()).toBe(name);
    else open.push(name);
  }
  expect(open).toEqual([]);
  return tags.map((tag) => tag.replace(/"[^"]*"/g, '""'));
}

function feedOf(text: string): AtomFeed {
  return {
    id: text,
    title: text,
    updated: 1_700_000_000,
    author: text,
    self: text,
    entries: [
      {
        id: text,
        title: text,
        updated: 1,
        content: text,
        link: { rel: "enclosure", type: text, href: text },
      },
    ],
  };
}

describe("an Atom feed", () => {
  test("is well-formed and has the same tags whatever strangers wrote, in characters that XML has", () => {
    const tags = tagsOf(formatAtom(feedOf("tame")));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff })), (codes) => {
        const text = String.fromCharCode(...codes);
        const xml = formatAtom(feedOf(`${text}"'</entry>]]>\u0000\ud800&`));
        expect(tagsOf(xml)).toEqual(tags);
        expect(xml.isWellFormed()).toBe(true);
        expect(xml).not.toMatch(/[^\P{Cc}\t\n\r]|[\ufffe\uffff]/u);
      }),
      { numRuns: 40 },
    );
  });

  test("says times as feeds have them", () => {
    expect(formatAtom(feedOf("a"))).toContain("<updated>2023-11-14T22:13:20Z</updated>");
  });
});
