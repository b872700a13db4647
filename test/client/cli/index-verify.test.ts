/** `index verify` against a log with an index on loopback. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { concat } from "../../../schema/bytes.ts";
import { type ServedIndex, serveIndex } from "../lookup/serve-index.ts";
import { TestIndex } from "../lookup/test-index.ts";
import { newSigner, review, signedCommit, TestLog } from "../test-log.ts";
import { Workplace } from "./in-process.ts";

const ada = newSigner();
const commit = await signedCommit(ada);

let index: TestIndex;
let served: ServedIndex;
let place: Workplace;
beforeEach(async () => {
  const main = new TestLog();
  main.submit(commit.submission);
  index = new TestIndex(main).grow();
  main.submit(await review(ada, commit));
  served = await serveIndex(index);
  place = new Workplace();
});
afterEach(async () => {
  await served.close();
  place.remove();
});

const run = (...more: readonly string[]): ReturnType<typeof place.countersign> =>
  place.countersign("index", "verify", "--log", served.url, "--vkey", index.main.vkey, ...more);

describe("index verify", () => {
  test("says how far an honest index is right", async () => {
    index.grow();
    const { status, stdout, stderr } = await run();
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout).toContain("all 3 leaves of the index are right, over 2 entries");
  });

  test("stops before the leaf that --to names", async () => {
    index.lie = (postings) => postings.slice(1);
    index.grow();
    const { status, stdout } = await run("--to", "2");
    expect(status).toBe(0);
    expect(stdout).toContain("2 leaves");
    expect((await run("--to", "4")).status).toBe(2);
  });

  test("begins behind any leaf, and ends as whoever goes on from there begins", async () => {
    index.grow();
    const states: (string | undefined)[][] = [];
    for (const range of [["--to", "2"], ["--from", "2"], []]) {
      const { status, stdout } = await run(...range, "--json");
      expect(status).toBe(0);
      states.push(
        ["before", "after"].map((name) => new RegExp(`"${name}": "(.*)"`).exec(stdout)?.[1]),
      );
    }
    const [first, second, whole] = states;
    expect(first?.[1]).toMatch(/^[0-9a-f]{64}$/);
    expect(second?.[0]).toBe(first?.[1]);
    expect(whole).toEqual([first?.[0], second?.[1]]);
    expect((await run("--from", "2")).stdout).toContain(
      "the leaves 2 to 2 of the index are right, over 2 entries of the log, if leaf 1 is",
    );
    expect((await run("--from", "4")).status).toBe(2);
    index.edges[1] = concat(index.edges[1] ?? new Uint8Array(0)).fill(7);
    expect((await run("--from", "2")).status).toBe(3);
  });

  test("X3 jobs whose states do not meet have not executed one index", async () => {
    index.grow();
    expect((await run("--jobs", "5")).stdout).toContain("all 3 leaves of the index are right");
    // The second job begins behind the leaf that lies, and finds nothing wrong by itself.
    index.lie = (postings) => postings.slice(1);
    index.main.submit(await review(newSigner(), commit));
    index.grow();
    index.main.submit(await review(newSigner(), commit));
    index.lie = (postings) => postings;
    index.grow();
    expect((await run("--from", "4")).status).toBe(0);
    const { status, stdout } = await run("--jobs", "2");
    expect(status).toBe(3);
    expect(stdout).toContain("leaf 3");
    expect((await run("--jobs", "65")).status).toBe(2);
  });

  test("X3 names the leaf of an index that drops a posting, with exit status 3", async () => {
    index.lie = (postings) => postings.slice(1);
    index.grow();
    const { status, stdout } = await run();
    expect(status).toBe(3);
    expect(stdout).toContain("leaf 2");
    expect(stdout).toContain("1 too few");
  });

  test("X3 names a signed head that is not over the leaves which were executed", async () => {
    index.grow();
    index.log.append(Uint8Array.of(1));
    index.updates.push(...index.updates.slice(-1));
    expect((await run()).status).toBe(3);
  });

  test("takes the postings of an erased content from the log, names the entry, and asks whether the log said so", async () => {
    const content = index.entry(1).content ?? expect.fail("no content");
    index.grow();
    index.main.erase(content);
    const lost = await run();
    expect(lost.status).toBe(1);
    expect(lost.stdout).toContain("entry 1: called erased, and no statement of the log says so");
    index.main.submit(await index.main.eraseStatement(content));
    for (const step of ["in the tail", "indexed"]) {
      if (step === "indexed") index.grow();
      const { status, stdout, stderr } = await run();
      expect(stderr).toContain("entry 1 was erased: its postings are the log's, under leaf 2");
      expect(stdout).toContain("leaves of the index are right");
      expect(status).toBe(0);
    }
    // Nobody signs them: other ones are refused, and accuse nobody.
    index.posted[1] = [];
    const lying = await run();
    expect([lying.status, lying.stdout]).toEqual([1, expect.stringContaining("taken as served")]);
  });

  test("a log that cannot be reached is not a verdict", async () => {
    await served.close();
    expect((await run()).status).toBe(2);
  });
});
