/**
 * The server as a library: a log, or a witness, inside another program.
 *
 * `loadConfig` → `openParts` → `serveLog`; the log ends with `close()`. `loadWitnessConfig` →
 * `serveWitness`, or `openWitness` for one whose `app.listener` another HTTP server calls. Nothing
 * here reads the environment, the command line or the clock: they are passed in.
 *
 * @module
 */
export { type Config, type LogLevel } from "./config.ts";
export { type ConfigSources, type LoadedConfig, loadConfig } from "./config-sources.ts";
export { type LogKey, logKey } from "./log-key.ts";
export { type Logger, makeLogger } from "./observe/log.ts";
export { type OpenPorts, openParts } from "./parts.ts";
export type { PublishedHead } from "./sequencer/ports.ts";
export { type LogParts, type RunningLog, serveLog } from "./serve.ts";
export type { NewEntry, Storage, StorageReader } from "./storage/storage.ts";
export { loadWitnessConfig, type WitnessConfig } from "./witness/config.ts";
export type { Cosigner } from "./witness/cosigner.ts";
export { type CosignerType, initWitness } from "./witness/init.ts";
export {
  type OpenWitness,
  openWitness,
  type RunningWitness,
  serveWitness,
  type WitnessSurroundings,
} from "./witness/serve.ts";
