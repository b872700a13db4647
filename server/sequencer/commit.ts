/**
 * The one place where the log grows.
 *
 * A batch becomes part of the log in this order, and only in this order:
 *
 *     1  place     find what is new, and give indexes (batch.ts)
 *     2  stage     the guard takes room for a new head, at the same time
 *     3  sign      the new checkpoint, in memory only
 *     4  commit    leaves, contents, tiles and head, by compare-and-swap: the point of no return
 *     5  guard     the head is durable outside the store
 *     6  publish   the head is served, and waiting submitters hear their indexes; where there is
 *                  a policy, first witnesses are asked (publication.ts)
 *
 * Invariants. Tests carry the same numbers (`test/server/sequencer/`, `test/faults/`).
 *
 * - I1  One size, one root: no two signed heads of equal size and different root ever leave the
 *       process. Step 4 is the only writer of the head, and it compares; a head that step 4
 *       refused was seen by nobody.
 * - I2  No head without its tiles, entries and contents: step 4 writes all or nothing.
 * - I3  No receipt before durable *and* published: submitters hear nothing but errors until step
 *       6, except that `committed` (an index, no proof) resolves after step 4.
 * - I5  An unknown outcome stops the log: an error or a time-out of step 4 or 5 ends this object.
 *       It asks nothing of storage or guard any more; a new process reads the head afresh, with
 *       the code of the normal start (recover.ts).
 * - I6  The guard is behind what the world has seen by nothing: step 5 ends before step 6 begins.
 * - I7  Nothing here reads a clock: the same entries give the same bytes at any hour.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { parseCheckpoint } from "../../schema/tlog/checkpoint.ts";
import { parseNote } from "../../schema/tlog/note.ts";
import type { TreeHead } from "../../schema/tlog/proof.ts";
import type { Batch, CommitResult, StoredHead } from "../storage/storage.ts";
import { Leaves, type Plan } from "./batch.ts";
import { within } from "./deadline.ts";
import type { Edge, Growth } from "./edge.ts";
import { refuse, type Ticket } from "./pool.ts";
import type { GuardedHead, SequencerPorts } from "./ports.ts";

/** What is known about the log between two batches. */
export interface Position {
  readonly head: StoredHead;
  readonly edge: Edge;
}

export type Outcome =
  /** Committed and guarded; `growth` is missing where every entry was a duplicate. */
  | {
      readonly state: "done";
      readonly position: Position;
      readonly plan: Plan;
      readonly growth?: Growth;
    }
  /** Nothing was written. The next batch may fare better. */
  | { readonly state: "refused"; readonly reason: LogError }
  /** The log must stop. `reason` is also what the batch's submitters hear. */
  | { readonly state: "fatal"; readonly reason: LogError };

type CommitPorts = Pick<SequencerPorts, "storage" | "guard" | "signer" | "crypto" | "refuses">;

/** Steps 1 to 5. Step 6 is the caller's, in one go without waiting for anything. */
export async function commitBatch(
  ports: CommitPorts,
  deadline: number,
  { head, edge }: Position,
  tickets: readonly Ticket[],
): Promise<Outcome> {
  const { guard } = ports;
  let plan: Plan;
  let growth: Growth;
  let next: StoredHead;
  try {
    const staged = within(deadline, "the head guard", guard.stage());
    [plan] = await Promise.all([place(ports, deadline, head, tickets), staged]);
    for (const { ticket, reason } of plan.refused) refuse(ticket, reason);
    if (plan.entries.length === 0) return { state: "done", position: { head, edge }, plan };
    growth = edge.grow(plan.entries.map((entry) => entry.leafHash));
    const grown = growth.edge.head;
    next = { ...grown, epoch: head.epoch, checkpoint: await sign(ports, deadline, grown) };
  } catch (cause) {
    return beforeCommit(cause);
  }
  const result = await commit(ports, deadline, head, {
    entries: plan.entries,
    tiles: growth.tiles,
    size: next.size,
    root: next.root,
    checkpoint: next.checkpoint,
  });
  if (result.state !== "committed") return notCommitted(result);
  for (const { ticket, appended } of plan.placed) ticket.committed.resolve(appended);
  try {
    await within(deadline, "the head guard", guard.write(guarded(ports, next)));
  } catch (cause) {
    return fatal(unknown(`the head guard ${guard.place} is in doubt`, cause));
  }
  return { state: "done", position: { head: next, edge: growth.edge }, plan, growth };
}

/** The guard's content for a head of this store. */
export function guarded(
  { storage }: Pick<SequencerPorts, "storage">,
  { size, root, checkpoint }: StoredHead,
): GuardedHead {
  return { origin: storage.origin, databaseId: storage.databaseId, size, root, checkpoint };
}

async function place(
  { storage, crypto, refuses }: CommitPorts,
  deadline: number,
  head: StoredHead,
  tickets: readonly Ticket[],
): Promise<Plan> {
  const leaves = new Leaves(tickets);
  const { hashes } = leaves;
  const found = await within(deadline, "the storage", storage.findLeaves(hashes));
  if (found.length !== hashes.length)
    throw new LogError("INTERNAL", "the storage answered for another number of leaves");
  return leaves.place(crypto.sha256, storage.reader, head.size, found, refuses);
}

/** A checkpoint that says what was asked for. A signature is not checked here but at every start. */
async function sign(
  { signer }: CommitPorts,
  deadline: number,
  head: TreeHead,
): Promise<Uint8Array> {
  const checkpoint = await within(deadline, "the signer", signer.sign(head));
  if (!states(checkpoint, signer.origin, head))
    throw new LogError("INTERNAL", "the signer made a checkpoint of another head");
  return checkpoint;
}

/** Whether a signed note's text is the checkpoint of this head. */
export function states(note: Uint8Array, origin: string, head: TreeHead): boolean {
  const parsed = parseNote(note);
  const checkpoint = parsed.ok ? parseCheckpoint(parsed.value.text) : parsed;
  return (
    checkpoint.ok &&
    checkpoint.value.origin === origin &&
    checkpoint.value.size === head.size &&
    equal(checkpoint.value.root, head.root)
  );
}

async function commit(
  { storage }: CommitPorts,
  deadline: number,
  expected: StoredHead,
  batch: Batch,
): Promise<CommitResult> {
  try {
    return await within(deadline, "the storage", storage.commit(expected, batch));
  } catch (cause) {
    return { state: "unknown", cause };
  }
}

function notCommitted(result: Exclude<CommitResult, { readonly state: "committed" }>): Outcome {
  switch (result.state) {
    case "failed":
      return mayBeTriedAgain(result.error)
        ? { state: "refused", reason: result.error }
        : fatal(result.error);
    case "conflict":
      return fatal(
        new LogError("STORAGE_FAILED", "another process moved the head of this store", {
          field: "head",
          hint: `it is at size ${result.head.size}, epoch ${result.head.epoch}`,
        }),
      );
    case "unknown":
      return fatal(unknown("the storage did not say whether it committed", result.cause));
  }
}

/** Nothing was written. A port that refuses may do better; one that fails otherwise is not relied on. */
function beforeCommit(cause: unknown): Outcome {
  if (cause instanceof LogError)
    return mayBeTriedAgain(cause) ? { state: "refused", reason: cause } : fatal(cause);
  const message = cause instanceof Error ? cause.message : String(cause);
  return fatal(new LogError("STORAGE_FAILED", message, { cause }));
}

function mayBeTriedAgain(error: LogError): boolean {
  return error.code === "STORAGE_FULL" || error.code === "STORAGE_FAILED";
}

function fatal(reason: LogError): Outcome {
  return { state: "fatal", reason };
}

function unknown(message: string, cause: unknown): LogError {
  return new LogError("OUTCOME_UNKNOWN", message, {
    hint: "the log stops; on its next start it reads from disk what happened",
    cause,
  });
}
