/**
 * Where an index of a log is: inside its data folder, with a guard beside the log's.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Generation, indexFolder, indexGuard } from "../../schema/index/generation.ts";
import type { LogPlace } from "../open.ts";
import { storeFiles } from "../storage/sqlite/files.ts";

/** Where an index is, by the places of its log. */
export interface IndexPlaces {
  readonly generation: Generation;
  /** Tables that can be rebuilt. */
  readonly tables: string;
  /** The index log: primary data, with a guard of its own. */
  readonly log: LogPlace;
  /** The log's own database, which the index reads. */
  readonly logDatabase: string;
}

export function indexPlaces({ folder, guard }: LogPlace, generation: Generation): IndexPlaces {
  return {
    generation,
    tables: tablesFolder(folder, generation),
    log: { folder: indexLogFolder(folder, generation), guard: indexGuard(guard, generation) },
    logDatabase: storeFiles(folder).database,
  };
}

/** Whether the index log was made: store and guard are there, or one of them is and must not be alone. */
export function indexExists({ log }: IndexPlaces): boolean {
  return existsSync(storeFiles(log.folder).database) || existsSync(log.guard);
}

/** The store of the index log, by the data folder of its log. */
export function indexLogFolder(folder: string, generation: Generation): string {
  return join(tablesFolder(folder, generation), "log");
}

function tablesFolder(folder: string, generation: Generation): string {
  return join(folder, indexFolder(generation));
}
