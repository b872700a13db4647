/**
 * A log that promises a place in writing, and does not keep it. Whoever holds the promise redeems it.
 */
import { writeFileSync } from "node:fs";
import { utf8 } from "../../schema/bytes.ts";
import type { EvidenceKind } from "../../schema/evidence.ts";
import { policyTable, policyText, TestWitness } from "../client/test-witness.ts";
import type { Lie, Rig } from "./rig.ts";

/** A minute before the time at which the commands of the harness run. */
const DEADLINE = 1_700_000_000 - 60;
const TIMES = { time: DEADLINE - 600, deadline: DEADLINE };
/** The next place, which nobody has yet. */
const NEXT = 4;

const redeemed = (reason: string, evidence: EvidenceKind, ...files: string[]): Lie["caught"] => [
  {
    by: "client",
    ask: async ({ client }) => client.countersign("redeem", ...files, "--trust", "trust.toml"),
    status: 3,
    reason,
    evidence,
  },
];

function promise({ client, main }: Rig, file: string, index: number, leaf: string): void {
  writeFileSync(client.path(file), main.promise(index, TIMES, utf8(leaf)));
}

export const LIES_OF_PROMISES: readonly Lie[] = [
  {
    name: "a place that was promised, and has another entry",
    tell: (rig) => promise(rig, "one.promise", 2, "what was promised"),
    caught: redeemed("LOST: index 2 was promised", "lost-promise", "one.promise"),
  },
  {
    name: "one place, promised to two entries",
    tell: (rig) => {
      promise(rig, "one.promise", NEXT, "one");
      promise(rig, "other.promise", NEXT, "another");
    },
    caught: redeemed(
      "BROKEN: index 4 was promised to two entries",
      "two-promises",
      "one.promise",
      "other.promise",
    ),
  },
  {
    name: "an entry that its witnesses have not seen when its time was over",
    tell: (rig) => {
      promise(rig, "one.promise", NEXT, "one");
      const witness = new TestWitness("w.example");
      rig.main.cosigners = [witness.at(DEADLINE + 60)];
      const asks = policyTable(policyText(1, [witness]));
      for (const place of [rig.client, rig.other])
        writeFileSync(place.path("trust.toml"), `${rig.trust()}${asks}`);
    },
    caught: redeemed("LATE: entry 4 was promised", "late-promise", "one.promise"),
  },
];
