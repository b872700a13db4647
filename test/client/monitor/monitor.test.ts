/** Rounds of a monitor over what comes under names; its lies.slow.test.ts has those of logs. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { gitHashOf } from "../../../client/git/hash.ts";
import type { Alert, AlertSink } from "../../../client/monitor/alert.ts";
import { toTlogProof } from "../../../client/verify/receipt.ts";
import { toHex, utf8 } from "../../../schema/bytes.ts";
import { encodeLeaf, parseLeaf } from "../../../schema/entry/leaf.ts";
import { LogError, unwrap } from "../../../schema/error.ts";
import { mapKey } from "../../../schema/index/map-key.ts";
import { mapfn } from "../../../schema/index/mapfn.ts";
import type { Posting } from "../../../schema/index/posting.ts";
import { summaryOf } from "../../../schema/index/record.ts";
import { signerId } from "../../../schema/key/signer-id.ts";
import { buildResult, newSigner, review, TestLog } from "../test-log.ts";
import { ada, bob, commit, idOf, Monitoring, REPO } from "./rig.ts";

const { sha256 } = nodeCrypto;
let at: Monitoring;
beforeEach(async () => {
  at = await Monitoring.open();
  await at.logged(commit.submission);
});
afterEach(async () => at.close());

describe("names that are watched", () => {
  test("what is new is told by what it says, once, under all of its names", async () => {
    at.configure(`keys = ["${idOf(bob)}"]\nrepositories = ["${REPO}"]`);
    expect(await at.kinds()).toEqual([0]);
    const index = await at.logged(review(bob, commit));
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
    await at.logged(review(bob, commit));
    expect(await at.kinds()).toEqual([0]);
  });

  test("are looked up only where the index has moved", async () => {
    at.configure(`keys = ["${idOf(bob)}"]`);
    await at.round();
    at.served.asked.length = 0;
    await at.round();
    expect(at.served.asked).toEqual(["GET checkpoint", "GET index/v1/checkpoint"]);
    await at.logged(review(bob, commit));
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
    const hidden = await at.logged(review(bob, commit));
    const shown = await at.logged(review(bob, commit, { verdict: "reject" }));
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

  test("an entry that the log has erased is told with its statement, and one that is only called so as such", async () => {
    const carol = newSigner();
    at.configure(`keys = ["${idOf(carol)}"]`);
    await at.round();
    const reviews = [await review(carol, commit), await review(carol, commit, { comment: "lost" })];
    const [said, lost] = reviews.map((one) => at.main.submit(one)[0]?.entry.content);
    if (said === undefined || lost === undefined) expect.fail("no contents");
    at.index.grow();
    at.main.submit(await at.main.eraseStatement(said));
    for (const content of [said, lost]) at.main.erase(content);
    const { alerts } = await at.round();
    const told = alerts.map(({ kind, message }) => `${kind} ${message}`);
    expect(told).toHaveLength(2);
    expect(told[0]).toMatch(/^statement .* has erased since, as entry \d+ says \(asked for\)$/);
    expect(told[1]).toMatch(/^opaque .* calls erased, and no statement of it says so$/);
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
    expect([status, await at.verdictOf(alerts[0])]).toEqual([3, "bad-admission log"]);
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
    expect([await at.verdictOf(found), more.length]).toEqual(["equivocation signer", 0]);
    expect(await at.kinds()).toEqual([0]);
  });

  test("two verdicts of which neither takes the other's place need no third one to be told", async () => {
    at.configure(`repositories = ["${REPO}"]`);
    await at.round();
    await at.logged(review(bob, commit));
    await at.logged(review(bob, commit, { verdict: "reject" }));
    const { alerts } = await at.round();
    const found = alerts.find(({ kind }) => kind === "equivocation");
    expect(await at.verdictOf(found)).toBe("equivocation signer");
  });

  test("a list that is too long to be asked for is counted, and what comes to it is read from the log", async () => {
    const main = new TestLog();
    main.submit(commit.submission);
    await at.close();
    at = await Monitoring.open(main);
    at.served.lie = (honest) => ({
      ...honest,
      answers: honest.answers.map((one) =>
        one.kind === "list" && one.key.type === "signer"
          ? { key: one.key, kind: "summary", summary: summaryOf(sha256, one.list) }
          : one,
      ),
    });
    at.configure(`keys = ["${idOf(ada)}", "${idOf(bob)}"]`);
    expect(await at.kinds()).toEqual([1, "statement"]);
    await at.logged(review(bob, commit));
    await at.logged(review(ada, commit));
    const { alerts } = await at.round();
    expect(alerts.map(({ kind, seen }) => [kind, seen["index"]])).toEqual([
      ["statement", 1],
      ["statement", 2],
    ]);
    expect(await at.kinds()).toEqual([0]);
    // The index counts an entry of Bob's as one of Ada's.
    at.index.lie = (postings, index) => (index === 3 ? at.index.postingsOf(2) : postings);
    await at.logged(review(bob, commit, { comment: "again" }));
    expect(await at.kinds()).toEqual([2, "unchecked"]);
  });

  test("what the log's own feed names is a hint: it is looked up, and only where it concerns us", async () => {
    const hex = idOf(bob);
    const fields = ["https://example.org/repo", "refs/heads/main", { hex: "0".repeat(40) }];
    const verdict = (who: string): object => ({
      type: "verdict-by",
      fields: [{ hex: who }, ...fields, { hex: commit.tree }],
    });
    await at.logged(review(bob, commit));
    await at.logged(review(bob, commit, { verdict: "reject" }));
    const slots = [
      // True, false, and true of somebody else.
      verdict(hex),
      { type: "ref-by", fields: [{ hex }, "https://example.org/repo", "refs/tags/v1"] },
      verdict(idOf(ada)),
    ];
    const feed = { items: slots.map((slot) => ({ slot })), next: 3, more: false };
    const { main } = at;
    const serve = main.serve.bind(main);
    main.serve = (path, query) =>
      path === "v1/conflicts"
        ? utf8(JSON.stringify(query === "?after=0" ? feed : { ...feed, items: [] }))
        : serve(path, query);
    at.configure(`keys = ["${hex}"]`);
    expect(await at.kinds()).toEqual([1, "statement", "equivocation"]);
    await at.logged(commit.submission);
    at.main.fill(at.main.size + 1);
    at.index.grow();
    expect(await at.kinds()).toEqual([0]);
  });

  test("a slot of the configuration is watched for contradictions that are there already", async () => {
    const fields = [idOf(bob), REPO, "refs/heads/main", "0".repeat(40), commit.tree];
    await at.logged(review(bob, commit));
    await at.logged(review(bob, commit, { verdict: "reject" }));
    at.configure(`claims = [${JSON.stringify(["verdict-by", ...fields])}]`);
    const { alerts } = await at.round();
    expect(alerts.map(({ kind }) => kind)).toEqual(["statement", "equivocation"]);
  });
});

describe("keys of ours", () => {
  test("what we signed is no alert, and what we did not is one, from the first entry on", async () => {
    at.keepReceipt(at.main.receipt(2));
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

  test("a proof without its content is known by its leaf", async () => {
    at.keepReceipt(at.main.receipt(2));
    rmSync(join(at.folder, "receipts", "mine.receipt.json"));
    at.write(join("receipts", "mine.tlog-proof"), toTlogProof(at.main.receipt(2)));
    at.configure(`own = ["${idOf(ada)}"]\nreceipts = "receipts"`);
    expect(await at.kinds()).toEqual([0]);
    const signer = mapKey(sha256, at.main.origin, "signer", [signerId(sha256, ada.publicKey)]);
    // The index forgets whose it is.
    at.index.lie = (postings) => postings.filter(({ key }) => toHex(key) !== toHex(signer));
    const index = await at.logged(review(ada, commit));
    at.write(join("receipts", "next.tlog-proof"), toTlogProof(at.main.receipt(index)));
    const { alerts } = await at.round();
    expect(await at.verdictOf(alerts[0])).toBe("omission log");
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
    at.keepReceipt(at.main.receipt(await at.logged(review(bob, commit))));
    at.configure('receipts = "receipts"');
    const { status, alerts } = await at.round();
    expect([status, alerts.length, await at.verdictOf(alerts[0])]).toEqual([3, 1, "omission log"]);
    // It stays so, and is told once.
    expect(await at.kinds()).toEqual([3]);
  });

  test("an index that calls an entry of ours opaque is told of while the log holds its content", async () => {
    const { origin, vkey } = at.main;
    const hashes = { sha256, git: gitHashOf(nodeCrypto) };
    const opaque = (leaf: Uint8Array): readonly Posting[] =>
      mapfn(hashes, { origin, vkeys: [vkey] }, leaf, undefined);
    at.index.lie = (postings, index) => (index === 3 ? opaque(at.index.entry(3).leaf) : postings);
    const index = await at.logged(review(newSigner("p256"), commit));
    const receipt = at.main.receipt(index);
    at.keepReceipt(receipt);
    at.configure('receipts = "receipts"');
    const { status, alerts } = await at.round();
    expect([status, new Set(alerts.map(({ kind }) => kind))]).toEqual([
      3,
      new Set(["answer-refused"]),
    ]);
    expect(alerts[0]?.message).toBe(
      `the index calls your entry ${index} opaque, and the log holds its content`,
    );
  });

  test("an entry of ours that was logged by its digest alone is told of by nobody", async () => {
    const [{ index } = expect.fail("not logged")] = at.main.submit(
      await review(newSigner("p256"), commit),
    );
    const receipt = at.main.receipt(index);
    at.main.contents.delete(toHex(sha256(receipt.content ?? expect.fail("no content"))));
    at.index.grow();
    at.keepReceipt(receipt);
    at.configure('receipts = "receipts"');
    expect(await at.kinds()).toEqual([0]);
  });

  test("what is no receipt of ours is told until it is gone", async () => {
    at.configure('receipts = "receipts"');
    at.keepReceipt(
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
    at.keepReceipt(receipt);
    const { status, alerts } = await at.round();
    expect([status, await at.verdictOf(alerts[0])]).toEqual([3, "fork-inconsistent log"]);
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
    await at.logged(review(bob, commit));
    const failed = await at.round(broken);
    expect([failed.status, failed.alerts, failed.undelivered]).toEqual([2, [], "the disk is full"]);
    await at.logged(review(bob, commit, { verdict: "reject" }));
    await at.round();
    expect(at.sink.taken.map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(new Set(at.sink.taken.map(({ id }) => id)).size).toBe(3);
    expect(await at.kinds()).toEqual([0]);
  });

  test("M2 a life that ends between the sink and the state delivers the same alerts again", async () => {
    at.configure(`keys = ["${idOf(bob)}"]`);
    await at.round();
    await at.logged(review(bob, commit));
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
    await at.logged(review(bob, commit));
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
