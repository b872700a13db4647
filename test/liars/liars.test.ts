/**
 * Every lie is really told, and whoever should catch it does, with a reason of its own and, where it
 * convicts somebody, evidence that holds. What nobody lies about is refused nowhere.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LIES, liesDocument } from "./all.ts";
import { aboutCommit, executeIndex, isComplete, newestHead, Rig } from "./rig.ts";

const CATCHES = LIES.flatMap((lie) => lie.caught.map((one) => ({ lie, ...one })));

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.open();
});
afterEach(async () => rig.close());

describe("where nobody lies", () => {
  test("everybody is answered, and nothing is left behind", async () => {
    for (const ask of [aboutCommit, isComplete, executeIndex, newestHead])
      expect(await ask(rig)).toMatchObject({ status: 0, stderr: "" });
  });
});

describe("a lie is caught", () => {
  test.each(CATCHES.map((one) => [one.lie.name, one.by, one] as const))(
    "%s: by the %s",
    async (_, __, { lie, ask, status, reason, evidence }) => {
      await lie.tell(rig);
      const told = await ask(rig);
      const text = `${told.stdout}${told.stderr}`;
      expect(text).toContain(reason);
      expect(told.status).toBe(status);
      if (evidence === undefined) return;
      const file = rig.evidence(evidence) ?? expect.fail("no evidence");
      writeFileSync(rig.other.path("found.evidence.json"), file);
      const verdict = ["evidence", "verify", "found.evidence.json", "--trust", "trust.toml"];
      expect(await rig.other.asked(...verdict)).toMatchObject({
        status: 0,
        answer: { ok: true, kind: evidence, accused: { who: "log" } },
      });
    },
  );

  test("each for a reason that no other lie is refused for", () => {
    for (const lie of LIES) {
      const others = CATCHES.filter((one) => one.lie !== lie);
      const own = lie.caught.filter(
        ({ by, reason, evidence }) =>
          !others.some(
            (one) => one.by === by && one.reason === reason && one.evidence === evidence,
          ),
      );
      expect(own.length, lie.name).toBeGreaterThan(0);
    }
  });
});

test("docs/liars.md is as `npm run docs` writes it", () => {
  const file = new URL("../../docs/liars.md", import.meta.url);
  expect(readFileSync(file, "utf8")).toBe(liesDocument());
});
