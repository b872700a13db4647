/**
 * From the bytes of one submission to entries that are published: what both write interfaces do.
 *
 * Where an entry is in the log without its content (opaque, for ever), and a submission brings
 * that content, the entry keeps its index and a *twin* is appended: a `countersign` entry with the
 * same signature and key, which has the content and makes its claims. A twin is a leaf like any
 * other, so however often and from however many sides it comes, it is logged once (I8).
 *
 * - T1  A twin is appended only after the sequencer said that the original lacks its content, and
 *       it passes every check that an entry passes: it comes in by the same door.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { LogError } from "../../schema/error.ts";
import { MAX_BODY_BYTES } from "../../schema/limits.ts";
import type { AdmittedEntry } from "../admission/admit.ts";
import type { Appended } from "../sequencer/ports.ts";
import type { AnsweredEntry } from "./answer.ts";
import { checkBodyHead, readBody } from "./body.ts";
import type { HttpPorts } from "./ports.ts";
import { promisesFor, waitForHead } from "./promised.ts";

/** Which interface a submission came by. */
export type Entrance = "native" | "rekor";

/** An entry and where it is. */
export type LoggedEntry = AnsweredEntry & Appended;

/** Reads a submission within every bound, and gives its bytes back to the budget when done. */
export async function withBody(
  ports: HttpPorts,
  req: IncomingMessage,
  res: ServerResponse,
  types: readonly string[],
  work: (body: Uint8Array) => Promise<void>,
): Promise<void> {
  await checkSender(ports, req);
  checkBodyHead(req, res, MAX_BODY_BYTES, types);
  const limits = { maxBytes: MAX_BODY_BYTES, timeoutMs: ports.bodyTimeoutMs };
  const body = await readBody(req, limits, ports.budget);
  try {
    await work(body);
  } finally {
    ports.budget.give(body.length);
  }
}

/** Who sends, and how often; before anything of the body is read. */
export async function checkSender(ports: HttpPorts, req: IncomingMessage): Promise<void> {
  ports.authority.checkRequest(req.headers.authorization);
  if (ports.limits.countsAddresses) await ports.limits.request(ports.clientAddress(req));
}

/**
 * The entries of a submission in their order, then the twins of those that needed one. Both are
 * published within the time that a write may take, or it is `NOT_WITNESSED`.
 */
export async function appendBody(
  ports: HttpPorts,
  body: Uint8Array,
  entrance: Entrance,
): Promise<readonly LoggedEntry[]> {
  const { admit, log, metrics, writeWaitMs } = ports;
  const started = performance.now();
  const append = (added: readonly AdmittedEntry[]): Promise<readonly Appended[]> =>
    writeWaitMs === undefined
      ? log.append(added)
      : log.appendWithin(added, Math.max(0, writeWaitMs - (performance.now() - started)));
  const entries = await admit(body, entrance);
  metrics.admitted((performance.now() - started) / 1000);
  const logged = joinAppended(entries, await append(entries));
  const twins = await admitTwins(ports, body, entrance, logged);
  if (twins.length > 0) logged.push(...joinAppended(twins, await append(twins)));
  for (const { duplicate } of logged) metrics.entry(duplicate);
  return logged;
}

/** What became of a submission whose sender takes promises. */
export interface Settled {
  /** All are guarded at least. */
  readonly logged: readonly LoggedEntry[];
  /** For each of them its promise, or `undefined` where it is published. */
  readonly promises: readonly (string | undefined)[];
}

/** As {@link appendBody}, by the native interface: what is not published has a promise. */
export async function appendOrPromise(
  ports: HttpPorts,
  body: Uint8Array,
  wantsPromise: boolean,
  onAdmitted: (entries: readonly AdmittedEntry[]) => void,
): Promise<Settled> {
  const { admit, log, metrics, writeWaitMs } = ports;
  const started = performance.now();
  const elapsed = (): number => performance.now() - started;
  const entries = await admit(body, "native");
  metrics.admitted(elapsed() / 1000);
  onAdmitted(entries);
  const calls = [log.appendDurable(entries)];
  const logged = joinAppended(entries, (await calls[0]?.committed) ?? []);
  const twins = await admitTwins(ports, body, "native", logged);
  if (twins.length > 0) {
    const call = log.appendDurable(twins);
    calls.push(call);
    logged.push(...joinAppended(twins, await call.committed));
  }
  const left = writeWaitMs === undefined ? undefined : writeWaitMs - elapsed();
  await waitForHead(calls, wantsPromise, left);
  const promises = await promisesFor(ports, logged);
  for (const { duplicate } of logged) metrics.entry(duplicate);
  return { logged, promises };
}

/** T1. The twins that these entries need; mostly none. */
export async function admitTwins(
  { admit }: Pick<HttpPorts, "admit">,
  body: Uint8Array,
  entrance: Entrance,
  logged: readonly Appended[],
): Promise<readonly AdmittedEntry[]> {
  if (!logged.some(({ needsTwin }) => needsTwin)) return [];
  const twins = await admit(body, `${entrance} twins`);
  return twins.filter((_, i) => logged[i]?.needsTwin);
}

/** What was admitted beside where it went: arrays of one length, checked. */
export function joinAppended(
  entries: readonly AdmittedEntry[],
  appended: readonly Appended[],
): LoggedEntry[] {
  return entries.map((entry, i) => {
    const where = appended[i];
    if (where === undefined || appended.length !== entries.length)
      throw new LogError("INTERNAL", "The sequencer answered for another number of entries.");
    return { ...where, leaf: entry.leaf, leafHash: entry.leafHash, kind: entry.kind };
  });
}
