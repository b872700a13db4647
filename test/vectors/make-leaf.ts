/**
 * Makes the vectors of entries: `node test/vectors/make-leaf.ts`.
 *
 * Keys and signatures are fixed, so the files come out the same every time; a test compares
 * them. What each file holds is in leaf/README.md.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { concat, latin1, toBase64, toHex, utf8 } from "../../schema/bytes.ts";
import { pae } from "../../schema/entry/dsse.ts";
import { formatLogStatement, LOG_PAYLOAD_TYPE } from "../../schema/entry/log-statement.ts";
import { type PreparedEntry, prepareSubmission } from "../../schema/entry/prepare.ts";
import { unwrap } from "../../schema/error.ts";
import { formatEvidence } from "../../schema/evidence.ts";
import { gitObjectId, parseGitObject } from "../../schema/git/object.ts";
import type { Submission } from "../../schema/http/messages.ts";
import { formatReceipt, type LogEntry } from "../../schema/receipt.ts";
import { formatCheckpoint } from "../../schema/tlog/checkpoint.ts";
import { type Hash, leafHash, nodeHash } from "../../schema/tlog/hash.ts";
import { formatNote, formatVkey, keyHash, keyId, SIGNATURE_TYPES } from "../../schema/tlog/note.ts";
import { certified } from "./certificates.ts";
import * as made from "./signers.ts";
import * as say from "./statements.ts";

const { sha256 } = nodeCrypto;
const IN_TOTO = "application/vnd.in-toto+json";
const ORIGIN = "log.example.test/vectors";

const ada = made.ed25519Signer("ada");
const bob = made.sshSigner("bob");
const eve = made.fidoSigner("eve");
const p256 = made.p256Signer("p256");
const logKey = made.ed25519Signer("log");
const log = {
  vkey: formatVkey(sha256, ORIGIN, SIGNATURE_TYPES.ed25519, logKey.spki.slice(-32)),
  publicKey: logKey.spki.slice(-32),
};
/** The log that these entries are made for. */
export const vectorLog = { origin: ORIGIN, vkey: log.vkey };
const createdAt = "2026-11-22T10:00:00Z";

type Signer = made.PlainSigner | made.SshSigner;
const inToto = (statement: say.StatementParts, ...signers: readonly Signer[]): Submission =>
  made.dsseSubmission(IN_TOTO, say.payload(statement), ...signers);
const logged = (statement: Parameters<typeof formatLogStatement>[0]): Submission =>
  made.dsseSubmission(LOG_PAYLOAD_TYPE, formatLogStatement(statement), logKey);

/** A digest that something was said about before. */
const earlier = toHex(sha256(utf8("an earlier statement")));

export const SUBMISSIONS: readonly (readonly [name: string, what: string, Submission])[] = [
  ["hashedrekord-p256-provenance", "ECDSA P-256 over a PAE: SLSA provenance v1", inToto(say.provenance(), p256)],
  ["hashedrekord-p256-raw", "ECDSA P-256 over raw bytes: a checksum file", made.rawSubmission(say.CHECKSUMS, p256)],
  ["hashedrekord-rsa-2048", "RSA PKCS #1 v1.5 over raw bytes that nobody reads", made.rawSubmission(utf8("any bytes\n"), made.rsaSigner())],
  ["hashedrekord-p256-certificate", "ECDSA P-256 over a PAE, the key in a certificate", inToto(say.provenance(), certified(p256, "ada@example.org"))],
  ["dsse-ed25519-commit-review", "Ed25519 over a PAE: commit-review", inToto(say.review(), ada)],
  ["dsse-ed25519-withdraw", "a review that withdraws an earlier one, meant for one log", inToto(say.review({ verdict: "withdraw", supersedes: earlier, log: log.vkey, seq: 1, prev: earlier }), ada)],
  ["dsse-ed25519-build-result", "Ed25519 over a PAE: build-result", inToto(say.build(), ada)],
  ["dsse-ed25519-ref-update", "Ed25519 over a PAE: ref-update", inToto(say.refUpdate(), ada)],
  ["dsse-ed25519-release", "Ed25519 over a PAE: release", inToto(say.release(), ada)],
  ["dsse-p384-unknown-predicate", "ECDSA P-384 over a PAE: a predicate that nobody reads", inToto(say.unknownStatement(), made.p384Signer("p384"))],
  ["dsse-ml-dsa-44", "ML-DSA-44 over a PAE of another payload type", made.dsseSubmission("text/plain", utf8("hello\n"), made.mlDsaSigner("ml"))],
  ["dsse-three-signers", "one envelope, three signatures, three entries over one content", inToto(say.review({ verdict: "reject" }), ada, bob, p256)],
  ["raw-ed25519-checksums", "Ed25519 over raw bytes: a checksum file", made.rawSubmission(say.CHECKSUMS, ada)],
  ["raw-ed25519-certificate", "Ed25519 over raw bytes, the key in a certificate", made.rawSubmission(say.CHECKSUMS, certified(ada, "ada@example.org"))],
  ["raw-ed25519-simple-signing", "Ed25519 over raw bytes: containers' simple signing", made.rawSubmission(say.SIMPLE_SIGNING, ada)],
  ["raw-ed25519-commit", "Ed25519 over the bytes of an unsigned commit", made.rawSubmission(utf8(say.UNSIGNED_COMMIT), ada)],
  ["raw-ed25519-empty", "Ed25519 over no bytes at all", made.rawSubmission(new Uint8Array(0), ada)],
  ["raw-door-pae", "a PAE through the raw door: format dsse all the same", made.rawSubmission(pae(IN_TOTO, say.payload(say.build())), ada)],
  ["sshsig-git-commit", "a signed git commit", made.gitSubmission(made.gitCommit(bob, say.UNSIGNED_COMMIT))],
  ["sshsig-git-tag", "a signed git tag", made.gitSubmission(made.gitTrailing(bob, say.UNSIGNED_TAG))],
  ["sshsig-git-push-certificate", "a git push certificate", made.gitSubmission(made.gitTrailing(bob, say.UNSIGNED_PUSH))],
  ["sshsig-file-fido", "SSHSIG by a FIDO key over a file that nobody reads", made.sshsigSubmission(utf8("any file\n"), eve)],
  ["sshsig-file-checksums", "SSHSIG over a checksum file", made.sshsigSubmission(say.CHECKSUMS, bob)],
  ["sshsig-key-object", "a FIDO key that is too large for its leaf", made.sshsigSubmission(utf8("any file\n"), made.fidoSigner("large", `ssh:${"x".repeat(5000)}`))],
  ["log-genesis", "entry 0 of a log", logged({ type: "genesis", log: log.vkey, createdAt, origin: ORIGIN, vkeys: [log.vkey], formatVersion: 1 })],
  ["log-config", "configuration", logged({ type: "config", log: log.vkey, createdAt, witnessPolicy: `log ${log.vkey}\nquorum none\n` })],
  ["log-erase", "an erased content", logged({ type: "erase", log: log.vkey, createdAt, digest: earlier, reason: "personal data" })],
  ["log-freeze", "the end of a log", logged({ type: "freeze", log: log.vkey, createdAt, reason: "moved", successor: log.vkey })],
  ["log-genesis-by-another-key", "the same words under another key: bytes without meaning", made.dsseSubmission(LOG_PAYLOAD_TYPE, formatLogStatement({ type: "genesis", log: log.vkey, createdAt, origin: ORIGIN, vkeys: [log.vkey], formatVersion: 1 }), ada)],
];

function entryVector(entry: PreparedEntry): object {
  const { leaf, reading, keyObject, gitObject } = entry;
  return {
    kind: leaf.kind,
    ...(leaf.kind === "countersign" && { format: leaf.signature.format }),
    leaf: latin1(entry.leafBytes),
    leafHash: toHex(entry.leafHash),
    contentDigest: toHex(entry.contentDigest),
    content: toBase64(entry.content),
    signerId: toHex(entry.signerId),
    reading: reading.kind,
    mediaType: reading.mediaType,
    ...(reading.kind === "statement" && { predicate: reading.statement.known?.kind ?? null }),
    ...(keyObject && { keyObject: toBase64(keyObject.bytes) }),
    ...(gitObject && { gitObjectId: objectId(gitObject) }),
  };
}

function objectId(raw: Uint8Array): string {
  const hash = { sha1: nodeCrypto.sha1, sha256 };
  return gitObjectId((name, bytes) => toHex(hash[name](bytes)), unwrap(parseGitObject(raw)), raw);
}

const REFUSED_STATEMENTS: readonly (readonly [string, say.StatementParts])[] = [
  ["head without tree", say.review({ head: { gitCommit: say.COMMIT } })],
  ["tree in capitals", say.review({ head: { gitCommit: say.COMMIT, gitTree: say.TREE.toUpperCase() } })],
  ["unknown verdict", say.review({ verdict: "maybe" })],
  ["withdraw of nothing", say.review({ verdict: "withdraw" })],
  ["subject is another commit", { ...say.review(), subject: [{ digest: { gitCommit: say.PARENT } }, { digest: { gitTree: say.TREE } }] }],
  ["subject without the tree", { ...say.review(), subject: [{ digest: { gitCommit: say.COMMIT } }] }],
  ["branch without refs/", say.review({ targetRef: "main" })],
  ["no such day", say.review({ reviewedAt: "2026-02-30T00:00:00Z" })],
  ["prev without seq", say.review({ prev: earlier })],
  ["a vkey whose id does not fit", say.review({ log: log.vkey.replace(/\+[0-9a-f]{8}\+/, "+00000000+") })],
  ["two inputs", say.build({ input: { gitCommit: say.COMMIT, nixDrv: "/nix/store/x.drv" } })],
  ["another inputsDigest", say.build({ inputsDigest: say.FILE_SHA256 })],
  ["output that is no subject", { ...say.build(), subject: [{ name: "tool.tar", digest: { sha256: say.OTHER_SHA256 } }] }],
  ["ref update to nothing from nothing", say.refUpdate({ old: "0".repeat(40), new: "0".repeat(40) })],
  ["mutable release", say.release({ immutable: false })],
  ["no subject", { ...say.unknownStatement(), subject: [] }],
  ["subject without digest", { ...say.unknownStatement(), subject: [{ name: "x", digest: {} }] }],
  ["unknown statement type", { ...say.unknownStatement(), _type: "https://in-toto.io/Statement/v2" }],
];

function refusals(): unknown {
  const good = say.payload(say.review());
  const doubled = concat(utf8('{"_type":"x",'), good.subarray(1));
  const commit = made.gitCommit(bob, say.UNSIGNED_COMMIT);
  const submissions: (readonly [string, Submission])[] = [
    ...REFUSED_STATEMENTS.map(([why, statement]) => [why, inToto(statement, ada)] as const),
    ["a name twice in the payload", made.dsseSubmission(IN_TOTO, doubled, ada)],
    ["payload type with a line feed", made.dsseSubmission("text/plain\n", good, ada)],
    ["key of another curve than its keyDetails", { ...made.rawSubmission(utf8("x"), ada), verifier: { ...made.verifier(ada), keyDetails: "PKIX_ECDSA_P256_SHA_256" } }],
    ["unknown keyDetails", { ...made.rawSubmission(utf8("x"), ada), verifier: { ...made.verifier(ada), keyDetails: "PKIX_ED25519_PH" } }],
    ["key with a byte after it", { ...made.rawSubmission(utf8("x"), ada), verifier: { keyDetails: ada.keyDetails, publicKey: toBase64(concat(ada.spki, new Uint8Array(1))) } }],
    ["namespace that is not read", made.sshsigSubmission(utf8("x"), bob, "mail")],
    ["git namespace without the object", made.sshsigSubmission(utf8(say.UNSIGNED_COMMIT), bob, "git")],
    ["dsse namespace over other bytes", made.sshsigSubmission(utf8("x"), bob, "dsse@countersign")],
    ["commit without a signature", made.gitSubmission(utf8(say.UNSIGNED_COMMIT))],
    ["commit signed by OpenPGP", made.gitSubmission(utf8(latin1(commit).replaceAll("SSH SIGNATURE", "PGP SIGNATURE")))],
    ["a blob", made.gitSubmission(utf8("not an object of ours\n"))],
  ];
  return submissions.map(([why, submission]) => {
    const result = prepareSubmission(sha256, submission);
    if (result.ok) throw new Error(`accepted: ${why}`);
    return { why, code: result.code, field: result.detail.field ?? null, submission };
  });
}

/** A log of two entries: the genesis, and what is asked for. */
function logEntry(entry: PreparedEntry): LogEntry {
  const [genesis] = prepared("log-genesis");
  const first = leafHash(sha256, genesis.leafBytes);
  const root = nodeHash(sha256, first, entry.leafHash);
  return {
    index: 1,
    size: 2,
    root,
    hashes: [first],
    checkpoint: checkpoint(2, root),
    leafBytes: entry.leafBytes,
    logId: keyHash(sha256, ORIGIN, SIGNATURE_TYPES.ed25519, log.publicKey),
  };
}

function checkpoint(size: number, root: Hash): string {
  const text = formatCheckpoint({ origin: ORIGIN, size, root, extensions: [] });
  const id = keyId(sha256, ORIGIN, SIGNATURE_TYPES.ed25519, log.publicKey);
  const note = { text, signatures: [{ name: ORIGIN, keyId: id, signature: logKey.sign(utf8(text)) }] };
  return decode(formatNote(note));
}

function prepared(name: string): [PreparedEntry, ...PreparedEntry[]] {
  const submission = SUBMISSIONS.find(([known]) => known === name)?.[2];
  if (submission === undefined) throw new Error(`no vector ${name}`);
  const [first, ...more] = unwrap(prepareSubmission(sha256, submission));
  if (first === undefined) throw new Error("no entry");
  return [first, ...more];
}

function receipt(name: string): string {
  const [entry] = prepared(name);
  const key = entry.keyObject?.bytes;
  return decode(formatReceipt({ entry: logEntry(entry), content: entry.content, ...(key && { key }) }));
}

function evidence(): [string, string][] {
  const [one] = prepared("dsse-ed25519-commit-review");
  const [two] = prepared("dsse-ed25519-withdraw");
  const [a, b] = [logEntry(one), logEntry(two)];
  const other = sha256(utf8("another tree"));
  return [
    ["fork-same-size", decode(formatEvidence({ kind: "fork-same-size", notes: [a.checkpoint, b.checkpoint] }))],
    ["fork-inconsistent", decode(formatEvidence({ kind: "fork-inconsistent", notes: [checkpoint(1, other), a.checkpoint], path: [...a.hashes, one.leafHash] }))],
    ["wrong-entry", decode(formatEvidence({ kind: "wrong-entry", entries: [a, b] }))],
  ];
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Path below test/vectors → text, for each file. */
export function files(): Map<string, string> {
  const all = new Map<string, string>();
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  for (const [name, what, submission] of SUBMISSIONS) {
    const entries = unwrap(prepareSubmission(sha256, submission)).map(entryVector);
    all.set(`leaf/${name}.json`, json({ what, submission, entries }));
  }
  all.set("leaf/refusals.json", json(refusals()));
  all.set("leaf/log.json", json({ what: "the log of receipts and evidence", vkey: log.vkey }));
  for (const name of ["dsse-ed25519-commit-review", "hashedrekord-p256-raw", "sshsig-git-commit", "sshsig-key-object"])
    all.set(`leaf/${name}.receipt.json`, receipt(name));
  for (const [name, file] of evidence()) all.set(`leaf/${name}.evidence.json`, file);
  return all;
}

if (import.meta.main) {
  mkdirSync(new URL("leaf/", import.meta.url), { recursive: true });
  for (const [path, content] of files()) writeFileSync(new URL(path, import.meta.url), content);
}
