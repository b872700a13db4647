/**
 * Where the index of a log is: inside its data folder, with a guard beside the log's.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { LogPlace } from "../open.ts";
import { storeFiles } from "../storage/sqlite/files.ts";

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
  return {
    tables: tablesFolder(folder),
    log: { folder: indexLogFolder(folder), guard: `${guard}.index-v1` },
    logDatabase: storeFiles(folder).database,
  };
}

/** Whether the index log was made: store and guard are there, or one of them is and must not be alone. */
export function indexExists({ log }: IndexPlaces): boolean {
  return existsSync(storeFiles(log.folder).database) || existsSync(log.guard);
}

/** The store of the index log, by the data folder of its log. */
export function indexLogFolder(folder: string): string {
  return join(tablesFolder(folder), "log");
}

function tablesFolder(folder: string): string {
  return join(folder, "index-v1");
}
