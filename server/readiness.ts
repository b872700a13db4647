/**
 * What `/readyz` means: an entry that came now could be committed, guarded and signed, and what is
 * published was witnessed not too long ago.
 *
 * @module
 */
import { equal } from "../schema/bytes.ts";
import { LogError } from "../schema/error.ts";
import type { Generation } from "../schema/index/generation.ts";
import { BLIND_SPOT } from "./http/health.ts";
import type { Check } from "./http/ports.ts";
import type { IndexHandle } from "./index/handle.ts";
import { type HeldClock, timeText } from "./log-clock.ts";
import type { Sequencer } from "./sequencer/log.ts";
import type { HeadGuard } from "./sequencer/ports.ts";
import type { Storage } from "./storage/storage.ts";
import type { RunningWitnesses } from "./witnesses/running.ts";

export interface ReadinessParts {
  readonly sequencer: Pick<Sequencer, "published" | "recheck">;
  readonly storage: Pick<Storage, "checkRoom" | "freeBytes">;
  readonly guard: Pick<HeadGuard, "read" | "place">;
  readonly clock: Pick<HeldClock, "state">;
  /** Whether anything that signs times is switched on. */
  readonly signsTimes: boolean;
  /** Left out where there is no policy. */
  readonly witnesses?: Pick<RunningWitnesses, "check"> | undefined;
  /** The indexes that the log keeps, and who has to have executed each. */
  readonly indexes?: readonly {
    readonly generation: Pick<Generation, "number">;
    readonly handle: Pick<IndexHandle, "state">;
    readonly verifiers: Pick<RunningWitnesses, "check"> | undefined;
  }[];
}

/** An index that is this far behind is a failing check, unless it waits for its verifiers. */
const MAX_INDEX_LAG_MS = 60_000;

export function makeChecks(parts: ReadinessParts): () => Promise<readonly Check[]> {
  const { witnesses, indexes = [] } = parts;
  return async () => [
    await checked("sequencer", () => sequencerCheck(parts)),
    await checked("storage", () => storageCheck(parts)),
    await checked("guard", () => guardCheck(parts)),
    await checked("clock", async () => clockCheck(parts)),
    ...(witnesses === undefined ? [] : [{ name: "witnesses", ...witnesses.check() }]),
    ...indexes.flatMap(({ generation, handle, verifiers }) => {
      const name = indexCheckName(generation);
      return [
        { name, ...indexCheck(handle) },
        // Said, and no reason to take the log away: its verifiers have to read it.
        ...(verifiers === undefined
          ? []
          : [{ name: `${name} verifiers`, ok: true, detail: verifiers.check().detail }]),
      ];
    }),
  ];
}

/** Without a quorum nobody but the guard sees a rollback. */
export function notesOf(
  witnesses: RunningWitnesses | undefined,
  indexes: readonly { readonly verifiers: RunningWitnesses | undefined }[],
): readonly string[] {
  const verifiers = indexes.flatMap((one) => one.verifiers?.notes() ?? []);
  const notes = [...(witnesses?.notes() ?? []), ...new Set(verifiers)];
  return witnesses?.policy.quorum === undefined ? [...notes, BLIND_SPOT] : notes;
}

type Finding = Omit<Check, "name">;

async function sequencerCheck({ sequencer }: ReadinessParts): Promise<Finding> {
  const state = await sequencer.recheck();
  return "reason" in state
    ? { ok: false, detail: `${state.state}: ${state.reason.message}` }
    : { ok: state.state === "ready", detail: state.state };
}

async function storageCheck({ storage }: ReadinessParts): Promise<Finding> {
  const room = await storage.checkRoom();
  if (room !== undefined) return { ok: false, detail: room.message };
  const free = await storage.freeBytes();
  return { ok: true, detail: free === undefined ? "writable" : `writable, ${free} bytes free` };
}

/** The guard may be ahead between its writing and the publication, never behind. */
async function guardCheck({ guard, sequencer }: ReadinessParts): Promise<Finding> {
  const before = sequencer.published();
  const guarded = await guard.read();
  if (guarded === undefined) return { ok: false, detail: `${guard.place} is gone` };
  if (guarded.size < before.size)
    return {
      ok: false,
      detail: `the guard is at ${guarded.size}, the published head at ${before.size}`,
    };
  if (guarded.size === before.size && !equal(guarded.root, before.root))
    return { ok: false, detail: `the guard has another root for size ${guarded.size}` };
  return { ok: true, detail: `equal at ${guarded.size}` };
}

/** `index`, and of later ones `index v2`. */
function indexCheckName({ number }: Pick<Generation, "number">): string {
  return number === 1 ? "index" : `index v${number}`;
}

function indexCheck({ state: handle }: Pick<IndexHandle, "state">): Finding {
  // A large index opens for a while; the log is ready all the same.
  if (handle.state === "opening") return { ok: true, detail: "opening" };
  if (handle.state === "refused")
    return { ok: false, detail: `not started: ${handle.reason.message}` };
  const { state, leaves, size, lagEntries, lagMs, snapshotSize } = handle.index.service.status();
  const seconds = (lagMs / 1000).toFixed(1);
  const at =
    `${size} entries in ${leaves} leaves, ${lagEntries} behind for ${seconds} s; ` +
    `the map's snapshot ${size - snapshotSize} behind`;
  if (state.state === "ended") {
    const { end } = state;
    const over = `ended with ${end.leaves} leaves over ${end.entries} entries`;
    return { ok: true, detail: `${over} (entry ${end.statement}); ${end.successor} goes on` };
  }
  const trouble = state.state === "ready" ? "" : `${state.state}: ${state.reason.message}; `;
  return {
    ok: state.state === "waiting" || (state.state !== "stopped" && lagMs < MAX_INDEX_LAG_MS),
    detail: `${trouble}${at}`,
  };
}

/** What is left of a lease after a crash runs out by itself, and is no reason to be taken out. */
function clockCheck({ clock, signsTimes }: ReadinessParts): Finding {
  const found = clock.state();
  return found.state === "ready"
    ? { ok: true, detail: `would sign ${timeText(found.seconds)}` }
    : {
        ok: found.state === "waiting" || !signsTimes,
        detail: `no time is signed: ${found.reason.message}`,
      };
}

/** A check that cannot be made is a check that failed. */
async function checked(name: string, find: () => Promise<Finding>): Promise<Check> {
  try {
    return { name, ...(await find()) };
  } catch (error) {
    return { name, ok: false, detail: error instanceof LogError ? error.message : String(error) };
  }
}
