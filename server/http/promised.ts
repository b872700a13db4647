/**
 * What an entry that is durable and not published is answered with: the log's promise.
 *
 * A promise is given when its sender asks for it (`Prefer: respond-async`, RFC 7240), and where the
 * witnesses are late. Where none can be given (the clock refuses, the file cannot be written) the
 * answer is `NOT_WITNESSED`, and the entry keeps its index all the same.
 *
 * Spec: docs/formats.md §HTTP.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { type ErrorCode, LogError } from "../../schema/error.ts";
import { RESPOND_ASYNC } from "../../schema/http/paths.ts";
import type { PromisedEntry } from "../promises/promises.ts";
import type { Submission } from "../sequencer/ports.ts";
import { notWitnessed } from "../sequencer/publication.ts";
import type { HttpPorts } from "./ports.ts";

/** Why a log that is well may have no promise to give now. */
const NO_PROMISE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "CLOCK_REFUSED",
  "OVERLOADED",
  "STOPPING",
  "STORAGE_FAILED",
  "STORAGE_FULL",
]);

/** Whether a promise is welcome at once. Unknown preferences are none (RFC 7240 §2). */
export function prefersPromise(req: IncomingMessage): boolean {
  const { prefer } = req.headers;
  const list = typeof prefer === "string" ? prefer.split(",") : (prefer ?? []);
  return list.some((one) => one.split(";")[0]?.trim().toLowerCase() === RESPOND_ASYNC);
}

/**
 * Waits until the entries of some calls are published: as long as a write may take, or where a
 * promise is welcome only until they are guarded. Then they are guarded at least.
 */
export async function waitForHead(
  calls: readonly Submission[],
  wantsPromise: boolean,
  milliseconds: number | undefined,
): Promise<void> {
  try {
    if (!wantsPromise && (await isPublished(calls, milliseconds))) return;
    await Promise.all(calls.map(({ guarded }) => guarded));
  } finally {
    for (const { leave } of calls) leave();
  }
}

async function isPublished(
  calls: readonly Submission[],
  milliseconds: number | undefined,
): Promise<boolean> {
  const published = Promise.all(calls.map((call) => call.published)).then(() => true);
  if (milliseconds === undefined) return published;
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), Math.max(0, milliseconds));
  return Promise.race([published, late.promise]).finally(() => clearTimeout(timer));
}

/**
 * For each entry its promise, or `undefined` where it is published by now. All are guarded.
 *
 * @throws LogError NOT_WITNESSED where there is neither a proof nor a promise
 */
export async function promisesFor(
  { log, logger, metrics, promises }: Pick<HttpPorts, "log" | "logger" | "metrics" | "promises">,
  entries: readonly PromisedEntry[],
): Promise<readonly (string | undefined)[]> {
  const { size } = log.published();
  const late = entries.filter(({ index }) => index >= size);
  const [first] = late;
  if (first === undefined) return entries.map(() => undefined);
  if (promises === undefined) throw notWitnessed(first.index);
  let notes: readonly (Uint8Array | undefined)[];
  try {
    notes = await promises.give(late);
  } catch (error) {
    if (!(error instanceof LogError) || !NO_PROMISE.has(error.code)) throw error;
    logger.warn({ code: error.code, err: error }, "no promise could be given");
    throw notWitnessed(first.index);
  }
  metrics.promised(notes.filter((note) => note !== undefined).length);
  const given = new Map(late.map(({ index }, i) => [index, notes[i]]));
  return entries.map(({ index }) => {
    const note = given.get(index);
    if (note !== undefined) return Buffer.from(note).toString("utf8");
    if (index < log.published().size) return undefined;
    throw notWitnessed(index);
  });
}
