/**
 * A log for tests: stores and guards that are gone after the test. Keys and entries are in
 * entries.ts.
 */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { emptyRoot } from "../../schema/tlog/hash.ts";
import { type OpenLog, openLog } from "../../server/open.ts";
import { FileGuard } from "../../server/sequencer/guard-file.ts";
import type { GuardedHead } from "../../server/sequencer/ports.ts";
import { createSqliteStore } from "../../server/storage/sqlite/create.ts";
import { DATABASE_ID, entries, GENESIS, ORIGIN, SIGNER, sha256 } from "./entries.ts";

export * from "./entries.ts";

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
export async function newPlace(base: string = temporaryFolder()): Promise<Place> {
  template ??= makePlace();
  cpSync(await template, base, { recursive: true });
  return placeIn(base);
}

/** Made once for a process and then copied: making one waits for the disk a dozen times. */
let template: Promise<string> | undefined;

async function makePlace(): Promise<string> {
  const base = mkdtempSync(join(tmpdir(), "countersign-template-"));
  process.once("exit", () => rmSync(base, { recursive: true, force: true }));
  const place = placeIn(base);
  createSqliteStore(place.folder, { origin: ORIGIN, databaseId: DATABASE_ID });
  const guard = await FileGuard.open(place.guard);
  await guard.create(newGuardHead());
  await guard.close();
  return base;
}

function placeIn(base: string): Place {
  return { folder: join(base, "data"), guard: join(base, "head.guard") };
}

/** Opens the log of a place by the code that `serve` runs. */
export async function openPlace(place: Place): Promise<OpenLog> {
  return openLog(place, {
    signer: SIGNER,
    crypto: nodeCrypto,
    clock: () => 0,
    onFatal: () => undefined,
    genesis: GENESIS,
  });
}

export async function appendAndClose(place: Place, from: number, to: number): Promise<void> {
  const { log } = await openPlace(place);
  await log.append(entries(from, to));
  await log.close();
}
