/**
 * The log's own key: it signs checkpoints as notes, and the log's statements about itself.
 *
 * The key is Ed25519 (C2SP tlog-tiles asks a log for one such signature) and lives in a key file
 * of mode 0600. Nothing leaves the process by signing: publication is the sequencer's.
 *
 * Spec: C2SP signed-note, tlog-checkpoint; docs/formats.md §Log statements.
 *
 * @module
 */
import type { Crypto } from "../client/crypto/crypto.ts";
import { dsseSubmission, type Signer } from "../client/keys/signer.ts";
import { utf8 } from "../schema/bytes.ts";
import {
  formatLogStatement,
  LOG_FORMAT_VERSION,
  LOG_PAYLOAD_TYPE,
  type LogStatement,
} from "../schema/entry/log-statement.ts";
import { LogError } from "../schema/error.ts";
import type { DsseSubmission } from "../schema/http/messages.ts";
import type { Generation } from "../schema/index/generation.ts";
import { formatCheckpoint } from "../schema/tlog/checkpoint.ts";
import type { Hash } from "../schema/tlog/hash.ts";
import { formatNote, formatVkey, keyHash, makeVkey, SIGNATURE_TYPES } from "../schema/tlog/note.ts";
import { formatPromise } from "../schema/tlog/promise.ts";
import { checkGenesis } from "./genesis.ts";
import { indexSigner } from "./index/signer.ts";
import type { NewPromise } from "./promises/promises.ts";
import type { CheckpointSigner } from "./sequencer/ports.ts";

export interface LogKey {
  readonly origin: string;
  /** What a client pins: `name+id+key`. */
  readonly vkey: string;
  /** All 32 bytes of the key's hash: Sigstore's `logId.keyId`. */
  readonly logId: Hash;
  readonly checkpoints: CheckpointSigner;
  /** Heads of an index of the log, under the index's own name (`server/index/open.ts`). */
  readonly indexCheckpoints: (generation: Generation) => CheckpointSigner;
  /** The note of a promise; the same bytes each time. */
  readonly promise: (promise: NewPromise) => Promise<Uint8Array>;
  /** A statement of the log about itself, to be admitted like any other submission. */
  readonly statement: (statement: LogStatement) => Promise<DsseSubmission>;
  /** Entry 0. `createdAt` is RFC 3339 in UTC. */
  readonly genesis: (createdAt: string) => Promise<DsseSubmission>;
}

/** @throws LogError KEY_REFUSED for a key that is not Ed25519 */
export function logKey(crypto: Pick<Crypto, "sha256">, signer: Signer, origin: string): LogKey {
  const { publicKey, signRaw } = signer;
  if (publicKey.type !== "ed25519" || signRaw === undefined)
    throw new LogError("KEY_REFUSED", `A log signs with Ed25519, not with ${signer.describe()}.`, {
      field: "log.key",
      expected: "an Ed25519 private key",
    });
  const { sha256 } = crypto;
  const { ed25519 } = SIGNATURE_TYPES;
  const signNote = async (name: string, text: string): Promise<Uint8Array> => {
    const { keyId } = makeVkey(sha256, name, ed25519, publicKey.raw);
    const signature = await signRaw("ed25519", utf8(text));
    return formatNote({ text, signatures: [{ name, keyId, signature }] });
  };
  const signerFor = (name: string): Pick<CheckpointSigner, "sign" | "vkeys"> => ({
    vkeys: [formatVkey(sha256, name, ed25519, publicKey.raw)],
    sign: (head) => signNote(name, formatCheckpoint({ origin: name, ...head })),
  });
  const vkey = formatVkey(sha256, origin, ed25519, publicKey.raw);
  const statement: LogKey["statement"] = (said) =>
    dsseSubmission(signer, LOG_PAYLOAD_TYPE, formatLogStatement(said));
  return {
    origin,
    vkey,
    logId: keyHash(sha256, origin, ed25519, publicKey.raw),
    checkpoints: {
      origin,
      ...signerFor(origin),
      checkGenesis: (leaf, content) => checkGenesis(sha256, { origin, vkey }, leaf, content),
    },
    indexCheckpoints: (generation) => indexSigner(crypto, origin, generation, signerFor),
    promise: (promise) => signNote(origin, formatPromise({ origin, ...promise })),
    statement,
    genesis: (createdAt) =>
      statement({
        type: "genesis",
        log: vkey,
        createdAt,
        origin,
        vkeys: [vkey],
        formatVersion: LOG_FORMAT_VERSION,
      }),
  };
}
