/**
 * What a witness has cosigned, kept so that it can never say otherwise.
 *
 * - W1  A witness never cosigns two roots for one size of a log, and never a smaller size than it has
 *       cosigned before: the new head replaces exactly the one it was checked against, durably, in
 *       one transaction, before a signature over it exists.
 *
 * The comparison and the replacement are one statement (`WHERE size = ? AND root = ?`); whoever
 * lost a race has changed nothing and is told so. Triggers in the database refuse what would break
 * W1 by any other way. An error of COMMIT, or of anything whose effect is in doubt, breaks this
 * object for good (I5): it touches the disk no more, and the process must end. The next one
 * reads what is there, and writes that to the database file before it signs anything.
 *
 * A lock is held for life. A copy of the folder is another witness with the same keys, which nothing
 * here can see: docs/operate.md says what must never be restored.
 *
 * @module
 */
import Database from "better-sqlite3";
import { LogError } from "../../schema/error.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import type { TreeHead } from "../../schema/tlog/proof.ts";
import { type Lock, takeLock } from "../lock.ts";
import { asLogError } from "../storage/sqlite/inspect.ts";
import { Room } from "../storage/sqlite/room.ts";
import { WriteAhead } from "../storage/sqlite/write-ahead.ts";
import { PRAGMAS } from "../storage/sqlite/writer.ts";
import {
  type ExecutedRow,
  executedDigest,
  type HeadRow,
  headDigest,
  type InspectedState,
  inspectState,
  mustExist,
  originId,
  type Role,
  stateFiles,
  toExecuted,
  toHead,
  type WitnessedHead,
} from "./state-file.ts";

/** One step of one log: from the head it was checked against to the one to be cosigned. */
export interface Step {
  readonly origin: string;
  /** `undefined` where nothing of this log was ever cosigned. */
  readonly from: TreeHead | undefined;
  readonly to: TreeHead;
  readonly note: Uint8Array;
  /** What an index verifier has executed up to `to`; a witness has none. */
  readonly executed?: Uint8Array;
}

export type StepsResult =
  /** Durable. A step that lost a race is `undefined`, and changed nothing. */
  | { readonly state: "committed"; readonly heads: readonly (WitnessedHead | undefined)[] }
  /** Refused before the point of no return; nothing was written. */
  | { readonly state: "failed"; readonly error: LogError }
  /** Nobody knows. The process must end (I5). */
  | { readonly state: "unknown"; readonly cause: unknown };

/** Pages that one step may touch, besides those of its note: row, index, and their splits. */
const PAGES_PER_STEP = 8;
const PAGE_BYTES = 4_096;
/** What must fit for the witness to be called ready: a step whose checkpoint has long lines. */
const READY_BYTES = 131_072;

export class WitnessState {
  /** The keys whose state this is, and what their signatures mean. */
  readonly vkeys: readonly string[];
  readonly role: Role;
  readonly #folder: string;
  readonly #database: Database.Database;
  readonly #lock: Lock;
  readonly #wal: WriteAhead;
  readonly #room: Room;
  readonly #sql: Statements;
  #newestTime: number;
  #broken: unknown;

  /**
   * Takes the state for this process. Throws `STORE_MISSING`, `STORE_LOCKED`, `STORE_NEWER` or
   * `STORE_CORRUPT`; then nothing of it was changed.
   */
  static open(folder: string): WitnessState {
    const files = stateFiles(folder);
    mustExist(files.database);
    const lock = takeLock(files.lock, `the witness in ${folder}`);
    try {
      return new WitnessState(folder, lock, inspectState(folder));
    } catch (error) {
      lock.release();
      throw asLogError(error, files.database);
    }
  }

  private constructor(folder: string, lock: Lock, { role, vkeys, newestTime }: InspectedState) {
    const files = stateFiles(folder);
    this.vkeys = vkeys;
    this.role = role;
    this.#folder = folder;
    this.#lock = lock;
    this.#newestTime = newestTime;
    this.#database = new Database(files.database, { fileMustExist: true });
    for (const pragma of PRAGMAS) this.#database.pragma(pragma);
    this.#sql = prepare(this.#database, role);
    settle(this.#database);
    this.#wal = new WriteAhead(this.#database);
    this.#wal.open(() => undefined);
    this.#room = new Room(folder, files, PAGE_BYTES);
  }

  /** No cosignature of this state has a later time. */
  get newestTime(): number {
    return this.#newestTime;
  }

  /** By SHA-256 of the origin. */
  head(id: Uint8Array): WitnessedHead | undefined {
    this.#mustBeWhole();
    try {
      const row = this.#sql.head.get(id);
      return row === undefined ? undefined : toHead(row);
    } catch (error) {
      throw asLogError(error, this.#folder);
    }
  }

  /** What was executed up to the head of this log, by SHA-256 of its origin. */
  executed(id: Uint8Array): Uint8Array | undefined {
    this.#mustBeWhole();
    try {
      const row = this.#sql.executed?.get(id);
      return row === undefined ? undefined : toExecuted(id, row);
    } catch (error) {
      throw asLogError(error, this.#folder);
    }
  }

  /** Logs of which something was cosigned. */
  count(): number {
    this.#mustBeWhole();
    return this.#sql.count.get()?.count ?? 0;
  }

  /** Why nothing could be written now. */
  checkRoom(): LogError | undefined {
    this.#mustBeWhole();
    return this.#room.checkBytes(READY_BYTES);
  }

  /** Takes every step whose log still stands where the step begins. `time` stands in the cosignatures. */
  advance(steps: readonly Step[], time: number): StepsResult {
    if (this.#broken !== undefined) return { state: "unknown", cause: this.#broken };
    const noRoom = this.#room.checkBytes(bytesOf(steps));
    if (noRoom !== undefined) return { state: "failed", error: noRoom };
    const heads: (WitnessedHead | undefined)[] = [];
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      for (const step of steps) heads.push(this.#take(step, time));
      this.#wal.beforeCommit();
    } catch (error) {
      return this.#undo(error);
    }
    try {
      this.#database.exec("COMMIT");
      this.#newestTime = Math.max(this.#newestTime, time);
      this.#wal.afterCommit();
    } catch (error) {
      return this.#break(error);
    }
    return { state: "committed", heads };
  }

  close(): void {
    // After an unknown outcome the files are left as they are; the system takes the lock back.
    if (this.#broken !== undefined) return;
    this.#wal.close();
    this.#room.close();
    this.#database.close();
    this.#lock.release();
  }

  /** The only place where a head moves (W1). */
  #take({ origin, from, to, note, executed }: Step, time: number): WitnessedHead | undefined {
    if ((executed === undefined) !== (this.role === "witness"))
      throw new LogError("INTERNAL", `a step of another kind than those of this ${this.role}`);
    const head: WitnessedHead = { origin, size: to.size, root: to.root, time, note };
    const { size, root } = to;
    const digest = headDigest(head);
    const id = originId(origin);
    const { changes } =
      from === undefined
        ? this.#sql.begin.run(id, origin, size, root, time, note, digest)
        : this.#sql.move.run(size, root, time, note, digest, id, from.size, from.root);
    if (changes !== 1) return undefined;
    if (executed !== undefined) this.#sql.execute?.run(id, executed, executedDigest(id, executed));
    return head;
  }

  /** Something failed before COMMIT: with nothing written, a rollback leaves no doubt. */
  #undo(error: unknown): StepsResult {
    try {
      if (this.#database.inTransaction) this.#database.exec("ROLLBACK");
    } catch (second) {
      return this.#break(second);
    }
    if (error instanceof LogError) return { state: "failed", error };
    const code = error instanceof Database.SqliteError ? error.code : "";
    if (code.startsWith("SQLITE_CONSTRAINT"))
      return failed("INTERNAL", "the state refused a step that would break W1", error);
    if (code === "SQLITE_FULL") return failed("STORAGE_FULL", "the state cannot grow", error);
    if (code.startsWith("SQLITE_BUSY"))
      return failed("STORAGE_FAILED", "another program writes to the state", error);
    return this.#break(error);
  }

  #break(cause: unknown): StepsResult {
    this.#broken = cause;
    return { state: "unknown", cause };
  }

  #mustBeWhole(): void {
    if (this.#broken === undefined) return;
    throw new LogError("OUTCOME_UNKNOWN", "the state is not touched after an unknown outcome", {
      cause: this.#broken,
    });
  }
}

/**
 * Puts into the database file, and syncs, whatever is read through the write-ahead file. Frames whose
 * fsync failed once are read back from memory as if they were on the disk; nothing may be signed by
 * them before they are.
 */
function settle(database: Database.Database): void {
  const row = database
    .prepare<[], { readonly busy: number; readonly log: number; readonly checkpointed: number }>(
      "PRAGMA wal_checkpoint(TRUNCATE)",
    )
    .get();
  if (row?.busy === 0 && row.log === row.checkpointed) return;
  throw new LogError("STORAGE_FAILED", "another program holds the state open", {
    hint: "stop it, and start the witness again",
  });
}

/** No transaction of these steps writes more bytes than this. */
function bytesOf(steps: readonly Step[]): number {
  return steps.reduce(
    (sum, { note, executed }) =>
      sum + PAGES_PER_STEP * PAGE_BYTES + 2 * (note.length + (executed?.length ?? 0)),
    PAGES_PER_STEP * PAGE_BYTES,
  );
}

type Bound = Uint8Array | string | number;

interface Statements {
  readonly head: Database.Statement<[Uint8Array], HeadRow>;
  readonly count: Database.Statement<[], { readonly count: number }>;
  readonly begin: Database.Statement<Bound[]>;
  readonly move: Database.Statement<[number, Hash, number, ...Bound[]]>;
  /** Of an index verifier. */
  readonly executed?: Database.Statement<[Uint8Array], ExecutedRow>;
  readonly execute?: Database.Statement<Uint8Array[]>;
}

function prepare(database: Database.Database, role: Role): Statements {
  const ofVerifier =
    role === "witness"
      ? {}
      : {
          executed: database.prepare<[Uint8Array], ExecutedRow>(
            "SELECT state, digest FROM executed WHERE id = ?",
          ),
          execute: database.prepare<Uint8Array[]>(
            "INSERT OR REPLACE INTO executed (id, state, digest) VALUES (?, ?, ?)",
          ),
        };
  return {
    ...ofVerifier,
    head: database.prepare("SELECT origin, size, root, time, note, digest FROM head WHERE id = ?"),
    count: database.prepare("SELECT count(*) AS count FROM head"),
    begin: database.prepare(
      "INSERT INTO head (id, origin, size, root, time, note, digest) VALUES (?, ?, ?, ?, ?, ?, ?) " +
        "ON CONFLICT DO NOTHING",
    ),
    move: database.prepare(
      "UPDATE head SET size = ?, root = ?, time = ?, note = ?, digest = ? " +
        "WHERE id = ? AND size = ? AND root = ?",
    ),
  };
}

function failed(
  code: "INTERNAL" | "STORAGE_FULL" | "STORAGE_FAILED",
  message: string,
  cause: unknown,
): StepsResult {
  return { state: "failed", error: new LogError(code, message, { cause }) };
}
