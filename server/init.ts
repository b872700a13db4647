/**
 * A new log: store, guard, entry 0, in this order.
 *
 * - I6  Only this makes a guard, at size 0 and before the first commit, and it refuses where either
 *       side exists.
 *
 * A kill between the steps leaves one of these, and each says what to do:
 *
 *     nothing, or a store that has no name yet    init starts over
 *     a store of size 0 without a guard           a start and init are refused: delete the folder
 *     a store of size 0 with its guard            a start is refused; init goes on with entry 0
 *     entry 0 is committed                        the log starts
 *
 * The second is not taken up again, because a deleted guard beside a store that was rolled back to
 * size 0 looks just like it.
 *
 * @module
 */
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { equal } from "../schema/bytes.ts";
import { LogError } from "../schema/error.ts";
import { emptyRoot } from "../schema/tlog/hash.ts";
import { type LogPlace, openLog } from "./open.ts";
import { FileGuard } from "./sequencer/guard-file.ts";
import type { GuardedHead, PublishedHead, SequencerPorts } from "./sequencer/ports.ts";
import { createSqliteStore } from "./storage/sqlite/create.ts";
import { storeFiles } from "./storage/sqlite/files.ts";
import { peekStore } from "./storage/sqlite/inspect.ts";
import type { NewEntry } from "./storage/storage.ts";

export interface InitPorts extends Pick<SequencerPorts, "signer" | "crypto" | "clock"> {
  readonly place: LogPlace;
  /** 16 random bytes. */
  readonly databaseId: Uint8Array;
  /** Entry 0. */
  readonly genesis: NewEntry;
}

/** The head of size 1. Throws `STORE_EXISTS`, `STORE_LOCKED`, or why the disk refused. */
export async function initLog(ports: InitPorts): Promise<PublishedHead> {
  const { place, signer, crypto, databaseId } = ports;
  mkdirSync(dirname(place.guard), { recursive: true, mode: 0o700 });
  const guard = await FileGuard.open(place.guard);
  try {
    const existing = await guard.read();
    if (!mayFinish(place, existing)) {
      createSqliteStore(place.folder, { origin: signer.origin, databaseId });
      await guard.create({
        origin: signer.origin,
        databaseId,
        size: 0,
        root: emptyRoot(crypto.sha256),
        checkpoint: new Uint8Array(0),
      });
    }
  } finally {
    await guard.close();
  }
  let fatal: LogError | undefined;
  const onFatal = (reason: LogError): void => {
    fatal = reason;
  };
  const { log } = await openLog(place, { ...ports, onFatal });
  await log.close();
  if (fatal !== undefined) throw fatal;
  return log.published();
}

/** Whether store and guard are both of size 0 and belong together. Refuses any other find. */
function mayFinish(place: LogPlace, guard: GuardedHead | undefined): boolean {
  const hasStore = existsSync(storeFiles(place.folder).database);
  if (!hasStore && guard === undefined) return false;
  if (!hasStore && guard !== undefined) {
    throw exists(
      `there is a head guard already: ${place.guard}`,
      place.guard,
      guard.size === 0
        ? "nothing was signed under it: delete it, and run init again"
        : `it is of a log that has signed a head of ${guard.size} entries: bring its store back`,
    );
  }
  const { meta, head } = peekStore(place.folder);
  if (head.size > 0) {
    throw exists(
      `there is a log of ${head.size} entries in ${place.folder}`,
      place.folder,
      "start it with `countersign serve`, or choose another folder",
    );
  }
  if (guard === undefined) {
    throw exists(
      `there is an empty store in ${place.folder} and no guard`,
      place.folder,
      `init was cut off and nothing was signed: delete ${place.folder}, and run init again`,
    );
  }
  if (guard.size > 0 || !equal(guard.databaseId, meta.databaseId)) {
    throw exists(
      `the head guard ${place.guard} is of another store`,
      place.guard,
      "choose another place for the guard of the new log",
    );
  }
  return true;
}

function exists(message: string, field: string, hint: string): LogError {
  return new LogError("STORE_EXISTS", message, { field, hint });
}
