/**
 * A verdict in words, for a terminal.
 *
 * The first line is the answer; the lines below say whom it stands on, what was not compared, and
 * which receipts did not help. Texts of strangers are shown without control characters.
 *
 * @module
 */
import { toHex } from "../../schema/bytes.ts";
import { explainLookupRefusal, keyText } from "../lookup/explain.ts";
import { printable } from "../printable.ts";
import type { Witnessed } from "../quorum.ts";
import { timeText } from "../time-text.ts";
import type {
  ArtifactYes,
  CommitYes,
  ComparedHead,
  Completeness,
  CompletenessReason,
  Counted,
  FreshHead,
  NotCountedReason,
  ReceiptYes,
  Refusal,
  Verdict,
} from "./verdict.ts";

/** Lines without a final LF. The first begins with "yes" or "no". */
export function explain(verdict: Verdict): string {
  if (!verdict.ok) {
    const lines = [`no: ${explainRefusal(verdict.refusal)}`];
    return [...lines, ...setAside(verdict.notCounted)].join("\n");
  }
  const body = verdict.question === "receipt" ? receiptLines(verdict) : subjectLines(verdict);
  const fresh = freshLines(verdict.fresh ?? []);
  const complete = completenessLines(verdict.completeness);
  return [...body, ...verdict.heads.flatMap(headLines), ...fresh, ...complete].join("\n");
}

/** Why the answer is no, in one sentence without its full stop. */
export function explainRefusal(refusal: Refusal): string {
  switch (refusal.code) {
    case "RECEIPT_MALFORMED":
      return `the receipt is malformed: ${printable(refusal.message)}`;
    case "LOG_UNKNOWN":
      return "the receipt is of a log that the trust file does not name";
    case "CHECKPOINT_REFUSED":
      return `the checkpoint of ${refusal.origin} has no signature to trust: ${printable(refusal.message)}`;
    case "RECORD_CONTRADICTS":
      return `${refusal.field} is not what the signed checkpoint says`;
    case "NOT_INCLUDED":
      return `the log's tree of ${refusal.tree.size} entries does not have this leaf at index ${refusal.index}`;
    case "WITNESSES_TOO_FEW":
      return `the head of ${refusal.origin} at ${refusal.size} entries is witnessed by ${refusal.have.join(", ") || "nobody"}; the trust file asks for ${refusal.need}`;
    case "HEAD_TOO_OLD":
      return `the newest head of ${refusal.origin} (${refusal.size} entries) ${tooOld(refusal.seenAt, refusal.boundSeconds)}`;
    case "LEAF_REFUSED":
      return `the entry breaks the rules of its kind: ${printable(refusal.message)}`;
    case "CONTENT_MISSING":
      return `the receipt does not bring what was signed (sha256:${toHex(refusal.digest)})`;
    case "OTHER_CONTENT":
      return `the receipt is about something else: sha256:${toHex(refusal.logged)}, not sha256:${toHex(refusal.asked)}`;
    case "SIGNATURE_REFUSED":
      return `the signature is refused: ${refusal.reason} (${refusal.field}: ${printable(refusal.message)})`;
    case "LOG_FORKED": {
      const isEntry = refusal.evidence.kind === "wrong-entry";
      const what = isEntry ? "has two entries at one place" : "has signed two histories";
      return `the log ${refusal.origin} ${what}; keep the evidence`;
    }
    case "SUBJECT_MALFORMED":
      return refusal.message;
    case "RULE_MISSING":
      return `the trust file has no rule for = "${refusal.question}"`;
    case "AUTHOR_MISSING":
      return `no receipt shows that an author of the trust file signed commit ${refusal.commit}`;
    case "REJECTED":
      return `${refusal.by} has rejected it (${printable(refusal.file)})`;
    case "REVIEWERS_TOO_FEW":
      return `${people(refusal.need, "reviewer")} needed who ${refusal.need === 1 ? "is" : "are"} not the author; there ${names(refusal.have)}`;
    case "BUILDERS_TOO_FEW":
      return `${people(refusal.need, "builder")} needed who ${refusal.need === 1 ? "agrees" : "agree"}; there ${names(refusal.have)}`;
    case "COMMIT_UNNAMED":
      return "no builder says which commit this was built from";
    case "RELEASE_MISSING":
      return "no maintainer of the trust file has released this artifact";
    case "LOOKUP_REFUSED":
      return `what ${refusal.origin} answers is not proved: ${explainLookupRefusal(refusal.refusal)}`;
    case "INDEX_STALE":
      return `the index of ${refusal.origin} is shown with ${refusal.shown} leaves, and this machine has seen ${refusal.remembered}; it may lag`;
    case "LOOKUP_MISSING":
      return `no look-up at hand shows everything that ${refusal.origin} has under ${keyText(refusal.key)}`;
    case "NOT_INDEXED":
    case "NOT_LOOKED_UP":
    case "OPAQUE":
    case "SUPERSEDED":
    case "EQUIVOCATES":
    case "INDEX_OMITS":
      return `it ${explainCompleteness(refusal)}`;
  }
}

/** Why the log's index is against a statement, after the name of the receipt. */
function explainCompleteness(reason: CompletenessReason): string {
  switch (reason.code) {
    case "NOT_INDEXED":
      return `is not indexed yet: the index ends at ${reason.size} entries`;
    case "NOT_LOOKED_UP":
      return `cannot be called complete: no look-up at hand shows ${keyText(reason.key)}`;
    case "OPAQUE":
      return "is indexed by its digest alone, under none of its names";
    case "SUPERSEDED":
      return `was taken back by entry ${reason.by.join(", ")}`;
    case "EQUIVOCATES":
      return `is contradicted by its own signer: entries ${reason.index} and ${reason.other} promise two things in one ${reason.slot}`;
    case "INDEX_OMITS":
      return `is left out by the index of ${reason.origin}: entry ${reason.index} is not under ${keyText(reason.key)}`;
  }
}

/** Why a receipt did not help, in a few words. */
export function explainReason(reason: NotCountedReason): string {
  switch (reason.code) {
    case "NO_CLAIM":
      return "says nothing that a rule asks for";
    case "OTHER_SUBJECT":
      return "is about something else";
    case "OTHER_LOG":
      return "is meant for another log";
    case "SIGNER_UNKNOWN":
      return `is signed by nobody in the trust file (signer id ${toHex(reason.signerId)})`;
    case "PLATFORM_KEY":
      return `is signed by the platform ${reason.person}, which never counts`;
    case "ROLE_MISSING":
      return `${reason.person} does not have the role ${reason.role}`;
    case "OWN_COMMIT":
      return `${reason.person} is the author, and does not review their own commit`;
    case "RETIRED":
      return `${reason.person} has taken it back`;
    case "NOT_AN_APPROVAL":
      return `${reason.person} does not approve`;
    case "CONTRADICTS_ITSELF":
      return `${reason.person} says two different digests of one output`;
    case "OTHER_OUTPUT":
      return `${reason.person} got something else than the others`;
    case "NOT_INDEXED":
    case "NOT_LOOKED_UP":
    case "OPAQUE":
    case "SUPERSEDED":
    case "EQUIVOCATES":
    case "INDEX_OMITS":
      return explainCompleteness(reason);
    case "RECEIPT_MALFORMED":
    case "LOG_UNKNOWN":
    case "CHECKPOINT_REFUSED":
    case "RECORD_CONTRADICTS":
    case "NOT_INCLUDED":
    case "WITNESSES_TOO_FEW":
    case "LEAF_REFUSED":
    case "CONTENT_MISSING":
    case "OTHER_CONTENT":
    case "SIGNATURE_REFUSED":
    case "LOG_FORKED":
      return explainRefusal(reason);
  }
}

function receiptLines({ receipt }: ReceiptYes): string[] {
  const { head, index, reading, signer, person } = receipt;
  const who = person ?? "a key that the trust file does not name";
  return [
    `yes: entry ${index} of ${head.origin} (${printable(reading.mediaType)})`,
    `  signed by ${who} (${signer.keyType}, signer id ${toHex(signer.signerId)})${hardware(signer)}`,
  ];
}

function subjectLines(verdict: CommitYes | ArtifactYes): string[] {
  const what =
    verdict.question === "commit"
      ? `commit ${verdict.commit}`
      : `${verdict.question} sha256:${toHex(verdict.digest)}`;
  const from =
    verdict.question !== "commit" && verdict.commit !== undefined
      ? [`  from     commit ${verdict.commit}`]
      : [];
  const maintainer = verdict.question === "commit" ? undefined : verdict.maintainer;
  return [
    `yes: ${what} meets the rule`,
    ...from,
    ...(maintainer === undefined ? [] : [countedLine("released", maintainer)]),
    ...(verdict.author === undefined ? [] : [countedLine("author  ", verdict.author)]),
    ...verdict.reviewers.map((reviewer) => countedLine("reviewed", reviewer)),
    ...verdict.builders.map((builder) => countedLine("built   ", builder)),
    ...setAside(verdict.notCounted),
  ];
}

function countedLine(role: string, by: Counted): string {
  return `  ${role} ${by.person}: entry ${by.index} of ${by.origin} (${by.signer.keyType}${hardware(by.signer)})`;
}

function hardware(signer: Counted["signer"]): string {
  if (signer.hardware === undefined) return "";
  const { userPresent, userVerified } = signer.hardware;
  const how = userVerified ? " with PIN" : userPresent ? "" : " that nobody touched";
  return `, security key${how}`;
}

function headLines({ origin, tree, comparison, witnessed }: ComparedHead): string[] {
  const head = `  head     ${origin} at ${tree.size}, ${witnessText(witnessed)}`;
  if (comparison.state === "same as remembered") return [`${head}: the one remembered`];
  const { remembered } = comparison;
  const why = remembered === undefined ? "nothing is remembered" : `${remembered} is remembered`;
  return [`${head}: not compared (${why}; update --receipts does it)`];
}

/** Who stands beside a head, and what their times say about the entries under it. */
export function witnessText(witnessed: Witnessed): string {
  if (witnessed.state === "not asked") return "no witness was asked for";
  const { by, existedBefore } = witnessed;
  const when = existedBefore === undefined ? "" : `, existed before ${timeText(existedBefore)}`;
  return `witnessed by ${by.join(", ")}${when}`;
}

/** Why a head is too old, after "the newest head". */
export function tooOld(seenAt: number | undefined, boundSeconds: number): string {
  const when =
    seenAt === undefined
      ? "was seen by no quorum of witnesses at any time that is past"
      : `was last seen by a quorum of witnesses at ${timeText(seenAt)}`;
  return `${when}; the trust file allows ${boundSeconds} seconds`;
}

function completenessLines(completeness: Completeness): string[] {
  if (completeness.state === "not asked")
    return ["  completeness not asked: what was left out cannot be missed"];
  return [
    ...completeness.logs.map(
      ({ origin, size, at, verified }) =>
        `  complete ${origin} up to ${size} entries${at === undefined ? "" : ` at ${timeText(at)}`}, ${
          verified.state === "quorum"
            ? `map executed by ${verified.by.join(", ")}`
            : "map unverified"
        }`,
    ),
    ...completeness.opaque.map(
      ({ signerId, person, n }) =>
        `  opaque   ${person ?? `the key ${toHex(signerId)}`} also signed ${n} ${n === 1 ? "thing" : "things"} nobody can read`,
    ),
  ];
}

function freshLines(fresh: readonly FreshHead[]): string[] {
  return fresh.map(
    ({ origin, size, seenAt }) =>
      `  newest   ${origin} at ${size}, seen by a quorum of witnesses at ${timeText(seenAt)}`,
  );
}

function setAside(
  notCounted: readonly { readonly file: string; readonly reason: NotCountedReason }[],
): string[] {
  return notCounted.map(
    ({ file, reason }) => `  not counted: ${printable(file)} ${explainReason(reason)}`,
  );
}

function people(count: number, role: string): string {
  return count === 1 ? `1 ${role} is` : `${count} ${role}s are`;
}

function names(have: readonly string[]): string {
  if (have.length === 0) return "is none";
  return have.length === 1 ? `is ${have.join("")}` : `are ${have.join(", ")}`;
}
