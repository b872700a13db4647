/**
 * One receipt: is this entry in a log we trust, what does it say, and who signed it?
 *
 * Each check assumes the ones before it: the file's form → the log, its checkpoint and the proof
 * (`inclusion.ts`) → the memory → the witnesses → the leaf and its content → the signature. The
 * memory is the one check that no log can pass by signing, and it convicts; so it is asked before
 * anything that only refuses. How old the head is is never asked: a receipt is good for ever.
 *
 * The answer is data. It throws `FILE_UNREADABLE` only where the memory cannot be read.
 *
 * @module
 */
import { equal, fromUtf8, utf8 } from "../../schema/bytes.ts";
import { checkLeaf } from "../../schema/entry/check.ts";
import { leafContentDigest, parseLeaf } from "../../schema/entry/leaf.ts";
import { unwrap } from "../../schema/error.ts";
import { type LogEntry, parseReceipt, type Receipt } from "../../schema/receipt.ts";
import { parseCheckpoint } from "../../schema/tlog/checkpoint.ts";
import { keyHash, parseNote } from "../../schema/tlog/note.ts";
import { formatTlogProof, parseTlogProof } from "../../schema/tlog/tlog-proof.ts";
import type { Crypto } from "../crypto/crypto.ts";
import { sameSizeEvidence } from "../fork.ts";
import { claimedLog, type Head, openSigned, type SignedHead, witnessHead } from "../head.ts";
import type { Memory } from "../memory.ts";
import { verifyEntrySignature } from "../signature/registry.ts";
import { personOf, type Trust } from "../trust.ts";
import { checkInclusion } from "./inclusion.ts";
import { isAbout } from "./subject.ts";
import type {
  CheckedReceipt,
  Comparison,
  CompletenessReason,
  No,
  ReceiptRefusal,
  ReceiptYes,
  Refusal,
} from "./verdict.ts";

/** A file that came from anywhere: `*.receipt.json` or `*.tlog-proof`. */
export interface ReceiptFile {
  /** For the answer's texts only. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface VerifyPorts {
  readonly crypto: Crypto;
  readonly trust: Trust;
  /** Without one, no head is compared with anything, and the answer says so. */
  readonly memory?: Pick<Memory, "load">;
  /** Where completeness is asked: what the log's index has against a statement. */
  readonly complete?: {
    readonly against: (receipt: CheckedReceipt) => CompletenessReason | undefined;
  };
}

/** What {@link checkReceipt} found; head and entry are kept to be held against other receipts. */
export type Checked =
  | {
      readonly ok: true;
      readonly receipt: CheckedReceipt;
      readonly head: Head;
      readonly entry: LogEntry;
    }
  | { readonly ok: false; readonly refusal: ReceiptRefusal };

/**
 * Verify one receipt.
 *
 * @param artifact the bytes that it must be about: the signed content itself, the git object it
 *   is the signature of, or something whose SHA-256 is among a statement's subjects. Also the
 *   content, where the receipt brings none.
 */
export async function verifyReceipt(
  ports: VerifyPorts,
  file: ReceiptFile,
  artifact?: Uint8Array,
): Promise<ReceiptYes | No> {
  const checked = await checkReceipt(ports, file, artifact);
  const no = (refusal: Refusal): No => ({
    ok: false,
    question: "receipt",
    refusal,
    notCounted: [],
  });
  if (!checked.ok) return no(checked.refusal);
  const against = ports.complete?.against(checked.receipt);
  if (against !== undefined) return no(against);
  return {
    ok: true,
    question: "receipt",
    receipt: checked.receipt,
    heads: [checked.receipt.head],
    completeness: { state: "not asked" },
  };
}

/** As {@link verifyReceipt}, as a step of a larger question. */
export async function checkReceipt(
  ports: VerifyPorts,
  file: ReceiptFile,
  artifact?: Uint8Array,
): Promise<Checked> {
  const { crypto, trust } = ports;
  const read = readReceipt(ports, file.bytes);
  if (!read.ok) return read;
  const { entry, key } = read.receipt;
  const included = await checkInclusion(crypto, trust, entry);
  if (!included.ok) return included;
  const compared = await compareWithMemory(ports, included.head);
  if (!compared.ok) return compared;
  const witnessed = await checkWitnesses(crypto, included.head);
  if (!witnessed.ok) return witnessed;
  const leaf = parseLeaf(entry.leafBytes);
  if (!leaf.ok) return leafRefused(leaf);
  const contentDigest = leafContentDigest(leaf.value);
  const content = read.receipt.content ?? artifact;
  if (content === undefined) return refuse({ code: "CONTENT_MISSING", digest: contentDigest });
  if (!equal(crypto.sha256(content), contentDigest)) {
    const logged = contentDigest;
    return refuse({ code: "OTHER_CONTENT", asked: crypto.sha256(content), logged });
  }
  const rules = checkLeaf(crypto.sha256, leaf.value, content, key);
  if (!rules.ok) return leafRefused(rules);
  const { reading, gitObject } = rules.value;
  if (reading === undefined) return refuse({ code: "CONTENT_MISSING", digest: contentDigest });
  if (artifact !== undefined && !isAbout(crypto.sha256, { content, reading, gitObject }, artifact))
    return refuse({
      code: "OTHER_CONTENT",
      asked: crypto.sha256(artifact),
      logged: contentDigest,
    });
  const signature = await verifyEntrySignature(crypto, leaf.value, content, key);
  if (!signature.ok) {
    const { reason, field, message } = signature;
    return refuse({ code: "SIGNATURE_REFUSED", reason, field, message });
  }
  const { log, tree } = included.head;
  const person = personOf(trust, signature.evidence.signerId)?.name;
  const receipt: CheckedReceipt = {
    file: file.name,
    head: {
      origin: log.origin,
      tree,
      comparison: compared.comparison,
      witnessed: witnessed.head.witnessed,
    },
    vkeys: log.vkeyTexts,
    index: entry.index,
    leaf: leaf.value,
    contentDigest,
    content,
    reading,
    ...(gitObject === undefined ? {} : { gitObject }),
    signer: signature.evidence,
    ...(person === undefined ? {} : { person }),
  };
  return { ok: true, receipt, head: witnessed.head, entry };
}

/**
 * The signed head that a receipt is under, to be held against the memory with the log at hand
 * (`observe`). `undefined` where the file is no receipt of a trusted log; `verifyReceipt` says why.
 */
export async function receiptHead(
  ports: Pick<VerifyPorts, "crypto" | "trust">,
  file: ReceiptFile,
): Promise<SignedHead | undefined> {
  const read = readReceipt(ports, file.bytes);
  if (!read.ok) return undefined;
  const note = utf8(read.receipt.entry.checkpoint);
  const log = claimedLog(ports.trust, note);
  if (!log.ok) return undefined;
  const head = await openSigned(ports.crypto, log.value, note);
  return head.ok ? head.value : undefined;
}

/** A receipt as a C2SP tlog-proof. The leaf goes into its `extra`; the content does not fit there. */
export function toTlogProof(receipt: Receipt): Uint8Array {
  const { index, hashes, checkpoint, leafBytes } = receipt.entry;
  return formatTlogProof({ extra: leafBytes, index, hashes, checkpoint: utf8(checkpoint) });
}

type Read =
  | { readonly ok: true; readonly receipt: Receipt }
  | { readonly ok: false; readonly refusal: ReceiptRefusal };

function readReceipt(ports: VerifyPorts, strangersBytes: Uint8Array): Read {
  if (isTlogProof(strangersBytes)) return readTlogProof(ports, strangersBytes);
  const parsed = parseReceipt(strangersBytes);
  return parsed.ok ? { ok: true, receipt: parsed.value } : malformed(parsed);
}

function isTlogProof(strangersBytes: Uint8Array): boolean {
  return fromUtf8(strangersBytes.subarray(0, 18)) === "c2sp.org/tlog-proo";
}

/**
 * `extra` is not authenticated by the format. Here it is the leaf, and the inclusion proof is
 * about that very leaf, which authenticates it.
 */
function readTlogProof(ports: VerifyPorts, strangersBytes: Uint8Array): Read {
  const proof = parseTlogProof(strangersBytes);
  if (!proof.ok) return malformed(proof);
  const { extra: leafBytes, index, hashes } = proof.value;
  if (leafBytes === undefined)
    return refuse({
      code: "RECEIPT_MALFORMED",
      message: "The proof has no extra line; the leaf is expected there.",
      field: "extra",
    });
  const log = claimedLog(ports.trust, proof.value.checkpoint);
  if (!log.ok)
    return log.code === "NOT_FOUND"
      ? refuse({ code: "LOG_UNKNOWN", message: log.message })
      : malformed(log);
  const note = parseNote(proof.value.checkpoint);
  if (!note.ok) return malformed(note);
  const head = parseCheckpoint(note.value.text);
  if (!head.ok) return malformed(head);
  const [vkey] = log.value.vkeys;
  const checkpoint = fromUtf8(proof.value.checkpoint);
  if (vkey === undefined || checkpoint === undefined)
    return refuse({ code: "RECEIPT_MALFORMED", message: "The checkpoint is not UTF-8." });
  const entry: LogEntry = {
    index,
    size: head.value.size,
    root: head.value.root,
    hashes,
    checkpoint,
    leafBytes,
    logId: keyHash(ports.crypto.sha256, vkey.name, vkey.type, vkey.publicKey),
  };
  return { ok: true, receipt: { entry } };
}

/** Offline only an equal size says something: then the roots are equal, or the log has forked. */
async function compareWithMemory(
  ports: VerifyPorts,
  head: SignedHead,
): Promise<{ readonly ok: true; readonly comparison: Comparison } | ReturnType<typeof refuse>> {
  const remembered = await ports.memory?.load(head.log.vkeyTexts);
  if (remembered === undefined) return { ok: true, comparison: { state: "not compared" } };
  if (remembered.size !== head.tree.size)
    return { ok: true, comparison: { state: "not compared", remembered: remembered.size } };
  const known = unwrap(await openSigned(ports.crypto, head.log, remembered.checkpoint));
  if (equal(known.tree.root, head.tree.root))
    return { ok: true, comparison: { state: "same as remembered" } };
  return refuse({
    code: "LOG_FORKED",
    origin: head.log.origin,
    evidence: sameSizeEvidence(known, head),
  });
}

async function checkWitnesses(
  crypto: Crypto,
  signed: SignedHead,
): Promise<{ readonly ok: true; readonly head: Head } | ReturnType<typeof refuse>> {
  const head = await witnessHead(crypto, signed);
  const { origin } = signed.log;
  if (!head.ok) return refuse({ code: "CHECKPOINT_REFUSED", origin, message: head.message });
  if (!("tooFew" in head.value)) return { ok: true, head: head.value };
  const { have, need } = head.value.tooFew;
  return refuse({ code: "WITNESSES_TOO_FEW", origin, size: signed.tree.size, have, need });
}

function leafRefused(failed: Failed): ReturnType<typeof refuse> {
  const { message, detail } = failed;
  const field = detail.field === undefined ? {} : { field: detail.field };
  return refuse({ code: "LEAF_REFUSED", message, ...field });
}

function malformed(failed: Failed): ReturnType<typeof refuse> {
  const { message, detail } = failed;
  const field = detail.field === undefined ? {} : { field: detail.field };
  return refuse({ code: "RECEIPT_MALFORMED", message, ...field });
}

interface Failed {
  readonly message: string;
  readonly detail: { readonly field?: string };
}

function refuse(refusal: ReceiptRefusal): {
  readonly ok: false;
  readonly refusal: ReceiptRefusal;
} {
  return { ok: false, refusal };
}
