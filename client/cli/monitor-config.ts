/**
 * A monitor's configuration, opened: names become keys of the map, files become what is in them.
 *
 * Relative paths start at the folder of the configuration, wherever the monitor is started.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { fromUtf8 } from "../../schema/bytes.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { CURRENT_INDEX } from "../../schema/index/generation.ts";
import { nodeCrypto } from "../crypto/node.ts";
import { httpTransport } from "../fetch.ts";
import { fileMemory } from "../memory-file.ts";
import {
  MAX_CONFIG_BYTES,
  type MonitorConfig,
  parseMonitorConfig,
  type WatchedLog,
  type WatchedWords,
} from "../monitor/config.ts";
import { type Name, nameOfKey } from "../monitor/names.ts";
import type { Watch } from "../monitor/round.ts";
import { logOf, MAX_TRUST_BYTES, parseTrust, type Trust, type TrustedLog } from "../trust.ts";
import { digestText } from "./artifacts.ts";
import { pathOf, readBytes } from "./files.ts";
import type { Io } from "./io.ts";
import { readQuestion } from "./lookup-question.ts";
import { readPromises, readReceipts } from "./receipts.ts";

/** Milliseconds for one witness's whole answer. */
const WITNESS_DEADLINE_MS = 10_000;
/** Bytes of a file of digests: a million of them. */
const MAX_DIGESTS_BYTES = 75_497_472;

export interface OpenConfig {
  readonly config: MonitorConfig;
  /** As {@link Io}, with the folder of the configuration as its own. */
  readonly io: Io;
  /** Absolute. */
  readonly state: string;
  readonly watches: readonly Watch[];
}

/** Throws `CONFIG_INVALID` with the field, `TRUST_INVALID`, `FILE_UNREADABLE`. */
export async function openConfig(io: Io, file: string): Promise<OpenConfig> {
  const config = unwrap(parseMonitorConfig(await readBytes(io, file, MAX_CONFIG_BYTES)));
  const own: Io = { ...io, cwd: dirname(pathOf(io, file)) };
  const bytes = await readBytes(own, config.trust, MAX_TRUST_BYTES);
  const trust = unwrap(parseTrust(nodeCrypto.sha256, bytes));
  const state = pathOf(own, config.state);
  const watches: Watch[] = [];
  for (const [i, log] of config.logs.entries())
    watches.push(await openWatch(own, state, trust, log, `log[${i}]`));
  return { config, io: own, state, watches };
}

async function openWatch(
  io: Io,
  state: string,
  trust: Trust,
  watched: WatchedLog,
  place: string,
): Promise<Watch> {
  const known = logOf(trust, watched.origin);
  if (known === undefined)
    throw invalid(`${place}.origin`, `${watched.origin} is no log of the trust file`);
  const { freshSeconds = known.freshSeconds } = watched;
  const log: TrustedLog = { ...known, ...(freshSeconds === undefined ? {} : { freshSeconds }) };
  const url = watched.url ?? log.url;
  if (url === undefined)
    throw invalid(
      `${place}.url`,
      `it is not said where ${log.origin} is, here or in the trust file`,
    );
  const ports = {
    crypto: nodeCrypto,
    log,
    trust,
    generation: CURRENT_INDEX,
    transport: httpTransport(url),
    memory: fileMemory(join(state, "memory.json")),
  };
  const open = (witness: string): ReturnType<typeof httpTransport> =>
    httpTransport(witness, { deadlineMs: WITNESS_DEADLINE_MS });
  return {
    ...ports,
    names: await namesOf(io, ports, watched),
    own: async () => readSigned(io, watched),
    receiptsRead: new Map(),
    ...(watched.askWitnesses ? { openWitness: open } : {}),
    indexLagSeconds: watched.indexLagSeconds,
    witnessSeconds: watched.witnessSeconds,
  };
}

/** Each key once, with the title under which it stands first. */
async function namesOf(
  io: Io,
  ports: Pick<Watch, "crypto" | "log">,
  { watched, own }: WatchedLog,
): Promise<readonly Name[]> {
  const names = new Map<string, Name>();
  const add = async (one: WatchedWords, flags: Partial<Name>): Promise<void> => {
    const { title, keys } = await question(io, one);
    for (const key of keys) {
      const name = nameOfKey(ports, key);
      const isOwn = flags.own === true && key.type === "signer";
      names.set(name.id, { ...name, title, ...names.get(name.id), ...(isOwn ? flags : {}) });
    }
  };
  for (const one of watched) await add(one, {});
  for (const [id, name] of names) names.set(id, { ...name, watched: true });
  for (const one of own) await add(one, { own: true });
  return [...names.values()];
}

async function question(io: Io, { words, place }: WatchedWords): ReturnType<typeof readQuestion> {
  try {
    return await readQuestion(io, words);
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    const { expected } = error.detail;
    throw invalid(place, error.message, expected);
  }
}

function invalid(field: string, message: string, expected?: string): LogError {
  const wanted = expected === undefined ? {} : { expected };
  return new LogError("CONFIG_INVALID", `Configuration: ${field}: ${message}.`, {
    field,
    ...wanted,
  });
}

/** What we signed, as it is known now. */
async function readSigned(
  io: Io,
  { receipts, statements }: WatchedLog,
): Promise<Awaited<ReturnType<Watch["own"]>>> {
  const files = receipts === undefined ? [] : await readReceipts(io, receipts);
  const promises = receipts === undefined ? [] : await readPromises(io, receipts);
  const bytes =
    statements === undefined
      ? new Uint8Array(0)
      : await readBytes(io, statements, MAX_DIGESTS_BYTES);
  const digests = new Set<string>();
  for (const [i, raw] of (fromUtf8(bytes) ?? "\0").split("\n").entries()) {
    const [line = ""] = raw.split("#", 1);
    const text = line.trim();
    if (text === "") continue;
    const digest = digestText(text.startsWith("sha256:") ? text : `sha256:${text}`);
    if (digest === undefined)
      throw new LogError("FIELD_INVALID", `${statements ?? ""}:${i + 1} is no digest.`, {
        field: "statements",
        at: String(i + 1),
        expected: "sha256:HEX, one in a line",
      });
    digests.add(digest);
  }
  return { receipts: files, promises, digests };
}
