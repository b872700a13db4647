/**
 * The agreement: formats and rules, as pure functions over bytes. Whoever writes a second
 * client, a mirror or a monitor needs this room and nothing else; SHA-256 is passed in.
 *
 * `docs/formats.md` is the same agreement in words, with vectors.
 *
 * @module
 */

// Bytes, errors, limits.
export { fromBase64, fromHex, toBase64, toHex } from "./bytes.ts";
export type { CheckedEntry } from "./entry/check.ts";
export { checkLeaf, leafSignerId } from "./entry/check.ts";
// Entries.
export { pae, parseEnvelope, parsePae } from "./entry/dsse.ts";
export type { CountersignLeaf, HashedrekordLeaf, Leaf } from "./entry/leaf.ts";
export { encodeLeaf, leafContentDigest, parseLeaf } from "./entry/leaf.ts";
export type { LogStatement } from "./entry/log-statement.ts";
export {
  formatLogStatement,
  LOG_FORMAT_VERSION,
  LOG_PAYLOAD_TYPE,
  parseLogStatement,
  speaksForItself,
} from "./entry/log-statement.ts";
export { countPostings } from "./entry/postings.ts";
export type { PreparedEntry } from "./entry/prepare.ts";
export { prepareSubmission } from "./entry/prepare.ts";
export type { Reading, ReadingContext, ReadingKind } from "./entry/reading.ts";
export { MEDIA_TYPES, NAMESPACES, readContent } from "./entry/reading.ts";
export type { Sshsig } from "./entry/sshsig.ts";
export { armor, dearmor, formatSshsig, parseSshsig, signedData } from "./entry/sshsig.ts";
export type { Statement, Subject } from "./entry/statement.ts";
export { IN_TOTO_PAYLOAD_TYPE, parseStatement, STATEMENT_TYPE } from "./entry/statement.ts";
export type { ErrorCode, ErrorDetail, Failure, Result } from "./error.ts";
export { ERRORS, LogError, unwrap } from "./error.ts";
// Files.
export type { Evidence, EvidenceKind } from "./evidence.ts";
export {
  EVIDENCE_MEDIA_TYPE,
  EVIDENCE_SUFFIX,
  formatEvidence,
  parseEvidence,
} from "./evidence.ts";
// Git.
export type { GitHash, GitObject, GitSignature } from "./git/object.ts";
export { gitObjectId, parseGitObject, rebuildGitObject } from "./git/object.ts";
// The interface over HTTP.
export type {
  BatchEnd,
  BatchLine,
  EntryAnswer,
  Problem,
  Submission,
  SubmitAnswer,
  TransparencyLogEntry,
} from "./http/messages.ts";
export * as paths from "./http/paths.ts";
export { parseSubmission } from "./http/submission.ts";
// The index.
export type { Contradiction, Said } from "./index/contradiction.ts";
export { contradiction, SLOT_TYPES, saidIn, supersededKey } from "./index/contradiction.ts";
export type { Generation } from "./index/generation.ts";
export { CURRENT_INDEX, GENERATIONS, INDEX_V1, indexOrigin } from "./index/generation.ts";
export type { IndexLeaf } from "./index/index-leaf.ts";
export { encodeIndexLeaf, parseIndexLeaf } from "./index/index-leaf.ts";
export type { Lookup, LookupAnswer, LookupEntry, LookupKey } from "./index/lookup.ts";
export {
  formatLookup,
  formatLookupKey,
  LOOKUP_MEDIA_TYPE,
  LOOKUP_SUFFIX,
  MAX_LISTED,
  MAX_LOOKUP_BYTES,
  MAX_LOOKUP_KEYS,
  parseLookup,
  readLookupKey,
} from "./index/lookup.ts";
export { verifyMap } from "./index/map.ts";
export type { KeyField, KeyType } from "./index/map-key.ts";
export { claimValue, KEY_TYPES, mapKey } from "./index/map-key.ts";
export { MAPFN_V1, mapfn } from "./index/mapfn.ts";
export type { Posting } from "./index/posting.ts";
export { encodePostings, parsePostings } from "./index/posting.ts";
export type { Superseding } from "./index/supersedes.ts";
export { whatStands } from "./index/supersedes.ts";
// JSON.
export type { JsonObject, JsonValue } from "./json.ts";
export { canonicalJson, parseJson } from "./json.ts";
// Keys.
export type { CarriedKey, KeyContainer } from "./key/certificate.ts";
export { certificateKey, certificateSpki, readCarriedKey } from "./key/certificate.ts";
export type { KeyDetails, KeyDetailsName, SignatureAlgorithm } from "./key/key-details.ts";
export { detailsFor, KEY_DETAILS } from "./key/key-details.ts";
export { signerId } from "./key/signer-id.ts";
export type { PublicKey } from "./key/spki.ts";
export { encodeSpki, parseSpki } from "./key/spki.ts";
export type { SshPublicKey } from "./key/ssh-key.ts";
export { formatSshKeyLine, parseSshKey, parseSshKeyLine, sshFingerprint } from "./key/ssh-key.ts";
export * as limits from "./limits.ts";
// Statements.
export type { BuildResult } from "./predicate/build-result.ts";
export { BUILD_RESULT_TYPE, inputsDigest } from "./predicate/build-result.ts";
export type { CommitReview } from "./predicate/commit-review.ts";
export { COMMIT_REVIEW_TYPE } from "./predicate/commit-review.ts";
export type { RefUpdate } from "./predicate/ref-update.ts";
export { REF_UPDATE_TYPE } from "./predicate/ref-update.ts";
export type { KnownPredicate } from "./predicate/registry.ts";
export { KNOWN_PREDICATE_TYPES } from "./predicate/registry.ts";
export type { Release } from "./predicate/release.ts";
export { RELEASE_TYPE } from "./predicate/release.ts";
export type { SlsaProvenance } from "./predicate/slsa-provenance.ts";
export { SLSA_PROVENANCE_TYPE } from "./predicate/slsa-provenance.ts";
export type { LogEntry, Receipt } from "./receipt.ts";
export {
  formatLogEntry,
  formatReceipt,
  parseLogEntry,
  parseReceipt,
  RECEIPT_MEDIA_TYPE,
  RECEIPT_SUFFIX,
} from "./receipt.ts";
// The log: hashes, trees, proofs, tiles, notes.
export {
  decodeBundle,
  decodeContentTile,
  encodeBundle,
  encodeContentTile,
} from "./tlog/bundle.ts";
export type { Checkpoint } from "./tlog/checkpoint.ts";
export { formatCheckpoint, parseCheckpoint } from "./tlog/checkpoint.ts";
export type { Hash, Sha256 } from "./tlog/hash.ts";
export { asHash, emptyRoot, leafHash, nodeHash } from "./tlog/hash.ts";
export type { Note, NoteSignature, SignatureType, Vkey } from "./tlog/note.ts";
export {
  formatNote,
  formatVkey,
  keyHash,
  keyId,
  parseNote,
  parseVkey,
  SIGNATURE_TYPES,
} from "./tlog/note.ts";
export type { PromiseParts } from "./tlog/promise.ts";
export { formatPromise, parsePromise } from "./tlog/promise.ts";
export type { TreeHead } from "./tlog/proof.ts";
export {
  foldConsistency,
  proveConsistency,
  proveInclusion,
  verifyConsistency,
  verifyInclusion,
} from "./tlog/proof.ts";
export type { Policy, PolicyGroup, PolicyLog, PolicyMember, PolicyWitness } from "./tlog/quorum.ts";
export { hasQuorum, quorumWitnesses, satisfied, splitsInTwo, witnessesOf } from "./tlog/quorum.ts";
export type { Tile, TileAddress } from "./tlog/tile.ts";
export { parseTilePath, TILE_WIDTH, tilePath } from "./tlog/tile.ts";
export { formatPolicy, parsePolicy } from "./tlog/tlog-policy.ts";
export type { TlogProof } from "./tlog/tlog-proof.ts";
export { formatTlogProof, parseTlogProof } from "./tlog/tlog-proof.ts";
export type { AddCheckpoint } from "./tlog/tlog-witness.ts";
export {
  ADD_CHECKPOINT_PATH,
  formatAddCheckpoint,
  formatTlogSize,
  parseAddCheckpoint,
  parseTlogSize,
  TLOG_SIZE_TYPE,
  witnessedCheckpointPath,
} from "./tlog/tlog-witness.ts";
export { CompactRange } from "./tlog/tree.ts";
