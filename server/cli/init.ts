/**
 * `init`: a new log. The key first, then store, guard and entry 0 (`server/init.ts`).
 *
 * A key that is there already is used, so that `init` can be called again after it was cut off,
 * and so that an operator may bring a key.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Arguments, Command } from "../../client/cli/command.ts";
import type { ExitStatus, Io } from "../../client/cli/io.ts";
import { print, printJson } from "../../client/cli/output.ts";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { generateKeyFile } from "../../client/keys/key-file.ts";
import { toBase64 } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { genesisEntry } from "../genesis.ts";
import { initLog } from "../init.ts";
import { logKey } from "../log-key.ts";
import { openConfiguredKey, passphraseOf } from "../parts.ts";
import { mustBeApart, placesOf } from "../places.ts";
import { makeIndex } from "./index-log.ts";
import { CONFIG_OPTIONS, configOf } from "./settings.ts";
import { describeStamping, makeClock, makeTimestamps, stampingLines } from "./timestamp.ts";

export const init: Command = {
  name: "init",
  summary: "Create a log: keys, store, head guard, first entry.",
  about: [
    "The name of the log (--log-origin) is in every checkpoint and can never change: a bare host name, the one it will be served under.",
    "The head guard belongs outside the data folder and outside every backup: it is what notices that a store was rolled back. By default it is in the user's state folder.",
    "Nothing that exists is written over. The printed vkey is what clients pin in their trust file; hand it to them by another way than the log itself.",
  ],
  positionals: [],
  options: CONFIG_OPTIONS,
  examples: [
    {
      what: "everything in the folder at hand and in the state folder",
      line: "countersign init --log-origin log.example.org",
    },
    {
      what: "where the configuration says",
      line: "countersign init --config countersign.toml",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const { config } = await configOf(args, io);
    const { origin } = config.log;
    if (origin === undefined)
      throw new LogError("CONFIG_INVALID", "A log needs a name.", {
        field: "log.origin",
        expected: "a bare host name",
        hint: "countersign init --log-origin log.example.org",
      });
    if (config.storage.driver !== "sqlite")
      throw new LogError("CONFIG_INVALID", "A log in memory is not initialised: serve makes it.", {
        field: "storage.driver",
        expected: "sqlite",
      });
    const places = placesOf(nodeCrypto.sha256, config, origin, io);
    mustBeApart(places);
    const made = !existsSync(places.key);
    if (made) mkdirSync(dirname(places.key), { recursive: true, mode: 0o700 });
    const signer = made
      ? await generateKeyFile(places.key, "ed25519", await passphraseOf(config, io))
      : await openConfiguredKey(config, io, places.key);
    const key = logKey(nodeCrypto, signer, origin);
    makeClock(places.guard, origin, io);
    const stamping = describeStamping(await makeTimestamps(config, places, origin, io), places);
    const head = await initLog({
      place: places,
      databaseId: new Uint8Array(randomBytes(16)),
      signer: key.checkpoints,
      crypto: nodeCrypto,
      clock: () => performance.now(),
      genesis: await genesisEntry({ crypto: nodeCrypto, key, now: io.now }),
    });
    if (config.index.enabled === "on") await makeIndex(places, key);
    const shown = {
      origin,
      vkey: key.vkey,
      ...places,
      ...stamping,
      size: head.size,
      root: toBase64(head.root),
    };
    if (args.json) printJson(io, shown);
    else
      print(
        io,
        `${origin} is made, with its genesis as entry 0.`,
        `vkey  ${key.vkey}`,
        `key   ${places.key}${made ? "" : " (was there)"}`,
        `store ${places.folder}`,
        `guard ${places.guard} (never put it into a backup)`,
        ...stampingLines(stamping),
        "",
        "Next: countersign serve, with the same options.",
      );
    return 0;
  },
};
