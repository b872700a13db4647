/**
 * What the HTTP side of a running log is given, out of the log's parts and its configuration.
 *
 * @module
 */
import { makeAdmit } from "./admission/admit.ts";
import type { CheckPool } from "./admission/check-pool.ts";
import { Limits } from "./admission/limit.ts";
import type { Config } from "./config.ts";
import type { Refusals } from "./erasure/refusals.ts";
import { checkGenesis } from "./genesis.ts";
import { clientAddress } from "./http/address.ts";
import { ByteBudget } from "./http/body.ts";
import type { ConflictPort } from "./http/conflicts.ts";
import type { HttpPorts } from "./http/ports.ts";
import type { IndexHandle } from "./index/handle.ts";
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
  /** Of the index. */
  readonly verifiers: RunningWitnesses | undefined;
  readonly index: IndexHandle | undefined;
  readonly refusals: Refusals;
  readonly promises: Promises | undefined;
}

export function httpPorts(
  parts: LogParts,
  config: Config,
  { sequencer, checks, metrics, witnesses, verifiers, index, refusals, promises }: RunningParts,
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
      verifiers,
      index,
    }),
    notes: () => [
      ...notesOf(witnesses, verifiers),
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
    documents: documentsOf(parts, config, { witnesses, verifiers }),
    index: index && {
      lookup: async (keys, options) => index.get().service.lookup(keys, options),
      update: async (leafIndex) => index.get().service.update(leafIndex),
      edge: async (leafIndex) => index.get().service.edge(leafIndex),
      piece: async (piece) => index.get().service.piece(piece),
      hints: async (leaf, content) =>
        (await index.get().service.ask({ call: "hints", leaf, content })).hints ?? [],
      conflicts: conflictPort(parts, config, index),
      log: () => index.get(),
    },
  };
}

/** Entry 0 is there: the sequencer has opened. */
function documentsOf(
  parts: LogParts,
  { http }: Config,
  { witnesses, verifiers }: Pick<RunningParts, "witnesses" | "verifiers">,
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
    verifiers: () => verifiers?.policy,
  });
}

function conflictPort({ key }: LogParts, { http }: Config, index: IndexHandle): ConflictPort {
  return {
    origin: key.origin,
    publicUrl: (http.public_url ?? `https://${key.origin}`).replace(/\/$/, ""),
    after: (cursor, limit) => index.get().conflicts.after(cursor, limit),
    newest: (limit) => index.get().conflicts.newest(limit),
    find: (id) => index.get().conflicts.find(id),
    scanned: () => index.get().conflicts.scanned,
    evidence: async (conflict) => index.get().evidence(conflict),
  };
}
