import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SIGNATURE_TYPES } from "../../../schema/tlog/note.ts";
import { hasQuorum, operatorOf, splitsInTwo } from "../../../schema/tlog/quorum.ts";
import { among, policyOf, read, w, witnessKey } from "./policies.ts";
import { failureOf } from "./support.ts";

describe("the keys of one operator", () => {
  const ed = `witness ed ${witnessKey("w.example", 1)}\n`;
  const pq = `witness pq ${witnessKey("w.example", 2, SIGNATURE_TYPES.mlDsa44)}\n`;

  test("count once, in a group of threshold 1 of their own", () => {
    const policy = policyOf(`${ed}${pq}${w(3)}group op any ed pq\ngroup q all op w3\nquorum q\n`);
    expect(policy.groups.map(operatorOf)).toEqual(["w.example", undefined]);
    expect(hasQuorum(policy, among("ed", "pq"))).toBe(false);
    expect(hasQuorum(policy, among("pq", "w3"))).toBe(true);
  });

  test("that could be counted twice refuse the policy, and name the operator", () => {
    for (const text of [
      `${ed}${pq}group q 2 ed pq\nquorum q\n`,
      `${ed}${pq}${w(3)}group q 2 ed pq w3\nquorum q\n`,
      `${ed}${pq}${w(3)}${w(4)}group a any ed w3\ngroup b any pq w4\ngroup q all a b\nquorum q\n`,
    ])
      expect(failureOf(read(text)).message).toContain("w.example");
  });

  test("may be the whole quorum", () => {
    const policy = policyOf(`${ed}${pq}group q any ed pq\nquorum q\n`);
    expect(splitsInTwo(policy)).toBe(false);
  });
});

describe("two quorums without a common witness", () => {
  test.each([
    ["one witness", `${w(1)}quorum w1\n`, false],
    ["one of two", `${w(1)}${w(2)}group q any w1 w2\nquorum q\n`, true],
    ["two of three", `${w(1)}${w(2)}${w(3)}group q 2 w1 w2 w3\nquorum q\n`, false],
    ["two of four", `${w(1)}${w(2)}${w(3)}${w(4)}group q 2 w1 w2 w3 w4\nquorum q\n`, true],
    ["all of two", `${w(1)}${w(2)}group q all w1 w2\nquorum q\n`, false],
  ])("%s", (_, text, splits) => {
    expect(splitsInTwo(policyOf(text))).toBe(splits);
  });

  test("are found exactly where trying every pair of disjoint sets finds them", () => {
    const tree = fc.array(
      fc.record({
        threshold: fc.integer({ min: 1, max: 4 }),
        leaves: fc.integer({ min: 1, max: 3 }),
      }),
      { minLength: 1, maxLength: 3 },
    );
    fc.assert(
      fc.property(tree, fc.integer({ min: 1, max: 3 }), (groups, top) => {
        let n = 0;
        let text = "";
        const names = groups.map(({ threshold, leaves }, g) => {
          const members = Array.from({ length: leaves }, () => `w${++n}`);
          text += members.map((name) => w(Number(name.slice(1)))).join("");
          text += `group g${g} ${Math.min(threshold, leaves)} ${members.join(" ")}\n`;
          return `g${g}`;
        });
        text += `group q ${Math.min(top, names.length)} ${names.join(" ")}\nquorum q\n`;
        const policy = policyOf(text);
        let split = false;
        for (let set = 0; set < 1 << n && !split; set++) {
          const inSet = ({ name }: { readonly name: string }): boolean =>
            ((set >> (Number(name.slice(1)) - 1)) & 1) === 1;
          split = hasQuorum(policy, inSet) && hasQuorum(policy, (one) => !inSet(one));
        }
        expect(splitsInTwo(policy)).toBe(split);
      }),
      { numRuns: 300 },
    );
  });
});
