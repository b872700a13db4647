/**
 * Opening a checkpoint: that the log itself signed it, and which cosigners stand beside it.
 *
 * The log's own signature is asked for by key and never by place: any number of lines of other
 * keys may stand before it. How many cosigners are enough is a matter of policy and not decided
 * here.
 *
 * Spec: C2SP tlog-checkpoint, tlog-cosignature. Vectors: test/vectors/note/cosignatures.json.
 *
 * @module
 */
import { equal } from "../schema/bytes.ts";
import { failure, type Result, success } from "../schema/error.ts";
import { type Checkpoint, parseCheckpoint } from "../schema/tlog/checkpoint.ts";
import { isCosignatureType, parseCosignature } from "../schema/tlog/cosignature.ts";
import { emptyRoot } from "../schema/tlog/hash.ts";
import { type Note, names, type Vkey } from "../schema/tlog/note.ts";
import type { Crypto } from "./crypto/crypto.ts";
import { openNote } from "./note.ts";

/** A cosigner that was seen, and the newest time at which it says it saw this tree. */
export interface VerifiedCosignature {
  readonly key: Vkey;
  /** Seconds since 1970; 0 states no time. */
  readonly timestamp: number;
}

export interface OpenedCheckpoint {
  readonly note: Note;
  readonly checkpoint: Checkpoint;
  /** Each cosigner's key at most once. */
  readonly cosignatures: readonly VerifiedCosignature[];
}

/**
 * Open a checkpoint of the log that `log` signs, under the origin that was asked for (the key's
 * name where nothing else is said). Fails as {@link openNote} does, and with `SIGNATURE_INVALID`
 * where only cosigners have signed, `FIELD_INVALID` where the text is no checkpoint, has another
 * origin, or a root of entries for an empty tree. Keys in `cosigners` that are of a type without a time are not counted as cosigners.
 */
export async function openCheckpoint(
  crypto: Crypto,
  strangersBytes: Uint8Array,
  log: Vkey,
  cosigners: readonly Vkey[] = [],
  origin: string = log.name,
): Promise<Result<OpenedCheckpoint>> {
  const opened = await openNote(crypto, strangersBytes, [log, ...cosigners]);
  if (!opened.ok) return opened;
  const { note, verified } = opened.value;
  if (!verified.includes(log))
    return failure("SIGNATURE_INVALID", `the log ${log.name} has not signed its checkpoint`, {
      field: "checkpoint.signatures",
    });
  const parsed = parseCheckpoint(note.text);
  if (!parsed.ok) return parsed;
  if (parsed.value.origin !== origin)
    return failure("FIELD_INVALID", "the checkpoint is one of another log", {
      field: "checkpoint.origin",
      expected: origin,
    });
  if (parsed.value.size === 0 && !equal(parsed.value.root, emptyRoot(crypto.sha256)))
    return failure("FIELD_INVALID", "the checkpoint of an empty tree has entries in its root", {
      field: "checkpoint.root",
    });
  const cosignatures: VerifiedCosignature[] = [];
  for (const key of verified) {
    if (key === log) continue;
    const timestamp = newestTime(note, key);
    if (timestamp !== undefined) cosignatures.push({ key, timestamp });
  }
  return success({ note, checkpoint: parsed.value, cosignatures });
}

/** The newest time among the lines of a key; all of them were verified with the note. */
function newestTime(note: Note, key: Vkey): number | undefined {
  if (!isCosignatureType(key.type)) return undefined;
  let newest: number | undefined;
  for (const line of note.signatures) {
    if (!names(line, key)) continue;
    const parsed = parseCosignature(key.type, line.signature);
    if (parsed.ok) newest = Math.max(newest ?? 0, parsed.value.timestamp);
  }
  return newest;
}
