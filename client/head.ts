/**
 * From a signed note of a stranger to a tree head that a trusted log has really signed.
 *
 * Everything a client believes about a log begins here, with keys out of the trust file. The
 * signature is looked for among all lines of the note, never taken from the first; a line by a
 * known key that does not verify refuses the note; and size and root are read from the text the
 * signature covers, never from fields that somebody put beside it.
 *
 * Spec: C2SP signed-note, tlog-checkpoint.
 *
 * @module
 */
import { equal } from "../schema/bytes.ts";
import { failure, type Result, success } from "../schema/error.ts";
import { MAX_NOTE_BYTES } from "../schema/limits.ts";
import { parseCheckpoint } from "../schema/tlog/checkpoint.ts";
import { emptyRoot } from "../schema/tlog/hash.ts";
import { parseNote, type Vkey } from "../schema/tlog/note.ts";
import type { TreeHead } from "../schema/tlog/proof.ts";
import type { Crypto } from "./crypto/crypto.ts";
import { openNote } from "./note.ts";
import { logOf, type Trust, type TrustedLog } from "./trust.ts";

/** A tree head whose signature was checked. Only {@link openHead} makes one. */
export interface Head {
  readonly log: TrustedLog;
  readonly tree: TreeHead;
  /** The signed note, verbatim. */
  readonly note: Uint8Array;
  /** The keys of the log that signed it: at least one. */
  readonly signedBy: readonly Vkey[];
}

/**
 * Check a signed note against the keys of one log.
 *
 * @returns the head, or `RESPONSE_INVALID` (no checkpoint, or of another log) or
 *   `SIGNATURE_INVALID` (no trusted key signed it, or a known key's signature is bad).
 */
export async function openHead(
  crypto: Crypto,
  log: TrustedLog,
  strangersNote: Uint8Array,
): Promise<Result<Head>> {
  const unsigned = readOrigin(strangersNote);
  if (!unsigned.ok) return unsigned;
  if (unsigned.value !== log.origin)
    return failure("RESPONSE_INVALID", "The checkpoint is of another log.", {
      field: "checkpoint",
      expected: log.origin,
    });
  const opened = await openNote(crypto, strangersNote, log.vkeys);
  if (!opened.ok) return opened;
  const { note, verified } = opened.value;
  // Read again, out of the text that the signature covers.
  const checkpoint = parseCheckpoint(note.text);
  if (!checkpoint.ok) return checkpoint;
  const { size, root } = checkpoint.value;
  if (size === 0 && !equal(root, emptyRoot(crypto.sha256)))
    return failure("RESPONSE_INVALID", "The checkpoint of an empty tree has entries in its root.", {
      field: "checkpoint",
    });
  return success({ log, tree: { size, root }, note: strangersNote, signedBy: verified });
}

/** Which trusted log a note says it is of. It proves nothing: {@link openHead} has to follow. */
export function claimedLog(
  trust: Pick<Trust, "logs">,
  strangersNote: Uint8Array,
): Result<TrustedLog> {
  const origin = readOrigin(strangersNote);
  if (!origin.ok) return origin;
  const log = logOf(trust, origin.value);
  return log === undefined
    ? failure("NOT_FOUND", "The trust file names no log with this origin.", {
        field: "checkpoint",
        expected: trust.logs.map(({ origin: known }) => known).join(", "),
      })
    : success(log);
}

function readOrigin(strangersNote: Uint8Array): Result<string> {
  if (strangersNote.length > MAX_NOTE_BYTES)
    return failure("TOO_LARGE", `The checkpoint is longer than ${MAX_NOTE_BYTES} bytes.`, {
      field: "checkpoint",
      limit: MAX_NOTE_BYTES,
    });
  const note = parseNote(strangersNote);
  if (!note.ok) return note;
  const checkpoint = parseCheckpoint(note.value.text);
  return checkpoint.ok ? success(checkpoint.value.origin) : checkpoint;
}
