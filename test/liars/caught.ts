/** One lie, told, and whoever should catch it. */
import { writeFileSync } from "node:fs";
import { expect } from "vitest";
import { LIES } from "./all.ts";
import { type Catch, type Lie, monitor, Rig } from "./rig.ts";

export interface CaughtLie extends Catch {
  readonly lie: Lie;
}

export const CATCHES: readonly CaughtLie[] = LIES.flatMap((lie) =>
  lie.caught.map((one) => ({ lie, ...one })),
);

/** It is refused with its reason; evidence holds before somebody else with the trust file. */
export async function expectCaught(caught: CaughtLie): Promise<void> {
  const { lie, by, ask, status, reason, evidence } = caught;
  const rig = await Rig.open();
  try {
    // What was there before is no news.
    if (by === "monitor") await monitor(rig);
    await lie.tell(rig);
    const told = await ask(rig);
    expect(`${told.stdout}${told.stderr}`).toContain(reason);
    expect(told.status).toBe(status);
    if (evidence === undefined) return;
    const file = rig.evidence(evidence) ?? expect.fail("no evidence");
    writeFileSync(rig.other.path("found.evidence.json"), file);
    const verdict = ["evidence", "verify", "found.evidence.json", "--trust", "trust.toml"];
    expect(await rig.other.asked(...verdict)).toMatchObject({
      status: 0,
      answer: { ok: true, kind: evidence, accused: { who: "log" } },
    });
  } finally {
    await rig.close();
  }
}
