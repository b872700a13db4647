/** Whole logs read again: honest ones, and what only that finds. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { utf8 } from "../../../schema/bytes.ts";
import { encodeLeaf, parseLeaf } from "../../../schema/entry/leaf.ts";
import { unwrap } from "../../../schema/error.ts";
import { newSigner, review, signedCommit, TestLog } from "../test-log.ts";
import { policyTable, policyText, TestWitness } from "../test-witness.ts";
import { Monitoring, NOW } from "./rig.ts";

const ada = newSigner();
const bob = newSigner("p256");
const commit = await signedCommit(ada);

let at: Monitoring;
beforeEach(async () => {
  const main = new TestLog();
  main.submit(commit.submission);
  main.submit(await review(ada, commit));
  // Opaque: its signature can be checked over the digest alone.
  const [{ entry } = expect.fail("no entry")] = new TestLog().submit(await review(bob, commit));
  main.append(entry.leafBytes);
  at = await Monitoring.open(main);
  at.configure("");
});
afterEach(async () => at.close());

async function whole(): Promise<{ outcome: readonly (string | number)[]; steps: string[] }> {
  const steps: string[] = [];
  const { status, alerts } = await at.round(at.sink, steps);
  return { outcome: [status, ...alerts.map(({ kind }) => kind)], steps };
}

describe("a whole log", () => {
  test("that is honest accuses nobody, and is read once", async () => {
    expect(await whole()).toEqual({ outcome: [0], steps: ["entries 3 of 3", "index 2 of 2"] });
    at.served.asked.length = 0;
    expect(await whole()).toEqual({ outcome: [0], steps: ["index 2 of 2"] });
    expect(at.served.asked.filter((path) => /tile\/(?:entries|content)|update/.test(path))).toEqual(
      [],
    );
    at.main.submit(await review(ada, commit, { verdict: "reject" }));
    at.index.grow();
    expect((await whole()).steps).toEqual(["entries 4 of 4", "index 3 of 3"]);
  });

  test.each(["held", "opaque"] as const)(
    "with a bad signature that nobody watches (%s) is told",
    async (held) => {
      const log = new TestLog();
      const signer = held === "held" ? ada : bob;
      const [{ entry } = expect.fail("none")] = log.submit(
        await review(signer, commit, { verdict: "reject" }),
      );
      const leaf = unwrap(parseLeaf(entry.leafBytes));
      const flip = (bytes: Uint8Array, place: number): Uint8Array =>
        bytes.map((byte, i) => (i === place ? byte ^ 1 : byte));
      const changed =
        leaf.kind === "countersign"
          ? { ...leaf, signature: { ...leaf.signature, value: flip(leaf.signature.value, 9) } }
          : { ...leaf, signature: flip(leaf.signature, 20) };
      at.main.append(encodeLeaf(changed), held === "held" ? entry.content : undefined);
      at.index.grow();
      const { outcome } = await whole();
      expect(outcome).toEqual([3, held === "held" ? "bad-admission" : "answer-refused"]);
      const [alert] = at.sink.taken;
      expect(alert?.seen["index"]).toBe(3);
      if (alert?.evidence !== undefined)
        expect(await at.verdictOf(alert)).toBe("bad-admission log");
    },
  );

  test("with a leaf that is none is told, and so is what stands behind it", async () => {
    at.main.append(utf8('{"apiVersion":"0.0.1","kind":"countersign","spec":{}}'));
    at.main.append(utf8('{"apiVersion":"0.0.1","kind":"of tomorrow","spec":{}}'));
    at.index.grow();
    const { outcome } = await whole();
    // The index cannot be executed over what cannot be read.
    expect(outcome).toEqual([3, "bad-admission", "unchecked", "unchecked"]);
    expect(at.sink.taken.map(({ subject }) => subject)).toEqual([
      "entry 3",
      "entry 4",
      "whole log",
    ]);
  });

  test("with an index that leaves a posting out is told with the leaf", async () => {
    at.index.lie = (postings, index) => (index === 3 ? postings.slice(1) : postings);
    at.main.submit(await review(ada, commit, { verdict: "reject" }));
    at.index.grow();
    const { outcome } = await whole();
    expect(outcome).toEqual([3, "answer-refused"]);
    expect(at.sink.taken[0]?.subject).toBe("leaf 2 of the index");
  });

  describe("of which no index verifier has executed the index", () => {
    const verifier = new TestWitness("verifier.test");
    beforeEach(() => {
      at.configure("", policyTable(policyText(1, [verifier]), "", "index"));
    });

    test("M6 is read up to there, and accuses nobody where it is honest", async () => {
      expect(await whole()).toEqual({
        outcome: [2, "unwitnessed", "unchecked"],
        steps: ["entries 3 of 3", "entries 3 of 3"],
      });
      expect((await whole()).outcome).toEqual([2]);
      at.index.log.cosigners = [verifier.at(NOW)];
      expect(await whole()).toEqual({ outcome: [1, "ended", "ended"], steps: ["index 2 of 2"] });
      expect((await whole()).outcome).toEqual([0]);
    });

    test("M6 an index that leaves a posting out is told, and so is that nobody has executed it", async () => {
      at.index.lie = (postings, index) => (index === 3 ? postings.slice(1) : postings);
      at.main.submit(await review(ada, commit, { verdict: "reject" }));
      at.index.grow();
      expect((await whole()).outcome).toEqual([3, "unwitnessed", "answer-refused", "unchecked"]);
      expect(at.sink.taken[1]?.subject).toBe("leaf 2 of the index");
      expect((await whole()).outcome).toEqual([3]);
    });
  });

  test("is left between two steps when the program is told to end, and gone on with", async () => {
    const steps: string[] = [];
    const { status } = await at.round(at.sink, steps, AbortSignal.abort());
    expect([status, steps]).toEqual([0, ["entries 3 of 3"]]);
    expect((await whole()).steps).toEqual(["index 2 of 2"]);
  });

  test("is gone on with where it was stopped", async () => {
    for (let n = 0; n < 20; n++) {
      at.main.submit(await review(ada, commit, { reviewedAt: `2026-02-${10 + n}T12:00:00Z` }));
      at.index.grow();
    }
    const { updates } = at.index;
    const last = updates.pop() ?? expect.fail("no update");
    const stopped = await whole();
    expect(stopped.outcome).toEqual([2, "unchecked"]);
    expect(stopped.steps.slice(0, 2)).toEqual(["entries 23 of 23", "index 17 of 22"]);
    updates.push(last);
    at.served.asked.length = 0;
    expect((await whole()).outcome).toEqual([1, "ended"]);
    expect(at.served.asked.filter((path) => path.includes("update"))).toEqual([
      "GET index/v1/update/17-21",
      "GET index/v1/update/21-22",
    ]);
  });
});
