/**
 * What a check of evidence answers: whom a file convicts of what, or why it convicts nobody.
 *
 * @module
 */
import { utf8 } from "../../schema/bytes.ts";
import type { EvidenceKind } from "../../schema/evidence.ts";
import type { LogEntry } from "../../schema/receipt.ts";
import type { Crypto } from "../crypto/crypto.ts";
import { claimedLog, openSigned, type SignedHead } from "../head.ts";
import type { Trust } from "../trust.ts";
import { checkInclusion } from "../verify/inclusion.ts";

export type Logs = Pick<Trust, "logs">;

/** Why a file convicts nobody. */
export type EvidenceRefusal =
  | { readonly code: "EVIDENCE_MALFORMED"; readonly message: string; readonly field?: string }
  /** A note in it is of a log that the trust file does not name, or the two are of two logs. */
  | { readonly code: "LOG_UNKNOWN"; readonly message: string }
  /** A note in it was not signed by the log: somebody else made it. */
  | { readonly code: "NOT_SIGNED"; readonly message: string }
  /** All of it may be true of honest people and an honest log. */
  | { readonly code: "PROVES_NOTHING"; readonly message: string };

/** Who answers for what is proved. */
export type Accused =
  | {
      readonly who: "log";
      /** Index verifiers of the trust file that cosigned it too, by the names of their keys. */
      readonly verifiers?: readonly string[];
    }
  | {
      readonly who: "signer";
      /** Signer id, hex. */
      readonly signer: string;
    }
  /** It is so, and that is nobody's fault that anybody could prove. */
  | { readonly who: "nobody" };

export type EvidenceVerdict =
  | {
      readonly ok: true;
      readonly kind: EvidenceKind;
      /** The log that has signed what is in the file. */
      readonly origin: string;
      readonly accused: Accused;
      /** What was done, in one sentence. */
      readonly charge: string;
      /** What it does not prove. */
      readonly notProved: string;
    }
  | { readonly ok: false; readonly refusal: EvidenceRefusal };

export type Refused = Extract<EvidenceVerdict, { readonly ok: false }>;

/** For each kind, what nobody may conclude from it. docs/evidence.md says it at length. */
const NOT_PROVED: Readonly<Record<EvidenceKind, string>> = {
  "fork-same-size": "which of the two histories is the true one, or whether it was meant",
  "fork-inconsistent": "which of the two histories is the true one, or whether it was meant",
  "wrong-entry": "which of the two entries was there first",
  "duplicate-leaf": "that anybody was harmed: the signer signed once",
  "bad-admission": "that whoever is named in the entry has signed anything",
  "two-promises": "which of the two entries got the index, if any",
  "lost-promise": "that the entry is nowhere in the log, or that it was meant",
  "late-promise":
    "that the entry is lost, or whose fault it is: the witnesses may have kept the log waiting",
  "index-contradiction": "which of the two leaves is true, or what is in either map",
  omission: "that anything but this entry is missing under this key",
  "false-posting": "that the entry's signer has said what the index says",
  equivocation:
    "which of the two statements is true, who else held the key, or whether it was meant",
  irreproducible: "that either output is wrong: nobody has promised that there is only one",
  "builders-disagree": "which of the builders is wrong, if any, or that they are different people",
  "ref-moved": "that the ref should not have moved: nobody has promised it to both",
  "sha1-collision": "who made the collision: the signers may have signed what they were given",
};

/** It holds; `accused` answers for it. */
export function holds(
  kind: EvidenceKind,
  origin: string,
  accused: Accused,
  charge: string,
  alsoNotProved = "",
): EvidenceVerdict {
  const notProved = `${NOT_PROVED[kind]}${alsoNotProved}`;
  return { ok: true, kind, origin, accused, charge, notProved };
}

/** A log did it. */
export function convict(kind: EvidenceKind, { log }: SignedHead, charge: string): EvidenceVerdict {
  return holds(kind, log.origin, { who: "log" }, `${log.origin} ${charge}`);
}

export function nothing(message: string): Refused {
  return refuse({ code: "PROVES_NOTHING", message });
}

export function refuse(refusal: EvidenceRefusal): Refused {
  return { ok: false, refusal };
}

export type Opened = { readonly ok: true; readonly head: SignedHead } | Refused;

/** A note that a log of the trust file has signed. */
export async function openNote(
  crypto: Crypto,
  trust: Logs,
  strangersNote: string,
): Promise<Opened> {
  const note = utf8(strangersNote);
  const log = claimedLog(trust, note);
  if (!log.ok)
    return log.code === "NOT_FOUND"
      ? refuse({ code: "LOG_UNKNOWN", message: log.message })
      : refuse({ code: "EVIDENCE_MALFORMED", message: log.message, field: "notes" });
  const head = await openSigned(crypto, log.value, note);
  return head.ok
    ? { ok: true, head: head.value }
    : refuse({ code: "NOT_SIGNED", message: head.message });
}

/** An entry that is included under a note that a log of the trust file has signed. */
export async function openEntry(crypto: Crypto, trust: Logs, entry: LogEntry): Promise<Opened> {
  const included = await checkInclusion(crypto, trust, entry);
  if (included.ok) return { ok: true, head: included.head };
  const { refusal } = included;
  if (refusal.code === "LOG_UNKNOWN")
    return refuse({ code: "LOG_UNKNOWN", message: refusal.message });
  if (refusal.code === "CHECKPOINT_REFUSED")
    return refuse({ code: "NOT_SIGNED", message: refusal.message });
  return nothing(`The entry at index ${entry.index} is not shown to be in the log.`);
}
