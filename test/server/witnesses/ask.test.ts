import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { askAll } from "../../../server/witnesses/ask.ts";
import { entry, SIGNER } from "../entries.ts";
import { policyOf } from "./rig.ts";
import { TestWitness, transportTo } from "./test-witness.ts";

describe("what witnesses show, as doctor asks them", () => {
  test("ahead and differing under our own key is wrong; everything else is to be known", async () => {
    const names = ["unseen", "behind", "equal", "ahead", "differs", "silent", "foreign"];
    const witnesses = names.map((name) => new TestWitness(name));
    const by = new Map(witnesses.map((witness) => [witness.name, witness]));
    const root = entry("root").leafHash;
    const show = async (name: string, size: number, text: string): Promise<void> => {
      const witness = by.get(name);
      if (witness !== undefined)
        witness.shownNote = await SIGNER.sign({ size, root: entry(text).leafHash });
    };
    await show("behind", 3, "older");
    await show("equal", 5, "root");
    await show("ahead", 6, "newer");
    await show("differs", 5, "another");
    const [silent, foreign] = [by.get("silent"), by.get("foreign")];
    if (silent !== undefined) silent.shows = false;
    if (foreign !== undefined) foreign.shownNote = new TextEncoder().encode("no note\n");
    const shown = await askAll(policyOf(witnesses, 4), {
      crypto: nodeCrypto,
      signer: SIGNER,
      transport: transportTo(witnesses),
      head: () => ({ size: 5, root }),
    });
    expect(Object.fromEntries(shown.map(({ name, verdict }) => [name, verdict]))).toEqual({
      unseen: "note",
      behind: "ok",
      equal: "ok",
      ahead: "wrong",
      differs: "wrong",
      silent: "note",
      foreign: "note",
    });
    expect(witnesses.every(({ asked }) => asked.length === 0)).toBe(true);
  });
});
