/**
 * Whether an entry is in the log that it says it is in: the steps that need no content.
 *
 * The order is: the log is one we trust; one of its keys signed the checkpoint; what stands beside
 * the checkpoint says the same as the checkpoint; the proof leads from this leaf to the signed
 * root. Nothing is taken from outside the signed text, and the leaf hash is computed here. Whether
 * witnesses have seen the head is for the caller to ask (`witnessHead`, `observe`).
 *
 * @module
 */
import { equal, utf8 } from "../../schema/bytes.ts";
import type { LogEntry } from "../../schema/receipt.ts";
import { type Hash, leafHash } from "../../schema/tlog/hash.ts";
import { keyHash } from "../../schema/tlog/note.ts";
import { verifyInclusion } from "../../schema/tlog/proof.ts";
import type { Crypto } from "../crypto/crypto.ts";
import { claimedLog, openSigned, type SignedHead } from "../head.ts";
import type { Trust } from "../trust.ts";
import type { ReceiptRefusal } from "./verdict.ts";

export type Included =
  | { readonly ok: true; readonly head: SignedHead; readonly leafHash: Hash }
  | { readonly ok: false; readonly refusal: ReceiptRefusal };

/** Check an entry's checkpoint and inclusion proof under the logs of `trust`. */
export async function checkInclusion(
  crypto: Crypto,
  trust: Pick<Trust, "logs">,
  strangersEntry: LogEntry,
): Promise<Included> {
  const note = utf8(strangersEntry.checkpoint);
  const log = claimedLog(trust, note);
  if (!log.ok)
    return log.code === "NOT_FOUND"
      ? refuse({ code: "LOG_UNKNOWN", message: log.message })
      : refuse({ code: "RECEIPT_MALFORMED", message: log.message, field: "checkpoint" });
  const opened = await openSigned(crypto, log.value, note);
  if (!opened.ok)
    return refuse({
      code: "CHECKPOINT_REFUSED",
      origin: log.value.origin,
      message: opened.message,
    });
  const head = opened.value;
  const contradiction = outsideRecord(crypto, head, strangersEntry);
  if (contradiction !== undefined)
    return refuse({ code: "RECORD_CONTRADICTS", field: contradiction });
  const { index, hashes, leafBytes } = strangersEntry;
  const hash = leafHash(crypto.sha256, leafBytes);
  if (!verifyInclusion(crypto.sha256, head.tree, index, hash, hashes))
    return refuse({ code: "NOT_INCLUDED", index, tree: head.tree });
  return { ok: true, head, leafHash: hash };
}

/** The first field beside the checkpoint that says something else than it. */
function outsideRecord(crypto: Crypto, head: SignedHead, entry: LogEntry): string | undefined {
  if (entry.size !== head.tree.size) return "logEntry.inclusionProof.treeSize";
  if (!equal(entry.root, head.tree.root)) return "logEntry.inclusionProof.rootHash";
  const ids = head.log.vkeys.map(({ name, type, publicKey }) =>
    keyHash(crypto.sha256, name, type, publicKey),
  );
  return ids.some((id) => equal(id, entry.logId)) ? undefined : "logEntry.logId.keyId";
}

function refuse(refusal: ReceiptRefusal): Included {
  return { ok: false, refusal };
}
