/**
 * A log on this machine, opened: store, guard and sequencer together, or none of them.
 *
 * @module
 */
import { FileGuard } from "./sequencer/guard-file.ts";
import { Sequencer } from "./sequencer/log.ts";
import type { SequencerPorts } from "./sequencer/ports.ts";
import { SqliteStorage } from "./storage/sqlite/sqlite.ts";

/** Where a log lives. Nothing of it is made by opening. */
export interface LogPlace {
  /** The data folder. */
  readonly folder: string;
  /** The file of the head guard: outside the data folder and outside its backups. */
  readonly guard: string;
}

export interface OpenLog {
  readonly log: Sequencer;
  readonly storage: SqliteStorage;
}

/** Throws why the log refuses to start; then store and guard are given back. */
export async function openLog(
  place: LogPlace,
  ports: Omit<SequencerPorts, "storage" | "guard">,
): Promise<OpenLog> {
  const storage = await SqliteStorage.open(place.folder);
  try {
    const guard = await FileGuard.open(place.guard);
    try {
      return { log: await Sequencer.open({ ...ports, storage, guard }), storage };
    } catch (error) {
      await guard.close();
      throw error;
    }
  } catch (error) {
    await storage.close();
    throw error;
  }
}
