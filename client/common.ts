/**
 * The public names of the client that need no particular platform. `index.ts` and `browser.ts`
 * add what is their own.
 *
 * Three questions are answered, each with data: {@link verifyReceipt}, {@link verifyCommit},
 * {@link verifyArtifact}; {@link askLookup} for everything that a log has of something; and
 * {@link verifyEvidence} for the other side. Whatever could not be
 * asked is thrown as {@link LogError}.
 *
 * @module
 */
export {
  ERRORS,
  type ErrorCode,
  type ErrorDetail,
  LogError,
  type Result,
} from "../schema/error.ts";
export {
  type Evidence,
  type EvidenceKind,
  formatEvidence,
  parseEvidence,
} from "../schema/evidence.ts";
export type { Submission } from "../schema/http/messages.ts";
export { supersededKey } from "../schema/index/contradiction.ts";
export { CURRENT_INDEX, type Generation } from "../schema/index/generation.ts";
export type { Lookup, LookupKey } from "../schema/index/lookup.ts";
export { formatReceipt, parseReceipt, type Receipt } from "../schema/receipt.ts";
export type { Crypto } from "./crypto/crypto.ts";
export {
  type Accused,
  type EvidenceRefusal,
  type EvidenceVerdict,
  verifyEvidence,
} from "./evidence.ts";
export { type HttpOptions, httpTransport, type Transport } from "./fetch.ts";
export {
  type AskPorts,
  askWitnesses,
  compareWitnesses,
  type Gossiped,
  type Shown,
  type WitnessServer,
  witnessServers,
} from "./gossip.ts";
export { type Head, openHead, type SignedHead } from "./head.ts";
export { LogReader, type ReadEntry, type ReadPorts } from "./log.ts";
export { type Asked, type AskPorts as LookupAskPorts, askLookup } from "./lookup/ask.ts";
export type { LookedUp } from "./lookup/entries.ts";
export { explainLookupRefusal } from "./lookup/explain.ts";
export { type EndsPorts, ownKeys, readIndexEnds, withEnds } from "./lookup/index-ends.ts";
export {
  artifactKeys,
  commitKeys,
  refKeys,
  signerKeys,
  statementKeys,
  subjectKey,
  tagKeys,
} from "./lookup/keys.ts";
export { type Pinned, readLockFile } from "./lookup/lock-files.ts";
export { type OfflinePorts, openLookup } from "./lookup/offline.ts";
export {
  type Complete,
  type KeyReport,
  type LookupReport,
  type OpaqueReport,
  reportLookup,
} from "./lookup/report.ts";
export {
  type Found,
  type LookupRefusal,
  type LookupVerdict,
  type LookupYes,
} from "./lookup/verdict.ts";
export { verifyLookup } from "./lookup/verify.ts";
export { type Memory, type RememberedHead, volatileMemory } from "./memory.ts";
export { openPromise, type SignedPromise } from "./promise.ts";
export {
  CLOCK_TOLERANCE_SECONDS,
  type Cosigned,
  FRESH_SECONDS,
  type Freshness,
  freshness,
  type TooFew,
  type Witnessed,
  type WitnessPolicy,
  type WitnessTrust,
} from "./quorum.ts";
export { type Redeemed, redeem, twoPromises } from "./redeem.ts";
export type {
  HardwareEvidence,
  SignatureReason,
  SignerEvidence,
} from "./signature/kind.ts";
export { type Submitted, submit, submitOrPromise } from "./submit.ts";
export { type BatchEvent, type BatchOptions, submitBatch } from "./submit-batch.ts";
export {
  logOf,
  type Person,
  parseTrust,
  personOf,
  type Question,
  type Role,
  type Rule,
  type Trust,
  type TrustedLog,
} from "./trust.ts";
export { fetchHead, type LogPorts, type Observed, observe, update } from "./update.ts";
export { type AskedArtifact, verifyArtifact } from "./verify/artifact.ts";
export { type AskedCommit, verifyCommit } from "./verify/commit.ts";
export { type CompletePorts, type Subject, verifyComplete } from "./verify/complete.ts";
export { explain, explainReason, explainRefusal } from "./verify/explain.ts";
export { type FreshPorts, verifyFresh } from "./verify/fresh.ts";
export {
  type ReceiptFile,
  receiptHead,
  toTlogProof,
  type VerifyPorts,
  verifyReceipt,
} from "./verify/receipt.ts";
export type {
  ArtifactYes,
  CheckedReceipt,
  CommitYes,
  ComparedHead,
  Comparison,
  Completeness,
  CompletenessReason,
  Counted,
  FreshHead,
  FreshRefusal,
  LookupFailure,
  No,
  NotCounted,
  NotCountedReason,
  ReceiptRefusal,
  ReceiptYes,
  Refusal,
  RuleRefusal,
  Verdict,
} from "./verify/verdict.ts";
