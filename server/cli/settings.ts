/**
 * The configuration as options of an operator's command: `--config FILE`, and a flag for each
 * setting of the schema.
 *
 * @module
 */
import type { Arguments, OptionSpec } from "../../client/cli/command.ts";
import { readBytes } from "../../client/cli/files.ts";
import type { Io } from "../../client/cli/io.ts";
import { fromUtf8 } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { SETTINGS, type Setting } from "../config.ts";
import { type LoadedConfig, loadConfig } from "../config-sources.ts";

const MAX_CONFIG_BYTES = 1_048_576;
/** Names the configuration file where `--config` does not. */
const CONFIG_VARIABLE = "COUNTERSIGN_CONFIG";

const VALUES: Readonly<Record<Setting["kind"], string>> = {
  string: "VALUE",
  number: "NUMBER",
  list: "A,B,…",
  switch: "true|false",
};

export const CONFIG_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  config: {
    type: "string",
    value: "FILE",
    help: `configuration in TOML (default: the file that ${CONFIG_VARIABLE} names, if any)`,
  },
  ...Object.fromEntries(
    SETTINGS.map(({ flag, kind, description }) => [
      flag,
      {
        type: "string",
        value: VALUES[kind],
        help: description,
      } as const,
    ]),
  ),
};

/** @throws LogError CONFIG_INVALID, FILE_UNREADABLE */
export async function configOf(args: Arguments, io: Io): Promise<LoadedConfig> {
  const name = args.value("config") ?? io.env[CONFIG_VARIABLE];
  const flags = Object.fromEntries(SETTINGS.map(({ flag }) => [flag, args.value(flag)]));
  if (name === undefined) return loadConfig({ flags, env: io.env });
  const text = fromUtf8(await readBytes(io, name, MAX_CONFIG_BYTES));
  if (text === undefined)
    throw new LogError("CONFIG_INVALID", `${name} is not UTF-8`, { field: "config" });
  return loadConfig({ flags, env: io.env, file: { name, text } });
}
