/**
 * What the HTTP side of a running log is given, out of the log's parts and its configuration.
 *
 * @module
 */

import { LogError } from "../schema/error.ts";
import { indexOrigin } from "../schema/index/generation.ts";
import { makeAdmit } from "./admission/admit.ts";
import type { CheckPool } from "./admission/check-pool.ts";
import { Limits } from "./admission/limit.ts";
import type { Config } from "./config.ts";
import type { Refusals } from "./erasure/refusals.ts";
import { checkGenesis } from "./genesis.ts";
import { clientAddress } from "./http/address.ts";
import { ByteBudget } from "./http/body.ts";
import type { IndexPort } from "./http/lookup.ts";
import type { ClaimsPort, HttpPorts } from "./http/ports.ts";
import { currentIndex, endOfOpen, type OpenIndex } from "./index/indexes.ts";
import type { RunningIndex } from "./index/run.ts";
import type { Metrics } from "./observe/metrics.ts";
import type { Promises } from "./promises/promises.ts";
import { makeDocuments, type PublicDocuments } from "./public-documents.ts";
import { makeChecks, notesOf } from "./readiness.ts";
import type { Sequencer } from "./sequencer/log.ts";
import type { LogParts } from "./serve.ts";
import type { RunningWitnesses } from "./witnesses/running.ts";

/** Nothing that a sender was told is wrong by it, and writes go on. */
const NO_PROMISES =
  "The log gives no promises: what it promised before cannot be read; its own log says why.";

/** What runs behind HTTP. */
export interface RunningParts {
  readonly sequencer: Sequencer;
  readonly checks: CheckPool;
  readonly metrics: Metrics;
  readonly witnesses: RunningWitnesses | undefined;
  readonly indexes: readonly OpenIndex[];
  readonly refusals: Refusals;
  readonly promises: Promises | undefined;
}

export function httpPorts(
  parts: LogParts,
  config: Config,
  { sequencer, checks, metrics, witnesses, indexes, refusals, promises }: RunningParts,
): HttpPorts {
  const { limits: rates } = config;
  const limits = new Limits({
    entries: rates.entries_per_second,
    entriesPerKey: rates.entries_per_second_per_key,
    requestsPerAddress: rates.requests_per_second_per_address,
  });
  const { authority, clock, crypto, guard, key, logger, storage } = parts;
  return {
    sha256: crypto.sha256,
    logId: key.logId,
    log: sequencer,
    reader: storage.reader,
    admit: makeAdmit({ check: checks.check, authority, limits, refuses: refusals.of }),
    authority,
    limits,
    clientAddress: clientAddress(config.http.trusted_proxies),
    checks: makeChecks({
      sequencer,
      storage,
      guard,
      clock,
      signsTimes: parts.timestamps !== undefined,
      witnesses,
      indexes,
    }),
    notes: () => [
      ...notesOf(witnesses, indexes),
      ...(parts.promises !== undefined && promises === undefined ? [NO_PROMISES] : []),
    ],
    budget: new ByteBudget(rates.inflight_bytes),
    unread: new ByteBudget(rates.inflight_bytes),
    metrics,
    logger,
    bodyTimeoutMs: rates.body_timeout_ms,
    writeWaitMs: witnesses === undefined ? undefined : config.witness.write_wait_ms,
    timestamps: parts.timestamps,
    promises,
    documents: documentsOf(parts, config, { witnesses, indexes }),
    indexes: indexes.map((one) => indexPort(parts.key.origin, one, indexes)),
    claims: indexes.length === 0 ? undefined : claimsPort(parts, config, indexes),
  };
}

/** Entry 0 is there: the sequencer has opened. */
function documentsOf(
  parts: LogParts,
  { http }: Config,
  { witnesses, indexes }: Pick<RunningParts, "witnesses" | "indexes">,
): PublicDocuments {
  const { crypto, key, storage, timestamps } = parts;
  const [leaf = new Uint8Array(0)] = storage.reader.leaves(0, 1);
  const [content] = storage.reader.contents(0, 1);
  const bytes = content?.state === "held" ? content.bytes : undefined;
  const { createdAt } = checkGenesis(crypto.sha256, key, leaf, bytes);
  return makeDocuments({
    sha256: crypto.sha256,
    vkey: key.vkey,
    origin: key.origin,
    publicUrl: http.public_url,
    createdAt,
    chain: timestamps?.chain,
    retired: parts.retiredChains ?? [],
    policy: () => witnesses?.policy,
    verifiers: (generation) =>
      indexes.find((one) => one.generation === generation)?.verifiers?.policy,
  });
}

function indexPort(
  origin: string,
  { generation, handle }: OpenIndex,
  all: readonly OpenIndex[],
): IndexPort {
  return {
    generation,
    successor: () => {
      const next = endOfOpen({ handle })?.successor;
      return all.find((one) => indexOrigin(origin, one.generation) === next)?.generation.number;
    },
    lookup: async (keys, options) => handle.get().service.lookup(keys, options),
    update: async (leafIndex) => handle.get().service.update(leafIndex),
    edge: async (leafIndex) => handle.get().service.edge(leafIndex),
    piece: async (piece) => handle.get().service.piece(piece),
    log: () => handle.get(),
  };
}

/** What is told of claims without a proof comes from the current index. */
function claimsPort(
  { key }: LogParts,
  { http }: Config,
  indexes: readonly OpenIndex[],
): ClaimsPort {
  const index = {
    get: (): RunningIndex => {
      const current = currentIndex(indexes);
      if (current === undefined) throw new LogError("INTERNAL", "the log keeps no index");
      return current.handle.get();
    },
  };
  return {
    hints: async (leaf, content) =>
      (await index.get().service.ask({ call: "hints", leaf, content })).hints ?? [],
    origin: key.origin,
    publicUrl: (http.public_url ?? `https://${key.origin}`).replace(/\/$/, ""),
    after: (cursor, limit) => index.get().conflicts.after(cursor, limit),
    newest: (limit) => index.get().conflicts.newest(limit),
    find: (id) => index.get().conflicts.find(id),
    scanned: () => index.get().conflicts.scanned,
    evidence: async (conflict) => index.get().evidence(conflict),
  };
}
