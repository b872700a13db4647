/** Rounds of a monitor over logs, indexes and witnesses that lie or are lost. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { toHex, utf8 } from "../../../schema/bytes.ts";
import { formatLookup } from "../../../schema/index/lookup.ts";
import { mapKey } from "../../../schema/index/map-key.ts";
import { TestIndex } from "../lookup/test-index.ts";
import { newSigner, review, serveLog, TestLog } from "../test-log.ts";
import { policyOf, policyTable, policyText, TestWitness } from "../test-witness.ts";
import { bob, commit, idOf, Monitoring, NOW, REPO } from "./rig.ts";

const { sha256 } = nodeCrypto;
let at: Monitoring;
beforeEach(async () => {
  at = await Monitoring.open();
  await at.logged(commit.submission);
});
afterEach(async () => at.close());

describe("the log and its index", () => {
  test("a fork is told with its evidence once, and is never passed over", async () => {
    at.configure(`keys = ["${idOf(bob)}"]`);
    await at.round();
    const before = at.served.index;
    at.served.index = new TestIndex(new TestLog(at.main.origin, at.main.key).fill(3, " other"));
    const { status, alerts } = await at.round();
    expect([status, await at.verdictOf(alerts[0])]).toEqual([3, "fork-same-size log"]);
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
    await at.logged(review(bob, commit));
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
    expect([status, await at.verdictOf(alerts[0])]).toEqual([3, "omission log"]);
  });

  test("an answer that proves nothing is told with its reason", async () => {
    at.configure(`keys = ["${idOf(bob)}"]`);
    at.served.lie = (honest) => formatLookup({ ...honest, answers: [] });
    const { status, alerts } = await at.round();
    expect(status).toBe(3);
    expect(alerts.map(({ kind }) => kind)).toEqual(["answer-refused", "unchecked"]);
  });

  test("an answer that shows by its own entries that the index is false convicts it", async () => {
    at.configure(`keys = ["${idOf(bob)}"]`);
    await at.round();
    await at.logged(review(bob, commit));
    at.index.lie = (postings, index) => (index === 4 ? at.index.postingsOf(3) : postings);
    await at.logged(review(newSigner(), commit));
    at.served.lie = (honest, { keys, summaries }) =>
      summaries ? honest : at.index.lookup(keys, "entries");
    const { status, alerts } = await at.round();
    expect([status, await at.verdictOf(alerts[0])]).toEqual([3, "false-posting log"]);
    expect(alerts.map(({ kind }) => kind)).toEqual(["false-posting", "unchecked"]);
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

describe("promises", () => {
  const times = { time: NOW, deadline: NOW + 60 };
  const keep = (name: string, promise: string): void => {
    mkdirSync(join(at.folder, "receipts"), { recursive: true });
    at.write(join("receipts", `${name}.promise`), promise);
  };

  test("that are kept, still open or of another log are no news; one beyond its deadline is, until it is kept", async () => {
    keep("kept", at.main.promise(2, times));
    keep("open", at.main.promise(3, times, utf8("to come")));
    keep("other", new TestLog("other.test").fill(1).promise(0, times));
    at.configure('receipts = "receipts"');
    expect(await at.kinds()).toEqual([0]);
    at.now += 61;
    expect(await at.kinds()).toEqual([1, "stale"]);
    rmSync(join(at.folder, "receipts", "open.promise"));
    expect(await at.kinds()).toEqual([1, "ended"]);
    keep("torn", at.main.promise(2, times).slice(0, 40));
    expect(await at.kinds()).toEqual([2, "unchecked"]);
  });

  test("that are broken convict the log, each once", async () => {
    keep("lost", at.main.promise(2, times, utf8("another leaf")));
    keep("first", at.main.promise(9, times, utf8("one")));
    keep("second", at.main.promise(9, times, utf8("two")));
    at.configure('receipts = "receipts"');
    const { status, alerts } = await at.round();
    expect(status).toBe(3);
    const verdicts = await Promise.all(alerts.map(async (alert) => at.verdictOf(alert)));
    expect(verdicts).toEqual(["two-promises log", "lost-promise log"]);
    expect(await at.kinds()).toEqual([3]);
  });

  test("are late by the word of a whole quorum alone", async () => {
    const [one, two] = [new TestWitness("one.example"), new TestWitness("two.example")];
    keep("late", at.main.promise(9, times, utf8("to come")));
    at.main.cosigners = [one.at(NOW + 300), two.at(NOW + 20)];
    const grown = (): void => {
      at.main.fill(at.main.size + 1);
      at.index.grow();
    };
    grown();
    const policy = policyText(2, [one, two]);
    at.configure('receipts = "receipts"', policyTable(policy));
    at.now += 300;
    expect(await at.kinds()).toEqual([1, "stale"]);
    at.main.cosigners = [one.at(NOW + 300), two.at(NOW + 200)];
    grown();
    const { status, alerts } = await at.round();
    const [late] = alerts.filter(({ kind }) => kind === "late-promise");
    expect([status, await at.verdictOf(late, [policyOf(policy)])]).toEqual([3, "late-promise log"]);
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
    expect([status, await at.verdictOf(alerts[0])]).toEqual([3, "fork-same-size log"]);
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
