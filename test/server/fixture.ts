/**
 * A log for tests: a fixed key, entries by number, and stores and guards that outlive it.
 */
import { createPrivateKey } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { privateKeySigner } from "../../client/keys/private-key.ts";
import { utf8 } from "../../schema/bytes.ts";
import { emptyRoot, leafHash, type Sha256 } from "../../schema/tlog/hash.ts";
import { logKey } from "../../server/log-key.ts";
import { FileGuard } from "../../server/sequencer/guard-file.ts";
import type { CheckpointSigner, GuardedHead } from "../../server/sequencer/ports.ts";
import { createSqliteStore } from "../../server/storage/sqlite/create.ts";
import type { NewEntry } from "../../server/storage/storage.ts";

export const ORIGIN = "log.example.test/fixture";
export const sha256: Sha256 = nodeCrypto.sha256;

/** An Ed25519 key out of one byte: the same on every run. */
export function signerOf(seed: number, origin: string = ORIGIN): CheckpointSigner {
  const der = Buffer.concat([
    Buffer.from("302e020100300506032b657004220420", "hex"),
    Buffer.alloc(32, seed),
  ]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return logKey(nodeCrypto, privateKeySigner(key, "fixture"), origin).checkpoints;
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

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "countersign-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Place {
  readonly folder: string;
  readonly guard: string;
}

export function newGuardHead(databaseId: Uint8Array = DATABASE_ID): GuardedHead {
  return {
    origin: ORIGIN,
    databaseId,
    size: 0,
    root: emptyRoot(sha256),
    checkpoint: new Uint8Array(0),
  };
}

/** An empty store and its guard, as `init` leaves them before entry 0. */
export async function newPlace(): Promise<Place> {
  const base = temporaryFolder();
  const place = { folder: join(base, "data"), guard: join(base, "head.guard") };
  createSqliteStore(place.folder, { origin: ORIGIN, databaseId: DATABASE_ID });
  const guard = await FileGuard.open(place.guard);
  await guard.create(newGuardHead());
  await guard.close();
  return place;
}
