/**
 * The part of `recover` that goes to mirrors: where they are, what else was shown of the log, and
 * a new store where the old one is gone (`server/recover-from.ts`).
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { pathOf, readBytes } from "../../client/cli/files.ts";
import type { Io } from "../../client/cli/io.ts";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { httpTransport } from "../../client/fetch.ts";
import { fetchHead } from "../../client/update.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { MAX_NOTE_BYTES } from "../../schema/limits.ts";
import type { Config } from "../config.ts";
import { logKey } from "../log-key.ts";
import { openSource } from "../mirror/source.ts";
import { ownLog } from "../own-log.ts";
import { mustBeOf, openConfiguredKey } from "../parts.ts";
import { placesOf } from "../places.ts";
import { type RecoverPorts, recordOf } from "../recover.ts";
import { type Recovered, recoverFrom } from "../recover-from.ts";
import { parseGuard } from "../sequencer/guard.ts";
import { createSqliteStore } from "../storage/sqlite/create.ts";
import { storeFiles } from "../storage/sqlite/files.ts";
import { peekStore } from "../storage/sqlite/inspect.ts";
import { DATABASE_ID_BYTES } from "../storage/sqlite/rows.ts";

export interface FromOptions {
  /** URL or folder of a mirror. */
  readonly from: string;
  /** URLs or files of checkpoints. */
  readonly shown: readonly string[];
  /** Make the store where there is none. */
  readonly newStore: boolean;
  readonly progress: (done: number, total: number) => void;
}

export interface FromMirror extends Recovered {
  /** Where it is written that the guard was moved. */
  readonly record: string;
}

/** The log's own key and places, for a store of `origin` that need not start. */
export async function recoverPorts(config: Config, io: Io, origin: string): Promise<RecoverPorts> {
  const place = placesOf(nodeCrypto.sha256, config, origin, io);
  const signer = await openConfiguredKey(config, io, place.key);
  return {
    place,
    signer: logKey(nodeCrypto, signer, origin).checkpoints,
    crypto: nodeCrypto,
    clock: io.now,
  };
}

export async function recoverByMirror(
  config: Config,
  io: Io,
  { from, shown, newStore, progress }: FromOptions,
): Promise<FromMirror> {
  const folder = pathOf(io, config.storage.folder);
  const isGone = !existsSync(storeFiles(folder).database);
  const origin = isGone && newStore ? namedOrigin(config) : peekStore(folder).meta.origin;
  mustBeOf(config, origin);
  const ports = await recoverPorts(config, io, origin);
  const log = ownLog(nodeCrypto.sha256, ports.signer);
  const source = await openSource({ crypto: nodeCrypto, log }, from, (path) => pathOf(io, path));
  const strangersNotes = await Promise.all(shown.map(async (place) => noteOf(io, place)));
  if (isGone) {
    // Nothing is made for a source that is not this log's.
    await fetchHead({ crypto: nodeCrypto, transport: source, log });
    createSqliteStore(folder, { origin, databaseId: databaseIdOf(ports.place.guard) });
  }
  const recovered = await recoverFrom({ ...ports, source, strangersNotes, progress });
  return { ...recovered, record: recordOf(ports.place.guard) };
}

function namedOrigin({ log }: Config): string {
  if (log.origin !== undefined) return log.origin;
  throw new LogError("CONFIG_INVALID", "a store is made anew only for a log that is named", {
    field: "log.origin",
    hint: "set log.origin to the name that the log has",
  });
}

/** The guard of the lost store guards the new one; where it is gone too, a new id. */
function databaseIdOf(guard: string): Uint8Array {
  if (!existsSync(guard)) return new Uint8Array(randomBytes(DATABASE_ID_BYTES));
  return unwrap(parseGuard(new Uint8Array(readFileSync(guard)))).databaseId;
}

async function noteOf(io: Io, place: string): Promise<Uint8Array> {
  if (!/^https?:\/\//.test(place)) return readBytes(io, place, MAX_NOTE_BYTES);
  if (!URL.canParse(place)) throw new LogError("USAGE", `${place} is no URL`, { field: "--shown" });
  const url = new URL(place);
  const name = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  url.pathname = url.pathname.slice(0, -name.length);
  return httpTransport(url.href).get(name, MAX_NOTE_BYTES);
}
