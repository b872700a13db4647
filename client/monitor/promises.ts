/**
 * Promises that a log gave us and that there is no receipt for yet: kept, or broken.
 *
 * Lost and late are told apart by `redeem.ts`, and only with evidence; two promises of one place
 * convict the log without being asked. Beyond its deadline a promise is a condition until it is
 * kept, whoever is to blame.
 *
 * Spec: docs/formats.md §Monitor, §Promises.
 *
 * @module
 */
import { toHex } from "../../schema/bytes.ts";
import { unwrap } from "../../schema/error.ts";
import { openPromise, type SignedPromise } from "../promise.ts";
import { redeem, twoPromises } from "../redeem.ts";
import { timeText } from "../time-text.ts";
import type { HeadPorts } from "../update.ts";
import type { ReceiptFile } from "../verify/receipt.ts";
import type { Findings } from "./findings.ts";

interface Held {
  readonly name: string;
  readonly area: string;
  readonly promise: SignedPromise;
}

/** Check every promise of this log; those of others are somebody else's. */
export async function tellPromises(
  ports: HeadPorts,
  findings: Findings,
  files: readonly ReceiptFile[],
  now: number,
): Promise<void> {
  findings.settled.push("promise ");
  const held: Held[] = [];
  for (const { name, bytes } of files) {
    const area = `promise ${name}`;
    await findings.check(area, async () => {
      const promise = await openPromise(ports.crypto, { logs: [ports.log] }, bytes);
      if (promise.ok) held.push({ name, area, promise: promise.value });
      else if (promise.code !== "NOT_FOUND") unwrap(promise);
    });
  }
  await tellTwins(findings, held);
  for (const one of held)
    await findings.check(one.area, async () => tellOne(ports, findings, one, now));
}

async function tellTwins(findings: Findings, held: readonly Held[]): Promise<void> {
  for (const [i, a] of held.entries())
    for (const b of held.slice(i + 1)) {
      const evidence = twoPromises(a.promise, b.promise);
      if (evidence === undefined) continue;
      const { index } = a.promise;
      await findings.convict(evidence, {
        subject: a.name,
        message: `index ${index} was promised to two entries; the other promise is ${b.name}`,
        about: [index, ...[a, b].map(({ promise }) => toHex(promise.leafHash)).toSorted()],
        seen: { index },
      });
    }
}

async function tellOne(
  ports: HeadPorts,
  findings: Findings,
  { name, area, promise }: Held,
  now: number,
): Promise<void> {
  const { index, deadline, leafHash } = promise;
  const redeemed = await redeem(ports, promise);
  if (redeemed.state === "kept") return;
  const told = { subject: name, about: [index, toHex(leafHash)], seen: { index } };
  if (redeemed.state !== "pending") {
    const what =
      redeemed.state === "lost"
        ? "and another entry is there"
        : `by ${timeText(deadline)}, and its witnesses saw the log without it after that`;
    const message = `index ${index} was promised, ${what}`;
    await findings.convict(redeemed.evidence, { ...told, message });
  } else if (now > deadline)
    findings.hold(area, {
      ...told,
      kind: "stale",
      message: `entry ${index} was promised by ${timeText(deadline)} and is not there; no quorum of witnesses shows it yet`,
    });
}
