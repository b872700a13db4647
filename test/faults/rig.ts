/**
 * A log whose every port call can be made to fail in a chosen way, on ports that outlive it.
 *
 * A fault is a call (`storage.commit`, its n-th time) and a mode:
 *
 * - `refused`     the call answers with an error and did nothing
 * - `unanswered`  the call did its work, and the answer is an error
 * - `slow`        the call does its work, and answers after the deadline
 *
 * A killed process is another file (kill-child.ts): there the fault is SIGKILL.
 */
import { vi } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { equal, toHex } from "../../schema/bytes.ts";
import type { LogError } from "../../schema/error.ts";
import { parseCheckpoint } from "../../schema/tlog/checkpoint.ts";
import { parseNote } from "../../schema/tlog/note.ts";
import { verifyConsistency, verifyInclusion } from "../../schema/tlog/proof.ts";
import { formatGuard, MemoryGuard, MemoryGuardFile } from "../../server/sequencer/guard.ts";
import { FileGuard } from "../../server/sequencer/guard-file.ts";
import { Sequencer } from "../../server/sequencer/log.ts";
import type {
  Appended,
  CheckpointSigner,
  HeadGuard,
  PublishedHead,
  SequencerPorts,
} from "../../server/sequencer/ports.ts";
import { MemoryDisk, MemoryStorage } from "../../server/storage/memory/memory.ts";
import { SqliteStorage } from "../../server/storage/sqlite/sqlite.ts";
import type { NewEntry, Storage } from "../../server/storage/storage.ts";
import {
  DATABASE_ID,
  GENESIS,
  newGuardHead,
  newPlace,
  ORIGIN,
  SIGNER,
  sha256,
} from "../server/fixture.ts";
import { nextTurn } from "../until.ts";

export const CALLS = [
  "storage.findLeaves",
  "guard.stage",
  "signer.sign",
  "storage.commit",
  "guard.write",
] as const;
export type Call = (typeof CALLS)[number];
export const MODES = ["refused", "unanswered", "slow"] as const;
export type Mode = (typeof MODES)[number];

export interface Fault {
  readonly call: Call;
  readonly mode: Mode;
  /** Which time it is called after the fault was set: 0 is the next one. */
  skip: number;
}

/** No machine meets it by itself; what is slow meets it by a clock of its own. */
export const DEADLINE = 60_000;

/** Ports that outlive a process. `open` is a new process's hold on them. */
export interface World {
  open(): Promise<{ storage: Storage; guard: HeadGuard }>;
  /** The process is gone, whatever it held. */
  abandon(storage: Storage, guard: HeadGuard): Promise<void>;
}

export async function memoryWorld(): Promise<World & { disk: MemoryDisk; file: MemoryGuardFile }> {
  const disk = new MemoryDisk(sha256, ORIGIN, DATABASE_ID);
  const file = new MemoryGuardFile();
  file.bytes = formatGuard(newGuardHead());
  return {
    disk,
    file,
    open: async () => ({
      storage: await MemoryStorage.open(disk, sha256),
      guard: await MemoryGuard.open(file),
    }),
    abandon: async () => {
      disk.release();
      file.held = false;
    },
  };
}

export async function sqliteWorld(): Promise<World> {
  const place = await newPlace();
  return {
    open: async () => ({
      storage: await SqliteStorage.open(place.folder),
      guard: await FileGuard.open(place.guard),
    }),
    abandon: async (storage, guard) => {
      await guard.close();
      await storage.close();
    },
  };
}

/** Everything that ever left the log, over all its processes: what must never be contradicted. */
export class Witness {
  readonly acknowledged = new Map<string, { index: number; entry: NewEntry }>();
  readonly roots = new Map<number, string>();
  readonly heads: PublishedHead[] = [];
  #last: PublishedHead | undefined;

  sees(head: PublishedHead): void {
    if (head === this.#last) return;
    this.#last = head;
    const root = toHex(head.root);
    const before = this.roots.get(head.size);
    if (before !== undefined && before !== root)
      throw new Error(`I1 is broken: two roots of size ${head.size}`);
    this.roots.set(head.size, root);
    this.heads.push(head);
  }

  hears(entries: readonly NewEntry[], appended: readonly Appended[]): void {
    for (const [i, entry] of entries.entries()) {
      const index = appended[i]?.index;
      const key = toHex(entry.leafHash);
      const before = this.acknowledged.get(key);
      if (index === undefined || (before !== undefined && before.index !== index))
        throw new Error(`I8 is broken: ${before?.index} and ${index} for one leaf`);
      for (const other of this.acknowledged.values())
        if (other.index === index && !equal(other.entry.leafHash, entry.leafHash))
          throw new Error(`index ${index} was given twice`);
      this.acknowledged.set(key, { index, entry });
    }
  }

  /** Every acknowledged entry is where it was said to be, and all heads are one history. */
  check(log: Sequencer, storage: Storage): void {
    const head = log.published();
    this.sees(head);
    for (const { index, entry } of this.acknowledged.values()) {
      const [leaf] = storage.reader.leaves(index, index + 1);
      if (leaf === undefined || !equal(leaf, entry.leaf)) throw new Error(`entry ${index} is lost`);
      const proof = log.inclusion(index, head, entry.leafHash);
      if (!verifyInclusion(sha256, head, index, entry.leafHash, proof))
        throw new Error(`the receipt of entry ${index} does not verify`);
      const [content] = storage.reader.contents(index, index + 1);
      if (entry.content !== undefined && content?.state !== "held")
        throw new Error(`the content of entry ${index} is lost`);
    }
    for (const older of this.heads) {
      if (older.size > head.size) throw new Error(`I6 is broken: the log went back`);
      const proof = log.consistency(older.size, head.size);
      if (!verifyConsistency(sha256, older, head, proof))
        throw new Error(`the head of ${older.size} is not a prefix of that of ${head.size}`);
      stated(older);
    }
  }
}

/** A published head is what its own note says. */
function stated(head: PublishedHead): void {
  if (head.size === 0) return;
  const note = parseNote(head.checkpoint);
  const checkpoint = note.ok ? parseCheckpoint(note.value.text) : note;
  if (!checkpoint.ok || checkpoint.value.size !== head.size)
    throw new Error("a head is published with the note of another one");
}

export interface Process {
  readonly log: Sequencer;
  readonly storage: Storage;
  readonly fatal: LogError[];
  /** Set before a batch; used once. */
  fault: Fault | undefined;
  /** How often each call was made. */
  readonly calls: Map<Call, number>;
  end(): Promise<void>;
}

/** One process of the log, with faults to be set. */
export async function start(
  world: World,
  more: Partial<SequencerPorts> = {},
  fault?: Fault,
): Promise<Process> {
  const { storage, guard } = await world.open();
  const calls = new Map<Call, number>();
  const state = { fault };
  const slow: Promise<unknown>[] = [];
  const through = async <T>(call: Call, work: () => Promise<T>): Promise<T> => {
    calls.set(call, (calls.get(call) ?? 0) + 1);
    const { fault } = state;
    if (fault?.call !== call || fault.skip-- > 0) return work();
    state.fault = undefined;
    if (fault.mode === "refused") throw new Error(`injected: ${call} refused`);
    if (fault.mode === "unanswered") {
      await work();
      throw new Error(`injected: ${call} gave no answer`);
    }
    const late = pastDeadline().then(work);
    slow.push(late.catch(() => undefined));
    return late;
  };
  const fatal: LogError[] = [];
  const signer: CheckpointSigner = {
    ...SIGNER,
    sign: (head) => through("signer.sign", () => SIGNER.sign(head)),
  };
  try {
    const log = await Sequencer.open({
      storage: wrapStorage(storage, through),
      guard: wrapGuard(guard, through),
      signer,
      crypto: nodeCrypto,
      clock: () => 0,
      onFatal: (reason) => void fatal.push(reason),
      genesis: GENESIS,
      ...more,
    });
    return {
      log,
      storage,
      fatal,
      calls,
      get fault() {
        return state.fault;
      },
      set fault(fault) {
        state.fault = fault;
      },
      end: async () => {
        await log.close();
        await Promise.all(slow);
        if (log.state().state === "stopped") await world.abandon(storage, guard);
      },
    };
  } catch (error) {
    await Promise.all(slow);
    await world.abandon(storage, guard);
    throw error;
  }
}

/** Until the log has given up the call that it is about to wait for. */
async function pastDeadline(): Promise<void> {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    await nextTurn();
    vi.advanceTimersByTime(DEADLINE);
  } finally {
    vi.useRealTimers();
  }
  await nextTurn();
}

type Through = <T>(call: Call, work: () => Promise<T>) => Promise<T>;

function wrapStorage(storage: Storage, through: Through): Storage {
  return {
    databaseId: storage.databaseId,
    origin: storage.origin,
    place: storage.place,
    reader: storage.reader,
    readHead: () => storage.readHead(),
    findLeaves: (hashes) => through("storage.findLeaves", () => storage.findLeaves(hashes)),
    commit: (expected, batch) => through("storage.commit", () => storage.commit(expected, batch)),
    erase: (erasures, upTo) => storage.erase(erasures, upTo),
    erased: () => storage.erased(),
    checkRoom: () => storage.checkRoom(),
    freeBytes: () => storage.freeBytes(),
    close: () => storage.close(),
  };
}

function wrapGuard(guard: HeadGuard, through: Through): HeadGuard {
  return {
    place: guard.place,
    read: () => guard.read(),
    stage: () => through("guard.stage", () => guard.stage()),
    write: (head) => through("guard.write", () => guard.write(head)),
    close: () => guard.close(),
  };
}
