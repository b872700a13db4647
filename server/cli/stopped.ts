/**
 * A log that is not running, for commands that write beside its store.
 *
 * @module
 */
import type { Arguments } from "../../client/cli/command.ts";
import { pathOf } from "../../client/cli/files.ts";
import type { Io } from "../../client/cli/io.ts";
import { nodeCrypto } from "../../client/crypto/node.ts";
import type { Config } from "../config.ts";
import { mustBeOf } from "../parts.ts";
import { type Places, placesOf } from "../places.ts";
import { peekStore } from "../storage/sqlite/inspect.ts";
import { mustBeOnDisk } from "./backup.ts";
import { configOf } from "./settings.ts";

export interface StoppedLog {
  readonly config: Config;
  readonly origin: string;
  readonly places: Places;
}

/** @throws LogError STORE_MISSING, STORE_LOCKED, CONFIG_INVALID */
export async function stoppedLog(args: Arguments, io: Io): Promise<StoppedLog> {
  const { config } = await configOf(args, io);
  mustBeOnDisk(config);
  const { origin } = peekStore(pathOf(io, config.storage.folder)).meta;
  mustBeOf(config, origin);
  return { config, origin, places: placesOf(nodeCrypto.sha256, config, origin, io) };
}
