/** Rounds of a monitor over a log that lacks the quorum of its index verifiers, or of its witnesses. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { toHex, utf8 } from "../../../schema/bytes.ts";
import type { Submission } from "../../../schema/http/messages.ts";
import type { Lookup, LookupKey } from "../../../schema/index/lookup.ts";
import { type KeyField, type KeyType, mapKey } from "../../../schema/index/map-key.ts";
import { review } from "../test-log.ts";
import { policyTable, policyText, TestWitness } from "../test-witness.ts";
import { ada, bob, commit, idOf, Monitoring, NOW, REPO } from "./rig.ts";

const { sha256 } = nodeCrypto;
const [witness, verifier] = [new TestWitness("witness.test"), new TestWitness("verifier.test")];
const policies =
  policyTable(policyText(1, [witness])) + policyTable(policyText(1, [verifier]), "", "index");

let at: Monitoring;
beforeEach(async () => {
  at = await Monitoring.open();
  stand("witness", "verifier");
  at.keepReceipt(at.main.receipt(await at.logged(commit.submission)));
});
afterEach(async () => at.close());

/** Who stands beside the heads that are shown from now on. */
function stand(...who: readonly ("witness" | "verifier")[]): void {
  at.main.cosigners = who.includes("witness") ? [witness.at(NOW)] : [];
  at.index.log.cosigners = who.includes("verifier") ? [verifier.at(NOW)] : [];
}

/** Log and index something of ours, and keep its receipt. */
async function ours(submission: Promise<Submission>, name: string): Promise<() => void> {
  const index = await at.logged(submission);
  const keep = (): void => at.keepReceipt(at.main.receipt(index), name);
  keep();
  return keep;
}

/** Both quorums stand beside a newer head, and receipts are to be had under it. */
function standAgain(keeps: readonly (() => void)[]): void {
  stand("witness", "verifier");
  at.main.fill(at.main.size + 1);
  at.index.grow();
  for (const keep of keeps) keep();
}

/** From now on the index leaves entries out under a key. */
function leaveOut(type: KeyType, ...fields: readonly KeyField[]): void {
  const hidden = toHex(mapKey(sha256, at.main.origin, type, fields));
  at.index.lie = (postings) => postings.filter(({ key }) => toHex(key) !== hidden);
}

describe.each([
  ["index verifiers", "witness"],
  ["witnesses", "verifier"],
] as const)("M6 behind a missing quorum of %s", (_, standing) => {
  test("M6 an index that leaves an entry of ours out is convicted, and the quorum told as missing", async () => {
    at.configure('receipts = "receipts"', policies);
    expect(await at.kinds()).toEqual([0]);
    stand(standing);
    leaveOut("repo", REPO);
    const keep = await ours(review(bob, commit), "bob");
    const { alerts, status } = await at.round();
    expect([status, ...alerts.map(({ kind }) => kind)]).toEqual([3, "omission", "unwitnessed"]);
    expect(await at.verdictOf(alerts[0])).toBe("omission log");
    // Each is told once, and the lie stays one when the quorum is back.
    expect(await at.kinds()).toEqual([3]);
    standAgain([keep]);
    expect(await at.kinds()).toEqual([3, "ended"]);
  });

  test("M6 who is merely late is accused of nothing, and nothing is believed until he is there", async () => {
    at.configure(`keys = ["${idOf(bob)}"]\nreceipts = "receipts"`, policies);
    expect(await at.kinds()).toEqual([0]);
    const { vkey } = standing === "verifier" ? at.main : at.index.log;
    const remembered = await at.memory.load([vkey]);
    stand(standing);
    const keeps = [
      await ours(review(bob, commit), "one"),
      await ours(review(bob, commit, { verdict: "reject" }), "two"),
    ];
    expect(await at.kinds()).toEqual([2, "unwitnessed"]);
    expect(await at.kinds()).toEqual([2]);
    expect(await at.memory.load([vkey])).toEqual(remembered);
    standAgain(keeps);
    expect(await at.kinds()).toEqual([1, "statement", "statement", "equivocation", "ended"]);
    expect(await at.kinds()).toEqual([0]);
  });

  test("M6 what an index lists falsely convicts it, and what it lists truly is told later", async () => {
    at.configure(`keys = ["${idOf(bob)}"]`, policies);
    await at.round();
    stand(standing);
    await at.logged(review(bob, commit));
    at.index.lie = (postings, index) => (index === 4 ? at.index.postingsOf(3) : postings);
    await at.logged(review(ada, commit));
    const { alerts, status } = await at.round();
    expect([status, ...alerts.map(({ kind }) => kind)]).toEqual([
      3,
      "false-posting",
      "unwitnessed",
    ]);
    expect(await at.verdictOf(alerts[0])).toBe("false-posting log");
  });
});

describe("M6 behind a missing quorum", () => {
  test("M6 of an answer alone, under a head that has one, a lie is told as well", async () => {
    at.configure('receipts = "receipts"', policies);
    leaveOut("repo", REPO);
    at.keepReceipt(at.main.receipt(await at.logged(review(bob, commit))));
    const bare = (keys: readonly LookupKey[], wanted: "lists" | "summaries"): Lookup => {
      stand("witness");
      const answer = at.index.lookup(keys, wanted);
      stand("witness", "verifier");
      return answer;
    };
    at.served.lie = (_, { keys, summaries }) => bare(keys, summaries ? "summaries" : "lists");
    const { alerts, status } = await at.round();
    expect([status, ...alerts.map(({ kind }) => kind)]).toEqual([3, "omission", "unchecked"]);
    expect(await at.verdictOf(alerts[0])).toBe("omission log");
  });

  test("M6 what could not be read there is told, and ends with it", async () => {
    at.configure(`keys = ["${idOf(bob)}"]`, policies);
    await at.round();
    stand("witness");
    const hidden = await at.logged(review(bob, commit));
    const { main } = at;
    const serve = main.serve.bind(main);
    main.serve = (path, query) =>
      path === `v1/entries/${hidden}` ? undefined : serve(path, query);
    expect(await at.kinds()).toEqual([2, "unwitnessed", "unchecked"]);
    main.serve = serve;
    expect(await at.kinds()).toEqual([2, "ended"]);
    stand("witness", "verifier");
    expect(await at.kinds()).toEqual([1, "statement", "ended"]);
  });

  test("M6 a broken promise is told where no witness stands beside the log", async () => {
    const times = { time: NOW, deadline: NOW + 60 };
    at.configure('receipts = "receipts"', policies);
    at.write("receipts/lost.promise", at.main.promise(2, times, utf8("another leaf")));
    stand("verifier");
    const { alerts, status } = await at.round();
    expect([status, ...alerts.map(({ kind }) => kind)]).toEqual([3, "lost-promise", "unwitnessed"]);
  });
});
