/**
 * Log entries of a log that lies, made with whatever key it is given: of a log that nobody trusts, of
 * one that uses another's name, or of the honest log itself after its key was stolen.
 */
import { createPublicKey, type KeyObject, sign } from "node:crypto";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { toBase64, utf8 } from "../../schema/bytes.ts";
import { formatCheckpoint } from "../../schema/tlog/checkpoint.ts";
import { leafHash, nodeHash } from "../../schema/tlog/hash.ts";
import { formatNote, keyHash, keyId, SIGNATURE_TYPES } from "../../schema/tlog/note.ts";
import type { LogEntryJson } from "./sample.ts";

const { sha256 } = nodeCrypto;

export interface ForgingLog {
  readonly origin: string;
  /** Ed25519. */
  readonly privateKey: KeyObject;
}

/** A leaf in a tree of two, with a proof and a checkpoint that hold. */
export function forge(
  log: ForgingLog,
  kind: LogEntryJson["kindVersion"],
  leaf: Uint8Array,
): LogEntryJson {
  const publicKey = rawPublicKey(log.privateKey);
  const first = leafHash(sha256, utf8("the first leaf of a forged log"));
  const root = nodeHash(sha256, first, leafHash(sha256, leaf));
  const { ed25519 } = SIGNATURE_TYPES;
  const text = formatCheckpoint({ origin: log.origin, size: 2, root });
  const line = {
    name: log.origin,
    keyId: keyId(sha256, log.origin, ed25519, publicKey),
    signature: sign(null, utf8(text), log.privateKey),
  };
  const envelope = new TextDecoder().decode(formatNote({ text, signatures: [line] }));
  return {
    logIndex: "1",
    logId: { keyId: toBase64(keyHash(sha256, log.origin, ed25519, publicKey)) },
    kindVersion: kind,
    integratedTime: "0",
    inclusionProof: {
      logIndex: "1",
      rootHash: toBase64(root),
      treeSize: "2",
      hashes: [toBase64(first)],
      checkpoint: { envelope },
    },
    canonicalizedBody: toBase64(leaf),
  };
}

function rawPublicKey(privateKey: KeyObject): Uint8Array {
  return createPublicKey(privateKey).export({ type: "spki", format: "der" }).subarray(-32);
}
