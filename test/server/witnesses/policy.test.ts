import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Policy } from "../../../schema/tlog/quorum.ts";
import { INDEX_VERIFIERS, readPolicyFile } from "../../../server/witnesses/policy.ts";
import { SIGNER, sha256, signerOf } from "../entries.ts";
import { temporaryFolder } from "../fixture.ts";
import { rejectionOf } from "../refusal.ts";
import { policyText, TestWitness } from "./test-witness.ts";

const witnesses = ["w1", "w2", "w3"].map((name) => ({
  witness: new TestWitness(name),
  url: `https://${name}.example/tlog/`,
}));
const GOOD = policyText(witnesses, 2);

async function read(text: string, allowSplit = false): Promise<Policy> {
  const path = join(temporaryFolder(), "policy");
  writeFileSync(path, text);
  return readPolicyFile(sha256, path, { vkeys: SIGNER.vkeys, allowSplit });
}

describe("the policy that a log starts with", () => {
  test("is taken where every two quorums share a witness and all of them can be asked", async () => {
    expect((await read(GOOD)).witnesses).toHaveLength(3);
    expect((await read(`log ${SIGNER.vkeys[0]}\n${GOOD}`)).logs).toHaveLength(1);
    expect((await read("quorum none\n")).quorum).toBeUndefined();
  });

  test.each([
    ["two quorums that share no witness", policyText(witnesses, 1)],
    ["a witness without a URL", GOOD.replace(" https://w2.example/tlog/", "")],
    ["a URL that is none", GOOD.replace("https://w2.example/tlog/", "w2.example")],
    ["a URL with a password", GOOD.replace("https://w2.", "https://a:b@w2.")],
    ["another log", `log ${signerOf(9).vkeys[0]}\n${GOOD}`],
    ["a line that is not understood", `${GOOD}weight w1 2\n`],
  ])("is refused for %s, by the name of its setting", async (_, text) => {
    expect(await rejectionOf(read(text))).toMatchObject({
      code: "CONFIG_INVALID",
      detail: { field: "witness.policy" },
    });
  });

  test("splits only where the operator has said so by name", async () => {
    expect((await read(policyText(witnesses, 1), true)).quorum?.name).toBe("all-of-them");
  });

  test("shares nobody with that of the index verifiers, by key or by address", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "verifiers");
    const apartFrom = { kind: INDEX_VERIFIERS, path };
    const readApart = async (others: string): Promise<Policy> => {
      writeFileSync(path, others);
      writeFileSync(join(folder, "policy"), GOOD);
      const rules = { vkeys: SIGNER.vkeys, allowSplit: false, apartFrom };
      return readPolicyFile(sha256, join(folder, "policy"), rules);
    };
    const other = new TestWitness("w4");
    const url = "https://w4.example";
    expect((await readApart(policyText([{ witness: other, url }], 1))).witnesses).toHaveLength(3);
    const [first] = witnesses;
    if (first === undefined) expect.fail("no witness");
    for (const shared of [
      { ...first, url },
      { witness: other, url: "https://w1.example/tlog" },
    ])
      expect(await rejectionOf(readApart(policyText([shared], 1)))).toMatchObject({
        code: "CONFIG_INVALID",
        detail: { field: "witness.policy" },
      });
  });

  test("that is not there is named", async () => {
    const missing = readPolicyFile(sha256, "/nowhere/policy", { vkeys: [], allowSplit: false });
    expect((await rejectionOf(missing)).code).toBe("FILE_UNREADABLE");
  });
});
