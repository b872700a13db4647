/**
 * Whether a file convicts a log of a promise that it broke.
 *
 * *Lost* needs no clock: the place that was promised has another entry. *Late* is told by a whole
 * quorum of the witnesses that the trust file names, and by nobody's clock here: each of them says
 * that it saw a head without the entry when the time was over. A witness that has seen a larger
 * head does not cosign a smaller one again, and two quorums share a witness; so a quorum that sees
 * the smaller one shows that no quorum had seen the entry. Where policies have replaced one
 * another, the entry may have been published under any that counts for a head with it in; then the
 * quorum of each of them must say so.
 *
 * Spec: docs/formats.md §Evidence, docs/evidence.md.
 *
 * @module
 */
import { equal, utf8 } from "../../schema/bytes.ts";
import type { PromiseEvidence } from "../../schema/evidence/promises.ts";
import { leafHash } from "../../schema/tlog/hash.ts";
import { parseNote } from "../../schema/tlog/note.ts";
import { LATE_AFTER_SECONDS } from "../../schema/tlog/promise.ts";
import { openCosignatures } from "../cosignature.ts";
import type { Crypto } from "../crypto/crypto.ts";
import type { SignedHead } from "../head.ts";
import { openPromise, type SignedPromise } from "../promise.ts";
import { seenSince, witnessKeys } from "../quorum.ts";
import {
  convict,
  type EvidenceVerdict,
  holds,
  type Logs,
  nothing,
  openEntry,
  openNote,
  type Refused,
  refuse,
} from "./verdict.ts";

export async function judgePromises(
  crypto: Crypto,
  trust: Logs,
  evidence: PromiseEvidence,
): Promise<EvidenceVerdict> {
  switch (evidence.kind) {
    case "two-promises":
      return judgeTwo(crypto, trust, evidence.promises);
    case "lost-promise":
      return judgeLost(crypto, trust, evidence);
    case "late-promise":
      return judgeLate(crypto, trust, evidence);
  }
}

async function judgeTwo(
  crypto: Crypto,
  trust: Logs,
  [first, second]: readonly [string, string],
): Promise<EvidenceVerdict> {
  const a = await open(crypto, trust, first);
  if (!a.ok) return a;
  const b = await open(crypto, trust, second);
  if (!b.ok) return b;
  if (a.promise.log !== b.promise.log) return otherLog("two promises");
  const { index, log } = a.promise;
  if (index !== b.promise.index || equal(a.promise.leafHash, b.promise.leafHash))
    return nothing("The promises do not give one index to two entries.");
  const charge = `${log.origin} promised index ${index} to two entries`;
  return holds("two-promises", log.origin, { who: "log" }, charge);
}

async function judgeLost(
  crypto: Crypto,
  trust: Logs,
  { kind, promise: note, entry }: Extract<PromiseEvidence, { kind: "lost-promise" }>,
): Promise<EvidenceVerdict> {
  const opened = await open(crypto, trust, note);
  if (!opened.ok) return opened;
  const { promise } = opened;
  const included = await openEntry(crypto, trust, entry);
  if (!included.ok) return included;
  if (included.head.log !== promise.log) return otherLog("promise and the entry");
  if (entry.index !== promise.index)
    return nothing(`The entry is at ${entry.index}, and ${promise.index} was promised.`);
  if (equal(leafHash(crypto.sha256, entry.leafBytes), promise.leafHash))
    return nothing("The promise was kept: the entry is at its index.");
  return convict(
    kind,
    included.head,
    `promised index ${promise.index} and gave it to another entry`,
  );
}

async function judgeLate(
  crypto: Crypto,
  trust: Logs,
  { kind, promise: note, checkpoint }: Extract<PromiseEvidence, { kind: "late-promise" }>,
): Promise<EvidenceVerdict> {
  const opened = await open(crypto, trust, note);
  if (!opened.ok) return opened;
  const { promise } = opened;
  const head = await openNote(crypto, trust, checkpoint);
  if (!head.ok) return head;
  if (head.head.log !== promise.log) return otherLog("promise and the checkpoint");
  const { size } = head.head.tree;
  if (size > promise.index)
    return nothing(`The entry may be in the tree: it has ${size} entries. That is never late.`);
  const late = await isSeenLate(crypto, head.head, promise);
  if (late === undefined)
    return refuse({ code: "NOT_SIGNED", message: "A line of a witness is bad." });
  if (!late)
    return nothing(
      `No whole quorum of witnesses saw this head ${LATE_AFTER_SECONDS} s after the deadline or later.`,
    );
  const charge = `promised entry ${promise.index} by ${promise.deadline}, and its witnesses still saw ${size} entries`;
  return convict(kind, head.head, charge);
}

/** `undefined` where a line of a witness does not verify. */
async function isSeenLate(
  crypto: Crypto,
  { log, note }: SignedHead,
  { index, deadline }: SignedPromise,
): Promise<boolean | undefined> {
  const parsed = parseNote(note);
  if (!parsed.ok) return undefined;
  const cosigned = await openCosignatures(crypto, parsed.value, witnessKeys(log));
  if (!cosigned.ok) return undefined;
  return seenSince(log, index + 1, cosigned.value, deadline + LATE_AFTER_SECONDS);
}

async function open(
  crypto: Crypto,
  trust: Logs,
  strangersPromise: string,
): Promise<{ readonly ok: true; readonly promise: SignedPromise } | Refused> {
  const promise = await openPromise(crypto, trust, utf8(strangersPromise));
  if (promise.ok) return { ok: true, promise: promise.value };
  const { code, message } = promise;
  if (code === "NOT_FOUND") return refuse({ code: "LOG_UNKNOWN", message });
  if (code === "FIELD_INVALID" || code === "TOO_LARGE")
    return refuse({ code: "EVIDENCE_MALFORMED", message, field: "promise" });
  return refuse({ code: "NOT_SIGNED", message });
}

function otherLog(what: string): Refused {
  return refuse({ code: "LOG_UNKNOWN", message: `The ${what} are of two logs.` });
}
