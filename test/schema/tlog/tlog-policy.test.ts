import { describe, expect, test } from "vitest";
import { hasQuorum, quorumWitnesses, splitsInTwo } from "../../../schema/tlog/quorum.ts";
import {
  formatPolicy,
  MAX_POLICY_BYTES,
  MAX_POLICY_ITEMS,
  parsePolicy,
} from "../../../schema/tlog/tlog-policy.ts";
import { among, logKey, policyOf, read, w, witnessKey } from "./policies.ts";
import { failureOf, sha256 } from "./support.ts";

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
