/**
 * Is that all? What receipts at hand cannot say: whoever hands them over may leave one out.
 *
 * The logs that an answer stands on are asked for everything they have about the question, with
 * proof. What they bring is judged together with the receipts at hand, so that a rejection which was
 * kept back counts; and each statement that helps is held against the index by its own names
 * (`lookups.ts`).
 *
 * Two look-ups of a log are enough: the first by the question and the receipts at hand, the second
 * also by what the first has brought. What a log gets in between is for the next answer.
 *
 * Spec: docs/formats.md §Index.
 *
 * @module
 */
import { fromHex, toHex } from "../../schema/bytes.ts";
import type { LookupKey } from "../../schema/index/lookup.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import type { Head } from "../head.ts";
import type { Asked } from "../lookup/ask.ts";
import { nameOf } from "../lookup/entries.ts";
import { artifactKeys, commitKeys } from "../lookup/keys.ts";
import { Lookups } from "../lookup/lookups.ts";
import { openLookup } from "../lookup/offline.ts";
import { completeOf, opaqueReports } from "../lookup/report.ts";
import {
  type LacksQuorum,
  type LookupRefusal,
  type LookupYes,
  lacksQuorum,
} from "../lookup/verdict.ts";
import { withoutQuorums } from "../lookup/verify.ts";
import type { TrustedLog } from "../trust.ts";
import { type Claim, readClaims } from "./claims.ts";
import { checkReceipt, type ReceiptFile, type VerifyPorts } from "./receipt.ts";
import type { CheckedReceipt, No, Refusal, Verdict } from "./verdict.ts";

/** What is asked about. */
export type Subject =
  | { readonly kind: "receipt"; readonly file: ReceiptFile; readonly content?: Uint8Array }
  | { readonly kind: "commit"; readonly commit: string }
  | { readonly kind: "artifact"; readonly digest: Hash };

export interface CompletePorts {
  readonly verify: VerifyPorts;
  /**
   * Everything that a log has under some keys, entries included. Answered by files, it may have
   * other keys than these.
   */
  readonly lookUp: (log: TrustedLog, keys: readonly LookupKey[]) => Promise<readonly Asked[]>;
  /** Seconds since 1970, by our own clock. */
  readonly now: () => number;
}

type Ask = (ports: VerifyPorts, files: readonly ReceiptFile[]) => Promise<Verdict>;

/** Rounds of look-ups: by what is at hand, and by what the first one brings. */
const ROUNDS = 2;

/**
 * Ask by the receipts at hand, then look everything up, and ask again.
 *
 * @throws {LogError} what `lookUp` throws: `UNREACHABLE` where a log cannot be asked.
 */
export async function verifyComplete(
  ports: CompletePorts,
  subject: Subject,
  files: readonly ReceiptFile[],
  ask: Ask,
): Promise<Verdict> {
  const first = await ask(ports.verify, files);
  if (!first.ok) return first;
  const no = (refusal: Refusal): No => {
    const { question } = first;
    return { ok: false, question, refusal, notCounted: [] };
  };
  let lookups = await Lookups.open(ports.verify, []);
  let lack: Lack | undefined;
  const newest = new Map<string, Head>();
  for (let round = 0; round < ROUNDS; round++) {
    const wanted = await keysByLog(ports, subject, [...files, ...lookups.files], lookups);
    const answers: LookupYes[] = [];
    for (const { log, keys } of wanted)
      for (const asked of await ports.lookUp(log, keys)) {
        if (asked.state !== "answered") {
          const lacking = await lackOf(ports.verify, asked);
          if (lacking === undefined) return no(failureOf(log.origin, asked));
          lack ??= lacking;
          answers.push(lacking.answer);
          continue;
        }
        answers.push(asked.answer);
        if (asked.newest !== undefined) newest.set(log.origin, asked.newest);
      }
    lookups = await Lookups.open(ports.verify, answers);
  }
  const complete = { against: (receipt: CheckedReceipt) => lookups.against(receipt) };
  const all = subject.kind === "receipt" ? files : [...files, ...lookups.files];
  const verdict = await ask({ ...ports.verify, complete }, all);
  const omitted = leftOut(verdict);
  if (omitted !== undefined) return lack === undefined ? omitted : withBoth(omitted, lack);
  if (lack !== undefined) return no(refusedBy(lack.answer.origin, lack.refusal));
  if (!verdict.ok) return verdict;
  const missing = await unproven(ports, subject, all, lookups);
  if (missing !== undefined) return no(missing);
  const now = ports.now();
  return {
    ...verdict,
    completeness: {
      state: "complete",
      logs: lookups.answers.map((one) => completeOf(one, newest.get(one.origin), now)),
      opaque: opaqueReports(
        ports.verify.trust,
        lookups.answers.flatMap(({ found }) => found),
      ),
    },
  };
}

/** An answer without its quorum: read on by the log's word alone, it can only accuse. */
interface Lack {
  readonly refusal: LacksQuorum;
  readonly answer: LookupYes;
}

/** `undefined` where the answer is refused for anything else, or by the log's word alone as well. */
async function lackOf(
  { crypto, trust }: VerifyPorts,
  asked: Exclude<Asked, { readonly state: "answered" }>,
): Promise<Lack | undefined> {
  if (asked.state !== "refused" || !lacksQuorum(asked.refusal)) return undefined;
  const logs = trust.logs.map(withoutQuorums);
  const opened = await openLookup({ crypto, trust: { ...trust, logs } }, asked.bytes);
  return opened.state === "answered"
    ? { refusal: asked.refusal, answer: opened.answer }
    : undefined;
}

type Omitted = No & { readonly refusal: Extract<Refusal, { readonly code: "INDEX_OMITS" }> };

/** That too few stand beside the index, and that it leaves an entry out. */
function withBoth(omitted: Omitted, lack: Lack): No {
  const { origin, key, index } = omitted.refusal;
  if (origin !== lack.answer.origin) return omitted;
  const besides = { code: "FALSE_POSTING", how: "omits", key, index } as const;
  const refusal = { ...lack.refusal, besides };
  return { ...omitted, refusal: refusedBy(origin, refusal) };
}

/** An index that leaves something out is the reason of a no, whatever was found besides. */
function leftOut(verdict: Verdict): Omitted | undefined {
  const notCounted = "notCounted" in verdict ? verdict.notCounted : [];
  const refusal = notCounted.find(({ reason }) => reason.code === "INDEX_OMITS")?.reason;
  if (refusal?.code !== "INDEX_OMITS") return undefined;
  return { ok: false, question: verdict.question, refusal, notCounted };
}

function failureOf(origin: string, asked: Exclude<Asked, { readonly state: "answered" }>): Refusal {
  switch (asked.state) {
    case "forked":
      return { code: "LOG_FORKED", origin: asked.origin, evidence: asked.evidence };
    case "refused":
      return refusedBy(origin, asked.refusal);
    case "stale":
      return { code: "INDEX_STALE", origin, shown: asked.shown, remembered: asked.remembered };
  }
}

function refusedBy(origin: string, refusal: LookupRefusal): Refusal {
  return { code: "LOOKUP_REFUSED", origin, refusal };
}

interface Wanted {
  readonly log: TrustedLog;
  readonly keys: readonly LookupKey[];
}

/** For each log with a statement about the question: the question's keys, and the statements'. */
async function keysByLog(
  ports: CompletePorts,
  subject: Subject,
  files: readonly ReceiptFile[],
  lookups: Lookups,
): Promise<Wanted[]> {
  const receipts = await about(ports, subject, files);
  return ports.verify.trust.logs.flatMap((log) => {
    const own = receipts.filter(({ receipt }) => receipt.head.origin === log.origin);
    if (own.length === 0) return [];
    const keys = new Map<string, LookupKey>();
    for (const key of questionKeys(subject, receipts)) keys.set(nameOf(key), key);
    for (const { receipt } of own)
      for (const key of lookups.keysOf(receipt)) keys.set(nameOf(key), key);
    return [{ log, keys: [...keys.values()] }];
  });
}

interface About {
  readonly receipt: CheckedReceipt;
  readonly claim?: Claim;
}

/** The receipts whose statements are about the question, directly or by the commit it comes from. */
async function about(
  ports: CompletePorts,
  subject: Subject,
  files: readonly ReceiptFile[],
): Promise<About[]> {
  if (subject.kind === "receipt") {
    const checked = await checkReceipt(ports.verify, subject.file, subject.content);
    return checked.ok ? [{ receipt: checked.receipt }] : [];
  }
  const { claims } = await readClaims(ports.verify, files);
  const commits = commitsOf(subject, claims);
  const digest = subject.kind === "artifact" ? toHex(subject.digest) : undefined;
  return claims
    .filter((claim) => (isOf(claim, digest) ? true : commits.has(claim.commit ?? "")))
    .map((claim) => ({ receipt: claim.receipt, claim }));
}

function commitsOf(subject: Subject, claims: readonly Claim[]): ReadonlySet<string> {
  if (subject.kind === "commit") return new Set([subject.commit]);
  const digest = subject.kind === "artifact" ? toHex(subject.digest) : undefined;
  return new Set(
    claims.filter((claim) => isOf(claim, digest)).flatMap(({ commit }) => commit ?? []),
  );
}

function isOf(claim: Claim, digest: string | undefined): boolean {
  if (claim.kind !== "build" && claim.kind !== "release") return false;
  return claim.outputs.some(({ sha256 }) => sha256 === digest);
}

function questionKeys(subject: Subject, receipts: readonly About[]): LookupKey[] {
  if (subject.kind === "receipt") return [];
  const claims = receipts.flatMap(({ claim }) => claim ?? []);
  const commits = [...commitsOf(subject, claims)].map((id) => fromHex(id) ?? new Uint8Array(0));
  return [
    ...(subject.kind === "artifact" ? artifactKeys(subject.digest) : []),
    ...commits.flatMap(commitKeys),
  ];
}

/** A part of the question itself that was not looked up, or whose entries nobody has shown. */
async function unproven(
  ports: CompletePorts,
  subject: Subject,
  files: readonly ReceiptFile[],
  lookups: Lookups,
): Promise<Refusal | undefined> {
  const receipts = await about(ports, subject, files);
  const origins = new Set(receipts.map(({ receipt }) => receipt.head.origin));
  for (const origin of origins)
    for (const key of questionKeys(subject, receipts)) {
      const found = lookups.of(origin, key);
      const shown =
        found?.kind === "absent" ||
        (found?.list?.every(({ index }) => lookups.brings(origin, index)) ?? false);
      if (!shown) return { code: "LOOKUP_MISSING", origin, key };
    }
  return undefined;
}
