/**
 * An alert: one thing that a monitor found, once.
 *
 * The id is a SHA-256 over what the alert is about and nothing else (not when it was seen, not the
 * words it is told in). So the same finding has the same id in every round and on every machine,
 * and a channel that is handed an alert twice can tell. A condition that ends and comes back (a
 * witness that is lost for the second time) is about its beginning too, and is a new finding.
 *
 * Texts of strangers are made printable where an alert is made; no channel has to do it again.
 *
 * Spec: docs/formats.md §Alerts.
 *
 * @module
 */
import { toHex } from "../../schema/bytes.ts";
import type { Result } from "../../schema/error.ts";
import { EVIDENCE_KINDS, type EvidenceKind } from "../../schema/evidence.ts";
import { type Fields, readFields } from "../../schema/fields.ts";
import { canonicalJson, type JsonValue } from "../../schema/json.ts";
import type { Hash, Sha256 } from "../../schema/tlog/hash.ts";
import { printable } from "../printable.ts";

/** `critical`: somebody lied. `warning`: somebody has to look. `info`: as it should be. */
export type Severity = "info" | "warning" | "critical";
export const SEVERITIES: readonly Severity[] = ["info", "warning", "critical"];
/** As they stand in a line. */
const FIELDS = [
  "number",
  "id",
  "kind",
  "severity",
  "origin",
  "subject",
  "message",
  "seen",
  "evidence",
  "firstSeen",
] as const;

/** What a monitor finds besides what evidence files show. */
type OwnKind =
  /** Sent by `monitor test` alone. */
  | "test"
  /** A new entry under something that is watched. */
  | "statement"
  /** A condition of an earlier alert has ended. */
  | "ended"
  /** A new entry by a watched key that nobody can read. */
  | "opaque"
  /** An entry by a key of ours that we did not sign. */
  | "not-signed-by-us"
  /** The index once listed an entry under a watched name, and does not any more. */
  | "list-rewritten"
  /** An answer that proves nothing, is false, or follows another mapfn; no evidence came of it. */
  | "answer-refused"
  /** A head lacks the witnesses, or index verifiers, of the trust file. */
  | "unwitnessed"
  /** The newest head is older, or smaller, than it may be. */
  | "stale"
  /** The index is further behind its log than it may be. */
  | "index-behind"
  /** A witness or an index verifier does not stand beside new heads any more. */
  | "witness-lost"
  /** Something could not be checked: silence is no answer. */
  | "unchecked"
  /** A channel does not take alerts, or a heartbeat does not arrive. */
  | "channel-failing";

const OWN_KINDS: Readonly<Record<OwnKind, Severity>> = {
  test: "info",
  statement: "info",
  ended: "info",
  opaque: "warning",
  "not-signed-by-us": "critical",
  "list-rewritten": "critical",
  "answer-refused": "critical",
  unwitnessed: "warning",
  stale: "warning",
  "index-behind": "warning",
  "witness-lost": "warning",
  unchecked: "warning",
  "channel-failing": "warning",
};

/** Evidence that accuses nobody is a warning: somebody has to look. */
const ACCUSES_NOBODY: ReadonlySet<EvidenceKind> = new Set<EvidenceKind>([
  "irreproducible",
  "builders-disagree",
  "ref-moved",
  "sha1-collision",
]);

export type AlertKind = EvidenceKind | OwnKind;

export const ALERT_KINDS: readonly AlertKind[] = [...EVIDENCE_KINDS, ...ownKinds()];

/** What was found, before it has its place among the alerts of a monitor. */
export interface Finding {
  /** SHA-256 over what it is about, hex. */
  readonly id: string;
  readonly kind: AlertKind;
  readonly severity: Severity;
  /** The log; absent where the alert is about the monitor itself. */
  readonly origin?: string;
  /** What it is about: a key, a repository, a witness. Printable, one line. */
  readonly subject: string;
  /** What happened, in one sentence. Printable, one line. */
  readonly message: string;
  /** What was seen: `index`, `size`, `key` …. Printable. */
  readonly seen: Readonly<Record<string, string | number>>;
  /** The file that shows it to others, where there is one. */
  readonly evidence?: string;
}

export interface Alert extends Finding {
  /** 1, 2, 3 … without gaps, in the order of one monitor's findings. */
  readonly number: number;
  /** Seconds since 1970, when it was first seen. */
  readonly firstSeen: number;
}

/**
 * Where alerts go. `deliver` resolves when all of them are durable in the outbox, whatever becomes
 * of each channel afterwards. After a crash the same alerts are delivered again, with the same
 * numbers and ids: a sink that keeps the highest number it has made durable takes each once.
 */
export interface AlertSink {
  deliver(alerts: readonly Alert[]): Promise<void>;
}

/** What a finding is about, and how it is told. Strangers' texts may be in any of it. */
export interface Told {
  readonly kind: AlertKind;
  readonly origin?: string;
  readonly subject: string;
  readonly message: string;
  /** Tells this finding from every other of its kind, log and subject. */
  readonly about: readonly (string | number)[];
  readonly seen?: Readonly<Record<string, string | number>>;
  readonly evidence?: string;
}

export function makeFinding(sha256: Sha256, told: Told): Finding {
  const { kind, origin, subject, message, about, seen = {}, evidence } = told;
  const named: JsonValue = ["countersign-alert/v1", kind, origin ?? "", subject, ...about].map(
    (part) => (typeof part === "string" ? part.toWellFormed() : part),
  );
  const shown = new Map<string, string | number>();
  for (const [name, value] of Object.entries(seen))
    shown.set(name, typeof value === "string" ? printable(value) : value);
  return {
    id: toHex(hashOf(sha256, named)),
    kind,
    severity: severityOf(kind),
    ...(origin === undefined ? {} : { origin }),
    subject: printable(subject),
    message: printable(message),
    seen: Object.fromEntries(shown),
    ...(evidence === undefined ? {} : { evidence }),
  };
}

function hashOf(sha256: Sha256, value: JsonValue): Hash {
  return sha256(canonicalJson(value));
}

function severityOf(kind: AlertKind): Severity {
  if (isOwn(kind)) return OWN_KINDS[kind];
  return ACCUSES_NOBODY.has(kind) ? "warning" : "critical";
}

/** Only a log that misbehaves, or its index, makes such an alert necessary. */
export function accusesLog(kind: AlertKind): boolean {
  return severityOf(kind) === "critical" && !ACCUSES_SOMEBODY_ELSE.has(kind);
}

const ACCUSES_SOMEBODY_ELSE: ReadonlySet<AlertKind> = new Set<AlertKind>([
  "not-signed-by-us",
  "equivocation",
]);

function isOwn(kind: AlertKind): kind is OwnKind {
  return Object.hasOwn(OWN_KINDS, kind);
}

function ownKinds(): readonly OwnKind[] {
  return Object.keys(OWN_KINDS).filter((name): name is OwnKind => Object.hasOwn(OWN_KINDS, name));
}

/** An alert as one line of JSON, without its line end. */
export function formatAlert({ number, firstSeen, ...finding }: Alert): string {
  return JSON.stringify({ number, ...finding, firstSeen });
}

/** An alert out of a file that a monitor wrote. */
export function readAlert(value: JsonValue, path: string): Result<Alert> {
  return readFields(value, path, (fields) => {
    fields.only(...FIELDS);
    const origin = fields.optional("origin", (name) => fields.string(name));
    const evidence = fields.optional("evidence", (name) => fields.string(name));
    return {
      number: fields.integer("number", { min: 1 }),
      id: toHex(fields.hex("id", 32)),
      kind: fields.oneOf("kind", ALERT_KINDS),
      severity: fields.oneOf("severity", SEVERITIES),
      ...(origin === undefined ? {} : { origin }),
      subject: fields.string("subject"),
      message: fields.string("message"),
      seen: readSeen(fields.object("seen")),
      ...(evidence === undefined ? {} : { evidence }),
      firstSeen: fields.integer("firstSeen"),
    };
  });
}

function readSeen(fields: Fields): Alert["seen"] {
  const seen = new Map<string, string | number>();
  for (const name of Object.keys(fields.raw)) {
    const value = fields.value(name);
    seen.set(name, typeof value === "number" ? value : fields.string(name));
  }
  return Object.fromEntries(seen);
}
