import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Superseding, supersedesOther, whatStands } from "../../../schema/index/supersedes.ts";

/** A statement by a letter and a number, that supersedes another number of the same letter. */
const say = (signer: number, content: number, supersedes?: number): Superseding => ({
  signer: Uint8Array.of(signer),
  content: Uint8Array.of(content),
  supersedes: supersedes === undefined ? undefined : Uint8Array.of(supersedes),
});

const names = (list: readonly Superseding[]): readonly string[] =>
  list.map(({ signer, content }) => `${signer[0]}/${content[0]}`).toSorted();

/** By the words of the rule alone: everything against everything. */
function bruteForce(list: readonly Superseding[]): { standing: string[]; malformed: string[] } {
  const before = (a: Superseding, b: Superseding): boolean =>
    a.supersedes?.[0] === b.content[0] && a.signer[0] === b.signer[0];
  const reaches = (a: Superseding, goal: Superseding, steps: number): boolean =>
    steps > 0 &&
    list.some(
      (b) => before(a, b) && (b.content[0] === goal.content[0] || reaches(b, goal, steps - 1)),
    );
  const circle = (one: Superseding): boolean => reaches(one, one, list.length);
  const [all] = [new Map(list.map((one) => [names([one])[0] ?? "", one]))];
  const unique = [...all.values()];
  return {
    standing: [...names(unique.filter((a) => !circle(a) && !list.some((b) => before(b, a))))],
    malformed: [...names(unique.filter(circle))],
  };
}

describe("statements that take each other's place", () => {
  test("agree with the rule read word by word, whatever the graph is", () => {
    // One statement has one successor field: a signer's contents are distinct.
    const statements = fc.uniqueArray(
      fc.record({
        signer: fc.integer({ min: 0, max: 1 }),
        content: fc.integer({ min: 0, max: 6 }),
        supersedes: fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined }),
      }),
      { maxLength: 9, selector: ({ signer, content }) => `${signer}/${content}` },
    );
    fc.assert(
      fc.property(statements, (list) => {
        const graph = list.map((one) => say(one.signer, one.content, one.supersedes));
        const { standing, malformed } = whatStands(graph);
        const expected = bruteForce(graph);
        expect({ standing: names(standing), malformed: names(malformed) }).toEqual(expected);
        const reversed = whatStands(graph.toReversed());
        expect(names(reversed.standing)).toEqual(expected.standing);
      }),
      { numRuns: 500 },
    );
  });

  test("what is replaced does not come back when its successor is withdrawn", () => {
    const chain = [say(1, 1), say(1, 2, 1), say(1, 3, 2)];
    expect(names(whatStands(chain).standing)).toEqual(["1/3"]);
  });

  test("nobody supersedes what another has signed", () => {
    expect(names(whatStands([say(1, 1), say(2, 2, 1)]).standing)).toEqual(["1/1", "2/2"]);
    expect(supersedesOther(say(1, 1), say(2, 2, 1))).toBe(false);
    expect(supersedesOther(say(1, 1), say(1, 2, 1))).toBe(true);
    expect(supersedesOther(say(1, 2, 1), say(1, 1))).toBe(true);
  });

  test("two successors of one statement both stand; a statement logged twice is one", () => {
    const list = [say(1, 1), say(1, 2, 1), say(1, 3, 1), say(1, 3, 1)];
    expect(names(whatStands(list).standing)).toEqual(["1/2", "1/3"]);
  });

  test("a circle stands nowhere, and what replaces one of it does", () => {
    const { standing, malformed } = whatStands([say(1, 1, 2), say(1, 2, 1), say(1, 3, 2)]);
    expect(names(standing)).toEqual(["1/3"]);
    expect(names(malformed)).toEqual(["1/1", "1/2"]);
    expect(names(whatStands([say(1, 1, 1)]).malformed)).toEqual(["1/1"]);
  });
});
