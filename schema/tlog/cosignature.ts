/**
 * Cosignatures: "I saw this tree at this time, and it continues all I saw before".
 *
 * A cosignature is a note signature whose bytes are `u64be time ‖ signature`, over a message that
 * is not the note's text:
 *
 * - type 4, Ed25519: `cosignature/v1`, the time, and the whole text of the checkpoint. The message
 *   does not name the cosigner, so each cosigner needs a key of its own.
 * - type 6, ML-DSA-44: a binary `subtree/v1` structure with cosigner, time, origin, range and root.
 *   Extension lines are not covered.
 *
 * Times are whole seconds since 1970. Time 0 (type 6 only) makes no statement about freshness.
 *
 * Spec: C2SP tlog-cosignature. Vectors: test/vectors/note/cosignatures.json.
 *
 * @module
 */
import { concat, utf8 } from "../bytes.ts";
import { failure, LogError, type Result, success } from "../error.ts";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { HASH_BYTES, type Hash } from "./hash.ts";
import { SIGNATURE_TYPES, type SignatureType } from "./note.ts";
import { formatSize, isSize, sizeFromBytes, sizeToBytes } from "./size.ts";

const TIME_BYTES = 8;
/** `opaque<1..2^8-1>` of the specification. */
const MAX_NAME_BYTES = 255;
const SUBTREE_LABEL = "subtree/v1\n\0";

/** The types of note signature that are cosignatures. */
export type CosignatureType = typeof SIGNATURE_TYPES.cosignature | typeof SIGNATURE_TYPES.mlDsa44;

const SIGNATURE_BYTES: Readonly<Record<CosignatureType, number>> = { 4: 64, 6: 2_420 };

/** What a cosignature consists of. Believed only when `signature` verifies. */
export interface Cosignature {
  /** Seconds since 1970, as the cosigner states it. */
  readonly timestamp: number;
  /** 64 bytes of Ed25519, or 2,420 of ML-DSA-44. */
  readonly signature: Uint8Array;
}

/** What an ML-DSA-44 cosigner states: the entries [start, end) of a log hash to `root`. */
export interface SubtreeStatement {
  readonly cosigner: string;
  readonly timestamp: number;
  readonly origin: string;
  readonly start: number;
  readonly end: number;
  readonly root: Hash;
}

export function isCosignatureType(type: SignatureType): type is CosignatureType {
  return type === SIGNATURE_TYPES.cosignature || type === SIGNATURE_TYPES.mlDsa44;
}

/** Time and signature out of what follows the key id in a signature line. */
export function parseCosignature(
  type: CosignatureType,
  strangersBytes: Uint8Array,
): Result<Cosignature> {
  const expected = TIME_BYTES + SIGNATURE_BYTES[type];
  if (strangersBytes.length !== expected)
    return failure("FIELD_INVALID", `the cosignature has ${strangersBytes.length} bytes`, {
      field: "cosignature",
      expected: `${expected} bytes`,
    });
  const timestamp = sizeFromBytes(strangersBytes.subarray(0, TIME_BYTES));
  if (timestamp === undefined)
    return failure("FIELD_INVALID", "the time of the cosignature is above 2^53 - 1 seconds", {
      field: "cosignature.timestamp",
      limit: Number.MAX_SAFE_INTEGER,
    });
  return success({ timestamp, signature: strangersBytes.slice(TIME_BYTES) });
}

/** What follows the key id in a signature line. */
export function formatCosignature(cosignature: Cosignature): Uint8Array<ArrayBuffer> {
  return concat(sizeToBytes(cosignature.timestamp), cosignature.signature);
}

/** The message of an Ed25519 cosignature over a checkpoint's whole text. */
export function cosignatureMessage(timestamp: number, text: string): Uint8Array<ArrayBuffer> {
  return utf8(`cosignature/v1\ntime ${formatSize(timestamp)}\n${text}`);
}

/**
 * The message of an ML-DSA-44 cosignature. A failure names what the structure cannot hold: names of
 * 1 to 255 bytes, a range in order, and time 0 unless the range begins at 0.
 */
export function subtreeMessage(statement: SubtreeStatement): Result<Uint8Array<ArrayBuffer>> {
  const { timestamp, start, end, root } = statement;
  const cosigner = utf8(statement.cosigner);
  const origin = utf8(statement.origin);
  for (const [field, bytes] of [
    ["cosigner", cosigner],
    ["origin", origin],
  ] as const) {
    if (bytes.length < 1 || bytes.length > MAX_NAME_BYTES)
      return failure("FIELD_INVALID", `the ${field} has ${bytes.length} bytes`, {
        field: `subtree.${field}`,
        limit: MAX_NAME_BYTES,
        expected: `1 to ${MAX_NAME_BYTES} bytes`,
      });
  }
  if (![timestamp, start, end].every(isSize) || start > end || root.length !== HASH_BYTES)
    return failure("FIELD_INVALID", "the subtree is not a range with a root", { field: "subtree" });
  if (start > 0 && timestamp > 0)
    return failure("FIELD_INVALID", "only a tree from entry 0 on has a time", {
      field: "subtree.timestamp",
      expected: "0",
    });
  return success(
    concat(
      utf8(SUBTREE_LABEL),
      Uint8Array.of(cosigner.length),
      cosigner,
      sizeToBytes(timestamp),
      Uint8Array.of(origin.length),
      origin,
      sizeToBytes(start),
      sizeToBytes(end),
      root,
    ),
  );
}

/** What an ML-DSA-44 cosigner states about a checkpoint. */
function checkpointStatement(
  checkpoint: Checkpoint,
  cosigner: string,
  timestamp: number,
): SubtreeStatement {
  const { origin, size, root } = checkpoint;
  return { cosigner, timestamp, origin, start: 0, end: size, root };
}

/**
 * The message that a cosigner of this name and type signs over a checkpoint's text at `timestamp`:
 * one function for those who sign and those who check. Throws `INTERNAL` where `timestamp` is none.
 */
export function cosignedMessage(
  type: CosignatureType,
  cosigner: string,
  timestamp: number,
  text: string,
): Result<Uint8Array<ArrayBuffer>> {
  if (!isSize(timestamp)) throw new LogError("INTERNAL", `${timestamp} is not a time in seconds`);
  const checkpoint = parseCheckpoint(text);
  if (!checkpoint.ok) return checkpoint;
  if (type === SIGNATURE_TYPES.cosignature) return success(cosignatureMessage(timestamp, text));
  return subtreeMessage(checkpointStatement(checkpoint.value, cosigner, timestamp));
}
