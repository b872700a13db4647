/**
 * Every lie is really told, and whoever should catch it does, with a reason of its own and, where it
 * convicts somebody, evidence that holds. What nobody lies about is refused nowhere. What a monitor
 * catches is in `monitor.slow.test.ts`.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { LIES, liesDocument } from "./all.ts";
import { CATCHES, expectCaught } from "./caught.ts";
import { aboutCommit, executeIndex, isComplete, newestHead, Rig } from "./rig.ts";

test("where nobody lies everybody is answered, and nothing is left behind", async () => {
  const rig = await Rig.open();
  for (const ask of [aboutCommit, isComplete, executeIndex, newestHead])
    expect(await ask(rig)).toMatchObject({ status: 0, stderr: "" });
  await rig.close();
});

describe("a lie is caught", () => {
  const atOnce = CATCHES.filter(({ by }) => by !== "monitor");
  test.each(atOnce.map((one) => [one.lie.name, one.by, one] as const))(
    "%s: by the %s",
    async (_, __, one) => expectCaught(one),
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
