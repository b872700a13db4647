/**
 * The two heads of a log, its own and its index's: consistent with all that was seen before, with
 * the witnesses and index verifiers of the trust file, not too old, and the index not too far
 * behind.
 *
 * Spec: docs/formats.md §Monitor.
 *
 * @module
 */
import type { Head, SignedHead } from "../head.ts";
import { tooFewWitnesses } from "../head.ts";
import { freshness } from "../quorum.ts";
import { timeText } from "../time-text.ts";
import { type HeadPorts, type Observed, update } from "../update.ts";
import { type Findings, FORK } from "./findings.ts";
import type { LogState } from "./state.ts";

/** What is known of a head after it was held against the memory. */
export interface Seen {
  /** As it was shown, where it is of the history that is remembered. */
  readonly shown: SignedHead;
  /** The newest that may be believed; absent where this one lacks its witnesses. */
  readonly newest?: Head;
}

/** Fetch the newest head of a log, or of an index log, and say what is wrong with it. */
export async function seeHead(
  ports: HeadPorts,
  findings: Findings,
  asked: Asked,
): Promise<Seen | undefined> {
  const observed = await findings.check(asked.area, async () => update(ports));
  return observed && judge(findings, observed, asked);
}

interface Asked {
  readonly area: string;
  readonly now: number;
  /** Whether it can be too old. */
  readonly ages: boolean;
}

async function judge(
  findings: Findings,
  observed: Observed,
  { area, now, ages }: Asked,
): Promise<Seen | undefined> {
  if (observed.state === "forked") {
    const [note = ""] = "notes" in observed.evidence ? observed.evidence.notes : [];
    await findings.convict(observed.evidence, { ...FORK, subject: note.split("\n")[0] ?? "" });
    return undefined;
  }
  if (observed.state === "unwitnessed") {
    const { shown, tooFew } = observed;
    const { message } = tooFewWitnesses(shown, tooFew);
    findings.hold(area, { kind: "unwitnessed", subject: shown.log.origin, message, about: [] });
    return { shown };
  }
  const { newest } = observed;
  const { size } = newest.tree;
  const { origin } = newest.log;
  if (observed.state === "stale")
    findings.hold(area, {
      kind: "stale",
      subject: origin,
      message: `shows an older head than the one of ${size} entries that was seen before; it may lag, or was rolled back`,
      about: ["smaller"],
      seen: { size },
    });
  // An index's head is as old as what it indexes; nobody signs it again while nothing comes.
  const age = ages ? freshness(newest.log, size, newest.cosigned, now) : undefined;
  if (age?.state === "too old") {
    const when = age.seenAt === undefined ? "at no time that is known" : timeText(age.seenAt);
    findings.hold(area, {
      kind: "stale",
      subject: origin,
      message: `a whole quorum has last seen its newest head ${when}; the bound is ${age.boundSeconds} seconds`,
      about: ["old"],
      seen: { size },
    });
  }
  return { shown: newest, newest };
}

/** How far the index is behind the log, and since when. */
export function seeLag(
  findings: Findings,
  { waiting }: LogState,
  { indexed, newest }: { readonly indexed: number; readonly newest: number },
  { now, boundSeconds }: { readonly now: number; readonly boundSeconds: number },
): LogState["waiting"] {
  findings.checked.add(LAG);
  if (indexed >= newest) return undefined;
  // What was waited for is indexed: whatever came since has waited from now on.
  const still = waiting !== undefined && indexed < waiting.size ? waiting : undefined;
  const next = still ?? { size: newest, since: now };
  if (now - next.since > boundSeconds)
    findings.hold(LAG, {
      kind: "index-behind",
      subject: "index",
      message: `the index ends at entry ${indexed} and has lacked a head of ${next.size} entries since ${timeText(next.since)}; the bound is ${boundSeconds} seconds`,
      about: [],
      seen: { indexed, size: newest },
    });
  return next;
}

const LAG = "index lag";
