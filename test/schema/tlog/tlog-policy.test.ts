import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { utf8 } from "../../../schema/bytes.ts";
import { formatVkey, SIGNATURE_TYPES } from "../../../schema/tlog/note.ts";
import {
  formatPolicy,
  hasQuorum,
  MAX_POLICY_BYTES,
  MAX_POLICY_ITEMS,
  operatorOf,
  type Policy,
  parsePolicy,
  quorumWitnesses,
  splitsInTwo,
} from "../../../schema/tlog/tlog-policy.ts";
import { failureOf, sha256, valueOf } from "./support.ts";

/** A witness key made out of a number: 32 bytes of Ed25519, or 1,312 of ML-DSA-44. */
function witnessKey(name: string, n: number, type: 4 | 6 = SIGNATURE_TYPES.cosignature): string {
  const bytes = new Uint8Array(type === 4 ? 32 : 1_312).fill(n & 255);
  bytes[0] = n >> 8;
  return formatVkey(sha256, name, type, bytes);
}
const logKey = formatVkey(
  sha256,
  "log.example",
  SIGNATURE_TYPES.ed25519,
  new Uint8Array(32).fill(9),
);
const read = (text: string): ReturnType<typeof parsePolicy> => parsePolicy(sha256, utf8(text));
const policyOf = (text: string): Policy => valueOf(read(text));
const w = (n: number): string => `witness w${n} ${witnessKey(`w${n}.example`, n)}\n`;
const among =
  (...names: string[]) =>
  ({ name }: { readonly name: string }): boolean =>
    names.includes(name);

describe("a policy", () => {
  test("is read with logs, witnesses, nested groups, comments and any white space", () => {
    const policy = policyOf(
      `# ours\n\n\tlog ${logKey}  https://log.example\n${w(1)}${w(2)}${w(3)}  witness w4\t${witnessKey("w4.example", 4)} https://w4.example/x \n` +
        "group x 2 w1 w2 w3\ngroup all all x w4\nquorum all\n",
    );
    expect(policy.logs.map(({ vkeyText, url }) => [vkeyText, url])).toEqual([
      [logKey, "https://log.example"],
    ]);
    expect(policy.witnesses.map(({ name }) => name)).toEqual(["w1", "w2", "w3", "w4"]);
    expect(policy.witnesses[3]?.url).toBe("https://w4.example/x");
    expect(quorumWitnesses(policy).map(({ name }) => name)).toEqual(["w1", "w2", "w3", "w4"]);
    expect(hasQuorum(policy, among("w1", "w3", "w4"))).toBe(true);
    expect(hasQuorum(policy, among("w1", "w2", "w3"))).toBe(false);
    expect(hasQuorum(policy, among("w1", "w4"))).toBe(false);
  });

  test("without a quorum is met by nobody's cosignature, and splits", () => {
    const policy = policyOf("quorum none\n");
    expect(hasQuorum(policy, () => false)).toBe(true);
    expect(splitsInTwo(policy)).toBe(true);
  });

  test("may have a last line without its newline, and witnesses that the quorum leaves out", () => {
    const policy = policyOf(`${w(1)}${w(2)}quorum w2`);
    expect(quorumWitnesses(policy).map(({ name }) => name)).toEqual(["w2"]);
  });

  test.each([
    ["", "policy", undefined],
    ["quorum\n", "policy", "line 1"],
    ["quorum none\nquorum none\n", "policy", "line 2"],
    ["quorum w1\n", "policy", "line 1"],
    [`${w(1)}quorum w1 w1\n`, "policy", "line 2"],
    [`${w(1)}${w(1)}quorum w1\n`, "policy", "line 2"],
    [`${w(1)}witness w1 ${witnessKey("other", 7)}\nquorum w1\n`, "policy", "line 2"],
    [`witness none ${witnessKey("n", 1)}\nquorum none\n`, "policy", "line 1"],
    [`witness w ${logKey}\nquorum w\n`, "policy", "line 1"],
    [`log ${witnessKey("w", 1)}\nquorum none\n`, "policy", "line 1"],
    ["log\nquorum none\n", "policy", "line 1"],
    [`log ${logKey} https://a b\nquorum none\n`, "policy", "line 1"],
    [`log ${logKey}\nlog ${logKey}\nquorum none\n`, "policy", "line 2"],
    [`${w(1)}group g 0 w1\nquorum g\n`, "policy", "line 2"],
    [`${w(1)}group g 2 w1\nquorum g\n`, "policy", "line 2"],
    [`${w(1)}group g 01 w1\nquorum g\n`, "policy", "line 2"],
    [`${w(1)}group g any\nquorum g\n`, "policy", "line 2"],
    [`group g any w1\n${w(1)}quorum g\n`, "policy", "line 1"],
    [`${w(1)}group g any none w1\nquorum g\n`, "policy", "line 2"],
    [`${w(1)}group g any w1 w1\nquorum g\n`, "policy", "line 2"],
    [`${w(1)}group g any w1\ngroup h any w1\nquorum g\n`, "policy", "line 3"],
    [`${w(1)}group w1 any w1\nquorum w1\n`, "policy", "line 2"],
    ["Quorum none\n", "policy", "line 1"],
    ["quorum none\r\n", "policy", undefined],
    ["quorum\u0000none\n", "policy", undefined],
  ])("is refused with its line: %j", (text, field, at) => {
    const failed = failureOf(read(text));
    expect(failed.detail.field).toBe(field);
    expect(failed.detail.at).toBe(at);
  });

  test("is bounded in bytes and in lines", () => {
    expect(failureOf(parsePolicy(sha256, new Uint8Array(MAX_POLICY_BYTES + 1))).code).toBe(
      "TOO_LARGE",
    );
    const many = Array.from({ length: MAX_POLICY_ITEMS + 1 }, (_, i) => w(i + 1)).join("");
    expect(failureOf(read(`${many}quorum none\n`)).code).toBe("TOO_LARGE");
  });

  test("is written so that it reads back as the same", () => {
    const text = `log ${logKey}\n${w(1)}${w(2)}group g 2 w1 w2\nquorum g\n`;
    const policy = policyOf(text);
    expect(formatPolicy(policy)).toBe(text);
    expect(policyOf(formatPolicy(policy))).toEqual(policy);
  });
});

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
