/**
 * `index init` and `index rebuild`: the index of a log, made or made anew.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import type { Arguments, Command } from "../../client/cli/command.ts";
import { pathOf } from "../../client/cli/files.ts";
import type { ExitStatus, Io } from "../../client/cli/io.ts";
import { wholeNumber } from "../../client/cli/options.ts";
import { print, printJson } from "../../client/cli/output.ts";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { httpTransport } from "../../client/fetch.ts";
import { LogError } from "../../schema/error.ts";
import { GENERATIONS, type Generation, INDEX_V1 } from "../../schema/index/generation.ts";
import type { Config } from "../config.ts";
import { initIndex } from "../index/open.ts";
import { indexLogFolder, indexPlaces } from "../index/places.ts";
import { copyInStore, copyServed, recoverIndex } from "../index/recover.ts";
import { IndexStore } from "../index/store.ts";
import { takeLock } from "../lock.ts";
import { type LogKey, logKey } from "../log-key.ts";
import type { LogPlace } from "../open.ts";
import { mustBeOf, openConfiguredKey } from "../parts.ts";
import { mustBeApart, type Places, placesOf } from "../places.ts";
import { storeFiles } from "../storage/sqlite/files.ts";
import { peekStore } from "../storage/sqlite/inspect.ts";
import { SqliteReader } from "../storage/sqlite/reader.ts";
import { CONFIG_OPTIONS, configOf } from "./settings.ts";

const INDEX_OPTIONS = {
  ...CONFIG_OPTIONS,
  index: {
    type: "string",
    value: "N",
    help: `which index of the log, by the number of its mapfn: ${GENERATIONS.map(({ number }) => number).join(", ")} (default: ${INDEX_V1.number})`,
  },
} as const;

function indexOf(args: Arguments): Generation {
  const number = args.value("index") === undefined ? INDEX_V1.number : wholeNumber(args, "index");
  const found = GENERATIONS.find((one) => one.number === number);
  if (found !== undefined) return found;
  throw new LogError("USAGE", `this program knows no mapfn ${number}`, {
    field: "--index",
    expected: GENERATIONS.map((one) => one.number).join(", "),
  });
}

/** Makes an index log of a log. Throws `STORE_EXISTS` where there is one, or half of one. */
export async function makeIndex(
  place: LogPlace,
  key: LogKey,
  generation: Generation = INDEX_V1,
): Promise<void> {
  await initIndex(indexPlaces(place, generation), {
    crypto: nodeCrypto,
    signer: key.indexCheckpoints(generation),
    origin: key.origin,
    databaseId: new Uint8Array(randomBytes(16)),
    clock: () => performance.now(),
  });
}

export const indexInit: Command = {
  name: "index init",
  summary: "Make the index log of a log that has none.",
  about: [
    "New logs get their index from `countersign init`. The index log is a log of its own, with a store inside the data folder and a head guard beside the log's. Needs the server stopped; the next start indexes everything.",
  ],
  positionals: [],
  options: INDEX_OPTIONS,
  examples: [
    {
      what: "an index for a log from before there was one",
      line: "countersign index init --config countersign.toml",
    },
  ],
  run: async (args, io) =>
    withStoppedLog(args, io, async ({ config, generation, origin, places }) => {
      const signer = await openConfiguredKey(config, io, places.key);
      await makeIndex(places, logKey(nodeCrypto, signer, origin), generation);
      return `${origin} has an index v${generation.number} now. Next: countersign serve.`;
    }),
};

export const indexRebuild: Command = {
  name: "index rebuild",
  summary: "Make the tables of the index anew, from the log.",
  about: [
    "Takes away what can be derived: the next `serve` reads the log again and must arrive at every leaf of the index log, byte for byte. The index log and its guard are primary data and stay. Needs the server stopped.",
  ],
  positionals: [],
  options: INDEX_OPTIONS,
  examples: [{ what: "tables anew", line: "countersign index rebuild --config countersign.toml" }],
  run: async (args, io) =>
    withStoppedLog(args, io, async ({ generation, places }) => {
      const { tables } = indexPlaces(places, generation);
      IndexStore.remove(tables);
      return `The tables in ${tables} are gone; the next start makes them anew.`;
    }),
};

export const indexRecover: Command = {
  name: "index recover",
  summary: "Bring back leaves of the index log that a restored store lacks.",
  about: [
    "For an index that refuses to start because its guard is ahead of its store (GUARD_AHEAD). The missing leaves come from a copy: another data folder of this log, at rest, or a URL under which its index is served. They must lead to exactly the head that was signed; nothing else of the copy is believed, and where they do not, nothing is written.",
    "Recover the log itself first, then its index. Needs the server stopped.",
  ],
  positionals: [],
  options: {
    ...INDEX_OPTIONS,
    from: {
      type: "string",
      value: "URL|FOLDER",
      help: "where the index log is whole",
      required: true,
    },
  },
  examples: [
    { what: "from a newer copy of the data", line: "countersign index recover --from /other/copy" },
    {
      what: "from a server",
      line: "countersign index recover --from https://replica.example.net/",
    },
  ],
  run: async (args, io) =>
    withStoppedLog(args, io, async ({ config, generation, origin, places }) => {
      const key = logKey(nodeCrypto, await openConfiguredKey(config, io, places.key), origin);
      const ports = {
        crypto: nodeCrypto,
        key,
        places: indexPlaces(places, generation),
        clock: io.now,
      };
      const from = args.need("from");
      const served = /^https?:/.test(from);
      const reader = served
        ? undefined
        : new SqliteReader(storeFiles(indexLogFolder(pathOf(io, from), generation)).database);
      try {
        const copy =
          reader === undefined ? copyServed(httpTransport(from), generation) : copyInStore(reader);
        const leaves = await recoverIndex({ ...ports, copy });
        return `${leaves} leaves of the index log were brought back, up to the head that was signed.`;
      } finally {
        reader?.close();
      }
    }),
};

interface StoppedLog {
  readonly config: Config;
  readonly origin: string;
  readonly places: Places;
  readonly generation: Generation;
}

/** The server holds the store's lock for life; so does whoever changes its index. */
async function withStoppedLog(
  args: Arguments,
  io: Io,
  work: (log: StoppedLog) => Promise<string>,
): Promise<ExitStatus> {
  const generation = indexOf(args);
  const { config } = await configOf(args, io);
  const folder = pathOf(io, config.storage.folder);
  const { origin } = peekStore(folder).meta;
  mustBeOf(config, origin);
  const places = placesOf(nodeCrypto.sha256, config, origin, io);
  mustBeApart(places);
  const lock = takeLock(storeFiles(folder).lock, `the store in ${folder}`);
  try {
    const done = await work({ config, generation, origin, places });
    if (args.json) printJson(io, { origin, index: indexPlaces(places, generation).tables });
    else print(io, done);
    return 0;
  } finally {
    lock.release();
  }
}
