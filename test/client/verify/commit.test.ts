import { beforeEach, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { volatileMemory } from "../../../client/memory.ts";
import type { Trust } from "../../../client/trust.ts";
import { verifyCommit } from "../../../client/verify/commit.ts";
import { explain } from "../../../client/verify/explain.ts";
import type { ReceiptFile, VerifyPorts } from "../../../client/verify/receipt.ts";
import type { NotCountedReason, Refusal } from "../../../client/verify/verdict.ts";
import { toHex, utf8 } from "../../../schema/bytes.ts";
import type { Submission } from "../../../schema/http/messages.ts";
import { formatReceipt } from "../../../schema/receipt.ts";
import { buildResult, logKey, review, signedCommit, TestLog } from "../test-log.ts";
import { ada, bob, bobsOther, carol, dan, eve, hub, logAll, nobody, trustIn } from "./people.ts";

const key = logKey();
const commit = await signedCommit(ada);
const TWO_REVIEWERS = '[[rule]]\nfor = "commit"\nauthor = true\nreviewers = 2\n';

let log: TestLog;
let ports: VerifyPorts;
beforeEach(() => {
  log = new TestLog("log.test", key).fill(4);
  ports = { crypto: nodeCrypto, trust: trustIn([log], TWO_REVIEWERS) };
});

type SaidBy = Readonly<Record<string, Submission | Promise<Submission>>>;
const good = (): SaidBy => ({
  commit: commit.submission,
  bob: review(bob, commit),
  carol: review(carol, commit),
});

/** The verdict over what was said, with every receipt in it. */
async function judge(
  said: SaidBy,
  asked: string | Uint8Array = commit.id,
  trust: Trust = ports.trust,
): ReturnType<typeof verifyCommit> {
  return verifyCommit({ ...ports, trust }, asked, await logAll(log, said));
}

async function refusal(said: SaidBy, asked: string | Uint8Array = commit.id): Promise<Refusal> {
  const verdict = await judge(said, asked);
  if (verdict.ok) throw new Error("it said yes");
  expect(explain(verdict)).toMatch(/^no: /);
  return verdict.refusal;
}

async function reasonFor(
  file: string,
  said: SaidBy,
): Promise<NotCountedReason["code"] | undefined> {
  return (await judge(said)).notCounted.find((one) => one.file === file)?.reason.code;
}

describe("two reviewers who are not the author", () => {
  test("are found, by the commit's id and by its bytes", async () => {
    for (const asked of [commit.id, commit.object]) {
      const verdict = await judge(good(), asked);
      expect(verdict.ok).toBe(true);
      if (!verdict.ok) return;
      expect(verdict.author?.person).toBe("Ada");
      expect(verdict.reviewers.map(({ person }) => person)).toEqual(["Bob", "Carol"]);
      expect(verdict).toMatchObject({ commit: commit.id, tree: commit.tree });
      expect(explain(verdict)).toMatch(/^yes: commit /);
    }
  });

  test("offline, heads that were not compared are said to be so", async () => {
    const verdict = await judge(good());
    if (!verdict.ok) throw new Error("no");
    expect(verdict.heads).toHaveLength(3);
    expect(verdict.heads[0]?.comparison).toEqual({ state: "not compared" });
    expect(explain(verdict)).toContain("not compared");
  });

  test("with a memory, the head of its size is compared and the others are not", async () => {
    const files = await logAll(log, good());
    const memory = volatileMemory();
    const head = { size: log.size, checkpoint: log.checkpoint() };
    await memory.replace(log.trusted.vkeyTexts, undefined, head);
    const verdict = await verifyCommit({ ...ports, memory }, commit.id, files);
    if (!verdict.ok) throw new Error("no");
    const states = verdict.heads.map(({ comparison }) => comparison);
    expect(states).toEqual([
      { state: "not compared", remembered: log.size },
      { state: "not compared", remembered: log.size },
      { state: "same as remembered" },
    ]);
  });

  test("one is not enough", async () => {
    const { commit: c, bob: b } = good();
    expect(await refusal({ commit: c ?? b!, bob: b ?? c! })).toEqual({
      code: "REVIEWERS_TOO_FEW",
      have: ["Bob"],
      need: 2,
    });
  });

  test("connaisseur#2150 one person with two keys is one person", async () => {
    const said = { ...good(), carol: review(bobsOther, commit) };
    expect(await refusal(said)).toMatchObject({ code: "REVIEWERS_TOO_FEW", have: ["Bob"] });
  });

  test("connaisseur#2150 repeated statements and signatures of one key are one person", async () => {
    const said = {
      ...good(),
      carol: review(bob, commit),
      more: review(bob, commit, { comment: "!" }),
    };
    expect(await refusal(said)).toMatchObject({ code: "REVIEWERS_TOO_FEW", have: ["Bob"] });
  });

  test("GHSA-9vcr-p3rj-q5q6 one statement in two logs is one person", async () => {
    const other = new TestLog("other.test");
    const trust = trustIn([log, other], TWO_REVIEWERS);
    const { commit: c, bob: b } = good();
    const statement = await b!;
    const files = [
      ...(await logAll(log, { commit: c!, bob: statement })),
      ...(await logAll(other, { again: statement })),
    ];
    const verdict = await verifyCommit({ ...ports, trust }, commit.id, files);
    expect(verdict).toMatchObject({ ok: false, refusal: { code: "REVIEWERS_TOO_FEW" } });
  });

  test("the author is not one of them", async () => {
    const said = { ...good(), carol: review(ada, commit) };
    expect(await refusal(said)).toMatchObject({ code: "REVIEWERS_TOO_FEW", have: ["Bob"] });
    expect(await reasonFor("carol", said)).toBe("OWN_COMMIT");
  });

  test.each([
    ["a platform", hub, "PLATFORM_KEY"],
    ["somebody without the role", dan, "ROLE_MISSING"],
    ["somebody unknown", nobody, "SIGNER_UNKNOWN"],
  ])("%s does not count", async (_, signer, reason) => {
    const said = { ...good(), carol: review(signer, commit) };
    expect(await refusal(said)).toMatchObject({ code: "REVIEWERS_TOO_FEW", have: ["Bob"] });
    expect(await reasonFor("carol", said)).toBe(reason);
  });

  test("GHSA-8pmp-678w-c8xx a review of another commit, or of another tree, does not count", async () => {
    const other = await signedCommit(ada, "another change");
    for (const head of [
      other,
      { id: other.id, tree: commit.tree },
      { id: commit.id, tree: other.tree },
    ]) {
      const said = { ...good(), carol: review(carol, head) };
      expect(await refusal(said)).toMatchObject({ code: "REVIEWERS_TOO_FEW", have: ["Bob"] });
      expect(await reasonFor("carol", said)).toBe("OTHER_SUBJECT");
    }
  });

  test("an abstention is no approval", async () => {
    const said = { ...good(), carol: review(carol, commit, { verdict: "abstain" }) };
    expect(await reasonFor("carol", said)).toBe("NOT_AN_APPROVAL");
  });

  test("a review that is meant for another log does not count", async () => {
    const elsewhere = new TestLog("other.test").vkey;
    const said = { ...good(), carol: review(carol, commit, { log: elsewhere }) };
    expect(await reasonFor("carol", said)).toBe("OTHER_LOG");
    const here = { ...good(), carol: review(carol, commit, { log: log.vkey }) };
    expect((await judge(here)).ok).toBe(true);
  });
});

describe("a no of a reviewer", () => {
  const reject = { verdict: "reject" };

  test("refuses, however many approve; also when the author is the one who rejects", async () => {
    expect(await refusal({ ...good(), no: review(bobsOther, commit, reject) })).toMatchObject({
      code: "REJECTED",
      by: "Bob",
      file: "no",
    });
    expect(await refusal({ ...good(), no: review(ada, commit, reject) })).toMatchObject({
      code: "REJECTED",
      by: "Ada",
    });
  });

  test("of somebody without the role, or of another commit, refuses nothing", async () => {
    expect((await judge({ ...good(), no: review(dan, commit, reject) })).ok).toBe(true);
    expect((await judge({ ...good(), no: review(nobody, commit, reject) })).ok).toBe(true);
    const other = await signedCommit(ada, "another change");
    expect((await judge({ ...good(), no: review(bob, other, reject) })).ok).toBe(true);
  });

  /** The content digest of what somebody says, which a later statement may name. */
  const digestOf = async (said: Submission): Promise<string> => {
    const [logged] = new TestLog().submit(said);
    return toHex(logged?.entry.contentDigest ?? new Uint8Array());
  };

  test("is taken back by the same key only", async () => {
    const no = await review(bob, commit, reject);
    const supersedes = await digestOf(no);
    const by = (signer: typeof bob): SaidBy => ({
      ...good(),
      no,
      back: review(signer, commit, { supersedes }),
    });
    expect((await judge(by(bob))).ok).toBe(true);
    expect(await refusal(by(bobsOther))).toMatchObject({ code: "REJECTED", by: "Bob" });
    expect(await refusal(by(carol))).toMatchObject({ code: "REJECTED", by: "Bob" });
    expect(await refusal(by(nobody))).toMatchObject({ code: "REJECTED", by: "Bob" });
  });

  test("a withdrawn approval does not count, whichever key of the person withdraws it", async () => {
    const yes = await review(carol, commit);
    const supersedes = await digestOf(yes);
    const withdraw = { verdict: "withdraw", supersedes };
    const said = { ...good(), carol: yes, back: review(carol, commit, withdraw) };
    expect(await refusal(said)).toMatchObject({ code: "REVIEWERS_TOO_FEW", have: ["Bob"] });
    expect(await reasonFor("carol", said)).toBe("RETIRED");

    // Equal words of two people are one content; Bob's must be his own to be named alone.
    const bobs = await review(bob, commit, { comment: "fine" });
    const others = { verdict: "withdraw", supersedes: await digestOf(bobs) };
    const byOther = { ...good(), bob: bobs, back: review(bobsOther, commit, others) };
    expect(await refusal(byOther)).toMatchObject({ have: ["Carol"] });
    const byStranger = { ...good(), bob: bobs, back: review(carol, commit, others) };
    expect((await judge(byStranger)).ok).toBe(true);
  });

  test("an author who takes the signature back is no author any more; nobody else can", async () => {
    const withdraw = { verdict: "withdraw", supersedes: await digestOf(commit.submission) };
    const said = { ...good(), back: review(ada, commit, withdraw) };
    expect(await refusal(said)).toMatchObject({ code: "AUTHOR_MISSING" });
    expect(await reasonFor("commit", said)).toBe("RETIRED");
    expect((await judge({ ...good(), back: review(dan, commit, withdraw) })).ok).toBe(true);
  });

  test("a withdrawn statement stays withdrawn, whatever leaf of it appears later", async () => {
    const yes = await review(bob, commit);
    const supersedes = await digestOf(yes);
    // P-256 signatures are random: the same statement signed again is another leaf.
    const files = await logAll(log, {
      ...good(),
      bob: yes,
      back: review(bob, commit, { verdict: "withdraw", supersedes }),
      again: review(bob, commit),
    });
    const verdict = await verifyCommit(ports, commit.id, files);
    expect(verdict).toMatchObject({ ok: false, refusal: { have: ["Carol"] } });
  });
});

describe("the author", () => {
  test("must have signed this commit, and the receipt must be there", async () => {
    const { bob: b, carol: c } = good();
    expect(await refusal({ bob: b!, carol: c! })).toMatchObject({ code: "AUTHOR_MISSING" });
  });

  test.each([
    ["a reviewer", bob, "ROLE_MISSING"],
    ["a platform", hub, "PLATFORM_KEY"],
    ["somebody unknown", nobody, "SIGNER_UNKNOWN"],
  ])("CVE-2022-36056 is not %s", async (_, signer, reason) => {
    const theirs = await signedCommit(signer);
    const said = {
      commit: theirs.submission,
      bob: review(bob, theirs),
      carol: review(carol, theirs),
    };
    const verdict = await judge(said, theirs.id);
    expect(verdict).toMatchObject({ ok: false, refusal: { code: "AUTHOR_MISSING" } });
    expect(verdict.notCounted.find(({ file }) => file === "commit")?.reason.code).toBe(reason);
  });

  test("CVE-2022-23649 of another commit does not stand for this one", async () => {
    const other = await signedCommit(ada, "another change");
    expect(await refusal({ ...good(), commit: other.submission })).toMatchObject({
      code: "AUTHOR_MISSING",
    });
    expect(await refusal(good(), other.id)).toMatchObject({ code: "AUTHOR_MISSING" });
    expect(await refusal(good(), other.object)).toMatchObject({ code: "AUTHOR_MISSING" });
  });
});

test("a commit given whole is compared byte by byte: SHA-1 alone does not make it the signed one", async () => {
  const receipts = await logAll(log, good());
  const colliding = { ...nodeCrypto, sha1: () => new Uint8Array(20) };
  const blind = { ...ports, crypto: colliding };
  const other = await signedCommit(ada, "another change");
  const same = await verifyCommit(blind, commit.object, receipts);
  expect(same).toMatchObject({ ok: false, refusal: { code: "REVIEWERS_TOO_FEW" } });
  const forged = await verifyCommit(blind, other.object, receipts);
  expect(forged).toMatchObject({ ok: false, refusal: { code: "AUTHOR_MISSING" } });
});

describe("builders of a commit", () => {
  const RULE = '[[rule]]\nfor = "commit"\nauthor = true\nbuilders = 2\n';
  const built = utf8("the program");
  const withBuilds = (builds: SaidBy): SaidBy => ({ commit: commit.submission, ...builds });
  const verdictOf = async (builds: SaidBy): ReturnType<typeof judge> =>
    judge(withBuilds(builds), commit.id, trustIn([log], RULE));

  test("agree when they got the same out of it", async () => {
    const verdict = await verdictOf({
      dan: buildResult(dan, commit.id, built),
      eve: buildResult(eve, commit.id, built),
    });
    expect(verdict).toMatchObject({ ok: true });
    if (verdict.ok) expect(verdict.builders.map(({ person }) => person)).toEqual(["Dan", "Eve"]);
  });

  test.each([
    ["of another output", async () => buildResult(eve, commit.id, utf8("another program"))],
    [
      "for another system",
      async () => buildResult(eve, commit.id, built, { system: "riscv64-linux" }),
    ],
    ["of another commit", async () => buildResult(eve, "1".repeat(40), built)],
    ["by one who is no builder", async () => buildResult(bob, commit.id, built)],
    ["by a platform", async () => buildResult(hub, commit.id, built)],
  ])("a build %s does not agree", async (_, other) => {
    const verdict = await verdictOf({ dan: buildResult(dan, commit.id, built), other: other() });
    expect(verdict).toMatchObject({ ok: false, refusal: { code: "BUILDERS_TOO_FEW", need: 2 } });
  });
});

describe("what cannot be answered with yes", () => {
  test("no rule for commits", async () => {
    const trust = trustIn([log], '[[rule]]\nfor = "artifact"\nbuilders = 2\n');
    const verdict = await judge(good(), commit.id, trust);
    expect(verdict).toMatchObject({ ok: false, refusal: { code: "RULE_MISSING" } });
  });

  test.each([["HEAD"], [""], [commit.id.slice(0, 39)], [commit.id.toUpperCase()]])(
    "%j is no commit",
    async (asked) => {
      expect(await refusal(good(), asked)).toMatchObject({ code: "SUBJECT_MALFORMED" });
    },
  );

  test("bytes that are no commit object", async () => {
    expect(await refusal(good(), utf8("hello"))).toMatchObject({ code: "SUBJECT_MALFORMED" });
  });

  test("CVE-2022-36056 no receipts at all, or only broken ones", async () => {
    expect(await refusal({})).toMatchObject({ code: "AUTHOR_MISSING" });
    const broken: ReceiptFile[] = ["", "{}", "null", "[]", '{"mediaType":"x"}'].map((text, i) => ({
      name: `${i}`,
      bytes: utf8(text),
    }));
    const verdict = await verifyCommit(ports, commit.id, broken);
    expect(verdict.ok).toBe(false);
    expect(verdict.notCounted.map(({ reason }) => reason.code)).toEqual(
      broken.map(() => "RECEIPT_MALFORMED"),
    );
  });

  test("a tampered receipt does not count, and says why", async () => {
    const files = await logAll(log, good());
    const tampered = files.map(({ name, bytes }) => {
      const text = new TextDecoder().decode(bytes);
      const changed = text.replace(
        /("rootHash": ")(.)/,
        (_, start: string, c: string) => start + (c === "A" ? "B" : "A"),
      );
      return { name, bytes: name === "carol" ? utf8(changed) : bytes };
    });
    const verdict = await verifyCommit(ports, commit.id, tampered);
    expect(verdict).toMatchObject({ ok: false, refusal: { code: "REVIEWERS_TOO_FEW" } });
    expect(verdict.notCounted).toMatchObject([
      { file: "carol", reason: { code: "RECORD_CONTRADICTS" } },
    ]);
  });

  test("a log that forked between two of the receipts is convicted by them", async () => {
    const files = await logAll(log, good());
    const fork = new TestLog("log.test", key).fill(4, " of the fork");
    const [receipt] = fork.log(await good()["bob"]!);
    if (receipt === undefined) throw new Error("no receipt");
    files.push({ name: "forked", bytes: formatReceipt(receipt) });
    const verdict = await verifyCommit(ports, commit.id, files);
    expect(verdict).toMatchObject({
      ok: false,
      refusal: { code: "LOG_FORKED", origin: "log.test", evidence: { kind: "fork-same-size" } },
    });
  });
});
