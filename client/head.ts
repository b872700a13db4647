/**
 * From a signed note of a stranger to a tree head that a trusted log has really signed, and that
 * the witnesses of the trust file have seen.
 *
 * Everything a client believes about a log begins here, with keys out of the trust file. The
 * signature is looked for among all lines of the note, never taken from the first; a line by a
 * known key that does not verify refuses the note; and size and root are read from the text the
 * signature covers, never from fields that somebody put beside it.
 *
 * There are two steps. A {@link SignedHead} has the log's own signature: enough to convict the
 * log, and to be held against what is remembered, and for nothing else. A {@link Head} has the
 * quorum as well (`quorum.ts`), and only such a one is believed or remembered.
 *
 * Spec: C2SP signed-note, tlog-checkpoint.
 *
 * @module
 */
import { equal } from "../schema/bytes.ts";
import { type Failure, failure, type Result, success } from "../schema/error.ts";
import { MAX_NOTE_BYTES } from "../schema/limits.ts";
import { parseCheckpoint } from "../schema/tlog/checkpoint.ts";
import { emptyRoot } from "../schema/tlog/hash.ts";
import { parseNote, type Vkey } from "../schema/tlog/note.ts";
import type { TreeHead } from "../schema/tlog/proof.ts";
import { openCosignatures } from "./cosignature.ts";
import type { Crypto } from "./crypto/crypto.ts";
import { openNote } from "./note.ts";
import {
  type Cosigned,
  countWitnesses,
  type TooFew,
  type Witnessed,
  witnessKeys,
} from "./quorum.ts";
import { logOf, type Trust, type TrustedLog } from "./trust.ts";

/** A tree head that the log has signed. Only {@link openSigned} makes one. */
export interface SignedHead {
  readonly log: TrustedLog;
  readonly tree: TreeHead;
  /** The signed note, verbatim. */
  readonly note: Uint8Array;
  /** The keys of the log that signed it: at least one. */
  readonly signedBy: readonly Vkey[];
}

/** A tree head that meets the trust: signed, and witnessed. Only {@link witnessHead} makes one. */
export interface Head extends SignedHead {
  readonly witnessed: Witnessed;
  /** Every trusted witness that cosigned it, with the times it states. */
  readonly cosigned: readonly Cosigned[];
}

/**
 * Check a signed note against the keys of one log and the witnesses that are asked for.
 *
 * @returns the head, or `RESPONSE_INVALID` (no checkpoint, or of another log),
 *   `SIGNATURE_INVALID` (no trusted key signed it, or a known key's signature is bad), or
 *   `WITNESSES_TOO_FEW`.
 */
export async function openHead(
  crypto: Crypto,
  log: TrustedLog,
  strangersNote: Uint8Array,
): Promise<Result<Head>> {
  const signed = await openSigned(crypto, log, strangersNote);
  if (!signed.ok) return signed;
  const head = await witnessHead(crypto, signed.value);
  if (!head.ok) return head;
  return "tooFew" in head.value
    ? tooFewWitnesses(signed.value, head.value.tooFew)
    : success(head.value);
}

/** Whether a signed head meets the trust. Fails where a trusted witness's line is bad. */
export async function witnessHead(
  crypto: Crypto,
  head: SignedHead,
): Promise<Result<Head | { readonly tooFew: TooFew }>> {
  const keys = witnessKeys(head.log);
  // The commonest case asks for nobody, and pays for nothing.
  if (keys.length === 0)
    return success({ ...head, witnessed: { state: "not asked" }, cosigned: [] });
  const note = parseNote(head.note);
  if (!note.ok) return note;
  const cosigned = await openCosignatures(crypto, note.value, keys);
  if (!cosigned.ok) return cosigned;
  const counted = countWitnesses(head.log, head.tree.size, cosigned.value);
  return success(
    counted.state === "too few"
      ? { tooFew: counted }
      : { ...head, witnessed: counted, cosigned: cosigned.value },
  );
}

/** The failure that says whom a head lacks. */
export function tooFewWitnesses({ log, tree }: SignedHead, { have, need }: TooFew): Failure {
  const who = have.length === 0 ? "nobody" : have.join(", ");
  return failure(
    "WITNESSES_TOO_FEW",
    `The head of ${log.origin} at ${tree.size} entries is witnessed by ${who}; the trust file asks for ${need}.`,
    { field: "checkpoint", expected: need },
  );
}

/** As {@link openHead}, by the log's own signature alone. */
export async function openSigned(
  crypto: Crypto,
  log: TrustedLog,
  strangersNote: Uint8Array,
): Promise<Result<SignedHead>> {
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

/** Which trusted log a note says it is of. It proves nothing: {@link openSigned} has to follow. */
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
