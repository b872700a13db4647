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
import { openNote, verifyLines } from "./note.ts";
import type { Cosigned } from "./quorum.ts";

/**
 * The lines of a note by keys of witnesses, all of them checked; there may be none. Fails as
 * `openNote` does where one of them is bad.
 */
export async function openCosignatures(
  crypto: Crypto,
  note: Note,
  witnesses: readonly Vkey[],
): Promise<Result<readonly Cosigned[]>> {
  const verified = await verifyLines(crypto, note, witnesses);
  if (!verified.ok) return verified;
  return success(verified.value.map((key) => ({ key, times: timesOf(note, key) })));
}

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
    const times = timesOf(note, key);
    if (times.length > 0) cosignatures.push({ key, timestamp: Math.max(...times) });
  }
  return success({ note, checkpoint: parsed.value, cosignatures });
}

/** The times in the lines of a key, all of which were verified with the note. */
function timesOf(note: Note, key: Vkey): number[] {
  if (!isCosignatureType(key.type)) return [];
  const times: number[] = [];
  for (const line of note.signatures) {
    if (!names(line, key)) continue;
    const parsed = parseCosignature(key.type, line.signature);
    if (parsed.ok) times.push(parsed.value.timestamp);
  }
  return times;
}
