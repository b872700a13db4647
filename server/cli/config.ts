/**
 * `config show`: every setting that is in force, and where it came from.
 *
 * @module
 */
import type { Arguments, Command } from "../../client/cli/command.ts";
import type { ExitStatus, Io } from "../../client/cli/io.ts";
import { print, printJson, table } from "../../client/cli/output.ts";
import { LogError } from "../../schema/error.ts";
import { SETTINGS } from "../config.ts";
import { describeConfig } from "../config-sources.ts";
import { CONFIG_OPTIONS, configOf } from "./settings.ts";

export const config: Command = {
  name: "config",
  summary: "Show every setting that is in force, and where its value came from.",
  about: [
    "Flags stand over the environment, the environment over the file, the file over the defaults. " +
      "A setting is called http.listen in the file, COUNTERSIGN_HTTP_LISTEN in the environment and --http-listen as a flag.",
    "Nothing secret is shown because nothing secret is a setting: keys and tokens are named by their files.",
  ],
  positionals: [{ name: "show", help: "what to do; there is only this", required: true }],
  options: CONFIG_OPTIONS,
  examples: [
    { what: "what would be in force", line: "countersign config show --config log.toml" },
    { what: "the same for a program", line: "countersign config show --json" },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    if (args.positionals[0] !== "show")
      throw new LogError("USAGE", `"config ${args.positionals[0] ?? ""}" is not a command`, {
        field: "show",
        expected: "show",
        hint: "countersign config show",
      });
    const shown = describeConfig(await configOf(args, io));
    if (args.json) printJson(io, { settings: shown });
    else {
      const rows = shown.map(({ path, value, origin }) => [path, valueText(value), origin]);
      print(io, ...table([["setting", "value", "from"], ...rows]));
      print(io, "", `${SETTINGS.length} settings; \`countersign serve --help\` says what each is.`);
    }
    return 0;
  },
};

function valueText(value: unknown): string {
  if (value === null) return "-";
  return typeof value === "string" ? value : JSON.stringify(value);
}
