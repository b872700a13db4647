/** The log's key and entries by number, for tests and for the programs that tests start. */
import { createPrivateKey } from "node:crypto";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { privateKeySigner } from "../../client/keys/private-key.ts";
import { utf8 } from "../../schema/bytes.ts";
import { leafHash, type Sha256 } from "../../schema/tlog/hash.ts";
import { type LogKey, logKey } from "../../server/log-key.ts";
import type { CheckpointSigner } from "../../server/sequencer/ports.ts";
import type { NewEntry } from "../../server/storage/storage.ts";

export const ORIGIN = "log.example.test/fixture";
export const sha256: Sha256 = nodeCrypto.sha256;

/** An Ed25519 key out of one byte: the same on every run. */
export function keyOf(seed: number, origin: string = ORIGIN): LogKey {
  const der = Buffer.concat([
    Buffer.from("302e020100300506032b657004220420", "hex"),
    Buffer.alloc(32, seed),
  ]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return logKey(nodeCrypto, privateKeySigner(key, "fixture"), origin);
}

export function signerOf(seed: number, origin: string = ORIGIN): CheckpointSigner {
  const { checkpoints } = keyOf(seed, origin);
  // Entries here are plain bytes, entry 0 too. Real ones are in test/server/genesis.test.ts.
  return { ...checkpoints, checkGenesis: () => undefined };
}

export const SIGNER: CheckpointSigner = signerOf(7);

/** Entry `n`: the same bytes for the same number. `bytes` pads the leaf. */
export function entry(
  n: number | string,
  options: { bytes?: number; opaque?: boolean } = {},
): NewEntry {
  const leaf = utf8(`leaf ${n} ${"x".repeat(options.bytes ?? 0)}`);
  const content = utf8(`content of ${n}`);
  return {
    leaf,
    leafHash: leafHash(sha256, leaf),
    contentDigest: sha256(content),
    content: options.opaque === true ? undefined : content,
    key: undefined,
  };
}

export function entries(from: number, to: number, options: { bytes?: number } = {}): NewEntry[] {
  return Array.from({ length: to - from }, (_, i) => entry(from + i, options));
}

export const GENESIS: NewEntry = entry("genesis");
export const DATABASE_ID: Uint8Array = Uint8Array.from({ length: 16 }, (_, i) => i);
