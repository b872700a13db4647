/**
 * Where an index is, beside its log, and how it is made.
 *
 * The index log is a log of its own, with a store and a head guard that `init` makes once (I6).
 * Its entries are leaves of the index; beside each, as its content, stands the signed checkpoint of
 * the main head that the leaf names, because nothing else could bring that back.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Crypto } from "../../client/crypto/crypto.ts";
import { initLog } from "../init.ts";
import type { LogPlace } from "../open.ts";
import type { CheckpointSigner } from "../sequencer/ports.ts";
import { storeFiles } from "../storage/sqlite/files.ts";
import { firstIndexEntry } from "./signer.ts";

/** Where an index is, by the places of its log. */
export interface IndexPlaces {
  /** Tables that can be rebuilt. */
  readonly tables: string;
  /** The index log: primary data, with a guard of its own. */
  readonly log: LogPlace;
  /** The log's own database, which the index reads. */
  readonly logDatabase: string;
}

export function indexPlaces({ folder, guard }: LogPlace): IndexPlaces {
  const tables = join(folder, "index-v1");
  return {
    tables,
    log: { folder: join(tables, "log"), guard: `${guard}.index-v1` },
    logDatabase: storeFiles(folder).database,
  };
}

/** Whether the index log was made: store and guard are there, or one of them is and must not be alone. */
export function indexExists({ log }: IndexPlaces): boolean {
  return existsSync(storeFiles(log.folder).database) || existsSync(log.guard);
}

export interface IndexInitPorts {
  readonly crypto: Crypto;
  readonly signer: CheckpointSigner;
  /** Of the main log. */
  readonly origin: string;
  /** 16 random bytes. */
  readonly databaseId: Uint8Array;
  readonly clock: () => number;
}

/** Makes an index log. Throws `STORE_EXISTS` where there is one, or half of one. */
export async function initIndex(places: IndexPlaces, ports: IndexInitPorts): Promise<void> {
  const { crypto, signer, origin, databaseId, clock } = ports;
  await initLog({
    place: places.log,
    crypto,
    signer,
    databaseId,
    clock,
    genesis: firstIndexEntry(crypto.sha256, origin),
  });
}
