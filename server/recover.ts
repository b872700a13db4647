/**
 * The only way past a refused start.
 *
 * A log that has lost entries it signed cannot be made whole by wishing: whoever goes on from an
 * older store signs, sooner or later, a second root for a size that the world has seen, and every
 * client that remembers the first one will convict the log. So there are two ways:
 *
 * - `refill` loses nothing: it takes the missing entries out of another copy of the store and must
 *   arrive at exactly the root that the guard has signed.
 * - `acceptLoss` moves the guard to where the store is. It must be asked for by the size it goes
 *   back to, and it is recorded beside the guard, with the signed head that is given up.
 *
 * `examine` says which refusal it is and what would be lost; it changes nothing.
 *
 * @module
 */
import { appendFileSync, copyFileSync, existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Crypto } from "../client/crypto/crypto.ts";
import { toBase64, toHex } from "../schema/bytes.ts";
import { type ErrorCode, LogError } from "../schema/error.ts";
import type { LogPlace } from "./open.ts";
import { guarded } from "./sequencer/commit.ts";
import { FileGuard } from "./sequencer/guard-file.ts";
import type { CheckpointSigner, GuardedHead } from "./sequencer/ports.ts";
import { proveContinuity, readEdge } from "./sequencer/recover.ts";
import { syncFile } from "./storage/sqlite/create.ts";
import { SqliteStorage } from "./storage/sqlite/sqlite.ts";
import type { StoredHead } from "./storage/storage.ts";

export interface RecoverPorts {
  readonly place: LogPlace;
  readonly signer: CheckpointSigner;
  readonly crypto: Crypto;
  /** Wall time in milliseconds, for the record only. */
  readonly clock: () => number;
}

interface PlainHead {
  readonly size: number;
  /** Hex. */
  readonly root: string;
}

export interface Examination {
  /** Why the start is refused; `undefined` where it is not. */
  readonly refusal:
    | { readonly code: ErrorCode; readonly message: string; readonly hint: string }
    | undefined;
  readonly store: PlainHead;
  readonly guard: PlainHead | undefined;
  /** Entries `from` to `to` − 1 were signed and are not in the store. */
  readonly lost: { readonly from: number; readonly to: number } | undefined;
  /** What accepting the loss means, for a person to read. Empty where it cannot be accepted. */
  readonly consequences: readonly string[];
  /** `acceptLoss` can go past this refusal. */
  readonly acceptable: boolean;
}

/** Refusals that are about the guard and not about the store's own bytes. */
const ACCEPTABLE: ReadonlySet<ErrorCode> = new Set([
  "GUARD_MISSING",
  "GUARD_AHEAD",
  "GUARD_DIFFERS",
]);

/** Tries the start, up to its first signature. Store and guard stay as they are. */
export async function examine(ports: RecoverPorts): Promise<Examination> {
  return opened(ports, async ({ storage, guard, head, guardedHead }) => {
    const refusal = await refusalOf(ports, storage, guard, guardedHead);
    const ahead = refusal?.code === "GUARD_AHEAD" && guardedHead !== undefined;
    const lost = ahead ? { from: head.size, to: guardedHead.size } : undefined;
    const acceptable = refusal !== undefined && ACCEPTABLE.has(refusal.code) && head.size > 0;
    return {
      refusal:
        refusal === undefined
          ? undefined
          : { code: refusal.code, message: refusal.message, hint: refusal.detail.hint ?? "" },
      store: plain(head),
      guard: guardedHead === undefined ? undefined : plain(guardedHead),
      lost,
      consequences: acceptable ? consequencesOf(refusal.code, head, guardedHead) : [],
      acceptable,
    };
  });
}

/** What is written for every accepted loss, one JSON line each. */
export interface RecoveryRecord {
  /** RFC 3339, UTC. */
  readonly at: string;
  readonly code: ErrorCode;
  readonly origin: string;
  readonly reason: string;
  readonly store: PlainHead;
  readonly guard: PlainHead | undefined;
  /** The signed note that is given up, base64: evidence, if the log signs that size again. */
  readonly checkpoint: string | undefined;
}

/**
 * Makes the guard say what the store says. `size` must be the store's: whoever accepts has read the
 * examination. The record is durable before the guard changes; the old guard is kept beside it.
 * Throws the refusal itself where it is not one that can be accepted.
 */
export async function acceptLoss(
  ports: RecoverPorts,
  size: number,
  reason: string,
): Promise<RecoveryRecord> {
  // A guard that is missing may be missing with its folder.
  mkdirSync(dirname(ports.place.guard), { recursive: true, mode: 0o700 });
  return opened(ports, async ({ storage, guard, head, guardedHead }) => {
    const refusal = await refusalOf(ports, storage, guard, guardedHead);
    if (refusal === undefined)
      throw new LogError("USAGE", "the log starts as it is: there is nothing to accept");
    if (!ACCEPTABLE.has(refusal.code) || head.size === 0) throw refusal;
    if (size !== head.size) {
      throw new LogError("USAGE", `the store has ${head.size} entries, not ${size}`, {
        field: "size",
        expected: String(head.size),
      });
    }
    const record: RecoveryRecord = {
      at: new Date(ports.clock()).toISOString(),
      code: refusal.code,
      origin: storage.origin,
      reason,
      store: plain(head),
      guard: guardedHead === undefined ? undefined : plain(guardedHead),
      checkpoint: guardedHead === undefined ? undefined : toBase64(guardedHead.checkpoint),
    };
    writeRecord(ports.place.guard, record);
    if (guardedHead === undefined) await guard.create(guarded({ storage }, head));
    else await guard.write(guarded({ storage }, head));
    return record;
  });
}

export interface Opened {
  readonly storage: SqliteStorage;
  readonly guard: FileGuard;
  readonly head: StoredHead;
  readonly guardedHead: GuardedHead | undefined;
}

/** Store and guard, held for the time of `work`. The store's own edge must be sound. */
export async function opened<T>(
  { place, crypto }: Pick<RecoverPorts, "place" | "crypto">,
  work: (open: Opened) => Promise<T>,
): Promise<T> {
  const storage = await SqliteStorage.open(place.folder);
  try {
    const guard = await FileGuard.open(place.guard);
    try {
      const head = await storage.readHead();
      readEdge({ storage, crypto }, head);
      return await work({ storage, guard, head, guardedHead: await guard.read() });
    } finally {
      await guard.close();
    }
  } finally {
    await storage.close();
  }
}

/** The start's own checks, with a guard that cannot be moved by them. */
export async function refusalOf(
  { signer, crypto }: Pick<RecoverPorts, "signer" | "crypto">,
  storage: SqliteStorage,
  guard: FileGuard,
  guardedHead: GuardedHead | undefined,
): Promise<LogError | undefined> {
  const still = {
    place: guard.place,
    read: async (): Promise<GuardedHead | undefined> => guardedHead,
    stage: async (): Promise<void> => undefined,
    write: async (): Promise<void> => undefined,
    close: async (): Promise<void> => undefined,
  };
  try {
    await proveContinuity({ storage, guard: still, signer, crypto });
    return undefined;
  } catch (error) {
    if (error instanceof LogError) return error;
    throw error;
  }
}

function consequencesOf(
  code: ErrorCode,
  store: StoredHead,
  guard: GuardedHead | undefined,
): readonly string[] {
  const fork =
    "As soon as the log signs a size that was signed before, with another root, any client or " +
    "witness that remembers the first one can prove that this log has forked.";
  if (code === "GUARD_MISSING") {
    return [
      `Nobody can say whether this log has signed a head beyond ${store.size}.`,
      `If it has, receipts beyond entry ${store.size - 1} are lost. ${fork}`,
    ];
  }
  if (code === "GUARD_AHEAD" && guard !== undefined) {
    return [
      `Entries ${store.size} to ${guard.size - 1} are gone, and their receipts prove against this log.`,
      fork,
      "With a newer copy of the store nothing is lost: refill from it instead.",
    ];
  }
  return [`This store is not the history that was signed. ${fork}`];
}

/** Where accepted losses are recorded: beside the guard, outside the store and its backups. */
export function recordOf(guardPath: string): string {
  return `${guardPath}.recoveries`;
}

/** Durable before the guard changes; the guard that was is kept beside it. */
export function writeRecord(guardPath: string, record: RecoveryRecord): void {
  if (existsSync(guardPath)) {
    const kept = `${guardPath}.before-${record.at.replaceAll(":", "")}`;
    copyFileSync(guardPath, kept);
    syncFile(kept);
  }
  const path = recordOf(guardPath);
  appendFileSync(path, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  syncFile(path);
  syncFile(dirname(guardPath));
}

export function plain({
  size,
  root,
}: {
  readonly size: number;
  readonly root: Uint8Array;
}): PlainHead {
  return { size, root: toHex(root) };
}
