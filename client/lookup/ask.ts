/**
 * Ask a log for everything under some keys, and believe what is proved.
 *
 * Both heads of the answer are held against the memory before anything else is judged: a log that
 * shows an index, or a history, which contradicts what it once signed is convicted by its own
 * signatures, whatever else is right or wrong about the answer. Then comes the bundle itself
 * (`verify.ts`). Then the newest head of the log is fetched, for what the index does not have yet.
 *
 * An index head that is older than one this machine has seen proves nothing bad: a mirror lags. It
 * is no answer either, for what came in between could be what somebody wants to hide.
 *
 * Spec: docs/formats.md §Index, §HTTP.
 *
 * @module
 */
import { utf8 } from "../../schema/bytes.ts";
import type { Evidence } from "../../schema/evidence.ts";
import {
  formatLookupRequest,
  LOOKUP_PATH,
  type LookupRequest,
  lookupPath,
} from "../../schema/http/lookup-request.ts";
import { JSON_TYPE } from "../../schema/http/paths.ts";
import { type Generation, indexPrefix } from "../../schema/index/generation.ts";
import { MAX_LOOKUP_BYTES, parseLookup } from "../../schema/index/lookup.ts";
import { type Head, openSigned } from "../head.ts";
import { type HeadPorts, type LogPorts, type Observed, observe, update } from "../update.ts";
import { below, indexLogOf, verifiersOf } from "./index-log.ts";
import { fetchSummary } from "./summary.ts";
import type { LookupRefusal, LookupYes } from "./verdict.ts";
import { verifyLookup } from "./verify.ts";

/** A log, and which of its indexes is asked. */
export interface IndexedLogPorts extends LogPorts {
  readonly generation: Generation;
}

export interface AskPorts extends IndexedLogPorts {
  /** Another way to the bundle; the log is asked for it by default. */
  readonly bundle?: (request: LookupRequest) => Promise<Uint8Array>;
}

/** What became of a question. `bytes` is the bundle, as it came. */
export type Asked =
  | {
      readonly state: "answered";
      readonly answer: LookupYes;
      /** The newest head of the log; absent where it lacks the witnesses of the trust. */
      readonly newest?: Head;
      readonly bytes: Uint8Array;
    }
  | { readonly state: "refused"; readonly refusal: LookupRefusal; readonly bytes: Uint8Array }
  | { readonly state: "forked"; readonly origin: string; readonly evidence: Evidence }
  /** The index was newer once: sizes of the index log. */
  | { readonly state: "stale"; readonly shown: number; readonly remembered: number };

/**
 * Ask the log of `ports`.
 *
 * @throws {LogError} what `update` throws; `NOT_FOUND` where the log keeps no index.
 */
export async function askLookup(ports: AskPorts, request: LookupRequest): Promise<Asked> {
  const { crypto, log, generation } = ports;
  const bytes = await (ports.bundle?.(request) ?? fetchLookup(ports, request));
  const held = await holdHeads(ports, bytes);
  if (held !== undefined && !(held.state === "stale" && request.at !== undefined)) return held;
  const verifyPorts = { crypto, log, verifiers: verifiersOf(log, generation), generation };
  const answer = await verifyLookup(verifyPorts, bytes, request.keys);
  if (!answer.ok) return { state: "refused", refusal: answer.refusal, bytes };
  const observed = await update(ports);
  if (observed.state === "forked") return forked(log.origin, observed);
  const newest = observed.state === "unwitnessed" ? {} : { newest: observed.newest };
  return { state: "answered", answer, bytes, ...newest };
}

/**
 * The bundle: by GET for one key, which caches understand, else by POST. Of one summary its answer
 * and its head are fetched apart.
 */
export async function fetchLookup(
  { generation, transport }: Pick<IndexedLogPorts, "generation" | "transport">,
  asked: LookupRequest,
): Promise<Uint8Array> {
  const request = { ...asked, index: generation.number };
  if (request.keys.length === 1 && request.summaries)
    return fetchSummary(transport, generation, request);
  if (request.keys.length === 1) return transport.get(lookupPath(request), MAX_LOOKUP_BYTES);
  return transport.post(LOOKUP_PATH, utf8(formatLookupRequest(request)), {
    contentType: JSON_TYPE,
    maxBytes: MAX_LOOKUP_BYTES,
  });
}

/** The index log, as a log whose heads can be held against the memory. */
export function indexPorts(ports: IndexedLogPorts): HeadPorts {
  const { crypto, generation, log, memory, transport } = ports;
  return {
    crypto,
    memory,
    log: indexLogOf(crypto.sha256, log, generation, verifiersOf(log, generation)),
    transport: below(transport, indexPrefix(generation)),
  };
}

/** What a head that is not signed means is for `verifyLookup` to say. */
async function holdHeads(
  ports: IndexedLogPorts,
  strangersBytes: Uint8Array,
): Promise<Exclude<Asked, { readonly state: "answered" | "refused" }> | undefined> {
  const parsed = parseLookup(strangersBytes);
  if (!parsed.ok) return undefined;
  const { index, main } = parsed.value;
  const shown = [
    { ports: indexPorts(ports), note: index.checkpoint, newest: true },
    { ports, note: main, newest: false },
  ];
  for (const one of shown) {
    const { crypto, log } = one.ports;
    const signed = await openSigned(crypto, log, utf8(one.note));
    if (!signed.ok) continue;
    const observed = await observe(one.ports, signed.value);
    if (observed.state === "forked") return forked(log.origin, observed);
    // An index lags behind its log: only the index's own head has to be the newest one.
    if (observed.state !== "stale" || !one.newest) continue;
    const [size, remembered] = [signed.value.tree.size, observed.newest.tree.size];
    if (size < remembered) return { state: "stale", shown: size, remembered };
  }
  return undefined;
}

function forked(
  origin: string,
  { evidence }: Extract<Observed, { state: "forked" }>,
): Extract<Asked, { state: "forked" }> {
  return { state: "forked", origin, evidence };
}
