/**
 * Checks submissions in threads, so that the main thread has only HTTP and sequencing to do.
 *
 * Groups without a timer: a submission that finds a thread idle goes out at the end of this turn
 * of the event loop, with whatever else came in it; what arrives while all are busy is the next
 * group. So a message between threads costs little under load, and nobody waits without load.
 *
 * A thread that dies, or does not answer, takes its submissions with it: each is refused as
 * INTERNAL, nothing of them is logged, and the next group gets a new thread.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import { within } from "../sequencer/deadline.ts";
import { Thread, threadScript } from "../thread.ts";
import type { Check, CheckedEntry } from "./check.ts";
import {
  type Asked,
  type PackedGroup,
  type PackedOutcomes,
  packGroup,
  unpackOutcomes,
} from "./check-packing.ts";

/** Submissions, and about so many bytes, in one message. */
const GROUP = 32;
const GROUP_BYTES = 262_144;
/** Groups at one thread: while one is checked the next one is there already. */
const AHEAD = 2;
/** Milliseconds after which a thread counts as lost. A group takes some, a very large one seconds. */
const DEADLINE = 60_000;
/** Far above what one submission of the largest size needs. */
const LIMITS = { maxOldGenerationSizeMb: 256 };

export interface CheckPoolOptions {
  /** Started at once. */
  readonly threads: number;
  /** Another script than the one that checks, and another deadline: for tests. */
  readonly script?: URL;
  readonly deadline?: number;
}

interface Waiting extends Asked {
  readonly resolve: (entries: readonly CheckedEntry[]) => void;
  readonly reject: (reason: Error) => void;
}

interface Place {
  thread: Thread<PackedGroup, PackedOutcomes>;
  /** Groups it has not answered. */
  groups: number;
}

export class CheckPool {
  readonly #script: URL;
  readonly #deadline: number;
  readonly #places: Place[];
  #waiting: Waiting[] = [];
  #scheduled = false;
  #closed = false;

  constructor({ threads, script, deadline = DEADLINE }: CheckPoolOptions) {
    this.#script = script ?? threadScript("./check-worker", import.meta.url);
    this.#deadline = deadline;
    this.#places = Array.from({ length: threads }, () => ({ thread: this.#start(), groups: 0 }));
  }

  readonly check: Check = (untrusted, door = "native") =>
    new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(stopping());
        return;
      }
      this.#waiting.push({ untrusted, door, resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#dispatch();
      });
    });

  /** Ends the threads. Whatever was not answered is refused as STOPPING. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#waiting) reject(stopping());
    this.#waiting = [];
    await Promise.all(this.#places.map(({ thread }) => thread.end()));
  }

  #start(): Place["thread"] {
    return new Thread(this.#script, LIMITS);
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const [place] = this.#places.toSorted((a, b) => a.groups - b.groups);
      if (place === undefined || place.groups >= AHEAD) return;
      void this.#send(place, this.#take());
    }
  }

  /** The next group: at least one submission, and a fair part where there are more threads. */
  #take(): readonly Waiting[] {
    const limit = Math.min(GROUP, Math.ceil(this.#waiting.length / this.#places.length));
    let bytes = 0;
    let count = 0;
    while (count < limit && (count === 0 || bytes < GROUP_BYTES))
      bytes += this.#waiting[count++]?.untrusted.length ?? 0;
    return this.#waiting.splice(0, count);
  }

  async #send(place: Place, group: readonly Waiting[]): Promise<void> {
    if (place.thread.ended) place.thread = this.#start();
    const { thread } = place;
    place.groups++;
    try {
      const packed = packGroup(group);
      const moved = [packed.lengths.buffer, packed.doors.buffer, packed.data.buffer];
      const answer = await within(this.#deadline, "a checking thread", thread.ask(packed, moved));
      settle(group, answer);
    } catch (cause) {
      for (const { reject } of group) reject(this.#closed ? stopping() : lost(cause));
      void thread.end();
      if (!this.#closed && place.thread === thread) place.thread = this.#start();
    }
    place.groups--;
    this.#dispatch();
  }
}

function settle(group: readonly Waiting[], answer: PackedOutcomes): void {
  const outcomes = unpackOutcomes(answer);
  if (outcomes.length !== group.length)
    throw new Error("the checking thread answered for another number of submissions");
  for (const [i, { resolve, reject }] of group.entries()) {
    const outcome = outcomes[i];
    if (outcome === undefined) continue;
    if ("entries" in outcome) resolve(outcome.entries);
    else reject(outcome.error);
  }
}

function lost(cause: unknown): LogError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LogError("INTERNAL", `The check of this submission broke off: ${why}`, {
    hint: "nothing was logged; submit it again",
    cause,
  });
}

function stopping(): LogError {
  return new LogError("STOPPING", "The log is shutting down; nothing was logged.", {
    hint: "submit it again when the log is back",
  });
}
