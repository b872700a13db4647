/**
 * `timestamp init`: key, chain and clock file of the timestamp authority, for a log that was made
 * before there was one, or whose chain was moved away to make a new one. `init` does the same for
 * a new log.
 *
 * @module
 */
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Arguments, Command } from "../../client/cli/command.ts";
import type { ExitStatus, Io } from "../../client/cli/io.ts";
import { print, printJson } from "../../client/cli/output.ts";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { toHex } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { ClockFile, clockPath } from "../clock-file.ts";
import type { Config } from "../config.ts";
import { timeText } from "../log-clock.ts";
import { openConfiguredKey, passphraseOf } from "../parts.ts";
import type { Places } from "../places.ts";
import { makeTimestampFiles, type StampingKey } from "../tsa/files.ts";
import { CONFIG_OPTIONS } from "./settings.ts";
import { stoppedLog } from "./stopped.ts";

export const timestamp: Command = {
  name: "timestamp",
  summary: "Make the key and chain of the timestamp authority.",
  about: [
    "A new log has them from `countersign init`. This is for a log that was made without, and for a chain that ends: move the old key and chain away, then run it. The log must be stopped.",
    "Nothing that exists is written over. Clients pin the chain in their trusted root; stamps under an old chain verify only where the old one is pinned still.",
  ],
  positionals: [{ name: "init", help: "what to do; there is only this", required: true }],
  options: CONFIG_OPTIONS,
  examples: [
    {
      what: "for the log of a configuration",
      line: "countersign timestamp init --config countersign.toml",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    if (args.positionals[0] !== "init")
      throw new LogError("USAGE", `"timestamp ${args.positionals[0] ?? ""}" is not a command`, {
        field: "init",
        expected: "init",
        hint: "countersign timestamp init",
      });
    const { config, origin, places } = await stoppedLog(args, io);
    const before = existsSync(places.timestampChain);
    makeClock(places.guard, origin, io);
    const made = await makeTimestamps(config, places, origin, io);
    const shown = describeStamping(made, places);
    if (args.json) printJson(io, { origin, made: !before, ...shown });
    else
      print(io, ...stampingLines(shown), ...(before ? ["Both were there; nothing was made."] : []));
    return 0;
  },
};

/** What an operator reads and hands to clients. */
export interface ShownStamping {
  readonly timestampKey: string;
  readonly timestampChain: string;
  /** SHA-256 of the root in DER, hex. */
  readonly timestampRoot: string;
  readonly validUntil: string;
}

export function describeStamping({ chain }: StampingKey, places: Places): ShownStamping {
  const { timestampKey, timestampChain } = places;
  const root = chain.certificates.at(-1) ?? chain.certificates[0];
  return {
    timestampKey,
    timestampChain,
    timestampRoot: toHex(nodeCrypto.sha256(root)),
    validUntil: timeText(chain.until),
  };
}

export function stampingLines(shown: ShownStamping): string[] {
  return [
    `time stamps: key   ${shown.timestampKey}`,
    `             chain ${shown.timestampChain}, until ${shown.validUntil}`,
    `             root  sha256:${shown.timestampRoot}`,
  ];
}

/** What is missing of key and chain is made. */
export async function makeTimestamps(
  config: Config,
  places: Places,
  origin: string,
  io: Io,
): Promise<StampingKey> {
  return makeTimestampFiles(
    places,
    { crypto: nodeCrypto, origin, from: Math.floor(io.now() / 1000) },
    (path) => openConfiguredKey(config, io, path),
    await passphraseOf(config, io),
  );
}

/** I7: no time before the log was made is ever signed. What is there is older, and stays. */
export function makeClock(guard: string, origin: string, io: Io): void {
  mkdirSync(dirname(guard), { recursive: true, mode: 0o700 });
  const clock = new ClockFile(nodeCrypto.sha256, origin, clockPath(guard));
  if (clock.read() === undefined) clock.write(Math.floor(io.now() / 1000));
}
