/**
 * `doctor`: everything that a start would find wrong, and some things it would not, without
 * starting anything or changing a byte.
 *
 * @module
 */
import { existsSync, statSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, resolve } from "node:path";
import type { Arguments, Command } from "../../client/cli/command.ts";
import type { ExitStatus, Io } from "../../client/cli/io.ts";
import { print, printJson, table } from "../../client/cli/output.ts";
import { nodeCrypto } from "../../client/crypto/node.ts";
import type { Signer } from "../../client/keys/signer.ts";
import { LogError } from "../../schema/error.ts";
import { GENERATIONS, INDEX_V1 } from "../../schema/index/generation.ts";
import type { TreeHead } from "../../schema/tlog/proof.ts";
import { splitsInTwo } from "../../schema/tlog/quorum.ts";
import { ClockFile, clockPath } from "../clock-file.ts";
import type { Config } from "../config.ts";
import { clientAddress } from "../http/address.ts";
import { BLIND_SPOT } from "../http/health.ts";
import { indexLogFolder } from "../index/places.ts";
import { bind, splitAddress } from "../listen.ts";
import { timeText } from "../log-clock.ts";
import { type LogKey, logKey } from "../log-key.ts";
import { mustBeOf, openAuthority, openConfiguredKey } from "../parts.ts";
import { mustBeApart, type Places, placesOf } from "../places.ts";
import { examine } from "../recover.ts";
import { StoreAudit } from "../storage/sqlite/audit.ts";
import { storeFiles } from "../storage/sqlite/files.ts";
import { openStampingKey } from "../tsa/files.ts";
import { askAll } from "../witnesses/ask.ts";
import { httpWitnesses } from "../witnesses/http.ts";
import { INDEX_VERIFIERS, readPolicyFile, splitRisk, WITNESSES } from "../witnesses/policy.ts";
import { mustBeOnDisk } from "./backup.ts";
import { clockState } from "./clock.ts";
import { CONFIG_OPTIONS, configOf } from "./settings.ts";

/** Below this a log should not be asked to grow. */
const LOW_SPACE_BYTES = 268_435_456;

/** Ninety days: clients have to be given a new trusted root before a chain ends. */
const CHAIN_WARNING_SECONDS = 90 * 86_400;

interface Diagnosis {
  readonly what: string;
  /** `note`: nothing is wrong, but an operator should know. */
  readonly verdict: "ok" | "note" | "wrong";
  readonly detail: string;
}

export const doctor: Command = {
  name: "doctor",
  summary: "Say what is not as it should be.",
  about: [
    "It checks the configuration and every place it names: keys, store, head guard, room, clock, timestamp chain, witness policy, addresses, keys and tokens of admission, and asks each witness what it has seen of the log. Nothing is started, and no entry, head or guard is changed. A log that is running is told by its lock; then the store and guard are not examined.",
    "Exit status 0: nothing is wrong; 1: something is.",
  ],
  positionals: [],
  options: CONFIG_OPTIONS,
  examples: [
    { what: "before the first start", line: "countersign doctor --config countersign.toml" },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const { config } = await configOf(args, io);
    mustBeOnDisk(config);
    const found = await diagnose(config, io);
    const wrong = found.some(({ verdict }) => verdict === "wrong");
    if (args.json) printJson(io, { ok: !wrong, found });
    else {
      print(io, ...table(found.map(({ verdict, what, detail }) => [verdict, what, detail])));
      print(io, "", wrong ? "something is wrong" : "nothing is wrong");
    }
    return wrong ? 1 : 0;
  },
};

async function diagnose(config: Config, io: Io): Promise<Diagnosis[]> {
  const found: Diagnosis[] = [{ what: "configuration", verdict: "ok", detail: "keeps its schema" }];
  const look = async (what: string, check: () => Promise<string> | string): Promise<boolean> => {
    try {
      found.push({ what, verdict: "ok", detail: await check() });
      return true;
    } catch (error) {
      found.push({ what, verdict: "wrong", detail: sentence(error) });
      return false;
    }
  };
  let origin = config.log.origin;
  await look("store", () => {
    const folder = placesOf(nodeCrypto.sha256, config, origin ?? "unknown", io).folder;
    const audit = StoreAudit.open(folder);
    try {
      ({ origin } = audit.meta());
      mustBeOf(config, origin);
      return `${origin}, ${audit.head().size} entries in ${folder}`;
    } finally {
      audit.close();
    }
  });
  await look("admission", async () => {
    await openAuthority(config, { ...io, crypto: nodeCrypto });
    clientAddress(config.http.trusted_proxies);
    return config.admission.who;
  });
  if (origin !== undefined) {
    const places = placesOf(nodeCrypto.sha256, config, origin, io);
    const name = origin;
    const hasKey = await look("key", async () => {
      const signer = await openConfiguredKey(config, io, places.key);
      return logKey(nodeCrypto, signer, name).vkey;
    });
    await look("guard's place", () => guardPlace(places));
    if (hasKey) found.push(await startDiagnosis(config, io, places, name));
    await look("room", () => room(places));
    found.push(clockDiagnosis(places, name, io), await timestampDiagnosis(config, places, io));
    if (hasKey) found.push(...(await witnessDiagnosis(config, io, places, name)));
  }
  found.push(await addressDiagnosis("http.listen", config.http.listen));
  if (config.metrics.listen !== "off")
    found.push(await addressDiagnosis("metrics.listen", config.metrics.listen));
  found.push(...limitsDiagnosis(config));
  if (config.witness.policy === undefined)
    found.push({ what: "rollback", verdict: "note", detail: BLIND_SPOT });
  return found;
}

/** The policies as a start would take them, and what witnesses and index verifiers have seen. */
async function witnessDiagnosis(
  config: Config,
  io: Io,
  place: Places,
  origin: string,
): Promise<readonly Diagnosis[]> {
  const { witness, index } = config;
  const policies = [
    {
      ...witness,
      kind: WITNESSES,
      file: witness.policy,
      of: (key: LogKey) => key.checkpoints,
      ...place,
    },
    ...GENERATIONS.filter(
      (one) =>
        one === INDEX_V1 || existsSync(storeFiles(indexLogFolder(place.folder, one)).database),
    ).map((generation) => ({
      ...index,
      kind: INDEX_VERIFIERS,
      file: index.verifiers,
      of: (key: LogKey) => key.indexCheckpoints(generation),
      folder: indexLogFolder(place.folder, generation),
    })),
  ];
  const found: Diagnosis[] = [];
  for (const { kind, file, of, allow_split, timeout_ms, folder } of policies) {
    if (file === undefined) continue;
    try {
      const key = await openConfiguredKey(config, io, place.key);
      const signer = of(logKey(nodeCrypto, key, origin));
      const policy = await readPolicyFile(nodeCrypto.sha256, resolve(io.cwd, file), {
        kind,
        vkeys: signer.vkeys,
        allowSplit: allow_split,
      });
      const shown = await askAll(policy, {
        crypto: nodeCrypto,
        signer,
        transport: httpWitnesses(timeout_ms),
        head: () => headOf(folder),
      });
      const splits = policy.quorum !== undefined && splitsInTwo(policy);
      found.push(
        splits
          ? { what: kind.field, verdict: "note", detail: splitRisk(kind) }
          : { what: kind.field, verdict: "ok", detail: `${policy.witnesses.length} keys` },
        ...shown.map(({ name, ...said }) => ({ what: `${kind.one} ${name}`, ...said })),
      );
    } catch (error) {
      found.push({ what: kind.field, verdict: "wrong", detail: sentence(error) });
    }
  }
  return found;
}

function headOf(folder: string): TreeHead {
  const audit = StoreAudit.open(folder);
  try {
    return audit.head();
  } finally {
    audit.close();
  }
}

/** The start's own proof (I6), or that another process holds the log. */
async function startDiagnosis(
  config: Config,
  io: Io,
  place: Places,
  origin: string,
): Promise<Diagnosis> {
  const what = "start";
  try {
    const signer = await openConfiguredKey(config, io, place.key);
    const { checkpoints } = logKey(nodeCrypto, signer, origin);
    const ports = { place, signer: checkpoints, crypto: nodeCrypto, clock: io.now };
    const { refusal, store } = await examine(ports);
    return refusal === undefined
      ? { what, verdict: "ok", detail: `store and guard agree at ${store.size} entries` }
      : { what, verdict: "wrong", detail: `${refusal.message} [${refusal.code}]` };
  } catch (error) {
    if (error instanceof LogError && error.code === "STORE_LOCKED")
      return { what, verdict: "note", detail: "a running process holds the log; ask its /readyz" };
    return { what, verdict: "wrong", detail: sentence(error) };
  }
}

function guardPlace({ folder, guard }: Places): string {
  mustBeApart({ folder, guard });
  if (!existsSync(guard))
    throw new LogError("GUARD_MISSING", `there is no head guard at ${guard}`, {});
  const apart = statSync(dirname(guard)).dev !== statSync(folder).dev;
  return `${guard}${apart ? ", on a volume of its own" : ", on the volume of the store"}`;
}

async function room({ folder }: Places): Promise<string> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free < LOW_SPACE_BYTES)
    throw new LogError("STORAGE_FULL", `only ${free} bytes are free in ${folder}`, {});
  return `${free} bytes free`;
}

function clockDiagnosis({ guard }: Places, origin: string, io: Io): Diagnosis {
  const what = "clock";
  const found = clockState(new ClockFile(nodeCrypto.sha256, origin, clockPath(guard)), io);
  if (found.state === "ready")
    return { what, verdict: "ok", detail: `would sign ${timeText(found.seconds)}` };
  const { message, hint } = found.reason;
  const verdict = found.state === "waiting" ? "note" : "wrong";
  return { what, verdict, detail: `${message}; ${hint} [CLOCK_REFUSED]` };
}

/** Key and chain belong together, and the chain lasts a while yet. */
async function timestampDiagnosis(config: Config, places: Places, io: Io): Promise<Diagnosis> {
  const what = "time stamps";
  if (config.timestamp.authority === "off")
    return { what, verdict: "note", detail: "switched off; Sigstore's clients ask for them" };
  try {
    const open = (path: string): Promise<Signer> => openConfiguredKey(config, io, path);
    const { chain } = await openStampingKey(places, open);
    const left = chain.until - Math.floor(io.now() / 1000);
    const detail = `${places.timestampChain}, valid until ${timeText(chain.until)}`;
    if (left < 0) return { what, verdict: "wrong", detail: `${detail}: it has ended` };
    if (left < CHAIN_WARNING_SECONDS)
      return { what, verdict: "note", detail: `${detail}: make a new one in time` };
    return { what, verdict: "ok", detail };
  } catch (error) {
    const hint = error instanceof LogError ? (error.detail.hint ?? "") : "";
    return {
      what,
      verdict: "wrong",
      detail: hint === "" ? sentence(error) : `${sentence(error)}; ${hint}`,
    };
  }
}

async function addressDiagnosis(what: string, text: string): Promise<Diagnosis> {
  const server = createServer();
  try {
    await bind(server, splitAddress(text), what);
    return { what, verdict: "ok", detail: `${text} is free` };
  } catch (error) {
    return { what, verdict: "note", detail: `${sentence(error)} (by the running log?)` };
  } finally {
    server.close();
  }
}

function limitsDiagnosis({ http, limits }: Config): Diagnosis[] {
  const local = /^(127\.|\[::1\]|localhost:)/.test(http.listen);
  const limited = limits.entries_per_second > 0 || limits.requests_per_second_per_address > 0;
  if (local || limited) return [];
  return [{ what: "limits", verdict: "note", detail: "open to the network without rate limits" }];
}

function sentence(error: unknown): string {
  if (error instanceof LogError) return `${error.message} [${error.code}]`;
  return error instanceof Error ? error.message : String(error);
}
