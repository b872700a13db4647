/** Rounds of a monitor over a log that is honest, and over each lie that it can tell. */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import type { Alert, AlertSink } from "../../../client/monitor/alert.ts";
import { toHex, utf8 } from "../../../schema/bytes.ts";
import { encodeLeaf, parseLeaf } from "../../../schema/entry/leaf.ts";
import { LogError, unwrap } from "../../../schema/error.ts";
import { formatLookup } from "../../../schema/index/lookup.ts";
import { mapKey } from "../../../schema/index/map-key.ts";
import { formatReceipt, type Receipt } from "../../../schema/receipt.ts";
import { TestIndex } from "../lookup/test-index.ts";
import { buildResult, newSigner, review, serveLog, signedCommit, TestLog } from "../test-log.ts";
import { policyTable, policyText, TestWitness } from "../test-witness.ts";
import { idOf, Monitoring, NOW } from "./rig.ts";

const { sha256 } = nodeCrypto;
const ada = newSigner();
const bob = newSigner();
const commit = await signedCommit(ada);
const REPO = "https://example.org/repo";

let at: Monitoring;
beforeEach(async () => {
  at = await Monitoring.open();
  at.main.submit(commit.submission);
  at.index.grow();
});
afterEach(async () => at.close());

/** The entry of a review by Bob, logged and indexed. */
async function reviewed(more: object = {}): Promise<number> {
  const [logged] = at.main.submit(await review(bob, commit, more));
  at.index.grow();
  return logged?.index ?? expect.fail("not logged");
}

function keepReceipt(receipt: Receipt, name = "mine"): void {
  mkdirSync(join(at.folder, "receipts"), { recursive: true });
  at.write(join("receipts", `${name}.receipt.json`), formatReceipt(receipt));
}

async function verdictOf({ evidence }: Partial<Alert> = {}): Promise<string> {
  return at.verdict(new Uint8Array(readFileSync(evidence ?? "")));
}

describe("names that are watched", () => {
  test("what is new is told by what it says, once, under all of its names", async () => {
    at.configure(`keys = ["${idOf(bob)}"]\nrepositories = ["${REPO}"]`);
    expect(await at.kinds()).toEqual([0]);
    const index = await reviewed();
    const { status, alerts } = await at.round();
    expect([status, alerts.length]).toEqual([1, 1]);
    expect(alerts[0]).toMatchObject({ kind: "statement", seen: { index, signer: idOf(bob) } });
    expect(alerts[0]?.message).toContain(`approves commit ${commit.id}`);
    expect(alerts[0]?.subject).toBe(`signer ${idOf(bob)}, repo ${REPO}`);
    expect(await at.kinds()).toEqual([0]);
  });

  test("what was there before is counted, and what nobody asked for is not told", async () => {
    at.configure(`keys = ["${idOf(ada)}"]`);
    const { alerts } = await at.round();
    expect(alerts.map(({ message }) => message)).toEqual([
      "1 entries were there when the watch began; they are not told one by one",
    ]);
    await reviewed();
    expect(await at.kinds()).toEqual([0]);
  });

  test("are looked up only where the index has moved", async () => {
    at.configure(`keys = ["${idOf(bob)}"]`);
    await at.round();
    at.served.asked.length = 0;
    await at.round();
    expect(at.served.asked).toEqual(["GET checkpoint", "GET index/v1/checkpoint"]);
    await reviewed();
    await at.round();
    expect(at.served.asked.filter((path) => path.endsWith(" v1/lookup"))).toHaveLength(3);
  });

  test("that are new in the configuration are looked up at once", async () => {
    at.configure(`keys = ["${idOf(bob)}"]`);
    await at.round();
    at.configure(`keys = ["${idOf(bob)}", "${idOf(ada)}"]`);
    expect(await at.kinds()).toEqual([1, "statement"]);
  });

  test("an entry that cannot be had hides no other, and none is told twice for it", async () => {
    at.configure(`keys = ["${idOf(bob)}"]`);
    await at.round();
    const hidden = await reviewed();
    const shown = await reviewed({ verdict: "reject" });
    const { main } = at;
    const serve = main.serve.bind(main);
    main.serve = (path, query) =>
      path === `v1/entries/${hidden}` ? undefined : serve(path, query);
    const { status, alerts } = await at.round();
    expect(status).toBe(2);
    expect(alerts.map(({ kind, seen }) => [kind, seen["index"]])).toEqual([
      ["statement", shown],
      ["unchecked", undefined],
    ]);
    expect(await at.kinds()).toEqual([2]);
    main.serve = serve;
    const healed = await at.round();
    expect(healed.alerts.map(({ kind, seen }) => [kind, seen["index"]])).toEqual([
      ["statement", hidden],
      ["equivocation", undefined],
      ["ended", undefined],
    ]);
    expect(await at.kinds()).toEqual([0]);
  });

  test("an entry that nobody can read is told as such", async () => {
    at.configure(`keys = ["${idOf(newSigner("p256"))}"]`);
    await at.round();
    const carol = newSigner("p256");
    at.configure(`keys = ["${idOf(carol)}"]`);
    await at.round();
    const [{ entry } = expect.fail("no entry")] = new TestLog().submit(await review(carol, commit));
    at.main.append(entry.leafBytes);
    at.index.grow();
    expect(await at.kinds()).toEqual([1, "opaque"]);
  });

  test("an entry whose signature is bad convicts the log", async () => {
    at.configure(`keys = ["${idOf(bob)}"]`);
    await at.round();
    const [{ entry } = expect.fail("no entry")] = new TestLog().submit(await review(bob, commit));
    const leaf = unwrap(parseLeaf(entry.leafBytes));
    if (leaf.kind !== "countersign") throw new Error("another kind");
    const value = leaf.signature.value.map((byte, i) => (i === 9 ? byte ^ 1 : byte));
    at.main.append(encodeLeaf({ ...leaf, signature: { ...leaf.signature, value } }), entry.content);
    at.index.grow();
    const { status, alerts } = await at.round();
    expect([status, await verdictOf(alerts[0])]).toEqual([3, "bad-admission log"]);
  });

  test("one who contradicts himself is convicted, without the log's help", async () => {
    at.configure(`builders = ["x"]\nkeys = ["${idOf(bob)}"]`);
    await at.round();
    for (const output of ["one", "two"])
      at.main.submit(await buildResult(bob, commit.id, utf8(output)));
    at.index.grow();
    const { status, alerts } = await at.round();
    expect(status).toBe(1);
    const [found, ...more] = alerts.filter(({ kind }) => kind === "equivocation");
    expect([await verdictOf(found), more.length]).toEqual(["equivocation signer", 0]);
    expect(await at.kinds()).toEqual([0]);
  });

  test("two verdicts of which neither takes the other's place need no third one to be told", async () => {
    at.configure(`repositories = ["${REPO}"]`);
    await at.round();
    await reviewed();
    await reviewed({ verdict: "reject" });
    const { alerts } = await at.round();
    const found = alerts.find(({ kind }) => kind === "equivocation");
    expect(await verdictOf(found)).toBe("equivocation signer");
  });

  test("a slot of the configuration is watched for contradictions that are there already", async () => {
    const fields = [idOf(bob), REPO, "refs/heads/main", "0".repeat(40), commit.tree];
    await reviewed();
    await reviewed({ verdict: "reject" });
    at.configure(`claims = [${JSON.stringify(["verdict-by", ...fields])}]`);
    const { alerts } = await at.round();
    expect(alerts.map(({ kind }) => kind)).toEqual(["statement", "equivocation"]);
  });
});

describe("keys of ours", () => {
  test("what we signed is no alert, and what we did not is one, from the first entry on", async () => {
    keepReceipt(at.main.receipt(2));
    at.main.submit(await review(ada, commit));
    at.index.grow();
    at.configure(`own = ["${idOf(ada)}"]\nreceipts = "receipts"`);
    const { status, alerts } = await at.round();
    expect(alerts.map(({ kind, seen }) => [kind, seen["index"]])).toEqual([
      ["not-signed-by-us", 3],
    ]);
    expect(status).toBe(1);
    expect(await at.kinds()).toEqual([0]);
  });

  test("a digest in the file of statements was signed by us", async () => {
    const content = at.main.receipt(2).content ?? expect.fail("no content");
    at.write("signed.txt", `# ours\nsha256:${toHex(sha256(content))}\n`);
    at.configure(`own = ["${idOf(ada)}"]\nstatements = "signed.txt"`);
    expect(await at.kinds()).toEqual([0]);
    at.write("signed.txt", "sha256:nonsense\n");
    expect(await at.kinds()).toEqual([2, "unchecked"]);
  });

  test("an index that leaves an entry of ours out is convicted", async () => {
    at.index.lie = (postings, index) => {
      const hidden = mapKey(sha256, at.main.origin, "repo", [REPO]);
      return index === 3 ? postings.filter(({ key }) => toHex(key) !== toHex(hidden)) : postings;
    };
    keepReceipt(at.main.receipt(await reviewed()));
    at.configure('receipts = "receipts"');
    const { status, alerts } = await at.round();
    expect([status, alerts.length, await verdictOf(alerts[0])]).toEqual([3, 1, "omission log"]);
    // It stays so, and is told once.
    expect(await at.kinds()).toEqual([3]);
  });

  test("what is no receipt of ours is told until it is gone", async () => {
    at.configure('receipts = "receipts"');
    keepReceipt(
      new TestLog("other.test").log(commit.submission)[0] ?? expect.fail("none"),
      "other",
    );
    at.write(join("receipts", "bad.receipt.json"), "{}");
    expect(await at.kinds()).toEqual([2, "unchecked"]);
    rmSync(join(at.folder, "receipts", "bad.receipt.json"));
    expect(await at.kinds()).toEqual([1, "ended"]);
  });

  test("a receipt of another history convicts the log", async () => {
    const fork = new TestLog(at.main.origin, at.main.key).fill(9, " elsewhere");
    const [receipt = expect.fail("no receipt")] = fork.log(await review(bob, commit));
    at.configure('receipts = "receipts"');
    await at.round();
    at.main.fill(12);
    keepReceipt(receipt);
    const { status, alerts } = await at.round();
    expect([status, await verdictOf(alerts[0])]).toEqual([3, "fork-inconsistent log"]);
  });
});

describe("the log and its index", () => {
  test("a fork is told with its evidence once, and is never passed over", async () => {
    at.configure(`keys = ["${idOf(bob)}"]`);
    await at.round();
    const before = at.served.index;
    at.served.index = new TestIndex(new TestLog(at.main.origin, at.main.key).fill(3, " other"));
    const { status, alerts } = await at.round();
    expect([status, await verdictOf(alerts[0])]).toEqual([3, "fork-same-size log"]);
    expect(await at.kinds()).toEqual([3]);
    at.served.index = before;
    expect(await at.kinds()).toEqual([0]);
  });

  test("a fork of the index alone is told as well", async () => {
    at.configure(`keys = ["${idOf(bob)}"]`);
    await at.round();
    const other = new TestIndex(at.main);
    other.grow();
    other.log.append(utf8("another leaf"));
    at.served.index = other;
    const { status, alerts } = await at.round();
    expect(status).toBe(3);
    expect(alerts[0]?.kind).toMatch(/^fork-/);
    expect(alerts[0]?.subject).toBe(`${at.main.origin}/index/v1`);
  });

  test("a list that loses what was in it convicts the index", async () => {
    await reviewed();
    at.configure(`repositories = ["${REPO}"]`);
    await at.round();
    // The same index log up to here, and a map of which one posting was taken away.
    const other = new TestIndex(at.main);
    const hidden = toHex(mapKey(sha256, at.main.origin, "repo", [REPO]));
    other.lie = (postings) => postings.filter(({ key }) => toHex(key) !== hidden);
    other.grow();
    for (const leaf of at.index.log.leaves) other.log.leaves.push(leaf);
    const kept = new TestIndex(at.main);
    Object.assign(other, { log: kept.log });
    for (const leaf of at.index.log.leaves) kept.log.append(leaf);
    at.main.fill(6);
    other.grow();
    at.served.index = other;
    const { status, alerts } = await at.round();
    expect([status, await verdictOf(alerts[0])]).toEqual([3, "omission log"]);
  });

  test("an answer that proves nothing is told with its reason", async () => {
    at.configure(`keys = ["${idOf(bob)}"]`);
    at.served.lie = (honest) => formatLookup({ ...honest, answers: [] });
    const { status, alerts } = await at.round();
    expect(status).toBe(3);
    expect(alerts.map(({ kind }) => kind)).toEqual(["answer-refused", "unchecked"]);
  });

  test("an index that falls behind is told after its bound, and when it has caught up", async () => {
    at.configure(`keys = ["${idOf(bob)}"]\nindex_lag_seconds = 60`);
    at.main.fill(5);
    expect(await at.kinds()).toEqual([0]);
    at.now += 61;
    expect(await at.kinds()).toEqual([1, "index-behind"]);
    at.now += 61;
    expect(await at.kinds()).toEqual([1]);
    at.index.grow();
    expect(await at.kinds()).toEqual([1, "ended"]);
    expect(await at.kinds()).toEqual([0]);
  });

  test("a log that does not answer is an alert and never a 0; so is one without an index", async () => {
    at.configure(`keys = ["${idOf(bob)}"]\nurl = "http://127.0.0.1:1/"`);
    expect(await at.kinds()).toEqual([2, "unchecked"]);
    expect(await at.kinds()).toEqual([2]);
    at.configure(`keys = ["${idOf(bob)}"]`);
    expect(await at.kinds()).toEqual([1, "ended"]);
    const without = { serve: () => undefined };
    Object.assign(at.index.log, without);
    expect(await at.kinds()).toEqual([2, "unchecked"]);
  });
});

describe("witnesses", () => {
  const SPLIT = "allow_split = true";
  const [one, two] = [new TestWitness("one.example"), new TestWitness("two.example")];

  /** A head that these stand beside, and that is indexed. */
  function cosigned(time: number, ...by: readonly TestWitness[]): void {
    at.main.cosigners = by.map((witness) => witness.at(time));
    at.main.fill(at.main.size + 1);
    at.index.grow();
  }

  test("each is missed by itself, and told when it is back", async () => {
    at.configure(`witness_seconds = 3600`, policyTable(policyText(1, [one, two]), SPLIT));
    cosigned(NOW, one, two);
    expect(await at.kinds()).toEqual([0]);
    at.now += 3_601;
    at.main.cosigners = [one.at(at.now)];
    const { status, alerts } = await at.round();
    expect(status).toBe(1);
    expect(alerts.map(({ kind, subject }) => [kind, subject])).toEqual([
      ["witness-lost", "witness two.example"],
    ]);
    at.main.cosigners = [one.at(at.now), two.at(at.now)];
    expect(await at.kinds()).toEqual([1, "ended"]);
  });

  test("a head without its quorum, and one that is too old, are told", async () => {
    at.configure("", policyTable(policyText(2, [one, two])));
    cosigned(NOW, one);
    expect(await at.kinds()).toEqual([2, "unwitnessed"]);
    cosigned(NOW, one, two);
    expect(await at.kinds()).toEqual([1, "ended"]);
    at.now += 86_401;
    expect(await at.kinds()).toEqual([1, "stale", "witness-lost", "witness-lost"]);
  });

  test("a witness that shows another history convicts the log", async () => {
    const fork = new TestLog(at.main.origin, at.main.key).fill(at.main.size, " elsewhere");
    fork.cosigners = [one.at(NOW)];
    const asked = await serveLog(
      () => fork,
      () => fork.checkpoint(),
    );
    const policy = policyText(2, [one, two], [asked.url]);
    at.configure("", policyTable(policy));
    cosigned(NOW, one, two);
    fork.fill(at.main.size, " elsewhere");
    const { status, alerts } = await at.round();
    await asked.close();
    expect([status, await verdictOf(alerts[0])]).toEqual([3, "fork-same-size log"]);
    expect(alerts[0]?.seen["shown"]).toMatch(/^witness one.example/);
  });

  test("an index verifier is missed like a witness", async () => {
    at.configure("witness_seconds = 60", policyTable(policyText(1, [one, two]), SPLIT, "index"));
    at.index.log.cosigners = [one.at(NOW), two.at(NOW)];
    expect(await at.kinds()).toEqual([0]);
    at.now += 61;
    at.index.log.cosigners = [one.at(at.now)];
    const { alerts } = await at.round();
    expect(alerts.map(({ subject }) => subject)).toEqual(["index verifier two.example"]);
  });
});

describe("M2 no finding is lost or told twice", () => {
  const broken: AlertSink = {
    deliver: async () => {
      throw new LogError("FILE_UNREADABLE", "the disk is full");
    },
  };

  test("M2 what the sink did not take stays, and is delivered by the next life under its number", async () => {
    at.configure(`keys = ["${idOf(bob)}"]`);
    await reviewed();
    const failed = await at.round(broken);
    expect([failed.status, failed.alerts, failed.undelivered]).toEqual([2, [], "the disk is full"]);
    await reviewed({ verdict: "reject" });
    await at.round();
    expect(at.sink.taken.map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(new Set(at.sink.taken.map(({ id }) => id)).size).toBe(3);
    expect(await at.kinds()).toEqual([0]);
  });

  test("M2 a life that ends between the sink and the state delivers the same alerts again", async () => {
    at.configure(`keys = ["${idOf(bob)}"]`);
    await at.round();
    await reviewed();
    const killed: AlertSink = {
      deliver: async (alerts) => {
        await at.sink.deliver(alerts);
        throw new Error("killed");
      },
    };
    await expect(at.round(killed)).rejects.toThrow("killed");
    expect(await at.kinds()).toEqual([1, "statement"]);
    expect(at.sink.taken).toHaveLength(1);
  });

  test("M2 two monitors of one state: the one that came first writes no more", async () => {
    at.configure(`keys = ["${idOf(bob)}"]`);
    const slow: AlertSink = { deliver: async () => {} };
    await reviewed();
    const taken: Alert[] = [];
    const overtaken: AlertSink = {
      deliver: async (alerts) => {
        taken.push(...alerts);
        await at.round(slow);
      },
    };
    await expect(at.round(overtaken)).rejects.toThrow("taken over");
    expect(taken).toHaveLength(1);
  });

  test("a state that is damaged is not begun anew", async () => {
    at.configure("");
    await at.round();
    at.write(join("state", "state.json"), "{}");
    await expect(at.round()).rejects.toThrow("is damaged: mediaType");
  });
});
