/**
 * The witness protocol: what a log asks of a witness, and what it is answered.
 *
 *     POST <submission prefix>/add-checkpoint          GET <monitoring prefix>/<origin hash>/checkpoint
 *
 *     old <size>
 *     <base64 hash of a consistency proof>…
 *
 *     <signed checkpoint>
 *
 * The answer is one or more signature lines (`parseSignatures` of `note.ts`), or 409 with the size
 * that the witness has cosigned. One codec for both ends: the log's side and the witness's.
 *
 * Spec: C2SP tlog-witness.
 *
 * @module
 */
import { concat, fromBase64, fromUtf8, toBase64, toHex, utf8 } from "../bytes.ts";
import { type Failure, failure, LogError, type Result, success } from "../error.ts";
import { MAX_NOTE_BYTES, MAX_PROOF_HASHES } from "../limits.ts";
import { asHash, type Hash, type Sha256 } from "./hash.ts";
import { formatSize, parseSize } from "./size.ts";

/** Below the submission prefix. */
export const ADD_CHECKPOINT_PATH = "/add-checkpoint";
/** Media type of a 409 answer: the size that the witness has cosigned. */
export const TLOG_SIZE_TYPE = "text/x.tlog.size";
/** Bytes of a request: a proof of 63 lines and a note. */
export const MAX_ADD_CHECKPOINT_BYTES: number = MAX_NOTE_BYTES + 4_096;

/** An `add-checkpoint` request. */
export interface AddCheckpoint {
  /** Size of the checkpoint that the witness is believed to have cosigned last; 0 for none. */
  readonly oldSize: number;
  /** Consistency proof from `oldSize` to the checkpoint's size (RFC 6962 §2.1.2). */
  readonly proof: readonly Hash[];
  /** The signed checkpoint. */
  readonly checkpoint: Uint8Array;
}

/** Below the monitoring prefix: where a witness shows what it cosigned of a log. */
export function witnessedCheckpointPath(sha256: Sha256, origin: string): string {
  return `/${toHex(sha256(utf8(origin)))}/checkpoint`;
}

/** The body of a request. Throws `INTERNAL` for more hashes than any proof has. */
export function formatAddCheckpoint(request: AddCheckpoint): Uint8Array<ArrayBuffer> {
  const { oldSize, proof, checkpoint } = request;
  if (proof.length > MAX_PROOF_HASHES)
    throw new LogError("INTERNAL", `a proof has at most ${MAX_PROOF_HASHES} hashes`);
  const lines = [`old ${formatSize(oldSize)}`, ...proof.map(toBase64), "", ""];
  return concat(utf8(lines.join("\n")), checkpoint);
}

/** A request out of its body. Whether the checkpoint is one is for the caller to ask. */
export function parseAddCheckpoint(strangersBytes: Uint8Array): Result<AddCheckpoint> {
  if (strangersBytes.length > MAX_ADD_CHECKPOINT_BYTES)
    return failure("TOO_LARGE", `a request has at most ${MAX_ADD_CHECKPOINT_BYTES} bytes`, {
      field: "body",
      limit: MAX_ADD_CHECKPOINT_BYTES,
    });
  const end = blankLine(strangersBytes);
  const head = end === undefined ? undefined : fromUtf8(strangersBytes.subarray(0, end));
  if (end === undefined || head === undefined)
    return malformed("there is no empty line after the proof");
  const [old = "", ...hashes] = head.split("\n");
  if (!old.startsWith("old ")) return malformed("the first line is not the old size");
  const oldSize = parseSize(old.slice(4), "old");
  if (!oldSize.ok) return oldSize;
  if (hashes.length > MAX_PROOF_HASHES)
    return failure("TOO_LARGE", `a proof has at most ${MAX_PROOF_HASHES} hashes`, {
      field: "proof",
      limit: MAX_PROOF_HASHES,
    });
  const proof: Hash[] = [];
  for (const [i, text] of hashes.entries()) {
    const hash = asHash(fromBase64(text) ?? new Uint8Array(0));
    if (hash === undefined) return malformed("a proof line is not 32 bytes in base64", i + 2);
    proof.push(hash);
  }
  return success({ oldSize: oldSize.value, proof, checkpoint: strangersBytes.slice(end + 2) });
}

/** The body of a 409 answer. */
export function formatTlogSize(size: number): string {
  return `${formatSize(size)}\n`;
}

/** The size in a 409 answer. */
export function parseTlogSize(strangersBytes: Uint8Array): Result<number> {
  const text = strangersBytes.length > 32 ? undefined : fromUtf8(strangersBytes);
  if (text?.endsWith("\n") !== true) return malformed("the answer is not a size on one line");
  return parseSize(text.slice(0, -1), "size");
}

/** Where the first empty line begins: two newlines in a row. Proof lines are ASCII. */
function blankLine(bytes: Uint8Array): number | undefined {
  // Sixty-four lines of at most 45 bytes; a stranger's longer head is not searched.
  const limit = Math.min(bytes.length, 64 * 64);
  for (let i = 0; i + 1 < limit; i++) if (bytes[i] === 0x0a && bytes[i + 1] === 0x0a) return i;
  return undefined;
}

function malformed(message: string, line?: number): Failure {
  return failure("FIELD_INVALID", message, {
    field: "body",
    expected: "old <size>, proof lines, an empty line, a checkpoint (C2SP tlog-witness)",
    ...(line === undefined ? {} : { at: `line ${line}` }),
  });
}
